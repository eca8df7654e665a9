//! Writing pages out. PostgreSQL: `FlushBuffer`, `SyncOneBuffer`.
//!
//! # A write (decision 5 of the design)
//! Own IO_IN_PROGRESS; under the content lock, shared, clear JUST_DIRTIED and copy; unlocked:
//! make the WAL durable up to the copy's LSN (F1), seal and write the copy (F2), register its
//! segment for sync (F3, S1), end the I/O, wake those who wait. So nobody waits for the I/O of a
//! page that he wants to change.
//!
//! # Checked by
//! models `dirty_flag`, `flush_two_dirtiers`, `mark_flush`, `mark_write`, `evict_dirty`.

use super::frame::WriteIo;
use super::guard::Pin;
use super::pool::Pool;
use super::state::{BeginWrite, WriteEnd};
use super::table::FrameId;
use crate::error::Result;
use crate::fsync::{Registered, SyncTag};
use crate::page::PageId;

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
pub(super) enum Patience {
    Wait,
    Try,
}

impl Pool {
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

    /// Writes a pinned page if it is dirty. PostgreSQL: `FlushBuffer`.
    pub(super) fn flush(&self, pin: &Pin<'_>, patience: Patience) -> Result<Flush> {
        let (frame, page) = (pin.frame(), pin.page());
        loop {
            match frame.header.begin_write() {
                BeginWrite::Started => break,
                BeginWrite::AlreadyClean => return Ok(Flush::NotNeeded),
                BeginWrite::Busy if patience == Patience::Try => return Ok(Flush::Contended),
                BeginWrite::Busy => frame.wait_for_write(),
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
