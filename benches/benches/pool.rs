//! The buffer pool: a hit (lock shared, read 8 bytes, unlock); a miss; a scan that misses, page by
//! page and by neighbours that are loaded together. What is missed is in the system's page cache.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use seawall::{Access, Config, PageId};
use seawall_benches::{BenchStore, Random, timed};
use std::hint::black_box;
use std::time::Duration;

/// Pages that are hit, 4 MiB of them, in a pool of twice as many.
const PAGES: u32 = 512;

/// Pages that are missed, in a pool of a sixteenth as many.
const MISSED: u32 = 16 * PAGES;

fn read_any(bench: &BenchStore, seed: u64, ops: u64) {
    let mut random = Random::new(seed);
    for _ in 0..ops {
        let page: PageId = random.pick(&bench.pages);
        let read = bench.store.read(page).expect("a page");
        black_box(u64::from_le_bytes(read[..8].try_into().expect("8 bytes")));
    }
}

fn read_by_threads(criterion: &mut Criterion, name: &str, bench: &BenchStore) {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(1));
    for threads in [1, 2] {
        group.bench_function(BenchmarkId::new("threads", threads), |bencher| {
            bencher.iter_custom(|ops| {
                timed(threads, ops, |thread, share| read_any(bench, thread as u64 + 1, share))
            });
        });
    }
    group.finish();
}

fn hit(criterion: &mut Criterion) {
    let config = Config { buffers: 2 * PAGES as usize, ..Config::default() };
    read_by_threads(criterion, "pool/hit", &BenchStore::new(PAGES, config));
}

fn missing() -> BenchStore {
    let config = Config { buffers: PAGES as usize, ..Config::default() };
    let bench = BenchStore::new(MISSED, config);
    // So that an eviction has nothing to write.
    bench.store.checkpoint().expect("a checkpoint");
    bench
}

/// Random pages, of which fifteen in sixteen are misses.
fn miss(criterion: &mut Criterion) {
    read_by_threads(criterion, "pool/miss", &missing());
}

/// All pages in their order, through a ring.
fn scan(bench: &BenchStore, loaded: u32) {
    let mut ring = bench.store.ring(Access::BulkRead);
    for (index, page) in bench.pages.iter().enumerate() {
        if loaded > 1 && (index as u32).is_multiple_of(loaded) {
            bench.store.load_through(*page, loaded, &mut ring).expect("pages");
        }
        let read = bench.store.read_through(*page, &mut ring).expect("a page");
        black_box(u64::from_le_bytes(read[..8].try_into().expect("8 bytes")));
    }
}

fn scans(criterion: &mut Criterion) {
    let bench = missing();
    let mut group = criterion.benchmark_group("pool/scan");
    group.throughput(Throughput::Elements(u64::from(MISSED)));
    for loaded in [1, 16] {
        group.bench_function(BenchmarkId::new("loaded", loaded), |bencher| {
            bencher.iter(|| scan(&bench, loaded));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    targets = hit, miss, scans
}
criterion_main!(benches);
