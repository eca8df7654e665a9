//! Concurrent maps and caches as page tables.
//!
//! | peer | a hit | content lock |
//! |---|---|---|
//! | [`LockedMap`] | one lock for the map, shared; a clone of an `Arc` | yes |
//! | [`Dash`] | the shard's lock, shared; a clone of an `Arc` | yes |
//! | [`Quick`] | the shard's lock, shared; a flag or a count; a clone of an `Arc` | no |
//! | [`Moka`] | no lock; a clone of an `Arc`; a note for the policy | no |
//! | [`Foyer`] | the shard's lock; the default policy (w-TinyLFU); a count of references | no |
//! | [`Array`] | nothing: the page at an index | no |
//!
//! Where there is a content lock it is parking_lot's, as in seawall. The `Arc` stands for the pin:
//! it keeps the bytes alive, but unlike a pin it keeps no page in the table. [`Array`] is no peer
//! but the floor: what the loop and the memory cost without any protocol.

use super::{Contender, Ids, ROOM, SHARDS, first_bytes};
use foldhash::fast::RandomState;
use parking_lot::RwLock;
use quick_cache::sync::DefaultLifecycle;
use quick_cache::{OptionsBuilder, UnitWeighter};
use seawall::PageId;
use seawall::seawall_core::page::Page;
use std::collections::HashMap;
use std::sync::Arc;

type SharedPage = Arc<RwLock<Page>>;

fn shared_pages(ids: Ids) -> impl Iterator<Item = (PageId, SharedPage)> {
    ids.pages().map(|(id, page)| (id, Arc::new(RwLock::new(page))))
}

/// A map under one lock.
pub struct LockedMap(RwLock<HashMap<PageId, SharedPage, RandomState>>);

impl LockedMap {
    /// One with all pages.
    pub fn new(ids: Ids) -> Self {
        let mut map = HashMap::with_capacity_and_hasher(ROOM, RandomState::default());
        map.extend(shared_pages(ids));
        Self(RwLock::new(map))
    }
}

impl Contender for LockedMap {
    const NAME: &'static str = "RwLock<HashMap>";

    fn hit(&self, page: PageId) -> u64 {
        let found = self.0.read().get(&page).expect("a hit").clone();
        let read = found.read();
        first_bytes(read.body())
    }
}

/// `dashmap`.
pub struct Dash(dashmap::DashMap<PageId, SharedPage, RandomState>);

impl Dash {
    /// One with all pages.
    pub fn new(ids: Ids) -> Self {
        let hasher = RandomState::default();
        let map = dashmap::DashMap::with_capacity_and_hasher_and_shard_amount(ROOM, hasher, SHARDS);
        shared_pages(ids).for_each(|(id, page)| drop(map.insert(id, page)));
        Self(map)
    }
}

impl Contender for Dash {
    const NAME: &'static str = "dashmap";

    fn hit(&self, page: PageId) -> u64 {
        let found = self.0.get(&page).expect("a hit").clone();
        let read = found.read();
        first_bytes(read.body())
    }
}

type QuickCache = quick_cache::sync::Cache<PageId, Arc<Page>, UnitWeighter, RandomState>;

/// `quick_cache`.
pub struct Quick(QuickCache);

impl Quick {
    /// One with all pages.
    ///
    /// # Panics
    /// If it does not like its options.
    pub fn new(ids: Ids) -> Self {
        let mut options = OptionsBuilder::new();
        options.shards(SHARDS).estimated_items_capacity(ROOM).weight_capacity(ROOM as u64);
        let options = options.build().expect("complete options");
        let (hasher, lifecycle) = (RandomState::default(), DefaultLifecycle::default());
        let cache = QuickCache::with_options(options, UnitWeighter, hasher, lifecycle);
        ids.pages().for_each(|(id, page)| cache.insert(id, Arc::new(page)));
        Self(cache)
    }
}

impl Contender for Quick {
    const NAME: &'static str = "quick_cache";

    fn hit(&self, page: PageId) -> u64 {
        first_bytes(self.0.get(&page).expect("a hit").body())
    }
}

/// `moka`.
pub struct Moka(moka::sync::Cache<PageId, Arc<Page>, RandomState>);

impl Moka {
    /// One with all pages.
    pub fn new(ids: Ids) -> Self {
        let builder = moka::sync::Cache::builder().max_capacity(ROOM as u64);
        let cache = builder.initial_capacity(ROOM).build_with_hasher(RandomState::default());
        ids.pages().for_each(|(id, page)| cache.insert(id, Arc::new(page)));
        cache.run_pending_tasks();
        Self(cache)
    }
}

impl Contender for Moka {
    const NAME: &'static str = "moka";

    fn hit(&self, page: PageId) -> u64 {
        first_bytes(self.0.get(&page).expect("a hit").body())
    }
}

/// `foyer`, of which the cache in memory is a package of its own.
pub struct Foyer(foyer_memory::Cache<PageId, Page, RandomState>);

impl Foyer {
    /// One with all pages.
    pub fn new(ids: Ids) -> Self {
        let builder = foyer_memory::CacheBuilder::new(ROOM).with_shards(SHARDS);
        let cache = builder.with_hash_builder(RandomState::default()).build();
        ids.pages().for_each(|(id, page)| drop(cache.insert(id, page)));
        Self(cache)
    }
}

impl Contender for Foyer {
    const NAME: &'static str = "foyer";

    fn hit(&self, page: PageId) -> u64 {
        first_bytes(self.0.get(&page).expect("a hit").body())
    }
}

/// Pages in a row: no table, no pin, no lock.
pub struct Array {
    ids: Ids,
    pages: Vec<Page>,
}

impl Array {
    /// One with all pages.
    pub fn new(ids: Ids) -> Self {
        Self { ids, pages: ids.pages().map(|(_, page)| page).collect() }
    }
}

impl Contender for Array {
    const NAME: &'static str = "(array, no lock)";

    fn hit(&self, page: PageId) -> u64 {
        first_bytes(self.pages[self.ids.index(page)].body())
    }
}
