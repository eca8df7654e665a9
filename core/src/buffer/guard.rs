//! Pins and content locks as values: a page's bytes are reached through a pin and a lock, in that
//! order, and given back in the other.

use super::pool::{Frame, Pool};
use super::table::FrameId;
use crate::page::{Page, PageId};
use crate::sync::{RwLockReadGuard, RwLockWriteGuard};
use std::ops::Deref;

/// Keeps a page in its frame. PostgreSQL: a buffer pin.
#[must_use]
pub struct Pin<'p> {
    pool: &'p Pool,
    frame: FrameId,
}

impl<'p> Pin<'p> {
    /// Takes over one pin of the frame's header.
    pub(super) fn adopt(pool: &'p Pool, frame: FrameId) -> Self {
        Self { pool, frame }
    }

    /// The page that is kept.
    pub fn page(&self) -> PageId {
        self.frame().tag()
    }

    /// Waits for the content lock, shared.
    pub fn read(self) -> PageRead<'p> {
        let page = self.frame().content.read();
        PageRead { page, _pin: self }
    }

    /// Waits for the content lock, exclusive.
    pub fn write(self) -> PageWrite<'p> {
        let page = self.frame().content.write();
        PageWrite { page, pin: self }
    }

    pub(super) fn id(&self) -> FrameId {
        self.frame
    }

    pub(super) fn frame(&self) -> &'p Frame {
        self.pool.frame(self.frame)
    }
}

impl Drop for Pin<'_> {
    fn drop(&mut self) {
        self.frame().header.unpin();
    }
}

/// A page that is pinned and locked shared; gives its body.
#[must_use]
pub struct PageRead<'p> {
    // Dropped in this order: the lock goes before the pin.
    page: RwLockReadGuard<'p, Page>,
    _pin: Pin<'p>,
}

impl PageRead<'_> {
    /// Header and body.
    pub fn page(&self) -> &Page {
        &self.page
    }
}

impl Deref for PageRead<'_> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.page.body()
    }
}

/// A page that is pinned and locked exclusively.
///
/// Whoever changes the page calls [`PageWrite::mark_dirty`] before the WAL record of the change
/// is inserted, and stores the record's end as the page's LSN before dropping this (B5).
#[must_use]
pub struct PageWrite<'p> {
    // Dropped in this order: the lock goes before the pin.
    page: RwLockWriteGuard<'p, Page>,
    pin: Pin<'p>,
}

impl PageWrite<'_> {
    /// Header and body.
    pub fn page(&self) -> &Page {
        &self.page
    }

    /// Header and body.
    pub fn page_mut(&mut self) -> &mut Page {
        &mut self.page
    }

    /// Notes that the page differs from the disk.
    pub fn mark_dirty(&self) {
        self.pin.frame().header.mark_dirty();
    }
}
