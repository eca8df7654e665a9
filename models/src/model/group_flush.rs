//! Group flush: a commit returns when its record is durable, whoever has synced it.
//!
//! property   after flush(end) the record is on the disk that a power cut leaves         (W5, W9)
//! code       wal/flush.rs flush, wal/pipeline.rs         PostgreSQL: XLogFlush, group commit
//! threads    2 (committers)    bounds  one record each, one of them inserted before
//! cost       3,232 executions under dpor
//! broken by  flushed raised to what is inserted; flushed raised before the sync; a commit that is
//!            satisfied with the written position

use super::fixture::Store;
use super::seawall_core::lsn::Lsn;
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, Loom, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "group_flush",
    property: "a commit returns when its record is durable, whoever has synced it",
    threads: 2,
    bounds: "one record each, one of them inserted before",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Nightly), (Loom, Nightly)],
    reach: &["one sync for both", "a sync for each"],
    outcomes: 2,
    run: scenario,
};

fn scenario() {
    let store = Store::new(1, 1, 128);
    let before = store.bed.disk.operations();
    let first = store.insert(&[1; 8]);
    let theirs = store.clone();
    let other = thread::spawn(move || {
        let second = theirs.insert(&[2; 8]);
        flush(&theirs, second, 2);
    });
    flush(&store, first, 1);
    other.join().expect("the other committer");
    assert_eq!(store.wal.flushed(), store.wal.reserved());
    // Opening the segment takes a sync of the directory; then a write and a sync each time.
    let rounds = (store.bed.disk.operations() - before - 1) / 2;
    reach(if rounds == 1 { "one sync for both" } else { "a sync for each" });
    outcome(format_args!("{rounds} rounds: {}", store.bed.history()));
}

fn flush(store: &Store, (start, end): (Lsn, Lsn), value: u8) {
    store.wal.flush(end).expect("a good disk");
    assert!(store.is_durable(start, value), "acknowledged and not durable");
}
