//! Pins and content locks as values. A page's bytes are reached through its content lock, and that
//! through a pin, which who only reads gives back as soon as he has the lock.
//!
//! # State
//! [`Pin`]: the page stays in its frame, and what was found in it stays where it was found.
//! [`PageRead`]: nobody changes the page, and it stays. [`PageWrite`]: nobody else reads it.
//! [`PageWrite`] by [`Pin::cleanup`]: besides, nobody else has anything to find again: things may
//! be moved.
//!
//! # Rules
//! * Who has read a page and keeps its pin (`unlock`) may remember where things are in it. Changes
//!   by [`Pin::write`] leave them there; who moves them takes the cleanup lock. So at the moment
//!   when it is granted every other pin is that of a waiter for a cleanup lock, which `cleanup`
//!   takes by value: a waiter remembers nothing. Pins that come later find the content lock held.
//! * B3: a waiter sleeps without the content lock, and is woken by the unpin that leaves the page
//!   to the waiters (`state.rs`, B8).
//! * A thread that waits for a cleanup lock waits for the pins of others: it must not have another
//!   pin of that page, nor one of a page whose cleanup lock is waited for by somebody who has this
//!   page pinned. Readers that keep coming can keep a waiter waiting.
//! * A try is for what can be left undone: nothing is correct only because a try succeeded.
//!
//! # Checked by
//! models `cleanup`, `cleanup_waiters`, `read_evict`; unit tests.

use super::frame::Frame;
use super::pool::Pool;
use super::state::AskCleanup;
use super::table::FrameId;
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::page::{Page, PageId};
use crate::sync::{RwLockReadGuard, RwLockWriteGuard};
use std::ops::Deref;

/// Keeps a page in its frame. PostgreSQL: a buffer pin.
///
/// A page can have 2^17 pins at once; to take one more panics.
#[must_use]
pub struct Pin<'p> {
    pool: &'p Pool,
    frame: &'p Frame,
    id: FrameId,
}

impl<'p> Pin<'p> {
    /// Takes over one pin of the frame's header.
    #[inline]
    pub(super) fn adopt(pool: &'p Pool, id: FrameId) -> Self {
        Self { pool, frame: pool.frame(id), id }
    }

    /// The page that is kept.
    #[inline]
    pub fn page(&self) -> PageId {
        self.frame().tag()
    }

    /// Waits for the content lock, shared; the pin goes when the lock is there.
    #[inline]
    pub fn read(self) -> PageRead<'p> {
        PageRead::new(self.frame().content.read(), self.pool, self.id)
    }

    /// Takes the content lock, shared, if that needs no wait.
    ///
    /// # Errors
    /// The pin, if it does.
    pub fn try_read(self) -> Result<PageRead<'p>, Self> {
        match self.frame().content.try_read() {
            Some(page) => Ok(PageRead::new(page, self.pool, self.id)),
            None => Err(self),
        }
    }

    /// Waits for the content lock, exclusive.
    pub fn write(self) -> PageWrite<'p> {
        let page = self.frame().content.write();
        PageWrite::new(page, self)
    }

    /// Takes the content lock, exclusive, if that needs no wait.
    ///
    /// # Errors
    /// The pin, if it does.
    pub fn try_write(self) -> Result<PageWrite<'p>, Self> {
        match self.frame().content.try_write() {
            Some(page) => Ok(PageWrite::new(page, self)),
            None => Err(self),
        }
    }

    /// Waits for the cleanup lock: the content lock, exclusive, when nobody else has the page
    /// pinned but to wait for the same. Any number may wait. PostgreSQL: `LockBufferForCleanup`.
    pub fn cleanup(self) -> PageWrite<'p> {
        let frame = self.frame();
        let page = frame.content.write();
        if frame.header.ask_cleanup() == AskCleanup::Granted {
            return PageWrite::new(page, self);
        }
        drop(page);
        loop {
            frame.wait_for_pins();
            let page = frame.content.write();
            // Somebody else may have come, or been faster, since the wake.
            if frame.header.end_cleanup_wait() {
                return PageWrite::new(page, self);
            }
        }
    }

    /// Takes the cleanup lock if that needs no wait. PostgreSQL: `ConditionalLockBufferForCleanup`.
    ///
    /// # Errors
    /// The pin, if it does.
    pub fn try_cleanup(self) -> Result<PageWrite<'p>, Self> {
        let exclusive = self.try_write()?;
        // Who has read the page under another pin has held the lock before us: no pin that matters
        // is missing in what we see.
        match exclusive.pin.frame().header.snapshot().active_pins() {
            1 => Ok(exclusive),
            _ => Err(exclusive.unlock()),
        }
    }

    /// Whether the page's file is logged.
    pub(crate) fn is_permanent(&self) -> bool {
        self.frame().header.snapshot().is_permanent()
    }

    pub(super) fn id(&self) -> FrameId {
        self.id
    }

    #[inline]
    pub(super) fn frame(&self) -> &'p Frame {
        self.frame
    }
}

