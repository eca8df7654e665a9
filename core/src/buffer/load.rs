//! Neighbours that are read together, and pages that are read soon. PostgreSQL: `StartReadBuffers`,
//! `PrefetchBuffer`.
//!
//! # Rules
//! * Whoever reads several pages owns their I/O and waits for nobody else's: a neighbour that is in
//!   the table already ends the run. So there is no circle of those who wait for pages.
//! * A read of a run that fails says nothing about any one of its pages: each is then read alone,
//!   so that each that can be read is, and who waited for one has that one's error.
//!
//! # Checked by
//! model `load_read`.

use super::pool::Pool;
use super::read::{Entered, Incoming, Origin};
use super::ring::Ring;
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::page::PageId;
use crate::writeback::coalesce;

/// Pages that are read in one call at most: 128 KiB of the usual ones, as in PostgreSQL.
const LARGEST_RUN: u32 = 16;

/// Part of the pool that a run may take up.
const LARGEST_PART: usize = 4;

impl Pool {
    /// Reads those of `blocks` neighbours in that are missing, up to the end of their file, with
    /// one read for each run of them. Returns how many it has read.
    ///
    /// They are not pinned afterwards: this only makes it likely that they are found. A page whose
    /// last read has failed is left to those who pin it.
    ///
    /// # Errors
    /// As [`Pool::pin`], for the first page that has one. What is read with it is there, what
    /// comes behind that is not read.
    pub fn load(&self, first: PageId, blocks: u32, mut ring: Option<&mut Ring>) -> Result<u32> {
        let file = self.files.get(first.file())?;
        file.check_exists(first)?;
        let end = first.block().saturating_add(blocks).min(file.blocks());
        let (mut next, mut read) = (first.block(), 0);
        while next < end {
            let run = self.enter_run(PageId::new(first.file(), next), end, ring.as_deref_mut())?;
            let count = run.len() as u32;
            self.fill_run(run)?;
            (next, read) = (next + count.max(1), read + count);
        }
        Ok(read)
    }

    /// Tells the disk about those of `pages` that are missing: they are likely to be read soon.
    /// Pages that do not exist are passed over.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn prefetch(&self, pages: &[PageId]) -> Result<()> {
        let is_missing =
            |page: &PageId| self.files.check_exists(*page).is_ok() && !self.is_in_table(*page);
        let mut missing: Vec<PageId> = pages.iter().copied().filter(is_missing).collect();
        let ranges = coalesce(&mut missing, self.files.segment_blocks());
        ranges.into_iter().try_for_each(|(first, blocks)| self.files.prefetch(first, blocks))
    }

    fn is_in_table(&self, page: PageId) -> bool {
        let tag = |id| self.frame(id).tag();
        self.table.hint(page).is_some_and(|id| tag(id) == page)
            || self.table.get(page, tag).is_some()
    }

    /// Enters the pages from `first` to `end`, as many as are missing and fit in one read.
    fn enter_run(
        &self,
        first: PageId,
        end: u32,
        mut ring: Option<&mut Ring>,
    ) -> Result<Vec<Incoming<'_>>> {
        let mut run = Vec::new();
        let limit = self.run_limit(first, ring.as_deref());
        for block in first.block()..end.min(first.block().saturating_add(limit)) {
            let page = PageId::new(first.file(), block);
            if self.is_in_table(page) {
                break;
            }
            match self.enter(page, ring.as_deref_mut(), Origin::Disk) {
                Ok(Entered::ToBeFilled(incoming)) => run.push(incoming),
                Ok(Entered::Present(_)) => break,
                // The next run begins with this page, and with its error.
                Err(_) if !run.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(run)
    }

    /// Pages from `first` on that one read may bring in.
    fn run_limit(&self, first: PageId, ring: Option<&Ring>) -> u32 {
        let frames = ring.map_or(self.buffers() / LARGEST_PART, Ring::frames).max(1);
        let per_segment = self.files.segment_blocks();
        let in_segment = per_segment - first.block() % per_segment;
        LARGEST_RUN.min(in_segment).min(frames as u32)
    }

    fn fill_run(&self, run: Vec<Incoming<'_>>) -> Result<()> {
        let origin = if self.read_run(&run) { Origin::Frame } else { Origin::Disk };
        let filled = run.into_iter().map(|incoming| self.fill(incoming, origin).map(drop));
        // Each is filled, whatever became of the ones before it.
        filled.fold(Ok(()), Result::and)
    }

    /// Reads the bytes of several pages; whether they are all there.
    fn read_run(&self, run: &[Incoming<'_>]) -> bool {
        if run.len() < 2 {
            return false;
        }
        let mut contents: Vec<_> =
            run.iter().map(|page| page.pin.frame().content.write()).collect();
        let mut bytes: Vec<_> = contents.iter_mut().map(|content| content.bytes_mut()).collect();
        self.files.read_pages(run[0].pin.page(), &mut bytes).is_ok()
    }
}

#[cfg(test)]
mod tests;
