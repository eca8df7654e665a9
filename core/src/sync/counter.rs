//! Counts for people to look at. No protocol goes by them, so they are the same in every
//! compilation, and no checker sees them: they add no interleaving.
#![allow(clippy::disallowed_types, reason = "no protocol goes by them")]

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Threads up to this number add to words of their own.
const SHARDS: usize = 16;

/// A count that many threads add to.
///
/// Its shards are on the heap: loom's threads have little stack to build them on.
#[derive(Debug)]
pub struct Counter(Box<[Shard]>);

/// Alone in its cache line, and in the line that is fetched with it.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard(AtomicU64);

static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static SHARD: usize = THREADS.fetch_add(1, Ordering::Relaxed) % SHARDS;
}

impl Counter {
    /// Zero.
    pub fn new() -> Self {
        Self((0..SHARDS).map(|_| Shard::default()).collect())
    }

    /// Adds to it.
    #[inline]
    pub fn add(&self, count: u64) {
        if count > 0 {
            // Relaxed, here and below: nothing is concluded from a count.
            self.0[SHARD.with(|shard| *shard)].0.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// What was added so far.
    pub fn sum(&self) -> u64 {
        self.0.iter().map(|Shard(count)| count.load(Ordering::Relaxed)).sum()
    }
}

impl Default for Counter {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::Counter;

    #[test]
    fn what_all_threads_have_added_is_counted() {
        const THREADS: u64 = 2 * super::SHARDS as u64;
        let counter = Counter::new();
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| (0..100).for_each(|_| counter.add(2)));
            }
        });
        assert_eq!(counter.sum(), THREADS * 200);
    }
}
