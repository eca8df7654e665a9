//! Every crash point of a short workload, times the disks that a crash may leave there: recovery
//! gives a prefix of the commits, with every acknowledged one, and the store goes on from there.
//!
//! The engine runs on the simulated disk. Before each of its disk operations the images are taken
//! and each is recovered by the real recovery; images that were met before are not recovered
//! again, but still have to hold what has been acknowledged since.

mod common;

use common::sweep::{Sweep, change, crash_again, images_of, sweep};
use common::{Recovered, config, engine_on, recover, small};
use seawall_core::checkpoint::Urgency;
use seawall_core::config::{Config, Format};
use seawall_core::engine::Engine;
use seawall_core::files::FileOptions;
use seawall_core::page::{FileId, PageId};
use seawall_core::sim::{CrashOptions, SimDisk};
use seawall_core::sync::Mutex;
use seawall_core::wal::position::{Geometry, segment_path};
use seawall_core::wal::segment::WalSync;
use std::sync::Arc;

/// Two files, extensions, operations over up to three pages, two checkpoints, evictions all the
/// time: the pool has fewer frames than there are pages.
fn mixed(engine: &Engine, sweep: &Mutex<Sweep>, operations: u64) {
    for _ in 0..2 {
        sweep.lock().model.expect_file();
        let file = engine.create_file(FileOptions::default()).unwrap();
        sweep.lock().model.acknowledge_all();
        for _ in 0..5 {
            sweep.lock().model.expect_pages(file, 1);
            engine.extend(file, 1).unwrap();
        }
    }
    for number in 1..=operations {
        change(engine, sweep, number);
        if number % (operations / 2) == operations / 4 {
            let stats = engine.checkpoint(Urgency::Immediate).unwrap();
            assert!(stats.buffers_written > 0, "a checkpoint with nothing to do: {stats}");
            sweep.lock().model.acknowledge_all();
        }
    }
    engine.close().unwrap();
    sweep.lock().model.acknowledge_all();
}

#[test]
fn every_crash_of_a_mixed_workload_recovers_to_a_prefix_with_all_acknowledged_commits() {
    let options = CrashOptions { max_subset: 6, seeded: 4, seed: 1 };
    sweep(small(), options, |engine, sweep| mixed(engine, sweep, 36));
}

#[test]
fn a_sync_queue_of_one_request_loses_nothing() {
    let options = CrashOptions { max_subset: 4, seeded: 2, seed: 2 };
    let config = Config { sync_queue_capacity: 1, ..small() };
    sweep(config, options, |engine, sweep| mixed(engine, sweep, 16));
}

/// Method 1 and method 2 of the posts, with the smallest limits, through the page cache.
#[test]
fn every_crash_recovers_what_was_acknowledged_with_any_control_of_writeback() {
    let options = CrashOptions { max_subset: 4, seeded: 2, seed: 5 };
    let config = Config {
        data_direct: false,
        checkpoint_flush_after_bytes: 4096,
        checkpoint_flush_waits: true,
        backend_flush_after_bytes: 4096,
        evict_sync_rounds: 3,
        evict_sync_threshold_pages: 1,
        sync_queue_capacity: 1,
        ..small()
    };
    sweep(config, options, |engine, sweep| {
        mixed(engine, sweep, 16);
        assert!(engine.pool_stats().written_by_evictions > 0);
    });
}

/// Eight frames for ten pages, of which two are next to each other: the runs are as long as they
/// can be in segments of two.
#[test]
fn every_crash_recovers_what_was_acknowledged_where_neighbours_are_written_together() {
    let options = CrashOptions { max_subset: 4, seeded: 2, seed: 6 };
    sweep(Config { buffers: 8, ..small() }, options, |engine, sweep| {
        mixed(engine, sweep, 16);
        let taken_along = engine.pool_stats().taken_along;
        assert!(taken_along > 3, "{taken_along} were taken along");
    });
}

#[test]
fn every_crash_recovers_what_was_acknowledged_with_syncs_after_writes_too() {
    for wal_sync in [WalSync::Fdatasync, WalSync::Fsync] {
        let options = CrashOptions { max_subset: 4, seeded: 2, seed: 3 };
        sweep(Config { wal_sync, ..small() }, options, |engine, sweep| mixed(engine, sweep, 12));
    }
}

#[test]
fn every_crash_while_a_store_is_created_leaves_no_store_or_an_empty_one() {
    let disk = SimDisk::new();
    let config = config();
    let images = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&images);
    disk.set_observer(Some(Box::new(move |disk, op| {
        for image in disk.crash_images(&CrashOptions::default()) {
            *counted.lock() += 1;
            let disk = image.mount();
            if let Err(error) = recover(&disk, &config) {
                assert!(!disk.exists("control"), "{error}, before {op}; {}", image.describe());
                common::create(&disk, &config).expect("creating can be repeated");
            }
            let recovered = recover(&disk, &config).expect("a store");
            assert_eq!(recovered, Recovered::default());
        }
    })));
    common::create(&disk, &config).unwrap();
    let engine = common::open(&disk, &config).unwrap();
    disk.set_observer(None);
    drop(engine);
    println!("{} images of an interrupted creation and first opening", images.lock());
    assert!(*images.lock() > 100);
}

