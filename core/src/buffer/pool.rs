//! The pool: frames, and how a page is found in them. PostgreSQL: `bufmgr.c`.
//!
//! A page that is looked up is pinned, or locked, then its tag is compared. How a page comes in,
//! `read.rs` and `load.rs`; how it goes, `victim.rs`; how it is written, `flush.rs`.
//!
//! # Checked by
//! model `pin_evict`.

use super::allocations::Allocations;
use super::clock::ClockSweep;
use super::failures::ReadFailures;
use super::frame::Frame;
use super::guard::{PageRead, Pin};
use super::read::Origin;
use super::ring::Ring;
use super::state::{Header, Snapshot};
use super::stats::Counters;
use super::table::{FrameId, PageTable};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::files::Files;
use crate::fsync::SyncQueue;
use crate::lsn::Lsn;
use crate::page::{Page, PageId};
use crate::poison::Poison;
use crate::sync::{Mutex, Setting};
use crate::writeback::{EvictedPages, WritebackQueue};
use std::sync::{Arc, Weak};

/// What the pool needs of the WAL: that it is durable before the data it describes (F1).
pub trait DurableLog: Send + Sync {
    /// Returns once everything before `lsn` is durable.
    ///
    /// # Errors
    /// [`Error::Poisoned`], [`Error::BeyondWal`], [`Error::Io`].
    fn flush(&self, lsn: Lsn) -> Result<()>;

    /// Whether [`DurableLog::flush`] would find that done; outdated at once, towards "no".
    fn is_durable(&self, lsn: Lsn) -> bool;

    /// The end of the log: no page is newer.
    fn end(&self) -> Lsn;
}

/// The buffer pool.
pub struct Pool {
    pub(super) frames: Box<[Frame]>,
    pub(super) table: PageTable,
    pub(super) clock: ClockSweep,
    pub(super) allocations: Arc<Allocations>,
    pub(super) failures: ReadFailures,
    pub(super) files: Arc<Files>,
    pub(super) log: Arc<dyn DurableLog>,
    pub(super) syncs: Arc<SyncQueue>,
    pub(super) config: Arc<Setting<Config>>,
    /// What others than the checkpointer have written while a checkpoint runs.
    pub(super) evicted: EvictedPages,
    /// What those who evict pages have written.
    pub(super) backend_writeback: Mutex<WritebackQueue>,
    pub(super) counters: Counters,
    pub(super) claim_attempts: usize,
}

impl Pool {
    /// A pool of empty frames.
    pub fn new(
        config: Arc<Setting<Config>>,
        files: Arc<Files>,
        log: Arc<dyn DurableLog>,
        syncs: Arc<SyncQueue>,
    ) -> Self {
        let Config { buffers, format, .. } = config.get();
        Self {
            frames: frames(buffers, format.page_bytes as usize),
            table: PageTable::new(buffers),
            clock: ClockSweep::new(buffers),
            allocations: Arc::new(Allocations::new()),
            failures: ReadFailures::new(),
            files,
            log,
            syncs,
            config,
            evicted: EvictedPages::new(),
            backend_writeback: Mutex::new(WritebackQueue::new()),
            counters: Counters::default(),
            // That many losses in a row mean that the pool is too small for its users, not bad
            // luck.
            claim_attempts: buffers.max(8) * 8,
        }
    }

    /// The same pool, content with fewer attempts to get a frame before it is an error: for models,
    /// where each is one more operation that everything can happen around.
    #[must_use]
    pub fn with_claim_attempts(self, claim_attempts: usize) -> Self {
        Self { claim_attempts, ..self }
    }

    /// Has the background writer woken when the store is poisoned.
    pub fn watch(&self, poison: &Poison) {
        let watcher: Weak<Allocations> = Arc::downgrade(&self.allocations);
        poison.watch(watcher);
    }

    /// What others than the checkpointer write while a checkpoint runs.
    pub fn evicted(&self) -> &EvictedPages {
        &self.evicted
    }

    /// Frames of the pool.
    pub fn buffers(&self) -> usize {
        self.frames.len()
    }

