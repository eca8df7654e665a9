//! Rounds in which the entrants alternate: a disk that is slow for a while is slow for all of them.

use super::{Committer, Entrant, Records};
use hdrhistogram::Histogram;
use seawall_benches::spread;
use std::sync::{Barrier, OnceLock};
use std::time::{Duration, Instant};

/// Rounds for each number of committers.
pub const ROUNDS: usize = 7;
/// The clocked part of an entrant's round.
pub const ROUND: Duration = Duration::from_millis(400);

/// Commits of each thread before the clock starts.
const COMMITS_BEFORE: usize = 3;

/// What the rounds of one entrant with so many committers came to.
pub struct Summary {
    per_second: Vec<f64>,
    latency: Histogram<u64>,
}

impl Summary {
    fn new() -> Self {
        Self { per_second: Vec::with_capacity(ROUNDS), latency: latencies() }
    }

    /// Lowest, median and highest commits per second.
    pub fn per_second(&self) -> [f64; 3] {
        spread(self.per_second.clone())
    }

    /// The median of the commits per second.
    pub fn median(&self) -> f64 {
        self.per_second()[1]
    }

    /// Half of the commits, 99 in 100, and all of them took at most so many microseconds.
    pub fn latency_us(&self) -> [f64; 3] {
        [0.5, 0.99, 1.0].map(|part| self.latency.value_at_quantile(part) as f64 / 1e3)
    }

    fn add(&mut self, thread_shares: impl Iterator<Item = Share>) {
        let mut in_time = 0;
        for share in thread_shares {
            in_time += share.in_time;
            self.latency.add(share.latency).expect("the same bounds");
        }
        self.per_second.push(in_time as f64 / ROUND.as_secs_f64());
    }
}

/// All rounds with so many committers, one summary for each entrant.
pub fn run(entrants: &[&dyn Entrant], committers: usize) -> Vec<Summary> {
    let mut summaries: Vec<_> = entrants.iter().map(|_| Summary::new()).collect();
    for round in 0..ROUNDS {
        // Each round begins with another one: nobody always follows the same predecessor's load.
        for turn in 0..entrants.len() {
            let index = (round + turn) % entrants.len();
            run_round(entrants[index], committers, &mut summaries[index]);
        }
    }
    summaries
}

/// What one thread has done.
struct Share {
    /// Commits that ended before the round did.
    in_time: u64,
    /// Of all that began before the round ended, in nanoseconds.
    latency: Histogram<u64>,
}

/// From 1 microsecond to 1 minute; what is beyond counts as that.
fn latencies() -> Histogram<u64> {
    Histogram::new_with_bounds(1_000, 60_000_000_000, 3).expect("good bounds")
}

fn run_round(entrant: &dyn Entrant, committers: usize, summary: &mut Summary) {
    entrant.prepare();
    let records = entrant.records_per_call(committers);
    let committers = entrant.committers(committers);
    let start = Start { barrier: Barrier::new(committers.len()), begun: OnceLock::new() };
    std::thread::scope(|scope| {
        let spawned: Vec<_> = (1..)
            .zip(committers)
            .map(|(seed, committer)| {
                let start = &start;
                scope.spawn(move || work(committer, Records::new(seed), records, start))
            })
            .collect();
        summary.add(spawned.into_iter().map(|thread| thread.join().expect("the work")));
    });
}

/// The clock of a round: it starts when all threads are there.
struct Start {
    barrier: Barrier,
    begun: OnceLock<Instant>,
}

impl Start {
    fn wait(&self) -> Instant {
        self.barrier.wait();
        *self.begun.get_or_init(Instant::now)
    }
}

fn work(mut commit: Committer<'_>, mut records: Records, count: u64, start: &Start) -> Share {
    (0..COMMITS_BEFORE).for_each(|_| commit(records.next_record()));
    let mut share = Share { in_time: 0, latency: latencies() };
    let end = start.wait() + ROUND;
    let mut begun = Instant::now();
    while begun < end {
        commit(records.next_record());
        let ended = Instant::now();
        let nanoseconds = (ended - begun).as_nanos() as u64;
        share.latency.saturating_record_n(nanoseconds, count);
        share.in_time += if ended <= end { count } else { 0 };
        begun = ended;
    }
    share
}
