//! Rounds in which the contenders alternate: a machine that is slow for a while is slow for all of
//! them, so their ratios mean something where their times do not.

use super::{Entrant, Ids, Workload};
use seawall_benches::spread;

/// Rounds of each workload.
pub const ROUNDS: usize = 15;
/// Hits of a contender in a round of one thread; half as many go before, off the clock, because
/// the others have taken its lines out of the processor's caches.
pub const ROUND_OPS: u64 = 200_000;

/// So many times as long is a round of several threads: it takes a scheduler milliseconds to give
/// each of them a processor of its own, and as long as it has not they meet nobody.
const LONGER: u64 = 10;

/// Prints one line for each contender, with the ratio of its median to the first one's.
pub fn print_table(entrants: &[Box<dyn Entrant>], ids: Ids, workload: Workload, threads: usize) {
    let mut times = vec![Vec::with_capacity(ROUNDS); entrants.len()];
    for round in 0..ROUNDS {
        // Each round begins with another one: nobody always follows the same predecessor's load.
        for turn in 0..entrants.len() {
            let index = (round + turn) % entrants.len();
            times[index].push(ns_per_hit(&*entrants[index], ids, workload, threads));
        }
    }
    println!("{}/{threads}", workload.name());
    let spreads: Vec<_> = times.into_iter().map(spread).collect();
    for (entrant, [low, median, high]) in entrants.iter().zip(&spreads) {
        let (name, ratio) = (entrant.name(), median / spreads[0][1]);
        println!("  {name:<16}  {median:7.1}  ({low:7.1} to {high:7.1})  {ratio:6.2}");
    }
}

fn ns_per_hit(entrant: &dyn Entrant, ids: Ids, workload: Workload, threads: usize) -> f64 {
    let ops = if threads > 1 { LONGER * ROUND_OPS } else { ROUND_OPS };
    entrant.run(ids, workload, threads, ROUND_OPS / 2);
    let time = entrant.run(ids, workload, threads, ops);
    time.as_secs_f64() * 1e9 / ops as f64
}