    /// Pins a page, reading it in if it is not there. PostgreSQL: `ReadBuffer`.
    ///
    /// A page that is there already is not looked up in its file: [`PageRead::check_inside`] and
    /// [`PageWrite::check_inside`] do, where it is in doubt.
    ///
    /// [`PageRead::check_inside`]: super::PageRead::check_inside
    /// [`PageWrite::check_inside`]: super::PageWrite::check_inside
    ///
    /// # Errors
    /// [`Error::NoSuchFile`], [`Error::BeyondEnd`], [`Error::NoUnpinnedBuffers`]; what reading it
    /// reports, to the caller or to the one whose read the caller waited for; what writing another
    /// page back reports.
    pub fn pin(&self, page: PageId) -> Result<Pin<'_>> {
        self.pin_through(page, None)
    }

    /// As [`Pool::pin`], with frames of a ring if there is one.
    ///
    /// # Errors
    /// As [`Pool::pin`].
    pub fn pin_through(&self, page: PageId, ring: Option<&mut Ring>) -> Result<Pin<'_>> {
        self.pin_or_fill(page, ring, Origin::Disk)
    }

    /// Locks a page shared, reading it in if it is not there.
    ///
    /// # Errors
    /// As [`Pool::pin`]; [`Error::BeyondEnd`] also where the page is there and not part of its
    /// file, or no more.
    #[inline]
    pub fn read(&self, page: PageId) -> Result<PageRead<'_>> {
        match self.read_by_hint(page) {
            Some(read) => Ok(read),
            None => self.read_through(page, None),
        }
    }

    /// As [`Pool::read`], with frames of a ring if there is one.
    ///
    /// # Errors
    /// As [`Pool::read`].
    pub fn read_through(&self, page: PageId, ring: Option<&mut Ring>) -> Result<PageRead<'_>> {
        let read = self.pin_through(page, ring)?.read();
        read.check_inside()?;
        Ok(read)
    }

    /// Pins a page that is not on disk yet or about to be overwritten whole: if it is not in the
    /// pool it is formatted as empty, and outside of its file. If it is there, it is as it was
    /// left. PostgreSQL: `RBM_ZERO_AND_LOCK`.
    ///
    /// # Errors
    /// [`Error::NoSuchFile`], [`Error::NoUnpinnedBuffers`]; what writing another page back reports.
    pub fn pin_new(&self, page: PageId) -> Result<Pin<'_>> {
        self.pin_new_through(page, None)
    }

    /// As [`Pool::pin_new`], with frames of a ring if there is one.
    ///
    /// # Errors
    /// As [`Pool::pin_new`].
    pub fn pin_new_through(&self, page: PageId, ring: Option<&mut Ring>) -> Result<Pin<'_>> {
        self.pin_or_fill(page, ring, Origin::Nowhere)
    }

    #[inline]
    pub(super) fn frame(&self, id: FrameId) -> &Frame {
        &self.frames[id.0 as usize]
    }

    /// Pins the frame that holds a page, by the edge `pin`, if there is one; with it, whether its
    /// bytes are there.
    pub(super) fn find(&self, page: PageId, pin: impl Edge) -> Option<(Pin<'_>, bool)> {
        let hinted = self.table.hint(page).and_then(|id| self.pin_if_holds(id, page, pin));
        // Without a lock, a page in the overflow is not seen, nor one that comes just now.
        hinted.or_else(|| {
            let id = self.table.get(page, |id| self.frame(id).tag())?;
            self.pin_if_holds(id, page, pin)
        })
    }

    /// Locks the page without a pin, if it is there and nobody has it locked exclusively.
    #[inline]
    fn read_by_hint(&self, page: PageId) -> Option<PageRead<'_>> {
        let id = self.table.hint(page)?;
        let frame = self.frame(id);
        let content = frame.content.try_read()?;
        // In this order: with the lock, VALID says that the tag and the bytes belong together and
        // that they stay (B9).
        let word = frame.header.snapshot();
        if !word.is_valid() || word.is_outside() || frame.tag() != page {
            return None;
        }
        frame.header.note_use(word);
        Some(PageRead::new(content, self, id))
    }

    /// Checks that a page is part of its file; the caller has its content lock.
    #[inline]
    pub(super) fn check_inside(&self, frame: &Frame) -> Result<()> {
        if frame.header.snapshot().is_outside() { self.beyond_end(frame.tag()) } else { Ok(()) }
    }

    #[cold]
    fn beyond_end(&self, page: PageId) -> Result<()> {
        let blocks = self.files.get(page.file())?.blocks();
        Err(Error::BeyondEnd { page, blocks })
    }

    /// Pins a frame that is said to hold a page, if it does.
    #[inline]
    pub(super) fn pin_if_holds(
        &self,
        id: FrameId,
        page: PageId,
        pin: impl Edge,
    ) -> Option<(Pin<'_>, bool)> {
        let word = pin(&self.frame(id).header)?;
        let pin = Pin::adopt(self, id);
        (pin.page() == page).then(|| (pin, word.is_valid()))
    }
}

/// Frames that share an event: threads that wait are few.
const FRAMES_OF_AN_EVENT: usize = 64;

fn frames(buffers: usize, page_bytes: usize) -> Box<[Frame]> {
    let count = buffers.div_ceil(FRAMES_OF_AN_EVENT);
    let events: Vec<Arc<Event>> = (0..count).map(|_| Arc::default()).collect();
    // Neighbours, which wait for each other's reads, have events of their own.
    let events = events.iter().cycle().cloned();
    Page::zeroed_many(buffers, page_bytes)
        .zip(events)
        .map(|(page, event)| Frame::new(page, event))
        .collect()
}

/// A way to pin a frame that stands for a page.
pub(super) trait Edge: Fn(&Header) -> Option<Snapshot> + Copy {}

impl<F: Fn(&Header) -> Option<Snapshot> + Copy> Edge for F {}

#[cfg(test)]
mod tests;
