//! Early sync: a segment that is synced while others still write to it is synced again at the end.
//!
//! property   after the phase, the segment is durable as it was registered before it; a write that
//!            came later is left for the next                                      (S2, S3, S5)
//! code       fsync/table.rs sync_early, sync_all                  PostgreSQL: has no such thing
//! threads    3 (two writers, checkpointer)
//! bounds     one segment, one write from before, one of each writer, one early sync, one phase,
//!            queue of one
//! cost       1,641 executions under dpor
//! broken by  requests absorbed between an early sync and the removal of its entry

use super::seawall_core::error::Result;
use super::seawall_core::fsync::{Registered, SyncQueue, SyncTable, SyncTag};
use super::seawall_core::page::FileId;
use super::seawall_core::sync::atomic::{AtomicU64, Ordering};
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, Loom, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;
use std::sync::Arc;

pub(super) const MODEL: Model = Model {
    name: "sync_early",
    property: "a segment that was synced early is synced again if it was written since",
    threads: 3,
    bounds: "one segment, two writers, one early sync and one phase, queue of one",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Nightly), (Loom, Nightly)],
    reach: &["missed by the early sync", "synced early", "left for the next phase"],
    outcomes: 6,
    run: scenario,
};

const TAG: SyncTag = SyncTag { file: FileId(1), segment: 0 };

/// A segment whose content is a number of writes.
struct Segment {
    queue: SyncQueue,
    written: AtomicU64,
    durable: AtomicU64,
    /// Writes that were registered, or synced by their writer.
    registered: AtomicU64,
}

fn scenario() {
    let zero = || AtomicU64::new(0);
    let queue = SyncQueue::new(1);
    let (written, durable, registered) = (zero(), zero(), zero());
    let segment = Arc::new(Segment { queue, written, durable, registered });
    let mut table = SyncTable::<2>::new();
    segment.write();
    let writers: Vec<_> = (0..2)
        .map(|_| {
            let theirs = segment.clone();
            thread::spawn(move || theirs.write())
        })
        .collect();
    table.sync_early(&segment.queue, TAG, |_| segment.sync()).expect("it succeeds");
    let early = segment.durable.load(Ordering::Acquire);
    if segment.written.load(Ordering::Acquire) > early {
        reach("missed by the early sync");
    }
    let before = segment.registered.load(Ordering::Acquire);
    table.sync_all(&segment.queue, |_| segment.sync()).expect("it succeeds");
    let after = segment.durable.load(Ordering::Acquire);
    assert!(after >= before, "{before} writes were registered, {after} are durable");
    if after == early && after == 3 {
        reach("synced early");
    }
    writers.into_iter().for_each(|writer| writer.join().expect("a writer"));

    if after < 3 {
        reach("left for the next phase");
    }
    table.sync_all(&segment.queue, |_| segment.sync()).expect("it succeeds");
    assert_eq!(segment.durable.load(Ordering::Acquire), 3, "a write is lost between the syncs");
    outcome(format_args!("{early} early, {after} after the phase"));
}

impl Segment {
    /// S1: write, then register; who finds the queue full syncs for himself.
    fn write(&self) {
        self.written.fetch_add(1, Ordering::AcqRel);
        if self.queue.register(TAG) == Registered::Full {
            self.sync().expect("it cannot fail");
        }
        self.registered.fetch_add(1, Ordering::AcqRel);
    }

    /// Makes durable what was written when the sync began.
    fn sync(&self) -> Result<()> {
        let version = self.written.load(Ordering::Acquire);
        self.durable.fetch_max(version, Ordering::AcqRel);
        Ok(())
    }
}
