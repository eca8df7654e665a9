//! Writing pages out. PostgreSQL: `FlushBuffer`, `SyncOneBuffer`.
//!
//! # A write (decision 5 of the design)
//! Own IO_IN_PROGRESS; under the content lock, shared, clear JUST_DIRTIED and copy; unlocked:
//! make the WAL durable up to the copy's LSN (F1), seal and write the copy (F2), register its
//! segment for sync (F3, S1), end the I/O, wake those who wait. So nobody waits for the I/O of a
//! page that he wants to change.
//!
//! # Neighbours
//! A page takes the dirty ones next to it along (`combine.rs`): one write instead of several, which
//! is what counts on a device with few operations to give. The log is made durable once for all.
//!
//! # Checked by
//! models `dirty_flag`, `flush_two_dirtiers`, `mark_flush`, `mark_write`, `evict_dirty`,
//! `background_checkpoint`, `combine`, `combine_both`.

use super::frame::WriteIo;
use super::guard::Pin;
use super::pool::Pool;
use super::state::{BeginWrite, Marked, WriteEnd};
use super::table::FrameId;
use crate::error::{Error, Result};
use crate::files::{DataFile, Writeback};
use crate::fsync::{Registered, SyncTag};
use crate::lsn::Lsn;
use crate::page::{Page, PageId};
use crate::probe::event;
use std::sync::Arc;

/// What became of a request to write a page out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Flush {
    /// Pages were written by this call: it, and the neighbours that it took along.
    Written {
        /// The first.
        first: PageId,
        /// How many.
        pages: u32,
    },
    /// Somebody else has written it.
    NotNeeded,
    /// It could not be had without waiting.
    Contended,
}

/// On whose behalf a page is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writer {
    /// A checkpoint's: waits for the I/O and the content lock of the page.
    Checkpoint,
    /// The background writer's: waits for neither, like the next.
    Background,
    /// That of somebody who needs the frame.
    Eviction,
}

impl Writer {
    pub(super) fn waits(self) -> bool {
        self == Writer::Checkpoint
    }
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

/// A copy of a page, and the right and duty to write it. The I/O ends as failed unless told
/// otherwise.
pub(super) struct Outgoing<'p> {
    pub(super) io: WriteIo<'p>,
    pub(super) page: PageId,
    pub(super) image: Page,
    /// Of a neighbour. Last: given back when the I/O has ended.
    pub(super) pin: Option<Pin<'p>>,
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
        self.flush(&Pin::adopt(self, id), Writer::Checkpoint)
    }

    /// Writes a pinned page if it is dirty. PostgreSQL: `FlushBuffer`.
    pub(super) fn flush(&self, pin: &Pin<'_>, by: Writer) -> Result<Flush> {
        let frame = pin.frame();
        loop {
            match frame.header.begin_write() {
                BeginWrite::Started => break,
                BeginWrite::AlreadyClean => return Ok(Flush::NotNeeded),
                BeginWrite::Busy if by.waits() => frame.wait_for_io(),
                BeginWrite::Busy => return Ok(Flush::Contended),
            }
        }
        let io = WriteIo { frame, end: WriteEnd::Failed };
        let (number, block) = (pin.page().file().0, pin.page().block());
        event!(buffer__flush__start, file = number, block = block);
        let flushed = match self.copy(pin, by) {
            Copied::Image(file, image) => {
                let base = Outgoing { io, page: pin.page(), image, pin: None };
                self.write_out(&file, self.combine(&file, base, by), by)
            }
            Copied::Nothing => {
                self.counters.note_marks(u64::from(io.end(WriteEnd::Written)));
                Ok(Flush::NotNeeded)
            }
            Copied::Contended => {
                io.end(WriteEnd::Abandoned);
                Ok(Flush::Contended)
            }
        };
        event!(buffer__flush__done, file = number, block = block);
        flushed
    }

    /// A copy of a page as it is, to be written by the caller, who owns the I/O.
    fn copy(&self, pin: &Pin<'_>, by: Writer) -> Copied {
        let (frame, page) = (pin.frame(), pin.page());
        let content = match by.waits() {
            true => frame.content.read(),
            false => match frame.content.try_read() {
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

    /// Writes neighbours of a file. A write of several that fails says nothing about any one of
    /// them: the page that is to be written is then written alone, the others stay as they were.
    fn write_out(&self, file: &DataFile, mut run: Vec<Outgoing<'_>>, by: Writer) -> Result<Flush> {
        if !file.options().unlogged {
            let newest = run.iter().map(|page| page.image.lsn()).max();
            self.log.flush(newest.unwrap_or(Lsn::ZERO))?;
        }
        run.iter_mut().for_each(|page| page.image.seal());
        let mut written = self.write_run(file, &run);
        if run.len() > 1 && matches!(written, Err(Error::Io { .. })) {
            for neighbour in run.extract_if(.., |page| page.pin.is_some()) {
                neighbour.io.end(WriteEnd::Abandoned);
            }
            written = self.write_run(file, &run);
        }
        let (written, first, pages) = (written?, run[0].page, run.len() as u32);
        self.register_for_sync(written)?;
        let marks = run.into_iter().map(|page| u64::from(page.io.end(WriteEnd::Written))).sum();
        self.counters.note_marks(marks);
        self.counters.note(by, pages);
        self.note_written(first, pages, by)?;
        Ok(Flush::Written { first, pages })
    }

    fn write_run(&self, file: &DataFile, run: &[Outgoing<'_>]) -> Result<SyncTag> {
        let bytes: Vec<&[u8]> = run.iter().map(|page| page.image.bytes()).collect();
        self.files.write_pages(file, run[0].page, &bytes)
    }

    fn register_for_sync(&self, tag: SyncTag) -> Result<()> {
        match self.syncs.register(tag) {
            Registered::Queued => Ok(()),
            Registered::Full => self.files.sync(tag),
        }
    }

    /// What follows a write that is nobody's schedule: the checkpointer and the background writer
    /// start writeback for themselves.
    fn note_written(&self, first: PageId, pages: u32, by: Writer) -> Result<()> {
        let config = self.config.get();
        if by != Writer::Checkpoint && config.evict_sync_rounds > 0 {
            self.evicted.note(first, pages);
        }
        if by != Writer::Eviction || config.backend_flush_after_bytes == 0 {
            return Ok(());
        }
        let limit = config.backend_flush_after_bytes;
        self.backend_writeback.lock().schedule(first, pages, limit, Writeback::Started, &self.files)
    }
}

#[cfg(test)]
mod tests;
