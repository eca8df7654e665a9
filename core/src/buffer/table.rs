//! The page table: which frame holds which page. PostgreSQL: `buf_table.c`.
//!
//! # Rules
//! * E1: a page is in at most one frame, and a frame that stands for a page is in the table,
//!   except within a section that holds the shard's lock.
//! * A page found is pinned before the shard's lock is released, and leaves only under that lock
//!   and without foreign pins: so what a pin keeps in place is the page that was asked for (E4).
//! * A shard's lock is a leaf: nothing blocks while it is held, and no other lock is taken.
//!
//! # Checked by
//! models `pin_evict`, `read_in`.

use crate::page::PageId;
use crate::sync::{Mutex, MutexGuard};
use hashbrown::HashTable;

/// Index of a frame in the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameId(pub u32);

type Shard = HashTable<(PageId, FrameId)>;

/// Page id to frame.
#[derive(Debug)]
pub struct PageTable {
    shards: Box<[Mutex<Shard>]>,
}

/// A page that is in the table already, in the frame named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Present(pub FrameId);

/// With 128 shards, PostgreSQL's number, two threads rarely meet in one.
const SHARDS: usize = 128;

impl PageTable {
    /// An empty table for `frames` frames; it never grows beyond one entry for each.
    pub fn new(frames: usize) -> Self {
        let shards = frames.next_power_of_two().min(SHARDS);
        let shard = || Mutex::new(Shard::with_capacity(frames.div_ceil(shards)));
        Self { shards: (0..shards).map(|_| shard()).collect() }
    }

    /// The frame of `page`, after `pin` was called on it under the shard's lock.
    pub fn get<R>(&self, page: PageId, pin: impl FnOnce(FrameId) -> R) -> Option<R> {
        let shard = self.shard(page);
        find(&shard, page).map(pin)
    }

    /// Enters `page` as standing in `frame` after calling `assign`; if it is present already,
    /// calls `pin` on its frame instead. Both under the shard's lock.
    ///
    /// # Errors
    /// [`Present`] with the frame that was pinned.
    pub fn insert(
        &self,
        page: PageId,
        frame: FrameId,
        assign: impl FnOnce(),
        pin: impl FnOnce(FrameId),
    ) -> Result<(), Present> {
        let mut shard = self.shard(page);
        if let Some(present) = find(&shard, page) {
            pin(present);
            return Err(Present(present));
        }
        assign();
        shard.insert_unique(hash(page), (page, frame), |(page, _)| hash(*page));
        Ok(())
    }

    /// Removes `page` if `retire`, called under the shard's lock, allows it.
    pub fn remove_if(&self, page: PageId, retire: impl FnOnce() -> bool) -> bool {
        let mut shard = self.shard(page);
        let retired = retire();
        if retired {
            let entry = shard.find_entry(hash(page), |(present, _)| *present == page);
            entry.expect("a frame with a tag is in the table (E1)").remove();
        }
        retired
    }

    fn shard(&self, page: PageId) -> MutexGuard<'_, Shard> {
        // The table itself uses the low bits of the hash for the place and the highest seven for
        // its tags: the shard comes from those between.
        let shard = (hash(page) >> 32) as usize % self.shards.len();
        self.shards[shard].lock()
    }
}

fn find(shard: &Shard, page: PageId) -> Option<FrameId> {
    shard.find(hash(page), |(present, _)| *present == page).map(|(_, frame)| *frame)
}

/// Multiplication by 2^64 divided by the golden ratio, folded: neighbours land far apart.
fn hash(page: PageId) -> u64 {
    let product = page.to_bits().wrapping_mul(0x9E37_79B9_7F4A_7C15);
    product ^ (product >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::FileId;

    fn page(block: u32) -> PageId {
        PageId::new(FileId(1), block)
    }

    #[test]
    fn a_page_is_entered_once_and_the_second_is_given_the_first_ones_frame() {
        let table = PageTable::new(4);
        assert_eq!(table.insert(page(1), FrameId(0), || (), |_| panic!("absent")), Ok(()));
        let mut pinned = None;
        let second =
            table.insert(page(1), FrameId(1), || panic!("present"), |frame| pinned = Some(frame));
        assert_eq!(second, Err(Present(FrameId(0))));
        assert_eq!(pinned, Some(FrameId(0)));
        assert_eq!(table.get(page(1), |frame| frame), Some(FrameId(0)));
    }

    #[test]
    fn a_page_leaves_only_if_it_may() {
        let table = PageTable::new(4);
        table.insert(page(1), FrameId(0), || (), |_| ()).unwrap();
        assert!(!table.remove_if(page(1), || false));
        assert!(table.get(page(1), |_| ()).is_some());
        assert!(table.remove_if(page(1), || true));
        assert!(table.get(page(1), |_| ()).is_none());
    }

    #[test]
    fn ten_thousand_pages_are_told_apart() {
        let table = PageTable::new(10_000);
        for block in 0..10_000 {
            table.insert(page(block), FrameId(block), || (), |_| panic!("absent")).unwrap();
        }
        for block in 0..10_000 {
            assert_eq!(table.get(page(block), |frame| frame), Some(FrameId(block)));
        }
    }
}
