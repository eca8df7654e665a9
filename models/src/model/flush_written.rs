//! Written is not durable: a commit whose bytes the WAL writer has written waits for a sync.
//!
//! property   after flush(end) the record is on the disk that a power cut leaves         (W5, W9)
//! code       wal/flush.rs flush, wal/background.rs       PostgreSQL: XLogBackgroundFlush
//! threads    2 (WAL writer, committer)
//! bounds     two records over blocks of 32 bytes; the WAL writer writes whole ones, without a sync
//! cost       229 executions under dpor
//! broken by  a commit that is satisfied with the written position

use super::fixture::Store;
use super::seawall_core::sync::thread;
use super::seawall_core::wal::background::WalWriter;
use crate::engine::Engine::{Dpor, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "flush_written",
    property: "a commit that is written waits for its sync",
    threads: 2,
    bounds: "two records; the WAL writer writes whole blocks without a sync",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Nightly)],
    reach: &["was written before", "was not written before"],
    outcomes: 2,
    run: scenario,
};

fn scenario() {
    let store = Store::new(1, 1, 128);
    let mut writer = WalWriter::default();
    store.insert(&[1; 16]);
    assert!(store.wal_writer_round(&mut writer, u64::MAX), "the first round syncs");
    // To the end of a block: there is nothing that the WAL writer leaves to the committer.
    let (start, end) = store.insert(&[2; 32]);
    let theirs = store.clone();
    let background = thread::spawn(move || theirs.wal_writer_round(&mut writer, u64::MAX));

    let was_written = store.wal.written() >= end;
    store.wal.flush(end).expect("a good disk");
    assert!(store.is_durable(start, 2), "acknowledged and not durable");
    background.join().expect("the WAL writer");
    reach(if was_written { "was written before" } else { "was not written before" });
    outcome(format_args!("{was_written}: {}", store.bed.history()));
}
