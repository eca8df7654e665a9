//! Frames, and the ways of a page into and out of them. PostgreSQL: `bufmgr.c`.
//!
//! # A page's way in
//! Look it up, pin it, compare its tag; else claim a free frame, enter the page as being read, read
//! it with the content lock held exclusively, set VALID, wake those who wait.
//!
//! # A page's way out
//! The sweep claims a frame that nobody has pinned; if it is dirty it is written; then, under the
//! table's lock, it goes unless somebody came for it meanwhile.
//!
//! # A write (decision 5 of the design)
//! Own IO_IN_PROGRESS; under the content lock, shared, clear JUST_DIRTIED and copy; unlocked:
//! make the WAL durable up to the copy's LSN (F1), seal and write the copy (F2), register its
//! segment for sync (F3, S1), end the I/O, wake those who wait. So nobody waits for the I/O of a
//! page that he wants to change.
//!
//! # Rules
//! * E2: nothing waits for the content lock of a frame that the sweep has claimed: its holder may
//!   be waiting for a page that we hold. Such a frame is passed over.
//! * I4: whoever ends an I/O notifies the frame's event afterwards; a waiter looks again. B3: so
//!   does the unpin that leaves a page to those who wait for its cleanup lock. One event is enough
//!   for both: each tests what it waits for itself, and a wake for the other costs one more test.
//! * The content lock is held over a system call in one place: a read-in, when nobody else can
//!   want the bytes because they are not there yet.
//!
//! # Checked by
//! models `dirty_flag`, `pin_evict`, `read_in`, `mark_flush`.

use super::clock::ClockSweep;
use super::guard::Pin;
use super::state::{BeginRead, BeginWrite, Header, Unpinned, WriteEnd};
use super::table::{FrameId, PageTable, Present};
use crate::error::{Error, PageFault, Result};
use crate::event::Event;
use crate::files::Files;
use crate::fsync::{Registered, SyncQueue, SyncTag};
use crate::lsn::Lsn;
use crate::page::{Page, PageId};
use crate::sync::RwLock;
use crate::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

/// What the pool needs of the WAL: that it is durable before the data it describes (F1).
pub trait DurableLog: Send + Sync {
    /// Returns once everything before `lsn` is durable.
    ///
    /// # Errors
    /// [`Error::Poisoned`], [`Error::BeyondWal`], [`Error::Io`].
    fn flush(&self, lsn: Lsn) -> Result<()>;

    /// The end of the log: no page is newer.
    fn end(&self) -> Lsn;
}

/// A place for a page. PostgreSQL: `BufferDesc` and its block.
pub(super) struct Frame {
    pub(super) header: Header,
    /// Which page; stable while pinned. Written by the claimer of a free frame alone.
    tag: AtomicU64,
    /// An I/O has ended, or the page is left to those who wait for a cleanup lock.
    changed: Event,
    pub(super) content: RwLock<Page>,
}

/// Memory of a buffer beyond its page, its entry in the table aside.
#[cfg(not(any(seawall_loom, seawall_shuttle)))]
const _: () = assert!(size_of::<Frame>() <= 64);

/// What became of a request to write a page out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Flush {
    /// The page was written by this call.
    Written(PageId),
    /// Somebody else has written it.
    NotNeeded,
    /// It could not be had without waiting.
    Contended,
}

/// Whether to wait for the I/O and the content lock of a page that is to be written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    Wait,
    Try,
}

/// The buffer pool.
pub struct Pool {
    frames: Box<[Frame]>,
    table: PageTable,
    clock: ClockSweep,
    files: Arc<Files>,
    log: Arc<dyn DurableLog>,
    syncs: Arc<SyncQueue>,
    claim_attempts: usize,
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

    /// Checks that a page in the pool exists in its file: with an LSN it does, without one it is
    /// new, or the left-over of an extension that failed.
    ///
    /// # Errors
    /// [`Error::NoSuchFile`], [`Error::BeyondEnd`].
    pub fn check_exists(&self, page: &Page) -> Result<()> {
        if page.lsn() == Lsn::ZERO { self.files.check_exists(page.id()) } else { Ok(()) }
    }

