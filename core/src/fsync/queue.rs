//! The bounded queue from those who write pages to the checkpointer, who syncs their files.
//! PostgreSQL: `CheckpointerShmem->requests`.
//!
//! # Rules
//! * S1: write, then register, then clear DIRTY.
//! * S4: no request is dropped; an identical one that waits already stands for both, since the
//!   sync that it causes has not begun.
//! * S9: nobody waits for room: who finds the queue full syncs for himself.
//!
//! # Checked by
//! model `sync_cycle`.

use super::SyncTag;
use crate::sync::Mutex;

/// Requests that the checkpointer has not seen yet.
#[derive(Debug)]
pub struct SyncQueue {
    pending: Mutex<Vec<SyncTag>>,
    capacity: usize,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Registered {
    /// The next checkpoint syncs the file.
    Queued,
    /// There is no room: the caller has to sync the file before it goes on.
    Full,
}

impl SyncQueue {
    /// An empty queue for `capacity` requests.
    pub fn new(capacity: usize) -> Self {
        Self { pending: Mutex::new(Vec::with_capacity(capacity)), capacity }
    }

    /// Asks for a sync of a segment that the caller has just written.
    pub fn register(&self, tag: SyncTag) -> Registered {
        let mut pending = self.pending.lock();
        if pending.len() == self.capacity {
            compact(&mut pending);
        }
        if pending.len() == self.capacity {
            return Registered::Full;
        }
        // Pages of one segment come in runs: this alone keeps the queue short.
        if pending.last() != Some(&tag) {
            pending.push(tag);
        }
        Registered::Queued
    }

    /// Takes everything out, for the checkpointer.
    pub fn drain(&self) -> Vec<SyncTag> {
        let mut pending = self.pending.lock();
        std::mem::replace(&mut *pending, Vec::with_capacity(self.capacity))
    }
}

/// Keeps one of each. PostgreSQL: `CompactCheckpointerRequestQueue`.
fn compact(pending: &mut Vec<SyncTag>) {
    pending.sort_unstable();
    pending.dedup();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::FileId;

    fn tag(file: u32) -> SyncTag {
        SyncTag { file: FileId(file), segment: 0 }
    }

    #[test]
    fn a_full_queue_makes_room_by_merging_equal_requests() {
        let queue = SyncQueue::new(3);
        for file in [1, 2, 1] {
            assert_eq!(queue.register(tag(file)), Registered::Queued);
        }
        assert_eq!(queue.register(tag(3)), Registered::Queued);
        assert_eq!(queue.drain(), [tag(1), tag(2), tag(3)]);
    }

    #[test]
    fn a_run_of_pages_of_one_segment_is_one_request() {
        let queue = SyncQueue::new(8);
        for file in [1, 1, 2, 2, 1] {
            assert_eq!(queue.register(tag(file)), Registered::Queued);
        }
        assert_eq!(queue.drain(), [tag(1), tag(2), tag(1)]);
    }

    #[test]
    fn a_queue_full_of_different_requests_refuses() {
        let queue = SyncQueue::new(2);
        assert_eq!(queue.register(tag(1)), Registered::Queued);
        assert_eq!(queue.register(tag(2)), Registered::Queued);
        assert_eq!(queue.register(tag(3)), Registered::Full);
        assert_eq!(queue.drain(), [tag(1), tag(2)]);
        assert_eq!(queue.register(tag(3)), Registered::Queued);
    }
}
