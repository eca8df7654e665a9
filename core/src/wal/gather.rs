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

use crate::lsn::Lsn;
use std::time::Duration;

/// Turns in which nobody came that end a wait.
const IDLE_TURNS: u32 = 8;

/// Groups without a wait after many mistakes.
const MAX_SKIPPED: u32 = 127;

/// What is expected, and what became of it. Plain data, behind the lock of the pipeline.
#[derive(Debug, Default)]
pub(super) struct Gather {
    expected: Lsn,
    write_time: Duration,
    skip: u32,
    skipped: u32,
}

/// What a wait came to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waited {
    pub(super) brought_somebody: bool,
    pub(super) time: Duration,
}

impl Gather {
    /// The position up to which insertions are worth waiting for.
    pub(super) fn expect(&mut self) -> Option<Lsn> {
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        Some(self.expected)
    }

    pub(super) fn note_wait(&mut self, waited: Waited) {
        if waited.brought_somebody && waited.time <= self.write_time {
            self.skipped = 0;
        } else {
            self.skipped = (2 * self.skipped + 1).min(MAX_SKIPPED);
        }
        self.skip = self.skipped;
    }

    /// A group is durable; those who waited for its bytes are on their way back.
    pub(super) fn note_group(&mut self, reserved: Lsn, bytes: u64, write_time: Duration) {
        self.expected = reserved.plus(bytes);
        self.write_time = write_time;
    }
}

/// Waits for insertions up to `expected`, while they come. `None` if there was nothing to wait for.
pub(super) fn wait(
    expected: Lsn,
    reserved: impl Fn() -> Lsn,
    now: impl Fn() -> Duration,
) -> Option<Waited> {
    let before = reserved();
    if before >= expected {
        return None;
    }
    let (started, mut last, mut idle) = (now(), before, 0);
    while last < expected && idle < IDLE_TURNS && crate::sync::offer_processor() {
        let end = reserved();
        idle = if end > last { 0 } else { idle + 1 };
        last = end;
    }
    Some(Waited { brought_somebody: last > before, time: now().saturating_sub(started) })
}
