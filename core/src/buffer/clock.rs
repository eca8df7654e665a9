//! The clock sweep: which frame is given up next. PostgreSQL: `StrategyGetBuffer`.
//!
//! A hand goes round the frames. A pinned frame is passed by, a used one loses a point of usage,
//! an unused one is claimed: pinned by the sweeper, as the only one.
//!
//! # Rules
//! * E2: the sweep waits for nothing.
//! * E5: it ends: with a frame, or with the finding that every frame was in use in one round.

use super::state::{Header, Snapshot, Sweep};
use super::table::FrameId;
use crate::sync::atomic::{AtomicU64, Ordering};

/// The hand, and the frames it goes round.
#[derive(Debug)]
pub struct ClockSweep {
    /// Steps so far: a count that only grows.
    hand: AtomicU64,
    frames: usize,
}

impl ClockSweep {
    /// A hand at the first of `frames` frames.
    pub fn new(frames: usize) -> Self {
        Self { hand: AtomicU64::new(0), frames }
    }

    /// Claims an unused frame. `None` if all are pinned.
    ///
    /// The hand is shared: while others move it, N steps of one thread need not meet N frames. So
    /// after a fruitless round it looks at every frame once, in order.
    pub fn claim<'a>(&self, header: impl Fn(FrameId) -> &'a Header) -> Option<(FrameId, Snapshot)> {
        let mut in_use = 0;
        while in_use < self.frames {
            let frame = self.advance();
            match header(frame).sweep() {
                Sweep::Claimed(word) => return Some((frame, word)),
                Sweep::Aged => in_use = 0,
                Sweep::InUse => in_use += 1,
            }
        }
        (0..self.frames as u32).map(FrameId).find_map(|frame| match header(frame).claim() {
            Sweep::Claimed(word) => Some((frame, word)),
            Sweep::Aged | Sweep::InUse => None,
        })
    }

    /// Steps that the hand has made.
    pub fn position(&self) -> u64 {
        // Relaxed: only where to look depends on it.
        self.hand.load(Ordering::Relaxed)
    }

    /// The frame that the hand meets at a step.
    pub fn frame(&self, step: u64) -> FrameId {
        FrameId((step % self.frames as u64) as u32)
    }

    fn advance(&self) -> FrameId {
        // Relaxed: the hand is a hint, a frame's own header decides.
        self.frame(self.hand.fetch_add(1, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::Unpinned;
    use super::*;

    #[test]
    fn an_unused_frame_is_claimed_and_the_used_one_gets_a_second_chance() {
        let headers = [Header::new(), Header::new()];
        headers[0].pin();
        assert_eq!(headers[0].unpin(), Unpinned::Quietly);
        let clock = ClockSweep::new(2);
        let (frame, word) = clock.claim(|frame| &headers[frame.0 as usize]).unwrap();
        assert_eq!((frame, word.pins(), word.usage()), (FrameId(1), 1, 0));
        assert_eq!(headers[0].snapshot().usage(), 0);
    }

    #[test]
    fn the_sweep_goes_on_as_long_as_a_round_has_made_any_frame_older() {
        let headers: [Header; 3] = std::array::from_fn(|_| Header::new());
        headers[0].pin();
        for header in [&headers[1], &headers[1], &headers[1], &headers[2], &headers[2]] {
            header.pin();
            assert_eq!(header.unpin(), Unpinned::Quietly);
        }
        let clock = ClockSweep::new(3);
        let (frame, word) = clock.claim(|frame| &headers[frame.0 as usize]).unwrap();
        assert_eq!((frame, word.usage()), (FrameId(2), 0), "the least used of the two");
    }

    #[test]
    fn with_everything_pinned_the_sweep_ends_empty_handed() {
        let headers = [Header::new(), Header::new()];
        headers.iter().for_each(|header| {
            header.pin();
        });
        assert!(ClockSweep::new(2).claim(|frame| &headers[frame.0 as usize]).is_none());
    }
}
