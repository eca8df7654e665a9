//! Commits and their latencies, second by second, and what they come to.
//!
//! A commit counts in the second in which it was complete. So a stall shows as seconds with few
//! commits, and as a long latency at its end.

use hdrhistogram::Histogram;
use seawall::PoolStats;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What is longer counts as this.
const LATENCY_US_MAX: u64 = 600_000_000;

/// Commits of some seconds.
pub(crate) struct Timeline {
    /// To two digits: there are many.
    seconds: Vec<Histogram<u32>>,
    all: Histogram<u64>,
}

/// One second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Second {
    pub(crate) second: usize,
    pub(crate) commits: u64,
    pub(crate) p50_us: u64,
    pub(crate) p99_us: u64,
    pub(crate) max_us: u64,
    /// By seawall.
    pub(crate) written: Option<Written>,
}

/// Pages that were written, by those who did it, and in how many writes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Written {
    pub(crate) by_checkpoints: u64,
    pub(crate) by_background: u64,
    pub(crate) by_evictions: u64,
    pub(crate) writes: u64,
}

impl Written {
    /// What has been written between two looks.
    pub(crate) fn between(from: &PoolStats, to: &PoolStats) -> Self {
        let difference = |of: fn(&PoolStats) -> u64| of(to) - of(from);
        let (by_checkpoints, by_background, by_evictions) = (
            difference(|stats| stats.written_by_checkpoints),
            difference(|stats| stats.written_by_background),
            difference(|stats| stats.written_by_evictions),
        );
        let pages = by_checkpoints + by_background + by_evictions;
        let writes = pages.saturating_sub(difference(|stats| stats.taken_along));
        Self { by_checkpoints, by_background, by_evictions, writes }
    }
}

/// All seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) seconds: usize,
    pub(crate) commits: u64,
    /// Of the seconds' commits.
    pub(crate) commits_per_s_median: u64,
    /// Seconds with less than a tenth of that, and with less than half.
    pub(crate) seconds_below_10_percent: usize,
    pub(crate) seconds_below_50_percent: usize,
    /// What tells if more than half of the time is a stall.
    pub(crate) seconds_without_commits: usize,
    pub(crate) p50_us: u64,
    pub(crate) p99_us: u64,
    pub(crate) p999_us: u64,
    pub(crate) max_us: u64,
}

impl Timeline {
    pub(crate) fn new(seconds: usize) -> Self {
        let second = Histogram::new_with_bounds(1, LATENCY_US_MAX, 2).expect("a range");
        let all = Histogram::new_with_bounds(1, LATENCY_US_MAX, 3).expect("a range");
        Self { seconds: vec![second; seconds], all }
    }

    /// Adds a commit that was complete at `at`, from the start of the first second. One that was
    /// complete after the last second, but begun before its end, has a latency all the same.
    pub(crate) fn add(&mut self, at: Duration, latency_us: u64) {
        let end = Duration::from_secs(self.seconds.len() as u64);
        if at.saturating_sub(Duration::from_micros(latency_us)) >= end {
            return;
        }
        self.all.saturating_record(latency_us);
        if let Some(second) = self.seconds.get_mut(at.as_secs() as usize) {
            second.saturating_record(latency_us);
        }
    }

    pub(crate) fn second(&self, second: usize) -> Second {
        let latencies = &self.seconds[second];
        Second {
            second,
            commits: latencies.len(),
            p50_us: latencies.value_at_quantile(0.5),
            p99_us: latencies.value_at_quantile(0.99),
            max_us: latencies.max(),
            written: None,
        }
    }

    pub(crate) fn seconds(&self) -> Vec<Second> {
        (0..self.seconds.len()).map(|second| self.second(second)).collect()
    }

    pub(crate) fn summary(&self) -> Summary {
        let commits: Vec<u64> = self.seconds.iter().map(Histogram::len).collect();
        let median = median(commits.clone());
        let below = |percent| commits.iter().filter(|n| *n * 100 < median * percent).count();
        Summary {
            seconds: self.seconds.len(),
            commits: commits.iter().sum(),
            commits_per_s_median: median,
            seconds_below_10_percent: below(10),
            seconds_below_50_percent: below(50),
            seconds_without_commits: commits.iter().filter(|commits| **commits == 0).count(),
            p50_us: self.all.value_at_quantile(0.5),
            p99_us: self.all.value_at_quantile(0.99),
            p999_us: self.all.value_at_quantile(0.999),
            max_us: self.all.max(),
        }
    }
}

/// The upper one of two; the default of none.
pub(crate) fn median<T: Ord + Copy + Default>(mut values: Vec<T>) -> T {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_below_a_tenth_and_a_half_of_the_median_are_counted() {
        let mut timeline = Timeline::new(7);
        for (second, commits) in [100, 100, 100, 100, 49, 9, 0].into_iter().enumerate() {
            for commit in 0..commits {
                timeline.add(Duration::new(second as u64, commit * 1000), 500);
            }
        }
        let summary = timeline.summary();
        assert_eq!((summary.commits, summary.commits_per_s_median), (458, 100));
        assert_eq!(summary.seconds_below_10_percent, 2);
        assert_eq!(summary.seconds_below_50_percent, 3);
        assert_eq!(summary.seconds_without_commits, 1);
    }

    #[test]
    fn percentiles_are_of_all_commits_and_of_each_second() {
        let mut timeline = Timeline::new(2);
        for commit in 1..=1000 {
            timeline.add(Duration::from_millis(commit), commit);
        }
        let summary = timeline.summary();
        assert_eq!((summary.p50_us, summary.p99_us), (500, 990));
        assert_eq!((summary.p999_us, summary.max_us), (999, 1000));
        let seconds = timeline.seconds();
        assert_eq!((seconds[0].commits, seconds[1].commits), (999, 1));
        assert!(seconds[0].p99_us.abs_diff(990) <= 10 && seconds[1].p50_us.abs_diff(1000) <= 10);
    }

    #[test]
    fn a_commit_that_ends_after_the_last_second_has_a_latency_if_it_began_before() {
        let mut timeline = Timeline::new(1);
        timeline.add(Duration::from_secs(3), 2_500_000);
        timeline.add(Duration::from_secs(3), 1_500_000);
        let summary = timeline.summary();
        assert_eq!(summary.commits, 0);
        assert_eq!(summary.max_us / 10_000, 250);
    }

    #[test]
    fn no_commits_at_all_are_a_summary_too() {
        let summary = Timeline::new(3).summary();
        assert_eq!((summary.commits, summary.max_us), (0, 0));
        assert_eq!((summary.seconds_below_10_percent, summary.seconds_without_commits), (0, 3));
    }
}
