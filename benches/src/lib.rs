//! What the benchmarks share: a store or a log in a temporary directory, threads that start
//! together, random numbers that cost nothing.
//!
//! The directories are on the file system of the system's temporary directory, or of
//! `SEAWALL_BENCH_DIR`: set it where that is a tmpfs, on which a sync is free.

mod wal;

pub use wal::BenchWal;

use seawall::{Config, FileOptions, PageId, Store};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Bytes of every change.
pub const CHANGE_BYTES: usize = 100;

/// A fresh directory, removed when dropped.
///
/// # Panics
/// If it cannot be created.
pub fn temp_dir() -> TempDir {
    let parent = std::env::var_os("SEAWALL_BENCH_DIR");
    let parent = parent.map_or_else(std::env::temp_dir, PathBuf::from);
    let built = tempfile::Builder::new().prefix("seawall-bench-").tempdir_in(&parent);
    built.unwrap_or_else(|error| panic!("no temporary directory in {parent:?}: {error}"))
}

/// A new file of `bytes` zeros, durable, so that a sync need not change the file system's metadata.
///
/// # Panics
/// If it cannot be made.
pub fn zeroed_file(path: &Path, bytes: usize) -> File {
    let file = File::create_new(path).expect("a file");
    file.write_all_at(&vec![0; bytes], 0).expect("space");
    file.sync_all().expect("a sync");
    file
}

/// Lowest, median and highest.
///
/// # Panics
/// If there are none.
pub fn spread(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [values[0], values[values.len() / 2], values[values.len() - 1]]
}

/// A store with one file of pages, all of them resident and changed since the redo point.
pub struct BenchStore {
    /// The store.
    pub store: Store,
    /// All pages of its file.
    pub pages: Vec<PageId>,
    // Last: removed when the store is gone.
    _dir: TempDir,
}

impl BenchStore {
    /// A store of `pages` pages with room for all of them.
    ///
    /// # Panics
    /// If that fails.
    pub fn new(pages: u32, config: Config) -> Self {
        let dir = temp_dir();
        let store = Store::create(dir.path().join("store"), config).expect("a store");
        let file = store.create_file(FileOptions::default()).expect("a file");
        let first = store.extend(file, pages).expect("pages");
        let pages = (first..first + pages).map(|block| PageId::new(file, block)).collect();
        let bench = Self { store, pages, _dir: dir };
        // So that no page goes into the log as an image any more.
        bench.pages.iter().for_each(|page| bench.change(*page, 0));
        bench.drain();
        bench
    }

    /// Changes [`CHANGE_BYTES`] of a page and does not wait.
    ///
    /// # Panics
    /// If that fails.
    pub fn change(&self, page: PageId, value: u64) {
        let mut operation = self.store.operation();
        fill(&mut operation, page, value);
        self.store.commit_async(operation).expect("a commit");
    }

    /// Changes [`CHANGE_BYTES`] of a page, durably.
    ///
    /// # Panics
    /// If that fails.
    pub fn change_durably(&self, page: PageId, value: u64) {
        let mut operation = self.store.operation();
        fill(&mut operation, page, value);
        self.store.commit(operation).expect("a commit");
    }

    /// Makes everything durable.
    ///
    /// # Panics
    /// If that fails.
    pub fn drain(&self) {
        let (reserved, _, _) = self.store.wal_positions();
        self.store.wait_durable(reserved).expect("a sync");
    }
}

fn fill(operation: &mut seawall::Operation<'_>, page: PageId, value: u64) {
    let mut page = operation.page(page).expect("a page");
    let offset = value as usize % (page.body().len() - CHANGE_BYTES);
    page.change(offset..offset + CHANGE_BYTES).expect("inside").fill(value as u8);
}

/// Runs `work` with a thread's number and its share of `ops` on each of `threads` threads that
/// start together; gives the time from the start of the first to the end of the last.
///
/// By their clocks: the thread that waits for them may wake up when a short work is done.
pub fn timed(threads: usize, ops: u64, work: impl Fn(usize, u64) + Sync) -> Duration {
    let (start, work) = (&Barrier::new(threads), &work);
    std::thread::scope(|scope| {
        let spawned: Vec<_> = (0..threads)
            .map(|thread| {
                let extra = u64::from((thread as u64) < ops % threads as u64);
                let share = ops / threads as u64 + extra;
                scope.spawn(move || {
                    start.wait();
                    let begun = Instant::now();
                    work(thread, share);
                    (begun, Instant::now())
                })
            })
            .collect();
        let (begun, ended): (Vec<_>, Vec<_>) =
            spawned.into_iter().map(|thread| thread.join().expect("the work")).unzip();
        let first = begun.into_iter().min().expect("at least one thread");
        ended.into_iter().max().expect("at least one thread") - first
    })
}

/// Pseudo-random numbers: xorshift64*.
pub struct Random(u64);

impl Random {
    /// A sequence of its own for each seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// As many pseudo-random bytes.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        let words = std::iter::repeat_with(|| self.number().to_le_bytes());
        words.flatten().take(len).collect()
    }

    /// One of `items`, each as likely as the others.
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        let scaled = u128::from(self.number()) * items.len() as u128;
        items[(scaled >> 64) as usize]
    }
}
