//! A sync that fails: everybody who waits for it is told, and nobody takes it for done.
//!
//! property   a commit is durable or refused with the first cause; nobody sleeps on          (W9)
//! code       wal/flush.rs lead, wal/pipeline.rs give_up, poison.rs      PostgreSQL: PANIC
//! threads    2 (committers)
//! bounds     one record each, one of them inserted before; the first sync fails
//! cost       3,085 executions under dpor
//! broken by  a failed sync that raises flushed; poison that wakes nobody

use super::fixture::Store;
use super::seawall_core::error::{Error, Result};
use super::seawall_core::sim::{EIO, Fault, OpKind};
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, Loom, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "flush_fails",
    property: "a commit is durable or refused, and nobody sleeps on",
    threads: 2,
    bounds: "one record each, one of them inserted before; the first sync fails",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (Loom, Nightly), (LoomRmw, Nightly)],
    reach: &["all were refused"],
    outcomes: 1,
    run: scenario,
};

fn scenario() {
    let store = Store::new(1, 1, 128);
    let (_, end) = store.insert(&[1; 8]);
    store.bed.disk.fail_at(1, Fault::once(EIO).only(OpKind::SyncData));
    let theirs = store.clone();
    let other = thread::spawn(move || {
        let flushed = theirs.try_insert(&[2; 8]).and_then(|(_, end)| theirs.wal.flush(end));
        assert!(is_refused(flushed), "acknowledged after a failed sync");
    });
    assert!(is_refused(store.wal.flush(end)), "acknowledged after a failed sync");
    other.join().expect("the other committer");

    assert!(store.wal.flushed() < end, "flushed after a failed sync");
    reach("all were refused");
    outcome(store.bed.history());
}

/// Whether it was refused, which only a poisoned store may do, for its first cause.
fn is_refused(result: Result<()>) -> bool {
    match result {
        Ok(()) => false,
        Err(Error::Poisoned(cause)) => cause.errno == Some(EIO),
        Err(error) => panic!("{error}"),
    }
}
