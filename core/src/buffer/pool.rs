//! Frames, and the ways of a page into and out of them. PostgreSQL: `bufmgr.c`.
//!
//! # A page's way in
//! Look it up, pin it, compare its tag; else claim a free frame, enter the page as being read, read
//! it with the content lock held exclusively, set VALID, wake those who wait.
//!
//! A read that fails sets IO_ERROR; its error is its owner's and that of all who waited for it
//! (`failures.rs`). The page stays where it is, without bytes, and whoever comes later reads again.
//!
//! # A page's way out
//! See `victim.rs`; how it is written, `flush.rs`.
//!
//! # Rules
//! * The content lock is held over a system call in one place: a read-in, when nobody else can
//!   want the bytes because they are not there yet.
//! * Who waits for a read starts none, whatever it ends with, unless its owner has panicked: on a
//!   dead disk any number of threads that miss a page at a time make one read.
//! * A page that does not exist costs no frame, unless it ceases to exist meanwhile.
//!
//! # Checked by
//! models `pin_evict`, `read_in`, `read_fails`.

use super::allocations::Allocations;
use super::clock::ClockSweep;
use super::failures::ReadFailures;
use super::frame::{Frame, ReadIo};
use super::guard::Pin;
use super::ring::Ring;
use super::state::{Awaited, BeginRead, Header, ReadEnd, Snapshot};
use super::table::{FrameId, PageTable, Present};
use crate::error::{Error, PageFault, Result};
use crate::files::Files;
use crate::fsync::SyncQueue;
use crate::lsn::Lsn;
use crate::page::{Page, PageId};
use std::sync::Arc;

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
    pub(super) allocations: Allocations,
    pub(super) failures: ReadFailures,
    pub(super) files: Arc<Files>,
    pub(super) log: Arc<dyn DurableLog>,
    pub(super) syncs: Arc<SyncQueue>,
    pub(super) claim_attempts: usize,
}

impl Pool {
    /// A pool of `buffers` empty frames of `page_bytes` each.
    pub fn new(
        buffers: usize,
        page_bytes: usize,
        files: Arc<Files>,
        log: Arc<dyn DurableLog>,
        syncs: Arc<SyncQueue>,
    ) -> Self {
        Self {
            frames: (0..buffers).map(|_| Frame::new(page_bytes)).collect(),
            table: PageTable::new(buffers),
            clock: ClockSweep::new(buffers),
            allocations: Allocations::new(),
            failures: ReadFailures::new(),
            files,
            log,
            syncs,
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

    pub(super) fn frame(&self, id: FrameId) -> &Frame {
        &self.frames[id.0 as usize]
    }

    fn pin_or_fill(
        &self,
        page: PageId,
        ring: Option<&mut Ring>,
        origin: Origin,
    ) -> Result<Pin<'_>> {
        let found = match ring {
            None => self.find(page, Header::pin_if_tagged),
            Some(_) => self.find(page, Header::pin_in_passing),
        };
        let pin = match found {
            Some((pin, true)) => return Ok(pin),
            Some((pin, false)) => pin,
            None => match self.enter(page, ring, origin)? {
                Entered::ToBeFilled(pin) => return self.fill(pin, origin),
                Entered::Present(pin) => pin,
            },
        };
        loop {
            match pin.frame().header.begin_read() {
                BeginRead::AlreadyValid => return Ok(pin),
                BeginRead::Started => {
                    // The last read has failed, and it is our turn.
                    self.failures.forget(pin.id());
                    return self.fill(pin, origin);
                }
                BeginRead::Busy => self.wait_for_read(&pin, origin)?,
            }
        }
    }

    /// Waits for somebody else's read of a page, and fails as it did.
    fn wait_for_read(&self, pin: &Pin<'_>, origin: Origin) -> Result<()> {
        match (pin.frame().wait_for_read(), origin) {
            // There is no error if somebody reads again by now, or if the owner has panicked.
            (Awaited::Failed, Origin::Disk) => self.failures.of(pin.id()).map_or(Ok(()), Err),
            (Awaited::Failed, Origin::Nowhere) | (Awaited::Valid, _) => Ok(()),
        }
    }

    /// Pins the frame that holds a page, by the edge `pin`, if there is one; with it, whether its
    /// bytes are there.
    fn find(&self, page: PageId, pin: impl Edge) -> Option<(Pin<'_>, bool)> {
        let hinted = self.table.hint(page).and_then(|id| self.pin_if_holds(id, page, pin));
        // Without a lock, a page in the overflow is not seen, nor one that comes just now.
        hinted.or_else(|| {
            let id = self.table.get(page, |id| self.frame(id).tag())?;
            self.pin_if_holds(id, page, pin)
        })
    }

    /// Pins a frame that is said to hold a page, if it does.
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

    /// Enters a page that was not in the table; somebody else may have been faster.
    fn enter(
        &self,
        page: PageId,
        mut ring: Option<&mut Ring>,
        origin: Origin,
    ) -> Result<Entered<'_>> {
        let file = self.files.get(page.file())?;
        if origin == Origin::Disk {
            file.check_exists(page)?;
        }
        let is_permanent = !file.options().unlogged;
        let free = self.claim_free_frame(ring.as_deref_mut())?;
        let frame = free.frame();
        let entered = self.table.insert(
            page,
            free.id(),
            |id| self.frame(id).tag(),
            || frame.assign(page, is_permanent),
            |present| {
                let header = &self.frame(present).header;
                match ring {
                    None => header.pin(),
                    Some(_) => header.pin_in_passing().expect("it is in the table"),
                };
            },
        );
        Ok(match entered {
            Ok(()) => Entered::ToBeFilled(free),
            Err(Present(id)) => Entered::Present(Pin::adopt(self, id)),
        })
    }

    /// Fills a page of which the caller owns the I/O.
    fn fill<'p>(&'p self, pin: Pin<'p>, origin: Origin) -> Result<Pin<'p>> {
        let io = ReadIo { frame: pin.frame(), end: ReadEnd::Failed };
        let filled = self.fill_bytes(pin.page(), &mut pin.frame().content.write(), origin);
        match filled {
            Ok(end) => io.end(end),
            Err(error) => {
                // Before the I/O ends: who has waited for it looks for the error then.
                self.failures.note(pin.id(), error.clone());
                return Err(error);
            }
        }
        Ok(pin)
    }

    fn fill_bytes(&self, page: PageId, bytes: &mut Page, origin: Origin) -> Result<ReadEnd> {
        if origin == Origin::Nowhere {
            bytes.format(page);
            return Ok(ReadEnd::Formatted);
        }
        // It may have ceased to exist since we looked: this looks again.
        self.files.read_page(page, bytes)?;
        let (lsn, end) = (bytes.lsn(), self.log.end());
        let fault = PageFault::NewerThanWal { lsn, end };
        if lsn <= end { Ok(ReadEnd::Read) } else { Err(Error::Page { page, fault }) }
    }
}

/// Where the bytes of a page come from that is not in the pool.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Disk,
    /// They are formatted.
    Nowhere,
}

/// A way to pin a frame that stands for a page.
pub(super) trait Edge: Fn(&Header) -> Option<Snapshot> + Copy {}

impl<F: Fn(&Header) -> Option<Snapshot> + Copy> Edge for F {}

enum Entered<'p> {
    /// In the caller's frame, with the caller as the owner of the I/O.
    ToBeFilled(Pin<'p>),
    /// In the frame of whoever was faster.
    Present(Pin<'p>),
}

#[cfg(test)]
mod tests;
