//! A sync has failed, and the store is opened again where it is: what the kernel shows may be in
//! its cache alone, and it takes it for clean.

mod common;

use common::{config, engine_on, open};
use seawall_core::checkpoint::Urgency;
use seawall_core::config::{Config, FullPageImages};
use seawall_core::engine::Engine;
use seawall_core::error::{Error, Result};
use seawall_core::files::FileOptions;
use seawall_core::page::{FileId, PageId};
use seawall_core::sim::{CrashImage, EIO, Fault, OpKind, SimDisk};
use seawall_core::sync::Mutex;
use seawall_core::wal::segment::WalSync;
use std::sync::Arc;

const PAGE: PageId = PageId::new(FileId(1), 0);

/// A store of one page, checkpointed.
fn store(disk: &SimDisk, config: &Config) -> Engine {
    let engine = engine_on(disk, config);
    let file = engine.create_file(FileOptions::default()).unwrap();
    engine.extend(file, 1).unwrap();
    engine.checkpoint(Urgency::Immediate).unwrap();
    engine
}

fn commit(engine: &Engine, value: u8) -> Result<()> {
    let mut operation = engine.operation();
    operation.page(PAGE)?.write(0, &[value; 3000])?;
    engine.commit(operation).map(drop)
}

fn value(disk: &SimDisk, config: &Config) -> Result<u8> {
    open(disk, config)?.read(PAGE).map(|body| body[0])
}

fn losing_all(disk: &SimDisk) -> CrashImage {
    disk.durable_image()
}

#[test]
fn a_page_that_a_failed_sync_has_lost_is_written_again_though_the_kernel_shows_it() {
    // Without images nothing is restored whatever is there.
    let config = Config { full_page_images: FullPageImages::Off, data_direct: false, ..config() };
    for seed in 0..8 {
        let disk = SimDisk::with_sector_bytes(4096);
        let engine = store(&disk, &config);
        commit(&engine, 7).unwrap();
        let lost = Fault::once(EIO).only(OpKind::SyncData).on("data/00000001.0");
        disk.fail_at(1, lost.seed(seed));
        assert!(matches!(engine.checkpoint(Urgency::Immediate), Err(Error::Poisoned(_))));
        drop(engine);
        assert_eq!(value(&disk, &config).unwrap(), 7);
        assert_eq!(value(&losing_all(&disk).mount(), &config).unwrap(), 7, "seed {seed}");
    }
}

#[test]
fn no_page_gets_ahead_of_a_log_that_a_failed_sync_has_lost_though_the_kernel_shows_it() {
    let config = Config { wal_sync: WalSync::Fdatasync, data_direct: false, ..config() };
    for seed in 0..8 {
        let disk = SimDisk::new();
        let engine = store(&disk, &config);
        // An image: the record is in several blocks.
        disk.fail_at(1, Fault::once(EIO).only(OpKind::SyncData).seed(seed));
        assert!(matches!(commit(&engine, 7), Err(Error::Poisoned(_))));
        drop(engine);
        let images = Arc::new(Mutex::new(Vec::new()));
        let taken = Arc::clone(&images);
        disk.set_observer(Some(Box::new(move |disk, op| {
            taken.lock().push((op.to_string(), losing_all(disk)));
        })));
        assert_eq!(value(&disk, &config).unwrap(), 7);
        disk.set_observer(None);
        for (op, image) in &*images.lock() {
            let value = value(&image.mount(), &config);
            assert!(matches!(value, Ok(0 | 7)), "seed {seed}, before {op}: {value:?}");
        }
    }
}
