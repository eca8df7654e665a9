//! Sync phases in a row: whoever finds a page clean relies on its registration.
//!
//! property   a page that was clean when a phase began is durable when it has succeeded, also
//!            behind a phase that failed                                          (F3, S1 to S6)
//! code       fsync/table.rs, fsync/queue.rs               PostgreSQL: ProcessSyncRequests
//! threads    3 (two writers, checkpointer)
//! bounds     one segment, a page for each writer, three phases of which the second fails, 2-bit
//!            counter, queue of one
//! cost       764 executions under dpor
//! broken by  a page that is clean before it is registered; an entry removed before its sync

use super::seawall_core::error::{Error, Result};
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
    name: "sync_phases",
    property: "a page that was clean when a phase began is durable when it has succeeded",
    threads: 3,
    bounds: "one segment, two writers, three phases of which one fails, 2-bit counter",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Nightly), (Loom, Nightly)],
    reach: &["failed with an entry", "synced by a writer", "clean before the last phase"],
    outcomes: 10,
    run: scenario,
};

const TAG: SyncTag = SyncTag { file: FileId(1), segment: 0 };

/// The phase that fails, if there is something to sync.
const FAILING: usize = 1;

/// A segment of two pages.
struct Segment {
    queue: SyncQueue,
    /// Bits of pages, each added once.
    written: AtomicU64,
    durable: AtomicU64,
    clean: AtomicU64,
}

fn scenario() {
    let zero = || AtomicU64::new(0);
    let (queue, written, durable, clean) = (SyncQueue::new(1), zero(), zero(), zero());
    let segment = Arc::new(Segment { queue, written, durable, clean });
    let mut table = SyncTable::<2>::new();
    let writers: Vec<_> = [1, 2]
        .map(|page| {
            let theirs = segment.clone();
            thread::spawn(move || theirs.write(page))
        })
        .into();
    let durable = [0, 1, 2].map(|phase| {
        let clean = segment.clean.load(Ordering::Acquire);
        let sync = |_| if phase == FAILING { segment.fail() } else { segment.sync() };
        let synced = table.sync_all(&segment.queue, sync);
        let durable = segment.durable.load(Ordering::Acquire);
        let lost = clean & !durable;
        assert!(synced.is_err() || lost == 0, "pages {lost:#b} were clean and are not durable");
        durable
    });
    writers.into_iter().for_each(|writer| writer.join().expect("a writer"));

    table.sync_all(&segment.queue, |_| segment.sync()).expect("it succeeds");
    assert_eq!(segment.durable.load(Ordering::Acquire), 3, "a write is lost between the phases");
    assert!(table.is_empty());
    if durable[2] == 3 {
        reach("clean before the last phase");
    }
    outcome(format_args!("{durable:?}"));
}

impl Segment {
    /// F3: write, register, and only then is the page clean.
    fn write(&self, page: u64) {
        self.written.fetch_add(page, Ordering::AcqRel);
        if self.queue.register(TAG) == Registered::Full {
            reach("synced by a writer");
            self.sync().expect("it cannot fail");
        }
        self.clean.fetch_add(page, Ordering::AcqRel);
    }

    /// Makes durable what was written when the sync began.
    fn sync(&self) -> Result<()> {
        let written = self.written.load(Ordering::Acquire);
        self.durable.fetch_max(written, Ordering::AcqRel);
        Ok(())
    }

    fn fail(&self) -> Result<()> {
        reach("failed with an entry");
        Err(Error::NoSuchFile { file: TAG.file })
    }
}
