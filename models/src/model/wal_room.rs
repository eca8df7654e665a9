//! Room: who inserts into a full ring waits until its oldest bytes are written, and no longer.
//!
//! property   bytes that are not written are not overwritten, and nobody waits for ever  (W6, W8)
//! code       wal/ring.rs reserve, wal/insert.rs make_room, wal/flush.rs
//!            PostgreSQL: AdvanceXLInsertBuffer
//! threads    2 (one that inserts, one that flushes)
//! bounds     two records of 40 bytes over blocks of 32, in a ring of 64
//! cost       11,578 executions under dpor
//! broken by  room that is announced before it is there; a wait that nobody ends

use super::fixture::Store;
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, Loom, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "wal_room",
    property: "who waits for room in the ring gets it, and overwrites nothing unwritten",
    threads: 2,
    bounds: "two records of 40 bytes, blocks of 32, ring of 64",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Nightly), (Loom, Nightly)],
    reach: &["flushed what it wanted", "flushed more"],
    outcomes: 3,
    run: scenario,
};

fn scenario() {
    let store = Store::new(1, 1, 64);
    let (_, end) = store.insert(&[1; 16]);
    let theirs = store.clone();
    let other = thread::spawn(move || theirs.insert(&[2; 16]));
    store.wal.flush(end).expect("a good disk");
    // Perhaps in the middle of a record: one that is longer than half of the ring goes in pieces.
    let flushed = store.wal.flushed();
    assert!(flushed >= end, "flushed {flushed}, asked for {end}");
    let (_, last) = other.join().expect("the inserter");

    reach(if flushed > end { "flushed more" } else { "flushed what it wanted" });
    store.wal.flush(last).expect("a good disk");
    let all = store.records(store.wal.flushed());
    let expected: Vec<Vec<u8>> = (1..=2).map(|value| vec![value; 16]).collect();
    let all: Vec<_> = all.into_iter().map(|record| record.body).collect();
    assert_eq!(all, expected, "overwritten or torn");
    outcome(format_args!("{} flushed: {}", flushed.since(end), store.bed.history()));
}
