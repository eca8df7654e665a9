//! In which order a checkpoint writes: each tablespace in the order of its pages, and from the
//! tablespace that is furthest behind. PostgreSQL: the heap of `BufferSync`.
//!
//! # Rules
//! * Every marked page comes once, in ascending order within its tablespace.
//! * After any number of pages, the shares of two tablespaces that are done differ by less than a
//!   page of the smaller one: so devices of different sizes are busy until the end.

use crate::buffer::FrameId;
use crate::files::{Files, TablespaceId};
use crate::fsync::SyncTag;
use crate::page::PageId;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// A page to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) frame: FrameId,
    /// The segment, if this is its last page: it can be synced.
    pub(super) completes: Option<SyncTag>,
}

/// The pages that are still to be written.
pub(super) struct Plan {
    tablespaces: Vec<Share>,
    /// The next one on top: by the share that is done.
    order: BinaryHeap<Reverse<(Done, usize)>>,
    segment_blocks: u32,
}

struct Share {
    pages: Vec<(PageId, FrameId)>,
    next: usize,
}

/// A fraction that is done, compared exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Done {
    of: u64,
    pages: u64,
}

impl Ord for Done {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.pages * other.of).cmp(&(other.pages * self.of))
    }
}

impl PartialOrd for Done {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Plan {
    /// A plan for the marked pages, which are in no order.
    pub(super) fn new(marked: Vec<(PageId, FrameId)>, files: &Files) -> Self {
        let mut of_file = BTreeMap::new();
        // A file that is dropped meanwhile is of no tablespace, and its pages are skipped.
        let tablespace = |page: PageId| {
            let found = || files.get(page.file()).ok().map(|file| file.options().tablespace);
            *of_file.entry(page.file()).or_insert_with(found)
        };
        Self::by(marked, files.segment_blocks(), tablespace)
    }

    fn by(
        mut marked: Vec<(PageId, FrameId)>,
        segment_blocks: u32,
        mut tablespace: impl FnMut(PageId) -> Option<TablespaceId>,
    ) -> Self {
        marked.sort_unstable();
        let mut shares: BTreeMap<Option<TablespaceId>, Vec<_>> = BTreeMap::new();
        for (page, frame) in marked {
            shares.entry(tablespace(page)).or_default().push((page, frame));
        }
        let tablespaces: Vec<Share> =
            shares.into_values().map(|pages| Share { pages, next: 0 }).collect();
        let order = (0..tablespaces.len()).map(|n| Reverse((tablespaces[n].done(), n))).collect();
        Self { tablespaces, order, segment_blocks }
    }
}

impl Iterator for Plan {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let Reverse((_, number)) = self.order.pop()?;
        let share = &mut self.tablespaces[number];
        let step = share.step(self.segment_blocks);
        if share.next < share.pages.len() {
            self.order.push(Reverse((share.done(), number)));
        }
        Some(step)
    }
}

impl Share {
    fn done(&self) -> Done {
        Done { of: self.pages.len() as u64, pages: self.next as u64 }
    }

    fn step(&mut self, segment_blocks: u32) -> Step {
        let segment = |(page, _): &(PageId, FrameId)| SyncTag {
            file: page.file(),
            segment: page.block() / segment_blocks,
        };
        let current = &self.pages[self.next];
        self.next += 1;
        let tag = segment(current);
        let is_last = self.pages.get(self.next).is_none_or(|next| segment(next) != tag);
        Step { frame: current.1, completes: is_last.then_some(tag) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::FileId;
    use proptest::prelude::*;

    /// Files are tablespaces here, frames count the pages.
    fn plan(pages: &[(u32, u32)]) -> Plan {
        let marked = (0..)
            .zip(pages)
            .map(|(frame, (file, block))| (PageId::new(FileId(*file), *block), FrameId(frame)));
        Plan::by(marked.collect(), 4, |page| Some(TablespaceId(page.file().0)))
    }

    #[test]
    fn the_last_page_of_each_segment_says_so() {
        let steps: Vec<Step> = plan(&[(1, 5), (1, 1), (1, 3), (1, 9)]).collect();
        let order: Vec<u32> = steps.iter().map(|step| step.frame.0).collect();
        assert_eq!(order, [1, 2, 0, 3]);
        let completes: Vec<Option<u32>> =
            steps.iter().map(|step| step.completes.map(|tag| tag.segment)).collect();
        assert_eq!(completes, [None, Some(0), Some(1), Some(2)]);
    }

    proptest! {
        #[test]
        fn tablespaces_progress_together(sizes in prop::collection::vec(1u32..60, 1..5)) {
            let pages: Vec<(u32, u32)> = (0..).zip(&sizes)
                .flat_map(|(file, size)| (0..*size).map(move |block| (file, block)))
                .collect();
            let mut done = vec![0u32; sizes.len()];
            let mut steps = 0;
            for step in plan(&pages) {
                let (file, block) = pages[step.frame.0 as usize];
                prop_assert_eq!(block, done[file as usize], "ascending, each once");
                done[file as usize] += 1;
                steps += 1;
                let share = |file: usize| f64::from(done[file]) / f64::from(sizes[file]);
                for (one, other) in (0..sizes.len()).flat_map(|a| (0..a).map(move |b| (a, b))) {
                    let page = 1.0 / f64::from(sizes[one].min(sizes[other]));
                    prop_assert!((share(one) - share(other)).abs() <= page + 1e-9);
                }
            }
            prop_assert_eq!(steps, pages.len());
        }
    }
}
