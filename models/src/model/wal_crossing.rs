//! Crossing: records that cross blocks, by three threads.
//!
//! property   what is flushed is whole and in order                                  (W2 to W4)
//! code       wal/ring.rs, wal/insert.rs, wal/pipeline.rs      PostgreSQL: CopyXLogRecordToWAL
//! threads    3 (two inserters, one that flushes the first record)
//! bounds     three records of 40 bytes over blocks of 32, in a ring of 128: each crosses a block
//! cost       460 executions under dpor
//! broken by  bytes that are published before they are copied

use super::fixture::Store;
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "wal_crossing",
    property: "records that cross blocks are flushed whole and in order",
    threads: 3,
    bounds: "three records of 40 bytes, blocks of 32, ring of 128",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Nightly)],
    reach: &["flushed its own only", "flushed more"],
    outcomes: 6,
    run: scenario,
};

fn scenario() {
    let store = Store::new(1, 1, 128);
    let (_, end) = store.insert(&[9; 16]);
    let inserters = [1, 2].map(|value| {
        let theirs = store.clone();
        thread::spawn(move || theirs.insert(&[value; 16]))
    });
    store.wal.flush(end).expect("a good disk");
    // Perhaps in the middle of a record: one that is longer than half of the ring goes in pieces.
    let flushed = store.wal.flushed();
    assert_eq!(store.records(end).len(), 1);
    let ends = inserters.map(|inserter| inserter.join().expect("an inserter").1);

    reach(if flushed == end { "flushed its own only" } else { "flushed more" });
    store.wal.flush(ends[0].max(ends[1])).expect("a good disk");
    let all = store.records(store.wal.flushed());
    assert!(all.iter().all(|record| record.body == [record.body[0]; 16]), "torn: {all:?}");
    let order: Vec<u8> = all.iter().map(|record| record.body[0]).collect();
    assert!(order == [9, 1, 2] || order == [9, 2, 1], "{order:?}");
    outcome(format_args!("{order:?}, {} flushed: {}", flushed.since(end), store.bed.history()));
}
