//! A sync that fails: everybody who waits for it is told, and nobody takes it for done.
//!
//! property   a commit is durable or refused with the first cause; nobody sleeps on          (W9)
//! code       wal/flush.rs lead, wal/pipeline.rs give_up, poison.rs      PostgreSQL: PANIC
//! threads    2 (committers)
//! bounds     one record each, inserted before; the first sync fails
//! cost       1,215 executions under dpor
//! broken by  a failed sync that raises flushed; poison that wakes nobody

use super::fixture::Store;
use super::seawall_core::error::Error;
use super::seawall_core::lsn::Lsn;
use super::seawall_core::sim::{EIO, Fault, OpKind};
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, Loom, LoomBounded, LoomRmw};
use crate::profile::Profile::{Ci, Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "flush_fails",
    property: "a commit is durable or refused, and nobody sleeps on",
    threads: 2,
    bounds: "one record each, inserted before; the first sync fails",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (Loom, Ci), (LoomRmw, Nightly)],
    reach: &["all were refused"],
    outcomes: 1,
    run: scenario,
};

fn scenario() {
    let store = Store::new(1, 1, 128);
    let ends = [1u8, 2].map(|value| store.insert(&[value; 8]).1);
    store.bed.disk.fail_at(1, Fault::once(EIO).only(OpKind::SyncData));
    let theirs = store.clone();
    let other = thread::spawn(move || is_refused(&theirs, ends[1]));
    let refused = is_refused(&store, ends[0]);
    let other_refused = other.join().expect("the other committer");

    assert!(refused && other_refused, "acknowledged after a failed sync");
    assert!(store.wal.flushed() < ends[0], "flushed after a failed sync");
    reach("all were refused");
    outcome(store.bed.history());
}

fn is_refused(store: &Store, end: Lsn) -> bool {
    match store.wal.flush(end) {
        Ok(()) => false,
        Err(Error::Poisoned(cause)) => cause.errno == Some(EIO),
        Err(error) => panic!("{error}"),
    }
}
