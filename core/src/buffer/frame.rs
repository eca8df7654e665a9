//! A place for a page, and the ownership of its I/O.
//!
//! # Rules
//! * I4: whoever ends an I/O notifies the frame's event afterwards; a waiter looks again. B3: so
//!   does the unpin that leaves a page to those who wait for its cleanup lock. One event is enough
//!   for both, and for several frames: each tests what it waits for itself, and a wake for another
//!   costs one more test.

use super::state::{Awaited, Header, ReadEnd, Unpinned, WriteEnd};
use crate::event::Event;
use crate::page::{Page, PageId};
use crate::sync::RwLock;
use crate::sync::atomic::{AtomicU64, Ordering};
use std::mem::ManuallyDrop;
use std::sync::Arc;

/// A place for a page. PostgreSQL: `BufferDesc` and its block.
///
/// A cache line, aligned: a hit takes one line for it, and shares none with another frame's.
#[repr(align(64))]
pub(super) struct Frame {
    pub(super) header: Header,
    /// Which page; stable while pinned. Written by the claimer of a free frame alone.
    tag: AtomicU64,
    /// An I/O has ended, or the page is left to those who wait for a cleanup lock; here, or in
    /// another frame that has the same event.
    changed: Arc<Event>,
    pub(super) content: RwLock<Page>,
}

/// Memory of a buffer beyond its page; its entry in the table has 16 to 32 bytes, and its event
/// less than one.
#[cfg(not(any(seawall_loom, seawall_shuttle)))]
const _: () = assert!(size_of::<Frame>() <= 64);

impl Frame {
    pub(super) fn new(page: Page, changed: Arc<Event>) -> Self {
        Self { header: Header::new(), tag: AtomicU64::new(0), changed, content: RwLock::new(page) }
    }

    /// The page that the frame stands for: stable under a pin, else a hint.
    #[inline]
    pub(super) fn tag(&self) -> PageId {
        // Relaxed: who has a pin got it after the header edge that follows the store.
        PageId::from_bits(self.tag.load(Ordering::Relaxed))
    }

    pub(super) fn assign(&self, page: PageId, is_permanent: bool) {
        // Relaxed: published by the header edge that follows.
        self.tag.store(page.to_bits(), Ordering::Relaxed);
        self.header.assign(is_permanent);
    }

    /// Waits for the end of a read. The caller has a pin, so it is a read of that page: the one
    /// that was in progress, or a later one if that has failed and somebody tries again already.
    pub(super) fn wait_for_read(&self) -> Awaited {
        self.changed.wait_until(|| self.header.snapshot().awaited_read())
    }

    /// Waits until nobody reads or writes the frame.
    pub(super) fn wait_for_io(&self) {
        self.changed.wait_until(|| (!self.header.snapshot().has_io()).then_some(()));
    }

    /// Gives a pin back, and tells those who wait for nothing else.
    #[inline]
    pub(super) fn unpin(&self) {
        if self.header.unpin() == Unpinned::LeftToWaiters {
            self.changed.notify_all();
        }
    }

    /// Waits until a page is left to those who wait for its cleanup lock, the caller among them.
    pub(super) fn wait_for_pins(&self) {
        self.changed.wait_until(|| {
            let word = self.header.snapshot();
            word.is_left_to_waiters().then_some(())
        });
    }
}

/// Ownership of a read: ends it, as failed unless told otherwise, also when a panic unwinds.
pub(super) struct ReadIo<'f> {
    pub(super) frame: &'f Frame,
    pub(super) end: ReadEnd,
}

impl ReadIo<'_> {
    pub(super) fn end(mut self, end: ReadEnd) {
        self.end = end;
    }
}

impl Drop for ReadIo<'_> {
    fn drop(&mut self) {
        self.frame.header.end_read(self.end);
        self.frame.changed.notify_all();
    }
}

/// Ownership of a write: ends it, as failed unless told otherwise, also when a panic unwinds.
pub(super) struct WriteIo<'f> {
    pub(super) frame: &'f Frame,
    pub(super) end: WriteEnd,
}

impl WriteIo<'_> {
    /// Returns whether a mark of a checkpoint has gone.
    pub(super) fn end(self, end: WriteEnd) -> bool {
        ManuallyDrop::new(self).finish(end)
    }

    fn finish(&self, end: WriteEnd) -> bool {
        let was_marked = self.frame.header.end_write(end);
        self.frame.changed.notify_all();
        was_marked
    }
}

impl Drop for WriteIo<'_> {
    fn drop(&mut self) {
        self.finish(self.end);
    }
}