    /// Pins a page, reading it in if it is not there. PostgreSQL: `ReadBuffer`.
    ///
    /// A page that is there already is not looked up in its file; see [`Pool::check_exists`].
    ///
    /// # Errors
    /// [`Error::NoSuchFile`], [`Error::BeyondEnd`], [`Error::NoUnpinnedBuffers`]; what reading it
    /// reports; what writing another page back reports.
    pub fn pin(&self, page: PageId) -> Result<Pin<'_>> {
        self.pin_or_fill(page, |bytes| {
            self.files.check_exists(page)?;
            self.files.read_page(page, bytes)?;
            let (lsn, end) = (bytes.lsn(), self.log.end());
            let fault = PageFault::NewerThanWal { lsn, end };
            if lsn <= end { Ok(()) } else { Err(Error::Page { page, fault }) }
        })
    }

    /// Pins a page that is not on disk yet or about to be overwritten whole: if it is not in the
    /// pool it is formatted as empty. PostgreSQL: `RBM_ZERO_AND_LOCK`.
    ///
    /// # Errors
    /// [`Error::NoUnpinnedBuffers`]; what writing another page back reports.
    pub fn pin_new(&self, page: PageId) -> Result<Pin<'_>> {
        self.pin_or_fill(page, |bytes| {
            bytes.format(page);
            Ok(())
        })
    }

    /// Marks every dirty page and returns them with their frames, in no order: the snapshot that
    /// a checkpoint writes. Waits for no content lock (C3). The page is a hint for sorting: a
    /// frame that changes hands afterwards is not marked any more.
    pub fn mark_dirty_pages(&self) -> Vec<(PageId, FrameId)> {
        let ids = (0..self.frames.len() as u32).map(FrameId);
        ids.filter(|id| self.frame(*id).header.mark_for_checkpoint())
            .map(|id| (self.frame(id).tag(), id))
            .collect()
    }

    /// Writes the page in a frame that [`Pool::mark_dirty_pages`] named, unless somebody has.
    /// PostgreSQL: `SyncOneBuffer`.
    ///
    /// # Errors
    /// What the WAL, the disk or the registration for sync report; the page stays dirty.
    pub fn flush_marked(&self, id: FrameId) -> Result<Flush> {
        if !self.frame(id).header.pin_if_marked() {
            return Ok(Flush::NotNeeded);
        }
        self.flush(&Pin::adopt(self, id), Patience::Wait)
    }

    pub(super) fn frame(&self, id: FrameId) -> &Frame {
        &self.frames[id.0 as usize]
    }

    fn pin_or_fill(&self, page: PageId, fill: impl Fn(&mut Page) -> Result<()>) -> Result<Pin<'_>> {
        let pin = match self.find(page) {
            Some((pin, true)) => return Ok(pin),
            Some((pin, false)) => pin,
            None => match self.enter(page)? {
                Entered::ToBeFilled(pin) => return self.fill(pin, fill),
                Entered::Present(pin) => pin,
            },
        };
        loop {
            match pin.frame().header.begin_read() {
                BeginRead::AlreadyValid => return Ok(pin),
                // The read that put the page into the table has failed: it is our turn.
                BeginRead::Started => return self.fill(pin, fill),
                BeginRead::Busy => pin.frame().wait_for_io(),
            }
        }
    }

    /// Pins the frame that holds a page, if there is one; with it, whether its bytes are there.
    fn find(&self, page: PageId) -> Option<(Pin<'_>, bool)> {
        let hinted = self.table.hint(page).and_then(|id| self.pin_if_holds(id, page));
        // Without a lock, a page in the overflow is not seen, nor one that comes just now.
        hinted.or_else(|| {
            let id = self.table.get(page, |id| self.frame(id).tag())?;
            self.pin_if_holds(id, page)
        })
    }

    /// Pins a frame that is said to hold a page, if it does.
    fn pin_if_holds(&self, id: FrameId, page: PageId) -> Option<(Pin<'_>, bool)> {
        let word = self.frame(id).header.pin_if_tagged()?;
        let pin = Pin::adopt(self, id);
        (pin.page() == page).then(|| (pin, word.is_valid()))
    }

    /// Enters a page that was not in the table; somebody else may have been faster.
    fn enter(&self, page: PageId) -> Result<Entered<'_>> {
        let free = self.claim_free_frame()?;
        let frame = free.frame();
        let entered = self.table.insert(
            page,
            free.id(),
            |id| self.frame(id).tag(),
            || frame.assign(page),
            |present| {
                self.frame(present).header.pin();
            },
        );
        Ok(match entered {
            Ok(()) => Entered::ToBeFilled(free),
            Err(Present(id)) => Entered::Present(Pin::adopt(self, id)),
        })
    }

    /// Fills a page of which the caller owns the I/O.
    fn fill<'p>(&'p self, pin: Pin<'p>, fill: impl Fn(&mut Page) -> Result<()>) -> Result<Pin<'p>> {
        let io = ReadIo { frame: pin.frame(), succeeded: false };
        fill(&mut pin.frame().content.write())?;
        io.succeed();
        Ok(pin)
    }

    /// Claims a frame and sends its page away. PostgreSQL: `GetVictimBuffer`.
    fn claim_free_frame(&self) -> Result<Pin<'_>> {
        let buffers = self.frames.len();
        // A claimed frame is lost again if its page is wanted or locked.
        for _ in 0..self.claim_attempts {
            let claimed = self.clock.claim(|id| &self.frame(id).header);
            let (id, word) = claimed.ok_or(Error::NoUnpinnedBuffers { buffers })?;
            let pin = Pin::adopt(self, id);
            if !word.has_tag() {
                return Ok(pin);
            }
            if word.is_dirty() && self.flush(&pin, Patience::Try)? == Flush::Contended {
                continue;
            }
            if self.table.remove_if(pin.page(), id, || pin.frame().header.retire()) {
                return Ok(pin);
            }
        }
        Err(Error::NoUnpinnedBuffers { buffers })
    }

    /// Writes a pinned page if it is dirty. PostgreSQL: `FlushBuffer`.
    fn flush(&self, pin: &Pin<'_>, patience: Patience) -> Result<Flush> {
        let (frame, page) = (pin.frame(), pin.page());
        loop {
            match frame.header.begin_write() {
                BeginWrite::Started => break,
                BeginWrite::AlreadyClean => return Ok(Flush::NotNeeded),
                BeginWrite::Busy if patience == Patience::Try => return Ok(Flush::Contended),
                BeginWrite::Busy => frame.wait_for_io(),
            }
        }
        let io = WriteIo { frame, end: WriteEnd::Failed };
        let Some(mut image) = frame.copy(patience) else {
            io.end(WriteEnd::Abandoned);
            return Ok(Flush::Contended);
        };
        self.log.flush(image.lsn())?;
        image.seal();
        let written = self.files.write_page(page, &image)?;
        self.register_for_sync(written)?;
        io.end(WriteEnd::Written);
        Ok(Flush::Written(page))
    }

    fn register_for_sync(&self, tag: SyncTag) -> Result<()> {
        match self.syncs.register(tag) {
            Registered::Queued => Ok(()),
            Registered::Full => self.files.sync(tag),
        }
    }
}

