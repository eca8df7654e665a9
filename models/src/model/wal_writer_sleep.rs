//! Sleep versus asynchronous commit: the WAL writer does not sleep through a commit that nobody
//! else makes durable.
//!
//! property   each commit that was noted becomes durable                                (W10, B3)
//! code       wal/request.rs, wal/background.rs       PostgreSQL: the walwriter's latch
//! threads    2 (WAL writer, committer)
//! bounds     two commits
//! cost       2,178 executions under dpor
//! broken by  a sleep that does not look at what was asked for; a commit that wakes nobody

use super::fixture::Store;
use super::seawall_core::sync::thread;
use super::seawall_core::wal::background::WalWriter;
use crate::engine::Engine::{Dpor, Loom, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "wal_writer_sleep",
    property: "the WAL writer sleeps through no asynchronous commit",
    threads: 2,
    bounds: "two commits",
    searches: &[(Dpor, Quick), (LoomBounded(1), Quick), (LoomRmw, Nightly), (Loom, Nightly)],
    reach: &["was never idle", "was idle before the last commit"],
    outcomes: 3,
    run: scenario,
};

fn scenario() {
    let store = Store::new(1, 1, 128);
    let start = store.wal.reserved();
    let end = start.plus(2 * 40);
    let theirs = store.clone();
    let background = thread::spawn(move || {
        let (mut writer, mut slept) = (WalWriter::default(), 0);
        while theirs.wal.flushed() < end {
            if !theirs.wal_writer_round(&mut writer, 0) {
                writer.sleep(&theirs.wal);
                slept += 1;
            }
        }
        slept
    });

    for value in 1..=2 {
        let (_, end) = store.insert(&[value; 16]);
        store.wal.note_async_commit(end);
    }
    let slept = background.join().expect("the WAL writer");

    assert_eq!(store.records(end).len(), 2);
    reach(if slept == 0 { "was never idle" } else { "was idle before the last commit" });
    outcome(format_args!("slept {slept} times"));
}
