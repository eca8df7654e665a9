//! Method 1 of the checkpoint post: what the background writer and those who evict pages write
//! while a checkpoint runs, in two lists that take turns.
//!
//! One list is appended to, the other is being waited for by the checkpointer. Nothing durable
//! depends on them: the sync at the end covers every page, noted or not (K5). So they are bounded,
//! and what does not fit is counted.
//!
//! # Checked by
//! model `evicted_lists`.

use super::coalesce;
use crate::error::Result;
use crate::files::{Files, Writeback};
use crate::page::PageId;
use crate::sync::Mutex;

/// Pages of a list at most; 8 bytes each.
pub const LIST_PAGES_MAX: usize = 1 << 16;

/// The two lists.
pub struct EvictedPages(Mutex<Lists>);

#[derive(Debug, Default)]
struct Lists {
    /// Pages written since the last swap; `None` while no checkpoint runs.
    appended: Option<Vec<PageId>>,
    /// The list whose turn is next, empty.
    next: Vec<PageId>,
    dropped: u64,
}

impl EvictedPages {
    /// Empty lists, for no checkpoint.
    pub fn new() -> Self {
        Self(Mutex::new(Lists::default()))
    }

    /// Begins to note pages: a checkpoint begins.
    pub fn begin(&self) {
        let mut lists = self.0.lock();
        lists.appended = Some(std::mem::take(&mut lists.next));
        lists.dropped = 0;
    }

    /// Notes neighbours that were written by somebody else than the checkpointer.
    pub fn note(&self, first: PageId, pages: u32) {
        let mut lists = self.0.lock();
        let Some(appended) = &mut lists.appended else { return };
        let room = (LIST_PAGES_MAX - appended.len()).min(pages as usize) as u32;
        appended.extend(first.run(room));
        lists.dropped += u64::from(pages - room);
    }

    /// Has the lists change places, and waits for the writeback of what was noted. Returns how many
    /// pages that were.
    ///
    /// # Errors
    /// As [`Files::write_back`].
    pub fn drain(&self, files: &Files) -> Result<usize> {
        let mut noted = self.swap();
        let ranges = coalesce(&mut noted, files.segment_blocks());
        let pages = noted.len();
        noted.clear();
        self.0.lock().next = noted;
        let wait = |(first, blocks)| files.write_back(first, blocks, Writeback::Waited);
        ranges.into_iter().try_for_each(wait)?;
        Ok(pages)
    }

    /// What was noted since the last swap.
    fn swap(&self) -> Vec<PageId> {
        let mut lists = self.0.lock();
        let next = std::mem::take(&mut lists.next);
        lists.appended.replace(next).unwrap_or_default()
    }

    /// Ends the noting; returns how many pages did not fit.
    pub fn end(&self) -> u64 {
        let mut lists = self.0.lock();
        let mut appended = lists.appended.take().unwrap_or_default();
        appended.clear();
        lists.next = appended;
        lists.dropped
    }
}

impl Default for EvictedPages {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(all(test, not(any(seawall_loom, seawall_shuttle))))]
mod tests {
    use super::*;
    use crate::buffer::bed::{Bed, page};
    use crate::error::Error;
    use crate::sim::{EIO, Fault, OpKind};

    #[test]
    fn what_does_not_fit_is_counted_and_the_next_checkpoint_begins_anew() {
        let bed = Bed::new(4);
        let pages = EvictedPages::new();
        pages.begin();
        pages.note(page(0), LIST_PAGES_MAX as u32 - 1);
        pages.note(page(0), 3);
        assert_eq!(pages.end(), 2);
        pages.begin();
        pages.note(page(0), 2);
        pages.note(page(1), 2);
        assert_eq!(pages.drain(&bed.files).unwrap(), 3, "each once");
        assert_eq!((pages.drain(&bed.files).unwrap(), pages.end()), (0, 0));
    }

    #[test]
    fn an_error_of_a_writeback_that_is_waited_for_poisons() {
        let bed = Bed::new(4);
        let pages = EvictedPages::new();
        pages.begin();
        pages.note(page(0), 1);
        bed.disk.fail_at(1, Fault::once(EIO).only(OpKind::WaitWriteback));
        assert!(matches!(pages.drain(&bed.files), Err(Error::Poisoned(_))));
    }
}