impl Drop for Pin<'_> {
    #[inline]
    fn drop(&mut self) {
        self.frame().unpin();
    }
}

/// A page that is locked shared; gives its body. It has no pin: the lock keeps the page as well
/// (B9), and a hit is cheaper by the half.
///
/// A thread that has one must neither read the same page again nor touch it in an operation: a
/// writer that came in between would wait for the first, and be waited for.
#[must_use]
pub struct PageRead<'p> {
    page: RwLockReadGuard<'p, Page>,
    pool: &'p Pool,
    id: FrameId,
}

impl<'p> PageRead<'p> {
    #[inline]
    pub(super) fn new(page: RwLockReadGuard<'p, Page>, pool: &'p Pool, id: FrameId) -> Self {
        Self { page, pool, id }
    }

    /// Checks that the page is part of its file. It is not if the file is being extended by it or
    /// was cut since the page was pinned.
    ///
    /// # Errors
    /// [`Error::NoSuchFile`], [`Error::BeyondEnd`].
    #[inline]
    pub fn check_inside(&self) -> Result<()> {
        self.pool.check_inside(self.pool.frame(self.id))
    }

    /// Gives the lock back and keeps a pin: what was found in the page stays where it is.
    ///
    /// # Panics
    /// If the page has 2^17 pins.
    pub fn unlock(self) -> Pin<'p> {
        self.pool.frame(self.id).header.pin_again();
        Pin::adopt(self.pool, self.id)
    }

    /// Header and body.
    #[inline]
    pub fn page(&self) -> &Page {
        &self.page
    }
}

impl Deref for PageRead<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.page.body()
    }
}

/// A page that is pinned and locked exclusively.
///
/// Whoever changes the page inserts the WAL record of the change after that, and stores the
/// record's end as the page's LSN before dropping this (B5).
#[must_use]
pub struct PageWrite<'p> {
    // Dropped in this order: the lock goes before the pin.
    page: RwLockWriteGuard<'p, Page>,
    pin: Pin<'p>,
    /// Whether the page was marked dirty under this lock.
    is_noted: bool,
}

impl<'p> PageWrite<'p> {
    fn new(page: RwLockWriteGuard<'p, Page>, pin: Pin<'p>) -> Self {
        Self { page, pin, is_noted: false }
    }

    /// Checks that the page is part of its file. It is not if the file is being extended by it or
    /// was cut since the page was pinned.
    ///
    /// # Errors
    /// [`Error::NoSuchFile`], [`Error::BeyondEnd`].
    pub fn check_inside(&self) -> Result<()> {
        self.pin.pool.check_inside(self.pin.frame())
    }

    /// Gives the lock back and keeps the pin: what was found in the page stays where it is.
    pub fn unlock(self) -> Pin<'p> {
        self.pin
    }

    /// Header and body.
    pub fn page(&self) -> &Page {
        &self.page
    }

    /// Header and body, to be changed. The page counts as changed from then on: there is no other
    /// way to its bytes, so no change goes unnoticed.
    pub fn change(&mut self) -> &mut Page {
        // Once is enough: what clears the mark takes a copy under the content lock first.
        if !std::mem::replace(&mut self.is_noted, true) {
            self.pin.frame().header.mark_dirty();
        }
        &mut self.page
    }

    /// Whether the page's file is logged.
    pub(crate) fn is_permanent(&self) -> bool {
        self.pin.is_permanent()
    }

    /// Makes the page part of its file: the record that extends the file by it is in the log.
    pub(crate) fn put_inside(&self) {
        self.pin.frame().header.put_inside();
    }

    /// Puts the page outside of its file, which is being cut.
    pub(super) fn put_outside(&self) {
        self.pin.frame().header.put_outside();
    }
}

#[cfg(test)]
mod tests;
