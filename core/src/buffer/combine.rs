//! Neighbours that are written together.
//!
//! # Rules
//! * E2: nothing of a neighbour is waited for: neither its I/O, nor its content lock, nor, unless a
//!   checkpoint is writing, the log. One that is not to be had ends the run.
//! * A neighbour's usage stays: that it is written is no sign that it is wanted.
//! * Pages of a run are next to each other in one segment, and all of them are copied before the
//!   first is written; each is as consistent as a page that is written alone (F2, B4).
//!
//! # Checked by
//! models `combine`, `combine_both`.

use super::flush::{Outgoing, Writer};
use super::frame::WriteIo;
use super::pool::Pool;
use super::state::{BeginWrite, Header, WriteEnd};
use crate::files::DataFile;
use crate::lsn::Lsn;
use crate::page::PageId;

/// Part of the pool that a run may keep pinned.
const LARGEST_PART: usize = 4;

impl Pool {
    /// A page with its neighbours that are dirty and to be had, ascending.
    pub(super) fn combine<'p>(
        &'p self,
        file: &DataFile,
        base: Outgoing<'p>,
        by: Writer,
    ) -> Vec<Outgoing<'p>> {
        let (page, durable_upto, mut run) = (base.page, base.image.lsn(), vec![base]);
        let limit = self.combine_limit();
        let per_segment = self.files.segment_blocks();
        let before = page.block() % per_segment;
        let behind = (per_segment - 1 - before).min(u32::MAX - page.block());
        let take = |block| {
            let neighbour = PageId::new(page.file(), block);
            self.take_along(file, neighbour, durable_upto, by)
        };
        let blocks = 1..=before.min(limit - 1);
        run.extend(blocks.map_while(|distance| take(page.block() - distance)));
        run.reverse();
        let blocks = 1..=behind.min(limit - run.len() as u32);
        run.extend(blocks.map_while(|distance| take(page.block() + distance)));
        run
    }

    /// Pages of a run at most.
    fn combine_limit(&self) -> u32 {
        let config = self.config.get();
        let pages = config.write_combine_bytes / config.format.page_bytes;
        pages.min((self.buffers() / LARGEST_PART) as u32).max(1)
    }

    /// Takes the right to write a page, and copies it, if it is there, dirty and free. The log is
    /// about to be durable up to `durable_upto` anyway.
    fn take_along(
        &self,
        file: &DataFile,
        page: PageId,
        durable_upto: Lsn,
        by: Writer,
    ) -> Option<Outgoing<'_>> {
        let (pin, _) = self.pin_if_holds(self.table.hint(page)?, page, Header::pin_if_dirty)?;
        let frame = pin.frame();
        if frame.header.begin_write() != BeginWrite::Started {
            return None;
        }
        let mut io = WriteIo { frame, end: WriteEnd::Abandoned };
        let content = frame.content.try_read()?;
        let is_durable = |lsn| lsn <= durable_upto || self.log.is_durable(lsn);
        if !by.waits() && !file.options().unlogged && !is_durable(content.lsn()) {
            return None;
        }
        // Under the content lock: the page is part of its file, and stays so meanwhile.
        if frame.header.snapshot().is_outside() {
            return None;
        }
        let _ = frame.header.clear_just_dirtied();
        let image = content.clone();
        drop(content);
        io.end = WriteEnd::Failed;
        Some(Outgoing { io, page, image, pin: Some(pin) })
    }
}

#[cfg(test)]
mod tests;
