//! Ranges of pages whose writeback is to be started. PostgreSQL: `WritebackContext`.
//!
//! Written pages are collected, and once there are enough, sorted, merged where they are
//! neighbours and handed to the kernel: so that the sync at the end finds little left to do.
//!
//! # Rules
//! * K1: never more pages than the limit. K2: each page is in exactly one range of a drain.
//! * K3: no page is in a range that was not scheduled. K4: an error poisons.
//! * K5: it only helps; nothing durable depends on it.

use crate::error::Result;
use crate::files::Files;
use crate::page::PageId;

/// Pages written and not handed to the kernel yet.
#[derive(Debug)]
pub struct WritebackQueue {
    pending: Vec<PageId>,
    /// Pages that are collected; 0 turns writeback off.
    limit: usize,
}

impl WritebackQueue {
    /// A queue that drains after `flush_after_bytes` of pages; 0: never, and nothing is kept.
    pub fn new(flush_after_bytes: u32, page_bytes: u32) -> Self {
        let limit = (flush_after_bytes as usize).div_ceil(page_bytes as usize);
        Self { pending: Vec::with_capacity(limit), limit }
    }

    /// Notes a page that was written; drains the queue when it is full.
    ///
    /// # Errors
    /// As [`Files::start_writeback`].
    pub fn schedule(&mut self, page: PageId, files: &Files) -> Result<()> {
        if self.limit == 0 {
            return Ok(());
        }
        self.pending.push(page);
        if self.pending.len() < self.limit { Ok(()) } else { self.drain(files) }
    }

    /// Starts writeback of everything noted.
    ///
    /// # Errors
    /// As [`Files::start_writeback`].
    pub fn drain(&mut self, files: &Files) -> Result<()> {
        let ranges = coalesce(&mut self.pending, files.segment_blocks());
        self.pending.clear();
        ranges.into_iter().try_for_each(|(first, blocks)| files.start_writeback(first, blocks))
    }
}

/// The pages as ranges `(first, count)` of neighbours, none crossing a segment. Sorts `pages` and
/// drops duplicates.
pub(crate) fn coalesce(pages: &mut Vec<PageId>, segment_blocks: u32) -> Vec<(PageId, u32)> {
    pages.sort_unstable();
    pages.dedup();
    let joins = |last: &PageId, next: &PageId| {
        next.to_bits() == last.to_bits() + 1 && !next.block().is_multiple_of(segment_blocks)
    };
    pages.chunk_by(joins).map(|run| (run[0], run.len() as u32)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::FileId;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn neighbours_merge_up_to_the_end_of_a_segment() {
        let page = |file, block| PageId::new(FileId(file), block);
        let mut pages =
            vec![page(1, 5), page(1, 3), page(1, 4), page(1, 4), page(2, 6), page(1, u32::MAX)];
        let ranges = coalesce(&mut pages, 4);
        let expected = [(page(1, 3), 1), (page(1, 4), 2), (page(1, u32::MAX), 1), (page(2, 6), 1)];
        assert_eq!(ranges, expected);
    }

    proptest! {
        #[test]
        fn ranges_cover_what_was_scheduled_once_and_nothing_else(
            blocks in prop::collection::vec((0u32..3, 0u32..40), 0..60),
            segment_blocks in 1u32..10,
        ) {
            let mut pages: Vec<PageId> =
                blocks.iter().map(|(file, block)| PageId::new(FileId(*file), *block)).collect();
            let scheduled: BTreeSet<PageId> = pages.iter().copied().collect();
            let mut covered = BTreeSet::new();
            for (first, count) in coalesce(&mut pages, segment_blocks) {
                let last = first.block() + count - 1;
                prop_assert_eq!(first.block() / segment_blocks, last / segment_blocks);
                for block in first.block()..=last {
                    prop_assert!(covered.insert(PageId::new(first.file(), block)));
                }
            }
            prop_assert_eq!(covered, scheduled);
        }
    }
}
