//! No space for a segment: who leads is told; who relied on him is woken, and leads himself.
//!
//! property   one of two is refused, the other is durable; nobody sleeps on              (W8, W9)
//! code       wal/flush.rs lead, wal/pipeline.rs end, wal/space.rs take
//!            PostgreSQL: PANIC
//! threads    2 (committers)
//! bounds     one record of a checkpoint, in a segment that there is not: its own and all that are
//!            open are full; the first attempt to create it fails
//! cost       56 executions under dpor
//! broken by  a leader that goes without a word to those who sleep

use super::fixture::Store;
use super::seawall_core::error::Error;
use super::seawall_core::lsn::Lsn;
use super::seawall_core::sim::{ENOSPC, Fault, OpKind};
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "flush_no_space",
    property: "of two who need a new segment one is refused, the other is durable",
    threads: 2,
    bounds: "one record in a new segment, which cannot be created at first",
    searches: &[(Dpor, Quick), (LoomBounded(1), Quick), (LoomRmw, Nightly)],
    reach: &["we were refused", "they were refused"],
    outcomes: 2,
    run: scenario,
};

/// A record with such a body fills a segment.
const FULL: usize = 512 - 24;

fn scenario() {
    let store = Store::new(1, 1, 1024);
    store.insert(&[1; FULL]);
    let (_, end) = store.insert_checkpoint(&[1; FULL]);
    store.wal.flush(end).expect("a good disk");
    let (start, end) = store.insert_checkpoint(&[2; 8]);
    store.bed.disk.fail_at(1, Fault::once(ENOSPC).only(OpKind::Create));
    let theirs = store.clone();
    let other = thread::spawn(move || is_flushed(&theirs, end));
    let ours = is_flushed(&store, end);
    let theirs = other.join().expect("the other committer");

    assert!(ours != theirs, "one attempt fails");
    assert!(store.is_durable(start, 2), "acknowledged and not durable");
    let refused = if theirs { "we were refused" } else { "they were refused" };
    reach(refused);
    outcome(refused);
}

/// Whether a record is flushed; if not, for want of space.
fn is_flushed(store: &Store, end: Lsn) -> bool {
    match store.wal.flush(end) {
        Ok(()) => true,
        Err(Error::Io { .. }) => false,
        Err(error) => panic!("{error}"),
    }
}
