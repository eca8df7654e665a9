//! Commits of a 100-byte change: durable by 1 and 4 threads, and asynchronous.
//!
//! The time of an fdatasync is the disk's and changes from minute to minute, so a durable commit
//! means something only beside `raw`: the same sync after a write of 128 bytes to a plain,
//! preallocated file. The last lines that are printed compare them in rounds that alternate.

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use seawall::Config;
use seawall_benches::{BenchStore, Random, spread, temp_dir, timed, zeroed_file};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Bytes of one raw write: about a WAL record of such a change.
const RAW_WRITE_BYTES: usize = 128;
const RAW_FILE_BYTES: u64 = 16 << 20;

/// Each thread changes pages of its own: nobody waits for a content lock.
const PAGES_PER_THREAD: usize = 64;
const THREADS_MAX: usize = 4;

/// Operations of one round of the comparison, for each of its rows.
const ROUND_OPS: u64 = 64;
const ROUNDS: usize = 15;

/// What is written to and synced without a store.
struct RawFile {
    file: File,
    written: AtomicU64,
    _dir: TempDir,
}

impl RawFile {
    fn new() -> Self {
        let dir = temp_dir();
        let file = zeroed_file(&dir.path().join("raw"), RAW_FILE_BYTES as usize);
        Self { file, written: AtomicU64::new(0), _dir: dir }
    }

    fn append_durably(&self) {
        // Relaxed: one thread writes.
        let at = self.written.fetch_add(RAW_WRITE_BYTES as u64, Ordering::Relaxed);
        self.file.write_all_at(&[1; RAW_WRITE_BYTES], at % RAW_FILE_BYTES).expect("a write");
        self.file.sync_data().expect("a sync");
    }

    fn run(&self, ops: u64) -> Duration {
        timed(1, ops, |_, share| (0..share).for_each(|_| self.append_durably()))
    }
}

fn store(config: Config) -> BenchStore {
    BenchStore::new((PAGES_PER_THREAD * THREADS_MAX) as u32, config)
}

fn commit_durably(bench: &BenchStore, threads: usize, ops: u64) -> Duration {
    timed(threads, ops, |thread, share| {
        let pages = &bench.pages[thread * PAGES_PER_THREAD..][..PAGES_PER_THREAD];
        let mut random = Random::new(thread as u64 + 1);
        (0..share).for_each(|_| bench.change_durably(random.pick(pages), random.number()));
    })
}

fn durable(criterion: &mut Criterion, bench: &BenchStore, raw: &RawFile) {
    let mut group = criterion.benchmark_group("commit/durable");
    group.sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(1));
    group.bench_function("raw", |bencher| bencher.iter_custom(|ops| raw.run(ops)));
    for threads in [1, THREADS_MAX] {
        group.bench_function(BenchmarkId::new("threads", threads), |bencher| {
            bencher.iter_custom(|ops| commit_durably(bench, threads, ops));
        });
    }
    group.finish();
}

/// Prints how many times the raw sync a commit takes, as the median over the rounds.
fn compare(bench: &BenchStore, raw: &RawFile) {
    let mut ratios = [1, THREADS_MAX].map(|threads| (threads, Vec::with_capacity(ROUNDS)));
    for _ in 0..ROUNDS {
        let before = raw.run(ROUND_OPS);
        let times =
            ratios.each_ref().map(|(threads, _)| commit_durably(bench, *threads, ROUND_OPS));
        let baseline = (before + raw.run(ROUND_OPS)).as_secs_f64() / 2.0;
        for ((_, ratios), time) in ratios.iter_mut().zip(times) {
            ratios.push(time.as_secs_f64() / baseline);
        }
    }
    println!("time per commit / time per raw write and fdatasync, {ROUNDS} alternating rounds:");
    for (threads, ratios) in ratios {
        let [low, median, high] = spread(ratios);
        println!("  threads/{threads}  median {median:.2}  ({low:.2} to {high:.2})");
    }
}

/// Records that fit the ring of [`insert`] with room to spare, at 200 bytes each.
const BURST_OPS: u64 = 100_000;

/// Insertion alone: bursts that fit the ring, which is emptied off the clock.
fn insert(criterion: &mut Criterion) {
    let bench = store(Config {
        wal_buffer_bytes: 64 << 20,
        wal_writer_delay: Duration::from_secs(10),
        ..Config::default()
    });
    let mut group = criterion.benchmark_group("commit/async");
    group.throughput(Throughput::Elements(1));
    group.bench_function("insert", |bencher| {
        bencher.iter_custom(|ops| {
            let (mut left, mut time, mut random) = (ops, Duration::ZERO, Random::new(1));
            while left > 0 {
                let burst = left.min(BURST_OPS);
                let begun = Instant::now();
                (0..burst).for_each(|_| bench.change(random.pick(&bench.pages), random.number()));
                time += begun.elapsed();
                bench.drain();
                left -= burst;
            }
            time
        });
    });
    group.finish();
}

/// Whether this is a plain `cargo bench`: nothing chosen, everything measured.
fn is_whole_run() -> bool {
    std::env::args().skip(1).eq(["--bench"])
}

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(4))
        .configure_from_args();
    let (bench, raw) = (store(Config::default()), RawFile::new());
    durable(&mut criterion, &bench, &raw);
    if is_whole_run() {
        compare(&bench, &raw);
    }
    insert(&mut criterion.measurement_time(Duration::from_secs(1)));
}
