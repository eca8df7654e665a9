//! Extension versus redo point: what a checkpoint lists of a file has its record before the redo
//! point.
//!
//! property   a block that is listed is in a page that the checkpoint writes, so it is missed later
//!            if it is not on disk; one whose record is behind the redo point is not listed (R12)
//! code       checkpoint/record.rs begin, files/listed.rs to_be_listed, length.rs extend
//!            PostgreSQL: none
//! threads    2 (one that extends a file; a checkpointer that lists it and fixes a redo point)
//! bounds     a file of one page, one new page
//! cost       7 executions under dpor
//! broken by  a list that is made behind the redo point

use super::fixture::{Store, page};
use super::seawall_core::checkpoint::CheckpointRecord;
use super::seawall_core::length;
use super::seawall_core::sync::thread;
use super::seawall_core::wal::record::RecordKind;
use crate::engine::Engine::{Dpor, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "extend_redo",
    property: "a block that a checkpoint lists has its record before the redo point",
    threads: 2,
    bounds: "a file of one page, one new page, one redo point",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Nightly)],
    reach: &["before the redo point", "after it"],
    outcomes: 3,
    run: scenario,
};

fn scenario() {
    let store = Store::new(2, 1, 1024);
    let theirs = store.clone();
    let extender = thread::spawn(move || {
        length::extend(&theirs.parts(), page(0).file(), 1, None).expect("a good disk");
    });
    let checkpoint = CheckpointRecord::begin(&store.parts());
    extender.join().expect("the extender");

    store.wal.flush(store.wal.reserved()).expect("a good disk");
    let is_before = store.is_before(RecordKind::Pages, checkpoint.redo);
    let is_listed = checkpoint.files[0].blocks == 2;
    assert!(is_before || !is_listed, "after a crash it would be missed before it was ever there");
    reach(if is_before { "before the redo point" } else { "after it" });
    outcome(format_args!("listed {is_listed}, before {is_before}"));
}
