//! Edges of those who look for frames to be given up.
//!
//! | who | takes a frame with | and |
//! |---|---|---|
//! | the clock sweep | no pin, usage 0 | lowers the usage of others |
//! | the sweep, out of luck | no pin | |
//! | the owner of a ring | no pin, usage 0 or 1 | leaves others as they are |
//! | the background writer | no pin, usage 0, DIRTY | leaves others as they are |
//!
//! Each looks and pins in one step, so what it has found is its own (B1).

use super::word::USAGE;
use super::{Header, Snapshot};

/// What the clock sweep, or the owner of a ring, found at a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Sweep {
    /// Not to be had.
    InUse,
    /// Used lately: its usage is lower by one now.
    Aged,
    /// The caller has pinned it, as the only one.
    Claimed(Snapshot),
}

/// What the background writer found at a frame that the sweep will come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Ahead {
    /// The sweep would not take it.
    InUse,
    /// The sweep would take it, and has nothing to write.
    Clean,
    /// The sweep would have to write it. The caller has pinned it, as the only one.
    Claimed,
}

impl Header {
    /// One step of the clock sweep: pins the frame if nobody uses it, else lowers its usage.
    pub fn sweep(&self) -> Sweep {
        self.update(|word| {
            if word.pins() > 0 {
                None
            } else if word.usage() > 0 {
                Some((Snapshot(word.0 - USAGE), Sweep::Aged))
            } else {
                Some((word.pinned(), Sweep::Claimed(word.pinned())))
            }
        })
        .unwrap_or(Sweep::InUse)
    }

    /// Pins the frame whatever its usage, if nobody else has it pinned.
    pub fn claim(&self) -> Sweep {
        self.claim_if(|_| true)
    }

    /// Pins the frame for the owner of a ring that it is in, if nobody else has it pinned or has
    /// wanted its page: who passes by raises usage to 1 and no further.
    pub fn claim_again(&self) -> Sweep {
        self.claim_if(|word| word.usage() <= 1)
    }

    /// Pins the frame for the background writer, if it would be the sweep's for the taking but for
    /// its dirty page. Usage stays: to be cleaned is not to be wanted.
    pub fn claim_to_clean(&self) -> Ahead {
        let is_idle = |word: Snapshot| word.pins() == 0 && word.usage() == 0;
        let claimed =
            self.update(|word| (is_idle(word) && word.is_dirty()).then(|| (word.pinned(), ())));
        match claimed {
            Ok(()) => Ahead::Claimed,
            Err(word) if is_idle(word) => Ahead::Clean,
            Err(_) => Ahead::InUse,
        }
    }

    fn claim_if(&self, suits: impl Fn(Snapshot) -> bool) -> Sweep {
        self.update(|word| {
            let ours = word.pins() == 0 && suits(word);
            ours.then(|| (word.pinned(), Sweep::Claimed(word.pinned())))
        })
        .unwrap_or(Sweep::InUse)
    }
}

#[cfg(test)]
mod tests {
    use super::super::ReadEnd;
    use super::*;

    /// A header of a page that so many have used, each after the other.
    fn used(times: u64) -> Header {
        let header = Header::new();
        header.pin();
        header.assign(true);
        header.end_read(ReadEnd::Read);
        let _ = header.unpin();
        assert_eq!(header.snapshot().usage(), 2);
        while header.snapshot().usage() > times {
            assert_eq!(header.sweep(), Sweep::Aged);
        }
        header
    }

    #[test]
    fn who_passes_by_raises_usage_from_0_to_1_and_no_further() {
        for (before, after) in [(0, 1), (1, 1), (2, 2)] {
            let header = used(before);
            assert!(header.pin_in_passing().is_some());
            assert_eq!((header.snapshot().usage(), header.snapshot().pins()), (after, 1));
        }
        assert!(Header::new().pin_in_passing().is_none(), "a free frame stands for no page");
    }

    #[test]
    fn a_ring_gets_its_frame_back_unless_somebody_else_uses_it_or_has_used_it() {
        for usage in [0, 1] {
            let header = used(usage);
            assert!(matches!(header.claim_again(), Sweep::Claimed(word) if word.pins() == 1));
            assert_eq!(header.claim_again(), Sweep::InUse, "it is pinned");
        }
        assert_eq!(used(2).claim_again(), Sweep::InUse);
    }

    #[test]
    fn the_background_writer_takes_what_is_dirty_and_would_be_swept() {
        let idle = used(0);
        assert_eq!(idle.claim_to_clean(), Ahead::Clean);
        assert_eq!(used(1).claim_to_clean(), Ahead::InUse);
        assert!(idle.pin_in_passing().is_some());
        idle.mark_dirty();
        assert_eq!(idle.claim_to_clean(), Ahead::InUse, "it is pinned");
        let _ = idle.unpin();
        assert_eq!(idle.claim_to_clean(), Ahead::InUse, "it was used");
        assert_eq!(idle.sweep(), Sweep::Aged);
        assert_eq!(idle.claim_to_clean(), Ahead::Claimed);
        assert_eq!((idle.snapshot().pins(), idle.snapshot().usage()), (1, 0));
    }
}
