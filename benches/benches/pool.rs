//! A hit in the buffer pool: pin, lock shared, read 8 bytes, unlock, unpin.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use seawall::{Config, PageId};
use seawall_benches::{BenchStore, Random, timed};
use std::hint::black_box;
use std::time::Duration;

/// Pages that are read, 4 MiB of them, in a pool of twice as many.
const PAGES: u32 = 512;

fn read_hits(bench: &BenchStore, seed: u64, ops: u64) {
    let mut random = Random::new(seed);
    for _ in 0..ops {
        let page: PageId = random.pick(&bench.pages);
        let read = bench.store.read(page).expect("a resident page");
        black_box(u64::from_le_bytes(read[..8].try_into().expect("8 bytes")));
    }
}

fn hit(criterion: &mut Criterion) {
    let config = Config { buffers: 2 * PAGES as usize, ..Config::default() };
    let bench = BenchStore::new(PAGES, config);
    let mut group = criterion.benchmark_group("pool/hit");
    group.throughput(Throughput::Elements(1));
    for threads in [1, 2] {
        group.bench_function(BenchmarkId::new("threads", threads), |bencher| {
            bencher.iter_custom(|ops| {
                timed(threads, ops, |thread, share| read_hits(&bench, thread as u64 + 1, share))
            });
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
    targets = hit
}
criterion_main!(benches);
