//! Writing pages out. PostgreSQL: `FlushBuffer`, `SyncOneBuffer`.
//!
//! # A write (decision 5 of the design)
//! Own IO_IN_PROGRESS; under the content lock, shared, clear JUST_DIRTIED and copy; unlocked:
//! make the WAL durable up to the copy's LSN (F1), seal and write the copy (F2), register its
//! segment for sync (F3, S1), end the I/O, wake those who wait. So nobody waits for the I/O of a
//! page that he wants to change.
//!
//! # Checked by
//! models `dirty_flag`, `flush_two_dirtiers`, `mark_flush`, `mark_write`, `evict_dirty`,
//! `background_checkpoint`.

use super::frame::WriteIo;
use super::guard::Pin;
use super::pool::Pool;
use super::state::{BeginWrite, Marked, WriteEnd};
use super::table::FrameId;
use crate::error::Result;
use crate::files::DataFile;
use crate::fsync::{Registered, SyncTag};
use crate::page::{Page, PageId};
use std::sync::Arc;

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

/// What there was to write of a page.
enum Copied {
    /// This, to this file.
    Image(Arc<DataFile>, Page),
    /// Nothing: the page is not part of its file, or the file is dropped.
    Nothing,
    /// The content lock would have to be waited for, and is not to be.
    Contended,
}

impl Pool {
    /// Marks every dirty page of a kind and returns them with their frames, in no order: the
    /// snapshot that a checkpoint writes. Waits for no content lock (C3). The page is a hint for
    /// sorting: a frame that changes hands afterwards is not marked any more.
    pub fn mark_dirty_pages(&self, kind: Marked) -> Vec<(PageId, FrameId)> {
        let ids = (0..self.frames.len() as u32).map(FrameId);
        ids.filter(|id| self.frame(*id).header.mark_for_checkpoint(kind))
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
                BeginWrite::Busy => frame.wait_for_io(),
            }
        }
        let io = WriteIo { frame, end: WriteEnd::Failed };
        let (file, mut image) = match self.copy(pin, patience) {
            Copied::Image(file, image) => (file, image),
            Copied::Nothing => {
                io.end(WriteEnd::Written);
                return Ok(Flush::NotNeeded);
            }
            Copied::Contended => {
                io.end(WriteEnd::Abandoned);
                return Ok(Flush::Contended);
            }
        };
        if !file.options().unlogged {
            self.log.flush(image.lsn())?;
        }
        image.seal();
        let written = self.files.write_page(&file, page, &image)?;
        self.register_for_sync(written)?;
        io.end(WriteEnd::Written);
        Ok(Flush::Written(page))
    }

    /// A copy of a page as it is, to be written by the caller, who owns the I/O.
    fn copy(&self, pin: &Pin<'_>, patience: Patience) -> Copied {
        let (frame, page) = (pin.frame(), pin.page());
        let content = match patience {
            Patience::Wait => frame.content.read(),
            Patience::Try => match frame.content.try_read() {
                Some(content) => content,
                None => return Copied::Contended,
            },
        };
        let word = frame.header.clear_just_dirtied();
        // Under the content lock, so that a cut of the file is not undone in between.
        match self.files.get(page.file()) {
            Ok(file) if word.is_outside() && file.has_lost(page.block()) => Copied::Nothing,
            Ok(file) => Copied::Image(file, content.clone()),
            Err(_) => Copied::Nothing,
        }
    }

    fn register_for_sync(&self, tag: SyncTag) -> Result<()> {
        match self.syncs.register(tag) {
            Registered::Queued => Ok(()),
            Registered::Full => self.files.sync(tag),
        }
    }
}
