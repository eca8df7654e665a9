//! Sync table: what was written and registered before a sync phase is durable after it, however
//! often the cycle counter has wrapped, and what arrives during a sync is not lost with it.
//!
//! property   after a phase, a file is durable at least as it was registered before it (S1 to S6)
//! code       fsync/table.rs, fsync/queue.rs               PostgreSQL: ProcessSyncRequests
//! threads    2 (writer, checkpointer)    bounds  two files, three writes, five phases of which the
//!            first three fail, 2-bit counter (it wraps), queue of one request
//! cost       14 executions under dpor
//! broken by  an entry removed before its sync; requests absorbed between a sync and the removal of
//!            its entry; entries that are not renewed after a failed phase

use super::seawall_core::error::{Error, Result};
use super::seawall_core::fsync::{Registered, SyncQueue, SyncTable, SyncTag};
use super::seawall_core::page::FileId;
use super::seawall_core::sync::atomic::{AtomicU64, Ordering};
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dfs, Dpor, Loom, LoomRmw};
use crate::profile::Profile::Quick;
use crate::record::{outcome, reach};
use crate::spec::Model;
use std::sync::Arc;

pub(super) const MODEL: Model = Model {
    name: "sync_cycle",
    property: "a sync phase makes durable what was registered before it",
    threads: 2,
    bounds: "two files, three writes, five phases of which three fail, 2-bit counter, queue of one",
    searches: &[(Dpor, Quick), (Dfs, Quick), (Loom, Quick), (LoomRmw, Quick)],
    reach: &["written during the sync", "left for the next phase", "synced by the writer"],
    outcomes: 2,
    run: scenario,
};

const FIRST: SyncTag = SyncTag { file: FileId(1), segment: 0 };
const SECOND: SyncTag = SyncTag { file: FileId(2), segment: 0 };

/// Two files whose contents are version numbers.
struct Shared {
    queue: SyncQueue,
    written: [AtomicU64; 2],
    durable: [AtomicU64; 2],
}

fn scenario() {
    let zeros = || [AtomicU64::new(0), AtomicU64::new(0)];
    let queue = SyncQueue::new(1);
    let shared = Arc::new(Shared { queue, written: zeros(), durable: zeros() });
    let mut table = SyncTable::<2>::new();
    shared.write(FIRST);
    for _ in 0..3 {
        table.sync_all(&shared.queue, |_| shared.fail()).expect_err("the phase fails");
    }
    let theirs = shared.clone();
    let writer = thread::spawn(move || {
        theirs.write(SECOND);
        theirs.write(FIRST);
    });
    table.sync_all(&shared.queue, |tag| shared.sync(tag)).expect("the phase succeeds");
    let after_phase = shared.durable(FIRST);
    assert!(after_phase >= 1, "a write from before the phase is not durable");
    writer.join().expect("the writer");

    if !table.is_empty() || shared.durable(FIRST) == 1 {
        reach("left for the next phase");
    }
    table.sync_all(&shared.queue, |tag| shared.sync(tag)).expect("the phase succeeds");
    let durable = (shared.durable(FIRST), shared.durable(SECOND));
    assert_eq!(durable, (2, 1), "a write is lost between two phases");
    assert!(table.is_empty());
    outcome(format_args!("{after_phase} after the phase"));
}

fn index(tag: SyncTag) -> usize {
    tag.file.0 as usize - 1
}

impl Shared {
    /// S1: write, then register; who finds the queue full syncs for himself.
    fn write(&self, tag: SyncTag) {
        self.written[index(tag)].fetch_add(1, Ordering::AcqRel);
        if self.queue.register(tag) == Registered::Full {
            reach("synced by the writer");
            self.sync(tag).expect("it cannot fail");
        }
    }

    /// Makes durable what was written when the sync began.
    fn sync(&self, tag: SyncTag) -> Result<()> {
        let written = &self.written[index(tag)];
        let version = written.load(Ordering::Acquire);
        self.durable[index(tag)].fetch_max(version, Ordering::AcqRel);
        if written.load(Ordering::Acquire) > version {
            reach("written during the sync");
        }
        Ok(())
    }

    fn fail(&self) -> Result<()> {
        Err(Error::NoSuchFile { file: FIRST.file })
    }

    fn durable(&self, tag: SyncTag) -> u64 {
        self.durable[index(tag)].load(Ordering::Acquire)
    }
}
