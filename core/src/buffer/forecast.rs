//! How far ahead of the clock sweep the background writer cleans: arithmetic alone.
//! PostgreSQL: the estimates of `BgBufferSync`.
//!
//! # State
//! ```text
//!       hand               next                hand + frames
//! --------|------------------|-----------------------|-------->  steps of the sweep
//!           looked at before   may be looked at now
//! ```
//! The hand's steps are one count that only grows, and so are the writer's: step `n` is at frame
//! `n mod frames`. A round begins with the hand where it is, goes on where the last one stopped
//! (or at the hand, if that has come past), and stops as soon as it
//! * has found as many reusable frames as the sweep is expected to need until the next round,
//!   together with those that it must have left behind between the hand and its start; but not
//!   before it has found its part of the pool, so that it comes round in [`LAP_TIME`];
//! * has written as many pages as it may; or
//! * is one lap ahead.
//!
//! # Estimates
//! Allocations of a round: what they were, if that is more than expected, else slowly less. Steps
//! to a reusable frame: an average of what the sweep needed and of what the scans found.
//!
//! # Rules
//! * hand <= next <= hand + frames whenever a step is given out; the writes of a round are at most
//!   `max_writes`; a round ends after a lap at the latest.
//!
//! Called by: `background.rs`. Checked by: unit and property tests.

use crate::config::Config;
use std::time::Duration;

/// Rounds over which an estimate follows what is seen.
const SMOOTHING_ROUNDS: f64 = 16.0;

/// The whole pool is looked at in this time, however little is allocated.
const LAP_TIME: Duration = Duration::from_secs(120);

/// Steps to a reusable frame before anything was seen.
const FIRST_STEPS_PER_FRAME: f64 = 10.0;

/// Where the pool is: both counts only grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    /// Steps of the hand.
    pub(super) hand: u64,
    /// Frames allocated by the sweep.
    pub(super) allocations: u64,
}

/// What a step of a scan came upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// A frame that the sweep would not take.
    InUse,
    /// A frame that it would take, with nothing to write.
    Reusable,
    /// The same, since the page was written just now.
    Cleaned,
}

/// What is known from one round to the next.
#[derive(Debug)]
pub(super) struct Forecast {
    frames: u64,
    max_writes: u32,
    multiplier: f64,
    /// Reusable frames that a round looks for at least.
    least: f64,
    last: Position,
    next: u64,
    allocations_per_round: f64,
    steps_per_frame: f64,
}

/// One round.
#[derive(Debug)]
pub(super) struct Scan {
    next: u64,
    end: u64,
    wanted: f64,
    reusable: u32,
    written: u32,
    max_writes: u32,
    allocated: u64,
}

/// What a round of the background writer has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// Frames that the sweep has allocated since the round before.
    pub allocated: u64,
    /// Frames looked at.
    pub looked_at: u64,
    /// Pages written.
    pub written: u32,
    /// Whether nothing was allocated since the round before, and the writer is a whole lap ahead:
    /// there is nothing to do until the next allocation.
    pub is_idle: bool,
}

impl Forecast {
    /// Begins with the pool as it is.
    pub(super) fn new(config: &Config, frames: usize, now: Position) -> Self {
        let mut forecast = Self {
            frames: frames as u64,
            max_writes: 0,
            multiplier: 0.0,
            least: 0.0,
            last: now,
            next: now.hand,
            allocations_per_round: 0.0,
            steps_per_frame: FIRST_STEPS_PER_FRAME,
        };
        forecast.configure(config);
        forecast
    }

    /// Goes by these settings from the next round on.
    pub(super) fn configure(&mut self, config: &Config) {
        let laps = config.background_writer_delay.div_duration_f64(LAP_TIME);
        self.max_writes = config.background_writer_max_pages;
        self.multiplier = config.background_writer_multiplier;
        self.least = self.frames as f64 * laps;
    }

    /// The allocations that were counted so far.
    pub(super) fn allocations(&self) -> u64 {
        self.last.allocations
    }

    /// Begins a round.
    pub(super) fn begin(&mut self, now: Position) -> Scan {
        let steps = now.hand - self.last.hand;
        let allocated = now.allocations - self.last.allocations;
        self.last = now;
        self.learn_allocations(allocated);
        self.learn_density(steps, allocated);
        self.next = self.next.max(now.hand);
        let left_behind = (self.next - now.hand) as f64 / self.steps_per_frame;
        let upcoming = self.allocations_per_round * self.multiplier;
        Scan {
            next: self.next,
            end: now.hand + self.frames,
            wanted: (upcoming - left_behind).max(self.least),
            reusable: 0,
            written: 0,
            max_writes: self.max_writes,
            allocated,
        }
    }

    /// Ends a round, also one that an error has cut short.
    pub(super) fn end(&mut self, scan: &Scan) -> Round {
        let looked_at = scan.next - self.next;
        self.next = scan.next;
        self.learn_density(looked_at, u64::from(scan.reusable));
        let &Scan { allocated, written, .. } = scan;
        Round { allocated, looked_at, written, is_idle: allocated == 0 && scan.next == scan.end }
    }

    /// Up at once, so that a burst finds clean frames from its second round on; down slowly.
    fn learn_allocations(&mut self, allocated: u64) {
        let (seen, expected) = (allocated as f64, self.allocations_per_round);
        self.allocations_per_round = seen.max(expected + (seen - expected) / SMOOTHING_ROUNDS);
    }

    fn learn_density(&mut self, steps: u64, frames: u64) {
        if steps > 0 && frames > 0 {
            // Counted at different moments: there may be more frames than steps.
            let seen = (steps as f64 / frames as f64).max(1.0);
            self.steps_per_frame += (seen - self.steps_per_frame) / SMOOTHING_ROUNDS;
        }
    }
}

impl Scan {
    /// The next step to look at, unless it is enough.
    pub(super) fn advance(&mut self) -> Option<u64> {
        let is_enough = self.next == self.end
            || self.written == self.max_writes
            || f64::from(self.reusable) >= self.wanted;
        if is_enough {
            return None;
        }
        self.next += 1;
        Some(self.next - 1)
    }

    /// Notes what was found at the step given last.
    pub(super) fn note(&mut self, found: Found) {
        self.reusable += u32::from(found != Found::InUse);
        self.written += u32::from(found == Found::Cleaned);
    }
}

#[cfg(test)]
mod tests;
