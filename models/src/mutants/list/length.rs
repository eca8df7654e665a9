//! Mutants of extension and cut.

use crate::mutants::Mutant;
use crate::mutants::Site::{Expression, Statements};

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "cut-outside-without-the-lock",
        file: "buffer/cut.rs",
        site: Statements,
        find: "pin.write().put_outside();",
        replace: "pin.frame().header.put_outside();",
        models: &["truncate_commit"],
        reason: "an operation that has the page commits after the cut: recovery finds no such page",
    },
    Mutant {
        name: "cut-outside-before-it-is-read",
        file: "buffer/cut.rs",
        site: Statements,
        find: "// Who has just read the page in may still have to say so; only then it is a page.
            pin.frame().wait_for_io();",
        replace: "",
        models: &["truncate_commit"],
        reason: "who reads the page in makes it valid afterwards, and inside",
    },
    Mutant {
        name: "flush-of-a-page-cut-off",
        file: "buffer/flush.rs",
        site: Expression,
        find: "word.is_outside() && file.has_lost(page.block())",
        replace: "false",
        models: &["truncate_flush"],
        reason: "a page that was cut off is written behind the end of its file (S8)",
    },
    Mutant {
        name: "pool-outside-unnoticed",
        file: "buffer/pool.rs",
        site: Expression,
        find: "frame.header.snapshot().is_outside()",
        replace: "false",
        models: &["truncate_commit"],
        reason: "a page that was cut off is used",
    },
    Mutant {
        name: "cut-past-a-reader",
        file: "files/file.rs",
        site: Statements,
        find: "drop(self.reading.write());",
        replace: "",
        models: &["truncate_commit"],
        reason: "who has seen the old length brings the page in after the pool was looked through",
    },
    Mutant {
        name: "extend-length-before-the-page",
        file: "length.rs",
        site: Expression,
        find: "Operation::new(parts.pool, parts.wal)",
        replace: "{
            file.grow_to(end);
            Operation::new(parts.pool, parts.wal)
        }",
        models: &["extend_read"],
        reason: "who sees the new length finds no page, in the pool or on disk (E6)",
    },
    Mutant {
        name: "cut-not-waiting-for-writes",
        file: "length.rs",
        site: Statements,
        find: "self.pool.wait_for_writes(self.file.id(), &self.blocks);",
        replace: "",
        models: &["truncate_flush", "drop_flush"],
        reason: "a write that had begun makes the file longer again, or its segment anew (S8)",
    },
    Mutant {
        name: "truncate-keeps-no-redo-point-away",
        file: "length.rs",
        site: Statements,
        find: "record.put(&blocks.to_le_bytes());",
        replace: "drop(_no_redo_point); record.put(&blocks.to_le_bytes());",
        models: &["truncate_redo"],
        reason: "the checkpoint syncs the uncut file, and the record is not read again (R2)",
    },
    Mutant {
        name: "drop-keeps-no-redo-point-away",
        file: "length.rs",
        site: Statements,
        find: "log(parts, &mut record)?;
    parts.files.forget(&file);",
        replace: "drop(_no_redo_point); log(parts, &mut record)?; parts.files.forget(&file);",
        models: &["drop_redo"],
        reason: "the checkpoint leaves the segments, and the record is not read again (R2)",
    },
    Mutant {
        name: "extend-without-the-length",
        file: "length.rs",
        site: Statements,
        find: "parts.files.find_space(&file, first..last)?;",
        replace: "drop(_length); parts.files.find_space(&file, first..last)?;",
        models: &["lengths", "truncate_extend"],
        reason: "a cut comes between the look at the end of the file and the new pages there (S8)",
    },
    Mutant {
        name: "truncate-without-the-length",
        file: "length.rs",
        site: Expression,
        find: "Cut::begin(parts.pool, &file, blocks..old)",
        replace: "{
            drop(_length);
            Cut::begin(parts.pool, &file, blocks..old)
        }",
        models: &["truncate_extend"],
        reason: "new pages are cut off that came in behind the look at the end of the file (S8)",
    },
    Mutant {
        name: "drop-without-the-length",
        file: "length.rs",
        site: Expression,
        find: "Cut::begin(parts.pool, &file, 0..file.blocks())",
        replace: "{
            drop(_length);
            Cut::begin(parts.pool, &file, 0..file.blocks())
        }",
        models: &["drop_twice"],
        reason: "a file is dropped twice, and there are two records of it (S8)",
    },
];
