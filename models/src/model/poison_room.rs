//! Poison: who waits for room in the log is told of the first failure.
//!
//! property   an insertion that finds no room after a failed sync is refused with the cause
//!            (B3, W8, W9)
//! code       wal/flush.rs lead, poisoned; wal/pipeline.rs give_up; wal/insert.rs; poison.rs
//!            PostgreSQL: PANIC
//! threads    2 (a committer whose sync fails, an inserter)
//! bounds     two records of 40 bytes over blocks of 32, in a ring of 64
//! cost       13,400 executions under dpor
//! broken by  poison that wakes nobody who waits for room

use super::fixture::Store;
use super::seawall_core::error::{Error, Result};
use super::seawall_core::sim::{EIO, Fault, OpKind};
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, Loom, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "poison_room",
    property: "who waits for room in the log is told of the failure",
    threads: 2,
    bounds: "two records of 40 bytes, blocks of 32, ring of 64",
    searches: &[(Dpor, Quick), (LoomBounded(1), Quick), (LoomRmw, Nightly), (Loom, Nightly)],
    reach: &["the inserter had room", "the inserter was refused"],
    outcomes: 3,
    run: scenario,
};

fn scenario() {
    let store = Store::new(1, 1, 64);
    let (_, end) = store.insert(&[1; 16]);
    store.bed.disk.fail_at(1, Fault::once(EIO).only(OpKind::SyncData));
    let theirs = store.clone();
    let inserter = thread::spawn(move || is_refused(theirs.try_insert(&[2; 16])));
    assert!(is_refused(store.wal.flush(end)), "acknowledged after a failed sync");
    let inserter_refused = inserter.join().expect("the inserter");
    assert!(is_refused(store.wal.flush(end)), "acknowledged later");

    let (had_room, refused) = ("the inserter had room", "the inserter was refused");
    reach(if inserter_refused { refused } else { had_room });
    outcome(format_args!("inserter refused: {inserter_refused}; {}", store.bed.history()));
}

/// Whether it was refused, which only a poisoned store may do, for its first cause.
fn is_refused<T>(result: Result<T>) -> bool {
    match result {
        Ok(_) => false,
        Err(Error::Poisoned(cause)) => {
            assert_eq!(cause.errno, Some(EIO), "not the first cause: {cause}");
            true
        }
        Err(error) => panic!("{error}"),
    }
}
