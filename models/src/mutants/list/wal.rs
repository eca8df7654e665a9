//! Mutants of the write-ahead log.

use crate::mutants::Mutant;
use crate::mutants::Site::{Expression, Statements};

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "spin-publish-relaxed",
        file: "sync/loom.rs",
        site: Expression,
        find: "self.word.store(value, Ordering::Release)",
        replace: "self.word.store(value, Ordering::Relaxed)",
        models: &["wal_insert"],
        reason: "a link is seen before the bytes that it publishes (W2)",
    },
    Mutant {
        name: "flush-room-after-position",
        file: "wal/flush.rs",
        site: Statements,
        find: "writer.reader.release();
        // Release: pairs with the Acquire in written.
        self.written.store(end.0, Ordering::Release);",
        replace: "self.written.store(end.0, Ordering::Release);
        writer.reader.release();",
        models: &["wal_room"],
        reason: "who waits for room is told of it before it is there, and spins",
    },
    Mutant {
        name: "flush-acknowledged-when-written",
        file: "wal/flush.rs",
        site: Statements,
        find: "if self.flushed() >= lsn {
            return Ok(());
        }",
        replace: "if self.written() >= lsn {
            return Ok(());
        }",
        models: &["group_flush"],
        reason: "a commit is acknowledged at the written position (W9)",
    },
    Mutant {
        name: "flush-position-before-sync",
        file: "wal/flush.rs",
        site: Statements,
        find: "file.sync_data()
            .map_err(|error| self.poison.poison(\"sync\", &segment_path(*number), &error))?;
        // Release: pairs with the Acquire in flushed.
        self.flushed.store(written.0, Ordering::Release);",
        replace: "self.flushed.store(written.0, Ordering::Release);
        file.sync_data()
            .map_err(|error| self.poison.poison(\"sync\", &segment_path(*number), &error))?;",
        models: &["group_flush"],
        reason: "somebody else finds his record flushed before the sync (W5)",
    },
    Mutant {
        name: "flush-position-of-the-inserted",
        file: "wal/flush.rs",
        site: Statements,
        find: "file.sync_data()
            .map_err(|error| self.poison.poison(\"sync\", &segment_path(*number), &error))?;
        // Release: pairs with the Acquire in flushed.
        self.flushed.store(written.0, Ordering::Release);",
        replace: "file.sync_data()
            .map_err(|error| self.poison.poison(\"sync\", &segment_path(*number), &error))?;
        self.flushed.store(self.ring.inserted().0, Ordering::Release);",
        models: &["group_flush"],
        reason: "flushed passes what is written (W1, W5)",
    },
    Mutant {
        name: "insert-epoch-not-compared",
        file: "wal/insert.rs",
        site: Expression,
        find: "reservation.epoch() != epoch",
        replace: "false",
        models: &["redo_image"],
        reason: "a record assembled by the old redo point lands behind the new one (W11)",
    },
    Mutant {
        name: "ring-redo-after-its-epoch",
        file: "wal/ring.rs",
        site: Statements,
        find: "store(redo);",
        replace: "if epoch.0 > 0 { store(redo); }",
        models: &["redo_image"],
        reason: "who sees the new epoch sees the old redo point (W11)",
    },
    Mutant {
        name: "ring-publish-before-copy",
        file: "wal/ring.rs",
        site: Statements,
        find: "assert!(end <= self.ring.room(), \"no room in the ring\");",
        replace: "self.ring.link(self.next).publish(end);",
        models: &["wal_insert"],
        reason: "bytes are published before they are copied (W2, W3)",
    },
    Mutant {
        name: "ring-reserve-relaxed",
        file: "wal/ring.rs",
        site: Expression,
        find: "self.reserved.fetch_add(bytes / RECORD_ALIGNMENT, Ordering::Release)",
        replace: "self.reserved.fetch_add(bytes / RECORD_ALIGNMENT, Ordering::Relaxed)",
        models: &["mark_flush"],
        reason: "the redo point is after the record, the DIRTY flag not seen yet (C1)",
    },
];
