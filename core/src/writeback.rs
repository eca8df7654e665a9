//! Ranges of pages whose writeback is to be started, or waited for.
//!
//! [`WritebackQueue`] (method 2; PostgreSQL: `WritebackContext`): written pages are collected, and
//! once there are enough, sorted, merged where they are neighbours and handed to the kernel: so
//! that the sync at the end finds little left to do. [`EvictedPages`] (method 1): what others write
//! while a checkpoint runs, so that it can wait for that before its syncs.
//!
//! # Rules
//! * K1: never more pages than the limit and those of one write. K2: each page is in exactly one
//!   range of a drain.
//! * K3: no page is in a range that was not scheduled. K4: an error poisons.
//! * K5: it only helps; nothing durable depends on it.

mod evicted;

pub use evicted::{EvictedPages, LIST_PAGES_MAX};

use crate::error::Result;
use crate::files::{Files, Writeback};
use crate::page::PageId;

/// Pages written and not handed to the kernel yet.
#[derive(Debug, Default)]
pub struct WritebackQueue {
    pending: Vec<PageId>,
}

impl WritebackQueue {
    /// An empty queue.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes `pages` neighbours that were written, unless `flush_after_bytes` is 0; drains the
    /// queue once it has that much, so also what was noted before it became 0.
    ///
    /// # Errors
    /// As [`Files::write_back`].
    pub fn schedule(
        &mut self,
        first: PageId,
        pages: u32,
        flush_after_bytes: u32,
        kind: Writeback,
        files: &Files,
    ) -> Result<()> {
        if flush_after_bytes > 0 {
            self.pending.extend(first.run(pages));
        }
        let pending_bytes = self.pending.len() as u64 * files.page_bytes();
        if pending_bytes < u64::from(flush_after_bytes) { Ok(()) } else { self.drain(kind, files) }
    }

    /// Hands everything noted to the kernel.
    ///
    /// # Errors
    /// As [`Files::write_back`].
    pub fn drain(&mut self, kind: Writeback, files: &Files) -> Result<()> {
        let ranges = coalesce(&mut self.pending, files.segment_blocks());
        self.pending.clear();
        ranges.into_iter().try_for_each(|(first, blocks)| files.write_back(first, blocks, kind))
    }
}

/// The pages as ranges `(first, count)` of neighbours, none crossing a segment. Sorts `pages` and
/// drops duplicates.
pub fn coalesce(pages: &mut Vec<PageId>, segment_blocks: u32) -> Vec<(PageId, u32)> {
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
