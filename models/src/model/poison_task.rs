//! Poison: a task that waits for the log is told of the first failure, also if nobody works for it.
//!
//! property   the future is ready with the cause, and no other one                         (B3, W9)
//! code       wal/flush.rs poisoned, wal/pipeline.rs give_up, wal/tasks.rs, poison.rs
//!            PostgreSQL: PANIC
//! threads    2 (a committer whose sync fails, a task)
//! bounds     one record, inserted before
//! cost       9 executions under dpor
//! broken by  poison that wakes no tasks; a task that is entered without a look at the poison

use super::fixture::Store;
use super::seawall_core::error::{Error, Result};
use super::seawall_core::sim::{EIO, Fault, OpKind};
use super::seawall_core::sync::thread;
use super::seawall_core::wal::durable::block_on;
use crate::engine::Engine::{Dpor, Loom, LoomRmw};
use crate::profile::Profile::{Ci, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "poison_task",
    property: "a task that waits for the log is told of the failure",
    threads: 2,
    bounds: "one record, inserted before",
    searches: &[(Dpor, Quick), (Loom, Quick), (LoomRmw, Ci)],
    reach: &["told"],
    outcomes: 1,
    run: scenario,
};

fn scenario() {
    let store = Store::new(1, 1, 128);
    let (_, end) = store.insert(&[1; 8]);
    store.bed.disk.fail_at(1, Fault::once(EIO).only(OpKind::SyncData));
    let theirs = store.clone();
    // Nobody serves a flusher.
    let task = thread::spawn(move || is_refused(block_on(theirs.wal.when_durable(end))));
    assert!(is_refused(store.wal.flush(end)), "acknowledged after a failed sync");
    assert!(task.join().expect("the task"), "a future is ready after a failed sync");
    reach("told");
    outcome(store.bed.history());
}

/// Whether it was refused, which only a poisoned store may do, for its first cause.
fn is_refused<T>(result: Result<T>) -> bool {
    match result {
        Ok(_) => false,
        Err(Error::Poisoned(cause)) => {
            assert_eq!(cause.errno, Some(EIO), "not the first cause: {cause}");
            true
        }
        Err(error) => panic!("{error}"),
    }
}
