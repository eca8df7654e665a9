//! Positions: whoever reads them in the prescribed order sees them in theirs.
//!
//! property   flushed <= written <= inserted <= reserved, each monotone                       (W1)
//! code       wal/flush.rs publish, wal/ring.rs     PostgreSQL: LogwrtResult
//! threads    2 (a committer, a reader)
//! bounds     two records, the second longer than a block; two looks
//! cost       44 executions under dpor
//! broken by  positions that are published in the wrong order, or without an order

use super::fixture::Store;
use super::seawall_core::lsn::Lsn;
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "wal_positions",
    property: "positions are never seen in a wrong order, nor going back",
    threads: 2,
    bounds: "two commits beside two looks",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Nightly)],
    reach: &["all the same", "on their way"],
    outcomes: 44,
    run: scenario,
};

fn scenario() {
    let store = Store::new(1, 1, 128);
    let start = store.wal.reserved();
    let theirs = store.clone();
    let committer = thread::spawn(move || {
        for value in 1..=2 {
            let (_, end) = theirs.insert(&[value; 16]);
            theirs.wal.flush(end).expect("a good disk");
        }
    });
    let first = look(&store, start);
    let second = look(&store, start);
    assert!(first.iter().zip(&second).all(|(before, after)| before <= after), "went back");
    committer.join().expect("the committer");
    let is_still = first.iter().chain(&second).all(|position| *position == first[0]);
    reach(if is_still { "all the same" } else { "on their way" });
    outcome(format_args!("{first:?} {second:?}"));
}

/// The positions, ascending, in bytes from the start.
fn look(store: &Store, start: Lsn) -> [u64; 3] {
    let flushed = store.wal.flushed();
    let written = store.wal.written();
    let reserved = store.wal.reserved();
    assert!(flushed <= written && written <= reserved, "{flushed} {written} {reserved}");
    [flushed, written, reserved].map(|position| position.since(start))
}
