//! Insertion: records are copied in parallel, and nothing is flushed past one that is not finished.
//!
//! property   what is before a flushed position is on disk, whole and in order        (W1 to W4)
//! code       wal/ring.rs, wal/insert.rs, wal/flush.rs    PostgreSQL: WaitXLogInsertionsToFinish
//! threads    2 (one that inserts, one that inserts and flushes)
//! bounds     a record of 40 bytes each behind another, over blocks of 64: one crosses a block
//! cost       38 executions under dpor
//! broken by  bytes that are published before they are copied; a link that is seen before its bytes

use super::fixture::Store;
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, Loom, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "wal_insert",
    property: "nothing is flushed past an unfinished insertion",
    threads: 2,
    bounds: "three records of 40 bytes, ring of 128",
    searches: &[(Dpor, Quick), (Loom, Quick), (LoomRmw, Nightly)],
    reach: &["flushed its own only", "flushed both"],
    outcomes: 3,
    run: scenario,
};

fn scenario() {
    let store = Store::new(1, 1, 128);
    store.insert(&[9; 16]);
    let theirs = store.clone();
    let other = thread::spawn(move || theirs.insert(&[1; 16]));
    let (_, end) = store.insert(&[2; 16]);
    store.wal.flush(end).expect("a good disk");
    let flushed = store.wal.flushed();
    let (written, reserved) = (store.wal.written(), store.wal.reserved());
    assert!(end <= flushed && flushed <= written && written <= reserved, "W1");
    let records = store.records(flushed);
    other.join().expect("the other inserter");

    reach(if records.len() == 3 { "flushed both" } else { "flushed its own only" });
    store.wal.flush(store.wal.reserved()).expect("a good disk");
    let all = store.records(store.wal.flushed());
    assert!(all.iter().all(|record| record.body == [record.body[0]; 16]), "torn: {all:?}");
    assert!(all.starts_with(&records), "flushed bytes have changed");
    let order: Vec<u8> = all.iter().map(|record| record.body[0]).collect();
    assert!(order == [9, 1, 2] || order == [9, 2, 1], "{order:?}");
    let history = store.bed.history();
    outcome(format_args!("{order:?}, {} flushed: {history}", records.len()));
}
