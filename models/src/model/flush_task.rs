//! A task waits for durability: the flusher finds it, or it finds that it is durable.
//!
//! property   the future is ready once its position is durable, whoever made it so       (W9, B3)
//! code       wal/durable.rs, wal/tasks.rs, wal/request.rs, wal/flush.rs publish
//!            PostgreSQL: none (threads only)
//! threads    3 (a task, the flusher, a committer)
//! bounds     one record, inserted while the flusher sleeps or is about to
//! cost       1,519 executions under dpor
//! broken by  a task that is entered after it has asked; one that is entered without another look;
//!            a position asked for that is not released: the flusher takes the record for one
//!            behind the end of the log

use super::fixture::Store;
use super::seawall_core::sync::thread;
use super::seawall_core::wal::durable::block_on;
use crate::engine::Engine::{Dpor, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "flush_task",
    property: "a future is ready once its position is durable, whoever made it so",
    threads: 3,
    bounds: "one record, inserted while the flusher sleeps or is about to",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Nightly)],
    reach: &["ready"],
    outcomes: 1,
    run: scenario,
};

fn scenario() {
    let store = Store::new(1, 1, 128);
    let (theirs, ours) = (store.clone(), store.clone());
    let mut flusher = store.wal.flusher();
    let flusher = thread::spawn(move || flusher.serve(&theirs.wal));
    let (_, end) = store.insert(&[1; 8]);
    let committer = thread::spawn(move || ours.wal.flush(end));

    block_on(store.wal.when_durable(end)).expect("a good disk");
    assert!(store.wal.flushed() >= end, "ready and not durable");
    store.wal.close_requests();
    flusher.join().expect("the flusher").expect("a good disk");
    committer.join().expect("the committer").expect("a good disk");
    outcome(store.bed.history());
    reach("ready");
}
