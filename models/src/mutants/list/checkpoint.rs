//! Mutants of checkpoints: requests, delays, combined writes, method 1.

use crate::mutants::Mutant;
use crate::mutants::Site::{Expression, Statements};

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "list-behind-the-redo-point",
        file: "checkpoint/record.rs",
        site: Expression,
        find: "(parts.files.to_be_listed(), parts.wal.fix_redo())",
        replace: "{
            let redo = parts.wal.fix_redo();
            (parts.files.to_be_listed(), redo)
        }",
        models: &["extend_redo"],
        reason: "a block whose record is behind the redo point would be missed (R12)",
    },
    Mutant {
        name: "list-before-the-delays-end",
        file: "checkpoint/record.rs",
        site: Expression,
        find: "parts.delays.between(list_and_fix)",
        replace: "(list_and_fix().0, parts.delays.between(list_and_fix).1)",
        models: &["truncate_redo", "drop_redo"],
        reason: "what was cut off or dropped meanwhile would be missed (R12)",
    },
    Mutant {
        name: "request-met-by-the-running-one",
        file: "checkpoint/request.rs",
        site: Expression,
        find: "state.started + 1",
        replace: "state.ended + 1",
        models: &["checkpoint_requests"],
        reason: "its redo point lies before what was to be checkpointed",
    },
    Mutant {
        name: "request-not-merged",
        file: "checkpoint/request.rs",
        site: Statements,
        find: "state.wanted = Some(state.wanted.map_or(request, |wanted| wanted | request));",
        replace: "state.wanted = Some(request);",
        models: &["checkpoint_requests"],
        reason: "who asked first gets less than he wished for",
    },
    Mutant {
        name: "request-end-not-told",
        file: "checkpoint/request.rs",
        site: Statements,
        find: "self.requests.ended.notify_all();",
        replace: "",
        models: &["checkpoint_requests"],
        reason: "who waits for the end sleeps for ever",
    },
    Mutant {
        name: "request-two-at-a-time",
        file: "checkpoint/request.rs",
        site: Expression,
        find: "state.started > state.ended",
        replace: "false",
        models: &["checkpoint_requests"],
        reason: "two checkpoints write one control file",
    },
    Mutant {
        name: "delay-not-waited-for",
        file: "checkpoint/delay.rs",
        site: Statements,
        find: "let _none = self.0.write();
        act()",
        replace: "act()",
        models: &["delay_guard"],
        reason: "a record before the redo point has no effect when the checkpoint looks (R2, M62)",
    },
    Mutant {
        name: "combine-just-dirtied-stays",
        file: "buffer/combine.rs",
        site: Statements,
        find: "let _ = frame.header.clear_just_dirtied();
        let image = content.clone();
        drop(content);
        io.end = WriteEnd::Failed;
        Some(Outgoing { io, page, image, pin: Some(pin) })",
        replace: "let image = content.clone();
        drop(content);
        io.end = WriteEnd::Failed;
        Some(Outgoing { io, page, image, pin: Some(pin) })",
        models: &["combine_both"],
        reason: "a page that was written stays dirty",
    },
    Mutant {
        name: "combine-flag-cleared-after-the-copy",
        file: "buffer/combine.rs",
        site: Statements,
        find: "let _ = frame.header.clear_just_dirtied();
        let image = content.clone();
        drop(content);
        io.end = WriteEnd::Failed;
        Some(Outgoing { io, page, image, pin: Some(pin) })",
        replace: "let image = content.clone();
        drop(content);
        let _ = frame.header.clear_just_dirtied();
        io.end = WriteEnd::Failed;
        Some(Outgoing { io, page, image, pin: Some(pin) })",
        models: &["combine"],
        reason: "a change between copy and flag is lost (M17)",
    },
    Mutant {
        name: "combine-io-of-another",
        file: "buffer/combine.rs",
        site: Statements,
        find: "if frame.header.begin_write() != BeginWrite::Started {
            return None;
        }",
        replace: "let _ = frame.header.begin_write();",
        models: &["combine_both"],
        reason: "two write one page at a time (I1)",
    },
    Mutant {
        name: "evicted-list-not-emptied",
        file: "writeback/evicted.rs",
        site: Statements,
        find: "noted.clear();",
        replace: "",
        models: &["evicted_lists"],
        reason: "each round waits for all pages again, and never falls below the threshold (K2)",
    },
    Mutant {
        name: "evicted-noted-behind-the-end",
        file: "writeback/evicted.rs",
        site: Statements,
        find: "appended.clear();",
        replace: "",
        models: &["evicted_lists"],
        reason: "the next checkpoint waits for what this one has synced (K3)",
    },
];
