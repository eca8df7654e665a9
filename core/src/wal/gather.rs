//! How long the leader of a group waits for company: so that those who were woken together by the
//! last group commit together again, with one sync for all. PostgreSQL: `commit_delay`,
//! `commit_siblings`, which are tuned by hand.
//!
//! The leader expects whoever waits already and whoever the last group has woken, as many bytes as
//! they had. It offers its processor to others until these have come, or nobody comes any more. A
//! wait that brought nobody, or took longer than the write that follows, was a mistake: then some
//! groups go without, twice as many as after the last mistake.
//!
//! Nothing depends on it but speed: the checkers do not see it.

use crate::clock::Clock;
use crate::lsn::Lsn;
use std::time::Duration;

/// Turns in which nobody came that end a wait.
const IDLE_TURNS: u32 = 32;

/// Groups without a wait after many mistakes.
const MAX_SKIPPED: u32 = 127;

/// What is expected, and what became of it: speaks of the last group and is kept by its leader.
#[derive(Debug, Default)]
pub(super) struct Gather {
    expected: Lsn,
    write_time: Duration,
    skip: u32,
    skipped: u32,
}

impl Gather {
    /// Waits for those who are expected, while they come, if that was worth it lately.
    pub(super) fn wait(&mut self, reserved: impl Fn() -> Lsn, clock: &dyn Clock) {
        let before = reserved();
        if before >= self.expected {
            return;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return;
        }
        let (started, mut last, mut idle) = (clock.now(), before, 0);
        while last < self.expected && idle < IDLE_TURNS && crate::sync::offer_processor() {
            let end = reserved();
            idle = if end > last { 0 } else { idle + 1 };
            last = end;
        }
        let time = clock.now().saturating_sub(started);
        let was_worth_it = last > before && time <= self.write_time;
        self.skipped = if was_worth_it { 0 } else { (2 * self.skipped + 1).min(MAX_SKIPPED) };
        self.skip = self.skipped;
    }

    /// A group of so many bytes has ended; those who waited for them are on their way back.
    pub(super) fn note_group(&mut self, reserved: Lsn, bytes: u64, write_time: Duration) {
        self.expected = reserved.plus(bytes);
        self.write_time = write_time;
    }
}
