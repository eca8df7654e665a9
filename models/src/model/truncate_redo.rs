//! Truncate versus redo point: the file on disk is cut if the record of the cut is before it.
//!
//! property   a redo point behind the record finds the segment cut, which nobody cuts again (R2),
//!            and its checkpoint does not list what was cut off (R12)
//! code       length.rs truncate, checkpoint/{delay,record}.rs, files/file.rs
//!            PostgreSQL: RelationTruncate
//! threads    2 (one that truncates; a checkpointer that lists the file and fixes a redo point)
//! bounds     a file of two pages, one of them cut off
//! cost       16 executions under dpor
//! broken by  a truncation that keeps no redo point away; a list that a truncation goes between

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
    name: "truncate_redo",
    property: "a cut whose record is before the redo point has happened on disk, and is not listed",
    threads: 2,
    bounds: "a file of two pages, one cut off, one redo point",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Nightly)],
    reach: &["before the redo point", "after it"],
    outcomes: 3,
    run: scenario,
};

fn scenario() {
    let store = Store::new(1, 2, 1024);
    let theirs = store.clone();
    let cutter = thread::spawn(move || {
        length::truncate(&theirs.parts(), page(1).file(), 1).expect("a good disk");
    });
    let checkpoint = CheckpointRecord::begin(&store.parts());
    // A visible operation, so that what is looked at next belongs to a moment of the disk.
    store.bed.disk.list("data").expect("a directory");
    let is_cut = store.bed.disk.read_file("data/00000001.0").len() == 64;
    cutter.join().expect("the cutter");

    let is_before = store.is_before(RecordKind::Truncate, checkpoint.redo);
    assert!(is_cut || !is_before, "nobody would cut the file again after a crash");
    let is_whole = checkpoint.files[0].blocks == 2;
    assert!(!is_whole || !is_before, "the block would be missed after a crash");
    reach(if is_before { "before the redo point" } else { "after it" });
    outcome(format_args!("cut {is_cut}, before {is_before}"));
}
