//! What `hit` measures: one hit, in seawall's buffer pool and in its peers.
//!
//! A hit finds a resident page by its id, keeps it in place, reads 8 bytes of it and lets it go.
//! The loop around it picks the page with a pseudo-random number; it is the same for everybody.
//!
//! # The same for everybody
//! * Pages are seawall's [`Page`]: [`PAGE_BYTES`] on the heap, aligned to themselves. Each
//!   contender has [`PAGES`] of its own: 400 MiB, of which glibc's allocator makes up to twice
//!   as much, in a process of up to 7 GiB.
//! * Room for all of them and as many more: nothing is evicted, and a miss panics.
//! * The peers hash with foldhash, whatever their default is, seawall as it always does; whoever
//!   is sharded and lets his shards be chosen has [`SHARDS`] of them.
//!
//! # Not measured
//! Misses, eviction, changes, more threads than two, and pages that do not fit: in a cache that
//! is full the peers pay for their policies, here only for the bookkeeping of a hit.
//!
//! # Not the same
//! See [`peers`] and [`postgres`]: the caches give out shared immutable values and have no
//! content lock at all, so a hit of theirs does less than one in a buffer pool.

pub mod peers;
pub mod postgres;
pub mod rounds;

use seawall::seawall_core::page::Page;
use seawall::{Config, Format, PageId};
use seawall_benches::{BenchStore, Random, timed};
use std::hint::black_box;
use std::time::Duration;

/// Pages of each contender, all of them resident.
pub const PAGES: u32 = 100_000;
/// Bytes of a page: the smallest that seawall has.
pub const PAGE_BYTES: u32 = 4 << 10;
/// Shards of a table of pages: as many as seawall and PostgreSQL have.
pub const SHARDS: usize = 128;

/// Entries that a cache is given room for, so that no shard of it ever evicts.
const ROOM: usize = 2 * PAGES as usize;

/// Which pages are hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// All of them, each as likely as the others: mostly a wait for memory.
    Uniform,
    /// One: its words stay in the nearest cache, or move between those of two threads.
    Hot,
}

impl Workload {
    /// As it is printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Hot => "hot",
        }
    }

    fn pages(self) -> u32 {
        match self {
            Self::Uniform => PAGES,
            Self::Hot => 1,
        }
    }
}

/// Somebody who holds [`PAGES`] pages, the first body bytes of each being its id.
pub trait Contender: Sync {
    /// As it is printed.
    const NAME: &'static str;

    /// One hit: the first 8 bytes of the page's body.
    ///
    /// # Panics
    /// If the page is not there.
    fn hit(&self, page: PageId) -> u64;
}

/// A contender of any type, as a value.
pub trait Entrant {
    /// As it is printed.
    fn name(&self) -> &'static str;

    /// Hits each page once and checks what it reads.
    ///
    /// # Panics
    /// If a page is not there, or another one.
    fn check(&self, ids: Ids);

    /// The time of `ops` hits, shared by `threads` threads.
    fn run(&self, ids: Ids, workload: Workload, threads: usize, ops: u64) -> Duration;
}

impl<C: Contender> Entrant for C {
    fn name(&self) -> &'static str {
        C::NAME
    }

    fn check(&self, ids: Ids) {
        ids.all().for_each(|id| assert_eq!(self.hit(id), id.to_bits(), "{} of {id}", C::NAME));
    }

    fn run(&self, ids: Ids, workload: Workload, threads: usize, ops: u64) -> Duration {
        timed(threads, ops, |thread, share| {
            let mut random = Random::new(thread as u64 + 1);
            for _ in 0..share {
                black_box(self.hit(ids.pick(workload, &mut random)));
            }
        })
    }
}

/// The ids of [`PAGES`] pages in a row, picked without a look at memory.
#[derive(Debug, Clone, Copy)]
pub struct Ids {
    first: u64,
}

impl Ids {
    /// All of them.
    pub fn all(self) -> impl Iterator<Item = PageId> {
        (0..PAGES).map(move |index| self.at(index))
    }

    fn at(self, index: u32) -> PageId {
        PageId::from_bits(self.first + u64::from(index))
    }

    fn index(self, page: PageId) -> usize {
        (page.to_bits() - self.first) as usize
    }

    fn pick(self, workload: Workload, random: &mut Random) -> PageId {
        let scaled = (random.number() >> 32) * u64::from(workload.pages());
        self.at((scaled >> 32) as u32)
    }

    /// All pages as a peer holds them, each with its id.
    fn pages(self) -> impl Iterator<Item = (PageId, Page)> {
        self.all().map(|id| {
            let mut page = Page::zeroed(PAGE_BYTES as usize);
            page.format(id);
            page.body_mut()[..8].copy_from_slice(&id.to_bits().to_le_bytes());
            (id, page)
        })
    }
}

fn first_bytes(body: &[u8]) -> u64 {
    u64::from_le_bytes(body[..8].try_into().expect("8 bytes"))
}

/// seawall: content lock shared, which keeps the page, read, unlock.
pub struct Seawall(BenchStore);

impl Seawall {
    /// A store of [`PAGES`] resident pages that no checkpoint disturbs.
    ///
    /// # Panics
    /// If it cannot be created.
    pub fn new() -> Self {
        let bench = BenchStore::new(
            PAGES,
            Config {
                format: Format { page_bytes: PAGE_BYTES, ..Format::default() },
                buffers: ROOM,
                checkpoint_timeout: Duration::from_secs(24 * 3600),
                wal_max_bytes: 1 << 41,
                ..Config::default()
            },
        );
        bench.pages.iter().for_each(|page| write_id(&bench, *page));
        bench.drain();
        Self(bench)
    }

    /// The ids of its pages, which the peers use too.
    pub fn ids(&self) -> Ids {
        Ids { first: self.0.pages[0].to_bits() }
    }
}

impl Default for Seawall {
    fn default() -> Self {
        Self::new()
    }
}

impl Contender for Seawall {
    const NAME: &'static str = "seawall";

    fn hit(&self, page: PageId) -> u64 {
        first_bytes(&self.0.store.read(page).expect("a resident page"))
    }
}

fn write_id(bench: &BenchStore, id: PageId) {
    let mut operation = bench.store.operation();
    let mut page = operation.page(id).expect("a page");
    page.change(0..8).expect("inside").copy_from_slice(&id.to_bits().to_le_bytes());
    bench.store.commit_async(operation).expect("a commit");
}
