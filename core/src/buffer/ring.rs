//! Rings: the few frames that one big scan or load uses again and again, so that it does not wash
//! the rest out of the pool. PostgreSQL: `BufferAccessStrategy`.
//!
//! A miss through a ring takes the frame that the ring took longest ago. If that is not to be had,
//! a victim of the clock sweep is taken and has its place in the ring from then on; so are the
//! first frames of a ring found.
//!
//! # Rules
//! * A ring is a list of hints. Its frames are the pool's: anybody may pin them, find their pages,
//!   evict them. Whether one is to be had again is decided by its header (`claim_again`), and what
//!   follows is what follows a claim of the sweep.
//! * A pin through a ring raises usage from 0 to 1 at most: a frame with more is wanted by others,
//!   stays with its page and leaves the ring.
//! * A bulk read syncs no log: a frame whose page could not be written without leaves the ring.
//!
//! Called by: `victim.rs`, through the pool's functions that are given a ring.

use super::table::FrameId;

/// What a scan or load is, and with it how many frames its ring has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reads many pages once: 256 KiB.
    BulkRead,
    /// Fills many pages: 16 MiB, so that the log is synced seldom for them.
    BulkWrite,
    /// Reads many pages and changes some: 2 MiB.
    Maintenance,
}

/// Frames of one scan or load, and the one whose turn it is.
#[derive(Debug)]
pub struct Ring {
    access: Access,
    places: Box<[Option<FrameId>]>,
    place: usize,
}

/// Part of the pool that a ring may take up.
const LARGEST_PART: usize = 8;

impl Ring {
    /// An empty ring for a pool of `buffers` pages of `page_bytes`: of an eighth of them at the
    /// most, and of one at least, which a pool of fewer than eight can spare too.
    pub fn new(access: Access, buffers: usize, page_bytes: usize) -> Self {
        let bytes: usize = match access {
            Access::BulkRead => 256 << 10,
            Access::BulkWrite => 16 << 20,
            Access::Maintenance => 2 << 20,
        };
        let frames = (bytes / page_bytes).min(buffers / LARGEST_PART).max(1);
        Self { access, places: vec![None; frames].into(), place: 0 }
    }

    /// What the ring is for.
    pub fn access(&self) -> Access {
        self.access
    }

    /// Frames that the ring has, or will have.
    pub fn frames(&self) -> usize {
        self.places.len()
    }

    /// Goes on to the next place; the frame that is there.
    pub(super) fn advance(&mut self) -> Option<FrameId> {
        self.place = (self.place + 1) % self.places.len();
        self.places[self.place]
    }

    /// Puts another frame into the place that the ring is at.
    pub(super) fn replace(&mut self, frame: FrameId) {
        self.places[self.place] = Some(frame);
    }

    /// Whether a page may be written that needs a sync of the log first.
    pub(super) fn may_sync_log(&self) -> bool {
        self.access != Access::BulkRead
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_takes_an_eighth_of_the_pool_at_most_and_one_frame_at_least() {
        let frames = |access, buffers, page_bytes| Ring::new(access, buffers, page_bytes).frames();
        assert_eq!(frames(Access::BulkRead, 1 << 20, 8 << 10), 32);
        assert_eq!(frames(Access::BulkWrite, 1 << 20, 8 << 10), 2048);
        assert_eq!(frames(Access::Maintenance, 1 << 20, 8 << 10), 256);
        assert_eq!(frames(Access::BulkWrite, 1024, 8 << 10), 128);
        assert_eq!(frames(Access::BulkRead, 1024, 64 << 10), 4);
        assert_eq!(frames(Access::BulkWrite, 4, 4 << 10), 1);
    }

    #[test]
    fn frames_come_back_in_the_order_in_which_they_were_taken() {
        let mut ring = Ring::new(Access::Maintenance, 24, 4096);
        for frame in 5..8 {
            assert_eq!(ring.advance(), None);
            ring.replace(FrameId(frame));
        }
        for frame in 5..8 {
            assert_eq!(ring.advance(), Some(FrameId(frame)));
        }
        assert_eq!(ring.advance(), Some(FrameId(5)));
        ring.replace(FrameId(9));
        assert_eq!((ring.advance(), ring.advance()), (Some(FrameId(6)), Some(FrameId(7))));
        assert_eq!(ring.advance(), Some(FrameId(9)));
    }
}
