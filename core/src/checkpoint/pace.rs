//! How fast a checkpoint writes. PostgreSQL: `IsCheckpointOnSchedule`, `CheckpointWriteDelay`.
//!
//! The writes are spread over a part of the interval between checkpoints, by time and by WAL,
//! whichever leaves less: the checkpoint should be complete before the next one is due.
//!
//! # Rules
//! * What is left is spread evenly over the time that is left. A checkpoint that was held up, by a
//!   slow write or a sync, so has a slightly higher rate from then on; it does not catch up in one
//!   burst, in which commits would have to wait for the device.
//! * A page counts as written when anybody has written it, wherever in the plan it is: while others
//!   write marked pages fast enough, to evict them, the checkpoint leaves the device to them.
//! * What they leave, pages in use, may be too much for the time that is left. A checkpoint that is
//!   late by the clock does no harm: recovery would take somewhat longer. So where writes take long
//!   it goes on at a moderate rate, and does not take the device from those who commit. One that is
//!   late by the log hurries.
//! * Full-page images do not count as WAL: they come in a burst after the redo point, and would
//!   have the writes come in the same burst. The budget is reduced by what they take.
//! * It rests in small pieces, of at least what the device takes for a write: a shorter rest gives
//!   nobody else a turn. So the length of a burst follows the device, and not a constant.
//!
//! All of it is arithmetic: time and counts come in, a rest comes out.

use std::time::Duration;

/// The shortest rest: what a timer can do.
const SHORTEST_REST: Duration = Duration::from_millis(1);

/// The longest, after which what is left is looked at again. PostgreSQL: 100 ms.
const LONGEST_REST: Duration = Duration::from_millis(100);

/// What a slow write costs the rests that follow it at once. Devices work in bursts: without it the
/// waits between them would be lost, and each burst rested away. The rest of a long wait is no
/// debt: the time that is left has become less for all writes to come.
const DEBT_MAX: Duration = Duration::from_millis(100);

/// Part of the WAL budget before which its rate says nothing yet.
const FIRST_WAL_PART: f64 = 0.02;

/// What a late checkpoint may write itself on a slow device, as part of the rate at which all pages
/// would be written in time, while others write most.
const LATE_RATE: f64 = 1.0 / 3.0;

/// Writes over which the measured time of one is averaged.
const SMOOTHING_WRITES: u32 = 32;

/// What a checkpoint has for its writes.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// Time over which the writes are spread.
    pub spread: Duration,
    /// WAL that may be inserted over the same time, in bytes.
    pub wal_bytes: u64,
}

/// Where a checkpoint stands.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Standing {
    /// Marked pages.
    pub(super) total: usize,
    /// Those of them that are written, by whomever.
    pub(super) written: usize,
    /// Pages that the checkpoint has written.
    pub(super) own: usize,
    /// Time since the writes began.
    pub(super) elapsed: Duration,
    /// WAL inserted since the redo point, in bytes.
    pub(super) wal_bytes: u64,
    /// Full-page images in it.
    pub(super) image_bytes: u64,
}

impl Schedule {
    /// The time that is left for the rest of the pages.
    pub(super) fn time_left(&self, at: &Standing) -> Duration {
        let by_time = self.spread.saturating_sub(at.elapsed);
        let used = self.log_used(at);
        if used >= 1.0 {
            return Duration::ZERO;
        }
        if used < FIRST_WAL_PART {
            return by_time;
        }
        // At the rate of the log so far.
        by_time.min(at.elapsed.mul_f64((1.0 - used) / used))
    }

    /// The part of the log's budget that is used.
    fn log_used(&self, at: &Standing) -> f64 {
        let budget = self.wal_bytes.saturating_sub(at.image_bytes);
        at.wal_bytes.saturating_sub(at.image_bytes) as f64 / budget.max(1) as f64
    }

    /// The least time for each page that a late checkpoint writes itself: less where others write
    /// less.
    fn least_gap(&self, at: &Standing) -> Duration {
        let others = at.written.saturating_sub(at.own) as f64 / at.written.max(1) as f64;
        self.spread.mul_f64(others / (at.total as f64 * LATE_RATE))
    }

    /// The part of the pages that would be done by now at an even rate: 0 to 1.
    pub(super) fn ideal(&self, elapsed: Duration) -> f64 {
        if elapsed >= self.spread { 1.0 } else { elapsed.div_duration_f64(self.spread) }
    }
}

/// Gives out rests.
#[derive(Debug)]
pub(super) struct Pacer {
    schedule: Schedule,
    /// Pages written when a rest was last reckoned, by whomever and by the checkpoint.
    written: usize,
    own: usize,
    /// When the last rest ended.
    rested: Duration,
    /// Rest that is due and was too short to be taken.
    owed: Duration,
    /// Rest that was due while a write took longer.
    debt: Duration,
    /// Mean time of a write.
    write: Duration,
}

impl Pacer {
    /// A pacer for the writes that begin now.
    pub(super) fn new(schedule: Schedule) -> Self {
        let zero = Duration::ZERO;
        Self { schedule, written: 0, own: 0, rested: zero, owed: zero, debt: zero, write: zero }
    }

    /// Notes how long a write took. A very long one says little about the next.
    pub(super) fn note_write(&mut self, took: Duration) {
        let took = took.min(LONGEST_REST);
        self.write = (self.write * (SMOOTHING_WRITES - 1) + took) / SMOOTHING_WRITES;
    }

    /// How long to rest now, if at all; to be asked after each page until there is no rest left.
    pub(super) fn rest(&mut self, at: &Standing) -> Option<Duration> {
        if at.written >= at.total {
            return None;
        }
        let time_left = self.schedule.time_left(at);
        let (pages, pages_left) = (at.written - self.written, at.total - at.written);
        let by_schedule = time_left.mul_f64(pages as f64 / (pages_left + pages) as f64);
        let due = by_schedule.max(self.least_due(at));
        let busy = at.elapsed.saturating_sub(self.rested);
        (self.written, self.own, self.rested) = (at.written, at.own, at.elapsed);
        let (earned, spent) = (self.owed + due, self.debt + busy);
        self.owed = earned.saturating_sub(spent).min(time_left.max(LONGEST_REST));
        self.debt = spent.saturating_sub(earned).min(DEBT_MAX);
        if self.owed < self.write.max(SHORTEST_REST) {
            return None;
        }
        let rest = self.owed.min(LONGEST_REST);
        self.rested += rest;
        self.owed -= rest;
        Some(rest)
    }

    /// What is due even to a checkpoint that is late, unless it is the log that is short.
    fn least_due(&self, at: &Standing) -> Duration {
        let own = at.own - self.own;
        if own == 0 || self.schedule.log_used(at) >= 1.0 {
            return Duration::ZERO;
        }
        (self.schedule.least_gap(at) * own as u32).min(self.write * 2)
    }
}

#[cfg(test)]
mod tests;
