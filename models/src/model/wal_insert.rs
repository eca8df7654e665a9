//! Insertion: records are copied in parallel, and nothing is flushed past one that is not finished.
//!
//! property   what is before a flushed position is on disk, whole and in order        (W1 to W4)
//! code       wal/ring.rs, wal/insert.rs, wal/flush.rs    PostgreSQL: WaitXLogInsertionsToFinish
//! threads    3 (two inserters, one that inserts and flushes)
//! bounds     a record of 40 bytes each over a ring of 128 that holds one already: the last has to
//!            wait for room
//! broken by  bytes that are published before they are copied; a link that is seen before its
//!            bytes; room that is announced before it is there

use super::fixture::Store;
use super::seawall_core::lsn::Lsn;
use super::seawall_core::sync::thread;
use super::seawall_core::wal::Inserted;
use super::seawall_core::wal::record::{RecordBuf, RecordKind};
use crate::engine::Engine::{Dpor, Loom, LoomRmw};
use crate::profile::Profile::{Ci, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "wal_insert",
    property: "nothing is flushed past an unfinished insertion",
    threads: 3,
    bounds: "four records of 40 bytes, ring of 128; at most 2 preemptions under loom",
    searches: &[(Dpor, Quick), (Loom, Ci), (LoomRmw, Ci)],
    reach: &["flushed another too", "flushed all"],
    outcomes: 4,
    run: scenario,
};

fn scenario() {
    let store = Store::new(1, 1, 128);
    insert(&store, 9);
    let inserters = [1].map(|value| {
        let theirs = store.clone();
        thread::spawn(move || insert(&theirs, value))
    });
    let end = insert(&store, 3);
    store.wal.flush(end).expect("a good disk");
    let flushed = store.wal.flushed();
    let (written, reserved) = (store.wal.written(), store.wal.reserved());
    assert!(end <= flushed && flushed <= written && written <= reserved, "W1");
    let records = store.records(flushed);
    for inserter in inserters {
        inserter.join().expect("an inserter");
    }

    match records.len() {
        3 => reach("flushed all"),
        2 => reach("flushed another too"),
        _ => {}
    }
    store.wal.flush(store.wal.reserved()).expect("a good disk");
    let all = store.records(store.wal.flushed());
    assert!(all.iter().all(|body| body == &[body[0]; 16]), "torn: {all:?}");
    assert!(all.starts_with(&records), "flushed bytes have changed");
    let order: Vec<u8> = all.iter().map(|body| body[0]).collect();
    let mut sorted = order.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, [1, 3, 9]);
    outcome(format_args!("{order:?}, {} flushed", records.len()));
}

/// Inserts a record: 24 bytes of header, 16 of body; some cross a block.
fn insert(store: &Store, value: u8) -> Lsn {
    let mut record = RecordBuf::new(RecordKind::Pages);
    record.put(&[value; 16]);
    let (epoch, _) = store.wal.redo();
    match store.wal.insert(record, epoch).expect("a good disk") {
        Inserted::At { end, .. } => end,
        Inserted::Stale => panic!("no redo point was fixed"),
    }
}
