//! A hit in the buffer pool beside its peers: anywhere and on one page, by 1 and 2 threads.
//!
//! What is compared, and what is not, is in the library's documentation. A plain `cargo bench`
//! measures everybody with criterion and then in rounds that alternate, of which it prints a
//! table: the lines to look at on a machine that is not quiet. A time is the elapsed time divided
//! by the hits of all threads.

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use seawall_compare::hit::peers::{Array, Dash, Foyer, LockedMap, Moka, Quick};
use seawall_compare::hit::postgres::PostgresLike;
use seawall_compare::hit::rounds::{ROUND_OPS, ROUNDS, print_table};
use seawall_compare::hit::{Entrant, Ids, PAGE_BYTES, PAGES, Seawall, Workload};
use std::time::Duration;

const WORKLOADS: [(Workload, usize); 4] =
    [(Workload::Uniform, 1), (Workload::Uniform, 2), (Workload::Hot, 1), (Workload::Hot, 2)];

fn entrants() -> (Vec<Box<dyn Entrant>>, Ids) {
    let seawall = Seawall::new();
    let ids = seawall.ids();
    let entrants: Vec<Box<dyn Entrant>> = vec![
        Box::new(seawall),
        Box::new(PostgresLike::new(ids)),
        Box::new(LockedMap::new(ids)),
        Box::new(Dash::new(ids)),
        Box::new(Quick::new(ids)),
        Box::new(Moka::new(ids)),
        Box::new(Foyer::new(ids)),
        Box::new(Array::new(ids)),
    ];
    entrants.iter().for_each(|entrant| entrant.check(ids));
    (entrants, ids)
}

fn hit(criterion: &mut Criterion, entrants: &[Box<dyn Entrant>], ids: Ids) {
    for (workload, threads) in WORKLOADS {
        let mut group = criterion.benchmark_group(format!("hit/{}", workload.name()));
        group.sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(1));
        for entrant in entrants {
            group.bench_function(BenchmarkId::new(entrant.name(), threads), |bencher| {
                bencher.iter_custom(|ops| entrant.run(ids, workload, threads, ops));
            });
        }
        group.finish();
    }
}

fn compare(entrants: &[Box<dyn Entrant>], ids: Ids) {
    println!("{PAGES} resident pages of {PAGE_BYTES} bytes, {ROUNDS} alternating rounds of");
    println!(
        "{ROUND_OPS} hits or more; workload/threads, median ns per hit (min to max), / seawall's:"
    );
    for (workload, threads) in WORKLOADS {
        print_table(entrants, ids, workload, threads);
    }
}

/// Whether this is a plain `cargo bench`: nothing chosen, everything measured.
fn is_whole_run() -> bool {
    std::env::args().skip(1).eq(["--bench"])
}

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .nresamples(2000)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(500))
        .configure_from_args();
    let (entrants, ids) = entrants();
    hit(&mut criterion, &entrants, ids);
    if is_whole_run() {
        compare(&entrants, ids);
    }
    criterion.final_summary();
}
