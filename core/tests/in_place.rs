//! A sync has failed, and the store is opened again where it is: what the kernel shows may be in
//! its cache alone, and it takes it for clean.

mod common;

use common::{config, content, engine_on, fill_block, losing_all, open, recover};
use seawall_core::checkpoint::Urgency;
use seawall_core::config::{Config, Format, FullPageImages};
use seawall_core::engine::Engine;
use seawall_core::error::{Error, Result};
use seawall_core::files::FileOptions;
use seawall_core::page::{FileId, PageId};
use seawall_core::sim::{CrashImage, EIO, Fault, OpKind, SimDisk};
use seawall_core::wal::background::WalWriter;
use seawall_core::wal::segment::WalSync;

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
        assert_eq!(value(&disk.durable_image().mount(), &config).unwrap(), 7, "seed {seed}");
    }
}

/// What crashes leave of a store whose log has a part that is not durable, a file that was cut, and
/// one that is not logged.
fn crashed(config: &Config) -> Vec<CrashImage> {
    let disk = SimDisk::new();
    let engine = store(&disk, config);
    let unlogged = FileOptions { unlogged: true, ..FileOptions::default() };
    let unlogged = engine.create_file(unlogged).unwrap();
    engine.extend(unlogged, 2).unwrap();
    engine.extend(PAGE.file(), 5).unwrap();
    engine.checkpoint(Urgency::Immediate).unwrap();
    engine.truncate(PAGE.file(), 2).unwrap();
    fill_block(&engine, PAGE, 1, 0);
    let mut writer = WalWriter::default();
    for value in 2..9 {
        fill_block(&engine, PAGE, value, 0);
        engine.wal_writer_round(&mut writer).unwrap();
    }
    (0..40).map(|seed| disk.crash_image(seed)).collect()
}

#[test]
fn an_opening_that_failed_anywhere_is_repeated_in_place_and_leaves_nothing_to_come_back() {
    let config = Config {
        wal_sync: WalSync::Fdatasync,
        wal_writer_flush_after_bytes: 1 << 30,
        full_page_images: FullPageImages::Off,
        format: Format { wal_segment_bytes: 32 << 10, ..config().format },
        wal_max_bytes: 1 << 20,
        ..config()
    };
    let (mut failed, mut discarded) = (0, 0);
    for (number, image) in crashed(&config).iter().enumerate() {
        let first = open(&image.mount(), &config).unwrap();
        let expected = content(&first).unwrap();
        discarded += first.recovery().beyond.blocks;
        drop(first);
        for n in 1.. {
            let disk = image.mount();
            disk.fail_at(n, Fault::once(EIO).seed(n));
            let opened = open(&disk, &config).map(drop);
            let Some(op) = disk.first_failure() else { break };
            // A file system whose journal fails does not go on; a page that is torn has no image.
            let tears = op.kind == OpKind::Write && op.path.starts_with("data/");
            if op.kind == OpKind::SyncDir || tears {
                continue;
            }
            failed += 1;
            let say = |what: &str| format!("image {number}, {op} failed, {opened:?}: {what}");
            // What nobody has been told of yet is told to who opens the files next, and once.
            let engine = open(&disk, &config).or_else(|_| open(&disk, &config));
            let engine = engine.unwrap_or_else(|error| panic!("{}", say(&error.to_string())));
            assert_eq!(content(&engine).unwrap(), expected, "{}", say("opened again"));
            // What was discarded would fit behind this.
            fill_block(&engine, PAGE, 99, 0);
            engine.wait_durable(engine.wal_positions().0).unwrap();
            let expected = content(&engine).unwrap();
            drop(engine);
            let seeded = (0..3).map(|seed| disk.crash_image(seed));
            for image in [disk.durable_image()].into_iter().chain(seeded) {
                let found = recover(&image.mount(), &config);
                let found = found.unwrap_or_else(|e| panic!("{}", say(&e.to_string())));
                assert_eq!(found, expected, "{}", say("after a crash"));
            }
        }
    }
    println!("{failed} openings failed, {discarded} blocks were discarded");
    assert!(failed > 1000 && discarded > 50, "{failed}, {discarded}");
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
        let images = losing_all(&disk, || assert_eq!(value(&disk, &config).unwrap(), 7));
        for (op, image) in &images {
            let value = value(&image.mount(), &config);
            assert!(matches!(value, Ok(0 | 7)), "seed {seed}, before {op}: {value:?}");
        }
    }
}
