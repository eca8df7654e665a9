//! The page table: which frame holds which page. PostgreSQL: `buf_table.c`.
//!
//! # State
//! Buckets of a few words, each word a frame and 32 bits of its page's hash, or zero; the pages
//! that found their bucket full are in the overflow of their shard. Buckets have room for at least
//! twice as many entries as there are frames, so one page in a hundred overflows at most; a pool
//! that is as small as one bucket needs no more.
//!
//! # Rules
//! * E1: a page is in at most one frame, and a frame that stands for a page is in the table,
//!   except within a section that holds the shard's lock. Entries change under that lock only.
//! * A bucket is read without a lock. What it says is a hint, and so is what was found under the
//!   lock once that is released: the reader pins the frame, then compares the tag, which the pin
//!   keeps in place (B1, E4).
//! * A page leaves only under the lock and without foreign pins.
//! * A shard's lock is a leaf: nothing blocks while it is held, and no other lock is taken.
//!
//! # Orderings
//! Entries are Relaxed. A stale or early one names a frame that holds another page or none: the
//! pin, a read-modify-write that acquires, fails or is followed by a tag that differs.
//!
//! # Checked by
//! models `pin_evict`, `read_in`.

use crate::page::PageId;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, MutexGuard};
use aligned_vec::{AVec, ConstAlign};
use hashbrown::HashTable;

/// Index of a frame in the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameId(pub u32);

/// Bytes of a bucket of [`WAYS`]: a cache line.
const LINE_BYTES: usize = 64;

/// Entries of a bucket, where there are frames for so many.
const WAYS: usize = LINE_BYTES / size_of::<u64>();

/// With 128 shards, PostgreSQL's number, two threads rarely meet in one.
const SHARDS: usize = 128;

/// Pages whose bucket was full.
type Overflow = HashTable<(PageId, FrameId)>;

/// Page id to frame.
#[derive(Debug)]
pub struct PageTable {
    entries: AVec<AtomicU64, ConstAlign<LINE_BYTES>>,
    ways: usize,
    shards: Box<[Mutex<Overflow>]>,
}

/// A page that is in the table already, in the frame named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Present(pub FrameId);

/// Where a page belongs.
#[derive(Clone, Copy)]
struct Place {
    hash: u64,
    /// Of the first entry of the bucket.
    first: usize,
    shard: usize,
}

impl PageTable {
    /// An empty table for `frames` frames; it never holds more than one entry for each.
    pub fn new(frames: usize) -> Self {
        // One bucket has room for all; several are never equally full.
        let entries = if frames <= WAYS { frames } else { 2 * frames }.next_power_of_two();
        let ways = entries.min(WAYS);
        let shards = (entries / ways).min(SHARDS);
        Self {
            entries: AVec::from_iter(LINE_BYTES, (0..entries).map(|_| AtomicU64::new(0))),
            ways,
            shards: (0..shards).map(|_| Mutex::new(Overflow::new())).collect(),
        }
    }

    /// The frame that seems to hold `page`, without a lock: the caller has to pin it and compare.
    #[inline]
    pub fn hint(&self, page: PageId) -> Option<FrameId> {
        let place = self.place(page);
        let tag = tag(place.hash);
        let bucket = self.bucket(place);
        // The usual case apart: its length is known, so it is eight loads without a branch, of
        // which none could be foretold.
        let found = match <&[AtomicU64; WAYS]>::try_from(bucket) {
            Ok(line) => last_with(line, tag),
            Err(_) => last_with(bucket, tag),
        };
        frame(found, tag)
    }

    /// The frame that held `page` a moment ago, if there was one: the caller has to pin it and
    /// compare. `page_in` gives the page that a frame of the table holds.
    pub fn get(&self, page: PageId, page_in: impl Fn(FrameId) -> PageId) -> Option<FrameId> {
        let place = self.place(page);
        let overflow = self.lock(place);
        self.find(place, page, page_in, &overflow)
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
        page_in: impl Fn(FrameId) -> PageId,
        assign: impl FnOnce(),
        pin: impl FnOnce(FrameId),
    ) -> Result<(), Present> {
        let place = self.place(page);
        let mut overflow = self.lock(place);
        if let Some(present) = self.find(place, page, page_in, &overflow) {
            pin(present);
            return Err(Present(present));
        }
        assign();
        // Relaxed: only the holder of the lock writes the bucket.
        match self.bucket(place).iter().find(|entry| entry.load(Ordering::Relaxed) == 0) {
            Some(free) => free.store(entry(frame, tag(place.hash)), Ordering::Relaxed),
            None => {
                overflow.insert_unique(place.hash, (page, frame), |(page, _)| hash(*page));
            }
        }
        Ok(())
    }

    /// Removes `page`, which `frame` holds, if `retire`, called under the shard's lock, allows it.
    pub fn remove_if(&self, page: PageId, frame: FrameId, retire: impl FnOnce() -> bool) -> bool {
        let place = self.place(page);
        let mut overflow = self.lock(place);
        let retired = retire();
        if retired {
            let ours = entry(frame, tag(place.hash));
            // Relaxed: only the holder of the lock writes the bucket.
            match self.bucket(place).iter().find(|entry| entry.load(Ordering::Relaxed) == ours) {
                Some(entry) => entry.store(0, Ordering::Relaxed),
                None => {
                    let found = overflow.find_entry(place.hash, |(_, other)| *other == frame);
                    found.expect("a frame with a tag is in the table (E1)").remove();
                }
            }
        }
        retired
    }

