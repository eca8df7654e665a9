//! How fast a checkpoint writes. PostgreSQL: `IsCheckpointOnSchedule`, `CheckpointWriteDelay`.
//!
//! The writes are spread over a part of the interval between checkpoints, by time and by WAL,
//! whichever leaves less: the checkpoint should be complete before the next one is due.
//!
//! # Rules
//! * What is left is spread evenly over the time that is left. A checkpoint that was held up, by a
//!   slow write or a sync, so has a slightly higher rate from then on; it does not catch up in one
//!   burst, in which commits would have to wait for the device.
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

/// Part of the WAL budget before which its rate says nothing yet.
const FIRST_WAL_PART: f64 = 0.02;

/// Writes over which the measured time of one is averaged.
const SMOOTHING_WRITES: u32 = 8;

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
    /// Pages written or found written.
    pub(super) done: usize,
    /// Of so many.
    pub(super) total: usize,
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
        let budget = self.wal_bytes.saturating_sub(at.image_bytes);
        let used = at.wal_bytes.saturating_sub(at.image_bytes) as f64 / budget.max(1) as f64;
        if used >= 1.0 {
            return Duration::ZERO;
        }
        if used < FIRST_WAL_PART {
            return by_time;
        }
        // At the rate of the log so far.
        by_time.min(at.elapsed.mul_f64((1.0 - used) / used))
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
    /// Pages done when a rest was last reckoned.
    done: usize,
    /// When the last rest ended.
    rested: Duration,
    /// Rest that is due and was too short to be taken.
    owed: Duration,
    /// Mean time of a write.
    write: Duration,
}

impl Pacer {
    /// A pacer for the writes that begin now.
    pub(super) fn new(schedule: Schedule) -> Self {
        let zero = Duration::ZERO;
        Self { schedule, done: 0, rested: zero, owed: zero, write: zero }
    }

    /// Notes how long a write took.
    pub(super) fn note_write(&mut self, took: Duration) {
        self.write = (self.write * (SMOOTHING_WRITES - 1) + took) / SMOOTHING_WRITES;
    }

    /// How long to rest now, if at all; to be asked after each page until there is no rest left.
    pub(super) fn rest(&mut self, at: &Standing) -> Option<Duration> {
        if at.done >= at.total {
            return None;
        }
        let (time_left, pages_left) = (self.schedule.time_left(at), at.total - at.done);
        let pages = at.done - self.done;
        let due = time_left.mul_f64(pages as f64 / (pages_left + pages) as f64);
        let busy = at.elapsed.saturating_sub(self.rested);
        (self.done, self.rested) = (at.done, at.elapsed);
        // What took too long is not made up for by the next rests alone: the time that is left has
        // become less for all of them.
        self.owed = (self.owed + due).saturating_sub(busy).min(time_left);
        if self.owed < self.write.max(SHORTEST_REST) {
            return None;
        }
        let rest = self.owed.min(LONGEST_REST);
        self.rested += rest;
        self.owed -= rest;
        Some(rest)
    }
}

#[cfg(test)]
mod tests;
