//! seawall: the log by itself, and the whole store.

use super::{Committer, Entered, Entrant, RECORD_BYTES, Record, each};
use seawall::seawall_core::wal::segment::WalSync;
use seawall::{Config, PageId, Store};
use seawall_benches::{BenchStore, BenchWal};
use std::time::Duration;

struct WalAlone(BenchWal);

pub(super) fn wal() -> Entered {
    Ok(Box::new(WalAlone(BenchWal::new(&Config::default()))))
}

pub(super) fn wal_fdatasync() -> Entered {
    let config = Config { wal_sync: WalSync::Fdatasync, ..Config::default() };
    Ok(Box::new(WalAlone(BenchWal::new(&config))))
}

impl Entrant for WalAlone {
    fn prepare(&self) {
        self.0.recycle();
    }

    fn committers(&self, count: usize) -> Vec<Committer<'_>> {
        each(count, |_| |record: &Record| self.0.insert_durably(record))
    }
}

/// Pages that a thread has for itself.
const PAGES_PER_THREAD: usize = 4;
const THREADS_MAX: usize = 64;

/// WAL that is written before the first round, so that there are segments to recycle.
const FILLED_BYTES: usize = 256 << 20;

struct WholeStore(BenchStore);

pub(super) fn store() -> Entered {
    // Checkpoints are due in `prepare` alone: as much WAL does not come about in a round.
    let config = Config {
        checkpoint_timeout: Duration::from_secs(24 * 3600),
        wal_max_bytes: 1 << 31,
        ..Config::default()
    };
    let entrant = WholeStore(BenchStore::new((THREADS_MAX * PAGES_PER_THREAD) as u32, config));
    entrant.fill();
    Ok(Box::new(entrant))
}

impl WholeStore {
    fn fill(&self) {
        let page_bytes = Config::default().format.page_bytes as usize;
        for (number, page) in (0..FILLED_BYTES / page_bytes).zip(self.0.pages.iter().cycle()) {
            let mut operation = self.0.store.operation();
            let mut page = operation.page(*page).expect("a page");
            let body = 0..page.body().len();
            page.change(body).expect("all of it").fill(number as u8);
            self.0.store.commit_async(operation).expect("a commit");
        }
    }
}

impl Entrant for WholeStore {
    fn prepare(&self) {
        self.0.store.checkpoint().expect("a good disk");
        self.0.pages.iter().for_each(|page| self.0.change(*page, 0));
        self.0.drain();
    }

    fn committers(&self, count: usize) -> Vec<Committer<'_>> {
        assert!(count <= THREADS_MAX, "{count} committers, pages for {THREADS_MAX}");
        each(count, |thread| {
            let mut pages = self.0.pages[thread * PAGES_PER_THREAD..][..PAGES_PER_THREAD]
                .iter()
                .enumerate()
                .cycle();
            move |record: &Record| {
                let (index, page) = pages.next().expect("an endless iterator");
                change_durably(&self.0.store, *page, index * RECORD_BYTES, record);
            }
        })
    }
}

fn change_durably(store: &Store, page: PageId, offset: usize, record: &Record) {
    let mut operation = store.operation();
    operation.page(page).expect("a page").write(offset, record).expect("inside");
    store.commit(operation).expect("a good disk");
}
