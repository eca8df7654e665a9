//! A hit the way PostgreSQL makes it, as far as its protocol goes: no line of its code is here.
//!
//! 1. The hash of the page's id, computed once, names one of 128 partitions of the page table;
//!    its lock is taken shared.
//! 2. The table gives the frame; a compare-and-swap loop on the frame's word of 32 bits adds a pin
//!    and raises the usage count, which ends at 5. Then the partition is released.
//! 3. The frame's content lock is taken shared, the bytes are read, the lock is released.
//! 4. A second compare-and-swap loop takes the pin back.
//!
//! Not here: the table of a backend's own pins, which makes a second pin of the same page by the
//! same backend cheap; the owner of resources that a pin is noted with; statistics; shared memory.
//! The locks are parking_lot's, not PostgreSQL's; the table is hashbrown's, not dynahash; a page
//! is behind a pointer in its frame, as in seawall, not at an offset of a region.

use super::{Contender, Ids, ROOM, SHARDS, first_bytes};
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use parking_lot::RwLock;
use seawall::PageId;
use seawall::seawall_core::page::Page;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU32, Ordering};

type Partition = HashTable<(PageId, u32)>;

/// Bits 0..18 of the word: pins; bits 18..22: usage.
const PIN: u32 = 1;
const USAGE: u32 = 1 << 18;
const USAGE_MASK: u32 = 0b1111 << 18;
const USAGE_MAX: u32 = 5 * USAGE;
/// The bytes are the page.
const VALID: u32 = 1 << 24;

/// One line of the processor's cache, as PostgreSQL pads it.
#[repr(align(64))]
struct Frame {
    state: AtomicU32,
    content: RwLock<Page>,
}

const _: () = assert!(size_of::<Frame>() == 64);

impl Frame {
    fn new(page: Page) -> Self {
        Self { state: AtomicU32::new(VALID), content: RwLock::new(page) }
    }

    /// Whether the page that is now pinned has its bytes.
    fn pin(&self) -> bool {
        // Acquire: pairs with the Release of the unpin, so that whoever evicts comes after us.
        let before = self.state.update(Ordering::AcqRel, Ordering::Relaxed, |word| {
            let used = if word & USAGE_MASK < USAGE_MAX { word + USAGE } else { word };
            used + PIN
        });
        before & VALID != 0
    }

    fn unpin(&self) {
        // Release: pairs with the Acquire of the pin.
        self.state.update(Ordering::Release, Ordering::Relaxed, |word| word - PIN);
    }
}

/// A buffer pool with PostgreSQL's protocol for a hit, and no other.
pub struct PostgresLike {
    hasher: RandomState,
    partitions: Box<[RwLock<Partition>]>,
    frames: Box<[Frame]>,
}

impl PostgresLike {
    /// One with all pages.
    pub fn new(ids: Ids) -> Self {
        let partition = || RwLock::new(Partition::with_capacity(ROOM.div_ceil(SHARDS)));
        let pool = Self {
            hasher: RandomState::default(),
            partitions: (0..SHARDS).map(|_| partition()).collect(),
            frames: ids.pages().map(|(_, page)| Frame::new(page)).collect(),
        };
        ids.all().zip(0..).for_each(|(id, frame)| pool.enter(id, frame));
        pool
    }

    fn enter(&self, page: PageId, frame: u32) {
        let hash = self.hasher.hash_one(page);
        let mut partition = self.partition(hash).write();
        partition.insert_unique(hash, (page, frame), |(page, _)| self.hasher.hash_one(page));
    }

    fn partition(&self, hash: u64) -> &RwLock<Partition> {
        // The table uses the low bits for the place and the highest seven for its tags.
        &self.partitions[(hash >> 32) as usize % SHARDS]
    }

    fn pin(&self, page: PageId) -> &Frame {
        let hash = self.hasher.hash_one(page);
        let partition = self.partition(hash).read();
        let found = partition.find(hash, |(present, _)| *present == page);
        let (_, frame) = *found.expect("a hit");
        let frame = &self.frames[frame as usize];
        assert!(frame.pin(), "the bytes are there");
        frame
    }
}

impl Contender for PostgresLike {
    const NAME: &'static str = "postgres-like";

    fn hit(&self, page: PageId) -> u64 {
        let frame = self.pin(page);
        let read = first_bytes(frame.content.read().body());
        frame.unpin();
        read
    }
}