/// Half of the operations before a checkpoint, half after it, and no close.
fn crash_midway(engine: &Engine, operations: u64) {
    let sweep = Mutex::new(Sweep::default());
    sweep.lock().model.expect_file();
    let file = engine.create_file(FileOptions::default()).unwrap();
    for _ in 0..6 {
        sweep.lock().model.expect_pages(file, 1);
        engine.extend(file, 1).unwrap();
    }
    for number in 1..=operations {
        change(engine, &sweep, number);
        if number == operations / 2 {
            engine.checkpoint(Urgency::Immediate).unwrap();
        }
    }
}

#[test]
fn every_crash_during_recovery_recovers_to_the_same_state() {
    let config = small();
    let disk = SimDisk::new();
    let engine = engine_on(&disk, &config);
    let options = CrashOptions { max_subset: 2, seeded: 1, seed: 3 };
    let crashed = images_of(&disk, options, || crash_midway(&engine, 12));
    let (mut stores, mut images) = (0, 0);
    for image in crashed.iter().step_by(5) {
        let expected = recover(&image.mount(), &config).unwrap();
        stores += 1;
        images +=
            crash_again(image, &config, &expected, if stores % 20 == 0 { 2 } else { 1 }).unwrap();
    }
    println!("{stores} crashed stores, {images} images of crashes in recovery, some two deep");
    assert!(stores > 100 && images > 5000, "the sweep has shrunk: {stores}, {images}");
}

#[test]
fn a_record_that_is_durable_in_part_stays_a_torn_tail_however_recovery_crashes() {
    // Its header is in one block, or in two.
    let images = [500, 16].map(torn_in_part);
    println!("{images:?} images");
    assert!(images.into_iter().all(|images| images > 10));
}

/// A store with a file of two pages, whose log ends so far before the end of a block.
fn filled(config: &Config, left: usize) -> (SimDisk, Engine, FileId) {
    let disk = SimDisk::new();
    let engine = engine_on(&disk, config);
    let file = engine.create_file(FileOptions::default()).unwrap();
    engine.extend(file, 2).unwrap();
    engine.checkpoint(Urgency::Immediate).unwrap();
    let page = PageId::new(file, 0);
    let mut operation = engine.operation();
    operation.page(page).unwrap().write(9, &[1]).unwrap();
    engine.commit(operation).unwrap();
    common::fill_block(&engine, page, 1, left);
    (disk, engine, file)
}

/// A torn record that begins so far before the end of a block, some of it known to be durable; how
/// many images of crashes in recoveries there are.
fn torn_in_part(left: usize) -> usize {
    let config = Config {
        format: Format { wal_segment_bytes: 32 << 10, ..config().format },
        wal_max_bytes: 1 << 20,
        ..config()
    };
    let (disk, engine, file) = filled(&config, left);
    let expected = common::content(&engine).unwrap();
    let (start, ..) = engine.wal_positions();
    let mut operation = engine.operation();
    for block in 0..2 {
        operation.page(PageId::new(file, block)).unwrap().write(0, &[7; 1700]).unwrap();
    }
    let end = engine.commit(operation).unwrap();
    drop(engine);

    // As if somebody else had synced while the record was inserted piece by piece, and the last
    // piece had been lost: the blocks before say that the log is durable up to their own start, the
    // first that it is up to a place in the record.
    let geometry = Geometry::new(&config.format);
    let blocks = geometry.block(start)..=geometry.block(end);
    assert!(blocks.clone().count() >= 4 && geometry.segment(start) == geometry.segment(end));
    let path = segment_path(geometry.segment(start));
    for block in blocks.clone() {
        let address = geometry.block_start(block);
        let within = start.plus(100).min(geometry.block_start(block + 1));
        let flushed_upto = if block == *blocks.start() { within } else { address };
        common::set_flushed_upto(&disk, &geometry, block, flushed_upto);
    }
    disk.overwrite(&path, geometry.block_offset(*blocks.end()) + 32, &[0; 992]);
    crash_again(&disk.durable_image(), &config, &expected, 2).unwrap()
}

/// Of the record of a checkpoint that lists one file.
const CHECKPOINT_BYTES: usize = 48;

#[test]
fn what_was_discarded_fits_behind_the_openings_checkpoint_and_does_not_come_back() {
    let config = config();
    // The record of a checkpoint that lists one file ends where the first sector of the block does,
    // another is behind it.
    let geometry = Geometry::new(&config.format);
    let second_sector = 512 - 32;
    let (disk, engine, file) =
        filled(&config, geometry.payload_bytes as usize - second_sector + CHECKPOINT_BYTES);
    let expected = common::content(&engine).unwrap();
    let (start, ..) = engine.wal_positions();
    engine.wait_durable(start).unwrap();
    let control = disk.read_file("control");
    engine.checkpoint(Urgency::Immediate).unwrap();
    assert_eq!(engine.wal_positions().0, start.plus(CHECKPOINT_BYTES as u64));
    common::fill_block(&engine, PageId::new(file, 0), 2, 0);
    engine.wait_durable(engine.wal_positions().0).unwrap();
    drop(engine);

    // As if the log had not been synced since, and of the checkpoint's record a byte were lost.
    disk.write_file("control", &control);
    let path = segment_path(geometry.segment(start));
    let block = geometry.block(start);
    common::set_flushed_upto(&disk, &geometry, block, geometry.block_start(block));
    disk.overwrite(&path, geometry.offset(start), &[0xEE]);
    let images = crash_again(&disk.durable_image(), &config, &expected, 1).unwrap();
    println!("{images} images");
    assert!(images > 10);
}
