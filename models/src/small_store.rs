//! The small engine in native code: it makes the store that a model starts from, and recovers what
//! is left of it.

use ::seawall_core;
use seawall_core::checkpoint::Urgency;
use seawall_core::disk::Disk;
use seawall_core::engine::Engine;
use seawall_core::error::Result;
use seawall_core::files::FileOptions;
use seawall_core::page::{FileId, PageId};
use seawall_core::sim::{NoClock, SimDisk, Tree, smallest_config};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// So many bytes at either end of a body are marks of transactions.
pub(crate) const MARKS: usize = 8;

/// Of each page what its body begins and ends with.
pub(crate) type Marks = Vec<[[u8; MARKS]; 2]>;

/// A closed store of one file with so many empty pages.
pub(crate) fn store(blocks: u32) -> Tree {
    static STORES: Mutex<BTreeMap<u32, Tree>> = Mutex::new(BTreeMap::new());
    let mut stores = STORES.lock().unwrap_or_else(PoisonError::into_inner);
    stores.entry(blocks).or_insert_with(|| make(blocks).expect("a good disk")).clone()
}

fn make(blocks: u32) -> Result<Tree> {
    let disk = SimDisk::new();
    let on_disk = Arc::new(disk.clone()) as Arc<dyn Disk>;
    Engine::create(&on_disk, &smallest_config(), 7)?;
    let engine = open(on_disk)?;
    let file = engine.create_file(FileOptions::default())?;
    engine.extend(file, blocks)?;
    engine.checkpoint(Urgency::Immediate)?;
    engine.close()?;
    Ok(disk.durable_image().tree())
}

fn open(disk: Arc<dyn Disk>) -> Result<Engine> {
    Engine::open(disk, smallest_config(), Arc::new(NoClock))
}

/// Recovers a disk and reads all pages.
pub(crate) fn recover(disk: SimDisk) -> std::result::Result<Marks, String> {
    marks(disk).map_err(|error| format!("recovery refuses it: {error}"))
}

fn marks(disk: SimDisk) -> Result<Marks> {
    let engine = open(Arc::new(disk))?;
    let file = FileId(1);
    let ends = |block| {
        let page = engine.read(PageId::new(file, block))?;
        let first = page.first_chunk().expect("a body is longer");
        Ok([*first, *page.last_chunk().expect("a body is longer")])
    };
    (0..engine.blocks(file)?).map(ends).collect()
}