enum Entered<'p> {
    /// In the caller's frame, with the caller as the owner of the I/O.
    ToBeFilled(Pin<'p>),
    /// In the frame of whoever was faster.
    Present(Pin<'p>),
}

impl Frame {
    fn new(page_bytes: usize) -> Self {
        Self {
            header: Header::new(),
            tag: AtomicU64::new(0),
            changed: Event::new(),
            content: RwLock::new(Page::zeroed(page_bytes)),
        }
    }

    /// The page that the frame stands for: stable under a pin, else a hint.
    pub(super) fn tag(&self) -> PageId {
        // Relaxed: who has a pin got it after the header edge that follows the store.
        PageId::from_bits(self.tag.load(Ordering::Relaxed))
    }

    fn assign(&self, page: PageId) {
        // Relaxed: published by the header edge that follows.
        self.tag.store(page.to_bits(), Ordering::Relaxed);
        self.header.assign();
    }

    fn wait_for_io(&self) {
        self.changed.wait_until(|| (!self.header.snapshot().has_io()).then_some(()));
    }

    /// Gives a pin back, and tells those who wait for nothing else.
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

    /// A copy of the page as it is, to be written by the caller, who owns the I/O. `None` if the
    /// content lock would have to be waited for, and is not to be.
    fn copy(&self, patience: Patience) -> Option<Page> {
        let page = match patience {
            Patience::Wait => self.content.read(),
            Patience::Try => self.content.try_read()?,
        };
        self.header.clear_just_dirtied();
        Some(page.clone())
    }
}

/// Ownership of a read: ends it, as failed unless told otherwise, also when a panic unwinds.
struct ReadIo<'f> {
    frame: &'f Frame,
    succeeded: bool,
}

impl ReadIo<'_> {
    fn succeed(mut self) {
        self.succeeded = true;
    }
}

impl Drop for ReadIo<'_> {
    fn drop(&mut self) {
        self.frame.header.end_read(self.succeeded);
        self.frame.changed.notify_all();
    }
}

/// Ownership of a write: ends it, as failed unless told otherwise, also when a panic unwinds.
struct WriteIo<'f> {
    frame: &'f Frame,
    end: WriteEnd,
}

impl WriteIo<'_> {
    fn end(mut self, end: WriteEnd) {
        self.end = end;
    }
}

impl Drop for WriteIo<'_> {
    fn drop(&mut self) {
        self.frame.header.end_write(self.end);
        self.frame.changed.notify_all();
    }
}