    /// The frame of `page`, for the holder of the lock: no page of the shard comes or goes.
    fn find(
        &self,
        place: Place,
        page: PageId,
        page_in: impl Fn(FrameId) -> PageId,
        overflow: &Overflow,
    ) -> Option<FrameId> {
        let tag = tag(place.hash);
        // Relaxed: only the holder of the lock writes the bucket.
        let entries = self.bucket(place).iter().map(|entry| entry.load(Ordering::Relaxed));
        let mut frames = entries.filter_map(|entry| frame(entry, tag));
        frames.find(|frame| page_in(*frame) == page).or_else(|| {
            overflow.find(place.hash, |(other, _)| *other == page).map(|(_, frame)| *frame)
        })
    }

    #[inline]
    fn place(&self, page: PageId) -> Place {
        let hash = hash(page);
        // A tag is the upper half of the hash, so the bucket comes from the lower.
        let bucket = hash as usize & (self.entries.len() / self.ways - 1);
        Place { hash, first: bucket * self.ways, shard: bucket & (self.shards.len() - 1) }
    }

    #[inline]
    fn bucket(&self, place: Place) -> &[AtomicU64] {
        &self.entries[place.first..place.first + self.ways]
    }

    fn lock(&self, place: Place) -> MutexGuard<'_, Overflow> {
        self.shards[place.shard].lock()
    }
}

/// Multiplication by 2^64 divided by the golden ratio, folded: neighbours land far apart.
#[inline]
fn hash(page: PageId) -> u64 {
    let product = page.to_bits().wrapping_mul(0x9E37_79B9_7F4A_7C15);
    product ^ (product >> 29)
}

#[inline]
fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// An entry: the tag, and the frame plus one, so that no entry is zero.
fn entry(frame: FrameId, tag: u32) -> u64 {
    u64::from(tag) << 32 | (u64::from(frame.0) + 1)
}

/// The last entry of a bucket that has this tag, or zero.
#[inline(always)]
fn last_with(bucket: &[AtomicU64], tag: u32) -> u64 {
    bucket.iter().fold(0, |found, entry| {
        // Relaxed: see the module's orderings.
        let entry = entry.load(Ordering::Relaxed);
        if (entry >> 32) as u32 == tag && entry != 0 { entry } else { found }
    })
}

/// The frame of an entry with this tag.
#[inline]
fn frame(entry: u64, tag: u32) -> Option<FrameId> {
    let number = (entry as u32).checked_sub(1)?;
    ((entry >> 32) as u32 == tag).then_some(FrameId(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::FileId;

    fn page(block: u32) -> PageId {
        PageId::new(FileId(1), block)
    }

    /// A table with the tags of its frames.
    struct Pages {
        table: PageTable,
        held: Mutex<Vec<PageId>>,
    }

    impl Pages {
        fn new(frames: usize) -> Self {
            Self { table: PageTable::new(frames), held: Mutex::new(vec![page(0); frames]) }
        }

        fn enter(&self, page: PageId, frame: u32) -> Result<(), Present> {
            let assign = || self.held.lock()[frame as usize] = page;
            self.table.insert(page, FrameId(frame), |id| self.page_in(id), assign, |_| ())
        }

        fn get(&self, page: PageId) -> Option<FrameId> {
            self.table.get(page, |id| self.page_in(id))
        }

        fn page_in(&self, frame: FrameId) -> PageId {
            self.held.lock()[frame.0 as usize]
        }
    }

    #[test]
    fn a_page_is_entered_once_and_the_second_is_given_the_first_ones_frame() {
        let pages = Pages::new(4);
        assert_eq!(pages.enter(page(1), 0), Ok(()));
        assert_eq!(pages.enter(page(1), 1), Err(Present(FrameId(0))));
        assert_eq!(pages.get(page(1)), Some(FrameId(0)));
        assert_eq!(pages.table.hint(page(1)), Some(FrameId(0)));
    }

    #[test]
    fn a_page_leaves_only_if_it_may() {
        let pages = Pages::new(4);
        pages.enter(page(1), 0).unwrap();
        assert!(!pages.table.remove_if(page(1), FrameId(0), || false));
        assert!(pages.get(page(1)).is_some());
        assert!(pages.table.remove_if(page(1), FrameId(0), || true));
        assert!(pages.get(page(1)).is_none() && pages.table.hint(page(1)).is_none());
    }

    #[test]
    fn ten_thousand_pages_are_told_apart_and_few_overflow() {
        let pages = Pages::new(10_000);
        for block in 0..10_000 {
            pages.enter(page(block), block).unwrap();
        }
        let hinted = |block: &u32| pages.table.hint(page(*block)) == Some(FrameId(*block));
        assert!((0..10_000).filter(hinted).count() > 9_700);
        for block in 0..10_000 {
            assert_eq!(pages.get(page(block)), Some(FrameId(block)));
        }
    }

    #[test]
    fn pages_beyond_their_bucket_are_found_and_removed_like_the_others() {
        let pages = Pages::new(4);
        let place = |block: &u32| pages.table.place(page(*block)).first;
        let same: Vec<u32> = (0..1000).filter(|block| place(block) == 0).take(12).collect();
        *pages.held.lock() = vec![page(0); 12];
        for (frame, block) in same.iter().enumerate() {
            pages.enter(page(*block), frame as u32).unwrap();
        }
        for (frame, block) in same.iter().enumerate() {
            let frame = FrameId(frame as u32);
            assert_eq!(pages.get(page(*block)), Some(frame));
            assert!(pages.table.remove_if(page(*block), frame, || true));
            assert_eq!(pages.get(page(*block)), None);
        }
    }
}
