//! How fast a checkpoint writes. PostgreSQL: `IsCheckpointOnSchedule`.
//!
//! The writes are spread over a part of the interval between checkpoints, by time and by WAL,
//! whichever is more urgent: the checkpoint should be complete before the next one is due.

use std::time::Duration;

/// The longest nap, after which the schedule is looked at again. PostgreSQL: 100 ms.
const LONGEST_NAP: Duration = Duration::from_millis(100);

/// The plan of one checkpoint's writes.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// Time over which the writes are spread.
    pub spread: Duration,
    /// WAL that may be inserted over the same time, in bytes.
    pub wal_bytes: u64,
}

impl Schedule {
    /// How long to rest after `done` of `total` pages, `elapsed` after the start, when `wal` bytes
    /// were inserted since. `None`: the checkpoint is behind, or complete.
    pub fn nap(&self, done: usize, total: usize, elapsed: Duration, wal: u64) -> Option<Duration> {
        if done >= total {
            return None;
        }
        let progress = done as f64 / total as f64;
        if wal as f64 >= progress * self.wal_bytes as f64 && wal > 0 {
            return None;
        }
        let early = self.spread.mul_f64(progress).saturating_sub(elapsed);
        (!early.is_zero()).then(|| early.min(LONGEST_NAP))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn schedule() -> Schedule {
        Schedule { spread: SECOND * 10, wal_bytes: 1000 }
    }

    #[test]
    fn an_early_checkpoint_rests_and_a_late_one_does_not() {
        assert_eq!(schedule().nap(50, 100, SECOND * 4, 0), Some(LONGEST_NAP));
        let almost = SECOND * 5 - Duration::from_millis(30);
        assert_eq!(schedule().nap(50, 100, almost, 0), Some(Duration::from_millis(30)));
        assert_eq!(schedule().nap(50, 100, SECOND * 5, 0), None);
    }

    #[test]
    fn much_wal_makes_an_early_checkpoint_late() {
        assert_eq!(schedule().nap(50, 100, SECOND, 499), Some(LONGEST_NAP));
        assert_eq!(schedule().nap(50, 100, SECOND, 500), None);
    }

    proptest! {
        /// A simulated checkpoint whose writes take no time ends within a nap of its plan.
        #[test]
        fn the_writes_are_spread_evenly(total in 1usize..500, spread_ms in 1u64..100_000) {
            let plan = Schedule { spread: Duration::from_millis(spread_ms), wal_bytes: 1 };
            let mut elapsed = Duration::ZERO;
            for done in 1..=total {
                while let Some(nap) = plan.nap(done, total, elapsed, 0) {
                    elapsed += nap;
                }
                let ideal = plan.spread.mul_f64(done as f64 / total as f64);
                if done < total {
                    prop_assert!(elapsed >= ideal);
                }
                prop_assert!(elapsed <= ideal + LONGEST_NAP);
            }
        }
    }
}
