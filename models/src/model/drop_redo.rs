//! Drop versus redo point: the checkpoint removes a file whose record is before its redo point.
//!
//! property   a checkpoint whose redo point is behind the record removes the segments (R2, S8), and
//!            does not list the file (R12)
//! code       length.rs drop_file, checkpoint/{delay,record}.rs, files/dropped.rs
//!            PostgreSQL: smgrDoPendingDeletes, SyncPostCheckpoint
//! threads    2 (one that drops the file; a checkpointer that lists, fixes a redo point, removes)
//! bounds     a file of one page
//! cost       16 executions under dpor
//! broken by  a drop that keeps no redo point away; a list that a drop goes between

use super::fixture::{Store, page};
use super::seawall_core::checkpoint::CheckpointRecord;
use super::seawall_core::disk::Disk;
use super::seawall_core::length;
use super::seawall_core::sync::thread;
use super::seawall_core::wal::record::RecordKind;
use crate::engine::Engine::{Dpor, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "drop_redo",
    property: "a checkpoint removes the files whose drop is before its redo point, and lists none",
    threads: 2,
    bounds: "a file of one page, one redo point",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Nightly)],
    reach: &["before the redo point", "after it"],
    outcomes: 3,
    run: scenario,
};

fn scenario() {
    let store = Store::new(1, 1, 1024);
    let theirs = store.clone();
    let dropper = thread::spawn(move || {
        length::drop_file(&theirs.parts(), page(0).file()).expect("a good disk");
    });
    let checkpoint = CheckpointRecord::begin(&store.parts());
    store.bed.files.remove_dropped().expect("a good disk");
    let left = store.bed.disk.list("data").expect("a directory").len();
    dropper.join().expect("the dropper");

    let is_before = store.is_before(RecordKind::Drop, checkpoint.redo);
    assert!(left == 0 || !is_before, "nobody would remove the file after a crash");
    let is_listed = !checkpoint.files.is_empty();
    assert!(!is_listed || !is_before, "the file would be missed after a crash");
    reach(if is_before { "before the redo point" } else { "after it" });
    outcome(format_args!("left {left}, before {is_before}"));
}
