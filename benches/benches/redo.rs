//! Redo: MB of log replayed in a second, by one worker and by two, beside a sequential read of the
//! same bytes with their CRC32C; and PostgreSQL's redo of a like workload, if there is a server.
//!
//! What is measured of seawall is the scan of the log and its replay, which reads it again; neither
//! the syncs nor the checkpoint that follow, which PostgreSQL's "redo done" leaves out as well. The
//! log is in the page cache, the pages are in the pool or the page cache. Rounds alternate.
//!
//! `cargo bench -p seawall-benches --bench redo`. `SEAWALL_BENCH_PG_BIN` names the directory of
//! PostgreSQL's programs; without it the usual places of Debian are looked at.

#[path = "redo/postgres.rs"]
mod postgres;

use postgres::Postgres;
use seawall::seawall_core::disk::Disk;
use seawall::seawall_core::engine::Engine;
use seawall::{Config, FileOptions, LinuxDisk, PageId, Store, SystemClock, Threads};
use seawall_benches::{CHANGE_BYTES, Random, spread, temp_dir};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const ROUNDS: usize = 5;

/// What a log is full of.
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    /// Pages of 8 KiB that are changed.
    pub(crate) pages: u32,
    /// Changes of [`CHANGE_BYTES`], one in each commit.
    pub(crate) changes: u32,
    /// Whether PostgreSQL logs full pages; here the first change of a page always does.
    pub(crate) full_page_writes: bool,
}

const WORKLOADS: [Workload; 2] = [
    Workload {
        name: "small changes, 1,000 pages",
        pages: 1000,
        changes: 300_000,
        full_page_writes: false,
    },
    Workload {
        name: "images and changes, 16,000 pages",
        pages: 16_000,
        changes: 100_000,
        full_page_writes: true,
    },
];

fn config() -> Config {
    Config {
        buffers: 32_000,
        wal_buffer_bytes: 16 << 20,
        checkpoint_timeout: Duration::from_secs(3600),
        wal_max_bytes: 8 << 30,
        ..Config::default()
    }
}

/// A store that has crashed, to be recovered as often as one likes.
struct Crashed {
    dir: TempDir,
}

impl Crashed {
    fn new(workload: &Workload) -> Self {
        let dir = temp_dir();
        let store = Store::create(dir.path().join("crashed"), config()).expect("a store");
        let file = store.create_file(FileOptions::default()).expect("a file");
        store.extend(file, workload.pages).expect("pages");
        let pages: Vec<_> = (0..workload.pages).map(|block| PageId::new(file, block)).collect();
        let mut random = Random::new(1);
        for page in &pages {
            let mut operation = store.operation();
            let mut page = operation.page(*page).expect("a page");
            let body = page.change(0..page.body().len()).expect("inside");
            body.iter_mut().for_each(|byte| *byte = random.number() as u8);
            store.commit_async(operation).expect("a commit");
        }
        store.checkpoint().expect("a checkpoint");
        for number in 0..workload.changes {
            let mut operation = store.operation();
            let mut page = operation.page(random.pick(&pages)).expect("a page");
            let offset = random.number() as usize % (page.body().len() - CHANGE_BYTES);
            let range = offset..offset + CHANGE_BYTES;
            page.change(range).expect("inside").fill(number as u8);
            store.commit_async(operation).expect("a commit");
        }
        store.wait_durable(store.wal_positions().0).expect("a sync");
        Self { dir }
    }

    fn segments(&self) -> Vec<PathBuf> {
        let wal = fs::read_dir(self.dir.path().join("crashed/wal")).expect("a directory");
        let mut paths: Vec<_> = wal.map(|entry| entry.expect("an entry").path()).collect();
        paths.sort_unstable();
        paths
    }

    /// Recovers a copy; gives the bytes of log that were replayed, and the time.
    fn recover(&self, workers: usize) -> (u64, Duration) {
        let copy = self.dir.path().join("copy");
        copy_dir(&self.dir.path().join("crashed"), &copy);
        let disk: Arc<dyn Disk> = Arc::new(LinuxDisk::new(&copy));
        let (clock, workers) = (Arc::new(SystemClock::new()), Threads::new(workers));
        let engine = Engine::open_with(disk, config(), clock, &workers, None).expect("recovery");
        let report = engine.recovery().clone();
        drop(engine);
        fs::remove_dir_all(&copy).expect("removed");
        (report.end.since(report.redo), report.scan_time + report.replay_time)
    }

    /// Reads `bytes` of the log, segment by segment.
    fn read_with_crc(&self, bytes: u64) -> Duration {
        let mut buffer = vec![0; 256 << 10];
        let (mut left, mut sum) = (bytes, 0);
        let begun = Instant::now();
        for path in self.segments() {
            let mut file = File::open(path).expect("a segment");
            while left > 0 {
                let read = file.read(&mut buffer).expect("a read");
                if read == 0 {
                    break;
                }
                sum = crc32c::crc32c_append(sum, &buffer[..read]);
                left = left.saturating_sub(read as u64);
            }
        }
        std::hint::black_box(sum);
        assert_eq!(left, 0, "the log is as long as that");
        begun.elapsed()
    }
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy_dir(&path, &target);
        } else {
            fs::copy(&path, &target).expect("copied");
        }
    }
}

fn megabytes_per_second(bytes: u64, time: Duration) -> f64 {
    bytes as f64 / 1e6 / time.as_secs_f64()
}

/// Prints the median and the range of what was measured.
pub(crate) fn print_row(name: &str, rates: Vec<f64>) {
    let [low, median, high] = spread(rates);
    println!("  {name:<28} {median:>8.0} MB/s  ({low:.0} to {high:.0})");
}

fn run(workload: &Workload, server: Option<&Postgres>) {
    let crashed = Crashed::new(workload);
    let server = server.map(|server| server.crashed(workload));
    let mut rows: [Vec<f64>; 4] = Default::default();
    let mut bytes = 0;
    for _ in 0..ROUNDS {
        for (row, workers) in rows.iter_mut().zip([1, 2]) {
            let (replayed, time) = crashed.recover(workers);
            row.push(megabytes_per_second(replayed, time));
            bytes = replayed;
        }
        rows[2].push(megabytes_per_second(bytes, crashed.read_with_crc(bytes)));
        rows[3].extend(server.as_ref().map(|(server, _)| server.redo()));
    }
    println!("{}, {:.0} MB of log:", workload.name, bytes as f64 / 1e6);
    let [one, two, read, postgres] = rows;
    print_row("redo, 1 worker", one);
    print_row("redo, 2 workers", two);
    print_row("read and CRC32C", read);
    match server {
        None => println!("  PostgreSQL: skipped, no server was found"),
        Some((server, megabytes)) => {
            let full = if workload.full_page_writes { "on" } else { "off" };
            print_row(&format!("{}, fpw {full}", server.version()), postgres);
            println!("  (of {megabytes:.0} MB of its log)");
        }
    }
}

fn main() {
    // `cargo test --benches` only asks whether it runs.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let server = Postgres::find();
    for workload in &WORKLOADS {
        run(workload, server.as_ref());
    }
}
