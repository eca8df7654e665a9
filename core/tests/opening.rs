//! A store is created, opened and configured: in which order, what is refused, and that nothing has
//! happened then.

mod common;

use common::{clean_store, config, create, engine_on, files_of, losing_all, open, operations};
use seawall_core::checkpoint::Urgency;
use seawall_core::config::{Config, Format, FullPageImages};
use seawall_core::control::{CONTROL_FILE, Slots, StoreState};
use seawall_core::disk::Disk;
use seawall_core::engine::{Engine, lock};
use seawall_core::error::{Error, Result};
use seawall_core::files::FileOptions;
use seawall_core::page::{FileId, PageId};
use seawall_core::sim::{EIO, Fault, OpKind, SimDisk};
use seawall_core::sync::Mutex;
use seawall_core::wal::background::WalWriter;
use seawall_core::wal::position::{Geometry, segment_path};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// The setting that was refused.
fn refused_setting<T>(result: Result<T>) -> &'static str {
    match result.err() {
        Some(Error::Config { setting, .. }) => setting,
        other => panic!("{other:?}"),
    }
}

fn commit(engine: &Engine, page: PageId, value: u8) {
    let mut operation = engine.operation();
    operation.page(page).unwrap().write(0, &[value; 8]).unwrap();
    engine.commit(operation).unwrap();
}

#[test]
fn what_a_creation_has_made_is_durable_before_the_control_file_says_that_there_is_a_store() {
    let disk = SimDisk::new();
    let done = operations(&disk, || create(&disk, &config()).unwrap());
    let expected = [
        "CreateDir ",
        "Create lock",
        "CreateDir wal",
        "CreateDir data",
        "Remove wal/new",
        "Create wal/new",
        "Allocate wal/new",
        "Write wal/new",
        "SyncAll wal/new",
        "Rename wal/new",
        "SyncDir wal",
        "SyncDir ",
        "Remove control.new",
        "Create control.new",
        "Write control.new",
        "Write control.new",
        "SyncAll control.new",
        "Rename control.new",
        "SyncDir ",
    ];
    assert_eq!(done, expected);
    let slots = Slots::read(&disk).unwrap();
    let [first, second] = slots.0.each_ref().map(|slot| slot.as_ref().unwrap().sequence);
    assert_eq!((first, second), (2, 1));
    assert_eq!(slots.latest().unwrap().1.state, StoreState::Closed);
}

#[test]
fn a_creation_begins_anew_where_another_has_ended() {
    let disk = SimDisk::new();
    for dir in ["wal", "data"] {
        disk.create_dir(dir).unwrap();
    }
    let unused = segment_path(9);
    for (path, bytes) in [("control.new", 100), (&segment_path(1), 10), (&unused, 4096)] {
        disk.write_file(path, &vec![0; bytes]);
    }
    create(&disk, &config()).unwrap();
    assert!(!disk.exists("control.new") && !disk.exists(&unused));
    assert_eq!(open(&disk, &config()).unwrap().files(), []);
}

#[test]
fn a_log_without_a_control_file_is_not_taken_for_an_interrupted_creation() {
    let disk = SimDisk::new();
    engine_on(&disk, &config()).close().unwrap();
    let control = disk.read_file(CONTROL_FILE);
    disk.remove_now(CONTROL_FILE);
    let Err(Error::AlreadyExists { found }) = create(&disk, &config()) else {
        panic!("a store was overwritten");
    };
    assert!(found.starts_with("wal/") && found.ends_with(" without a control file"), "{found}");
    disk.write_file(CONTROL_FILE, &control);
    open(&disk, &config()).unwrap();
}

#[test]
fn a_power_cut_anywhere_in_the_first_opening_leaves_a_store_that_opens() {
    let disk = SimDisk::new();
    create(&disk, &config()).unwrap();
    let images = losing_all(&disk, || drop(open(&disk, &config()).unwrap()));
    assert!(images.len() > 3, "{} images", images.len());
    for (op, image) in images {
        let opened = open(&image.mount(), &config());
        let engine = opened.unwrap_or_else(|error| panic!("before {op}: {error}"));
        assert_eq!(engine.files(), []);
    }
}

#[test]
fn a_closed_store_is_not_written_to_behind_its_log_unless_its_last_segment_is_too_short() {
    let disk = SimDisk::new();
    engine_on(&disk, &config()).close().unwrap();
    let closed = disk.durable_image();
    let (_, control) = Slots::read(&closed.mount()).unwrap().latest().unwrap();
    let geometry = Geometry::new(&config().format);
    let path = segment_path(geometry.segment(control.checkpoint_end));
    let last_block = geometry.block_offset(geometry.block(control.checkpoint_end));
    let too_short = last_block + geometry.block_bytes;
    for (len, clears) in [(geometry.segment_bytes(), false), (too_short, true)] {
        let disk = closed.mount();
        disk.truncate(&path, len);
        let done = operations(&disk, || drop(open(&disk, &config()).unwrap()));
        assert_eq!(done.contains(&format!("SetLen {path}")), clears, "{done:?}");
        let writes = done.iter().filter(|done| **done == format!("Write {path}")).count();
        assert_eq!(writes > 1, clears, "more than the checkpoint's record: {done:?}");
        assert_eq!(disk.read_file(&path).len() as u64, geometry.segment_bytes());
        // Not closed this time: it is refused if a segment is too short.
        open(&disk.durable_image().mount(), &config()).unwrap();
    }
}

#[test]
fn nobody_else_has_the_lock_while_a_store_is_created_or_open() {
    let disk = SimDisk::new();
    let found = Arc::new(Mutex::new(0));
    let noted = Arc::clone(&found);
    disk.set_observer(Some(Box::new(move |disk, op| {
        if op.path.starts_with("wal/") || op.path.starts_with("control") {
            assert!(matches!(lock(disk), Err(Error::Locked { .. })), "before {op}");
            *noted.lock() += 1;
        }
    })));
    let engine = engine_on(&disk, &config());
    assert!(*found.lock() > 10);
    disk.set_observer(None);
    assert!(matches!(open(&disk, &config()), Err(Error::Locked { .. })));
    drop(engine);
    open(&disk, &config()).unwrap();
}

#[test]
fn a_store_is_not_created_or_opened_with_settings_that_make_no_sense_or_are_not_its_own() {
    let disk = SimDisk::new();
    let senseless = Config { buffers: 0, ..config() };
    assert_eq!(refused_setting(create(&disk, &senseless)), "buffers");
    assert_eq!(disk.operations(), 0);
    create(&disk, &config()).unwrap();
    let (before, done) = (files_of(&disk), disk.operations());
    assert_eq!(refused_setting(open(&disk, &senseless)), "buffers");
    let other = Format { data_segment_bytes: 16 << 10, ..config().format };
    let other = Config { format: other, ..config() };
    assert_eq!(refused_setting(open(&disk, &other)), "data_segment_bytes");
    assert_eq!((files_of(&disk), disk.operations()), (before, done));
}

#[test]
fn settings_that_make_no_sense_or_cannot_change_are_refused_and_nothing_has_changed() {
    let engine = engine_on(&SimDisk::new(), &config());
    let senseless = Config { checkpoint_completion_target: 2.0, ..config() };
    let set = |config| refused_setting(engine.configure(config));
    assert_eq!(set(senseless), "checkpoint_completion_target");
    assert_eq!(set(Config { buffers: 99, ..config() }), "buffers");
    assert_eq!(engine.config(), config());
    let allowed = Config { checkpoint_completion_target: 0.5, ..config() };
    engine.configure(allowed).unwrap();
    assert_eq!(engine.config(), allowed);
}

#[test]
fn a_checkpoint_is_made_when_images_are_turned_on_and_at_no_other_change() {
    let (_, engine, file) = clean_store(16, 2);
    let images = |setting, value| {
        let (before, checkpoints) = (engine.wal_stats(), engine.checkpoints().done);
        let config = Config { full_page_images: setting, ..engine.config() };
        engine.configure(config).unwrap();
        commit(&engine, PageId::new(file, 0), value);
        (engine.checkpoints().done - checkpoints, engine.wal_stats().since(&before).fpi)
    };
    assert_eq!(images(FullPageImages::On, 1), (0, 1), "as it was");
    assert_eq!(images(FullPageImages::Off, 2), (0, 0));
    engine.checkpoint(Urgency::Immediate).unwrap();
    assert_eq!(images(FullPageImages::Off, 3), (0, 0));
    assert_eq!(images(FullPageImages::Compressed, 4), (1, 1));
    assert_eq!(images(FullPageImages::On, 5), (0, 0), "they were on");
}

#[test]
fn a_store_is_opened_with_the_setting_of_images() {
    for (full_page_images, expected) in [(FullPageImages::On, 1), (FullPageImages::Off, 0)] {
        let engine = engine_on(&SimDisk::new(), &Config { full_page_images, ..config() });
        let file = engine.create_file(FileOptions::default()).unwrap();
        engine.extend(file, 1).unwrap();
        engine.checkpoint(Urgency::Immediate).unwrap();
        let before = engine.wal_stats();
        commit(&engine, PageId::new(file, 0), 1);
        assert_eq!(engine.wal_stats().since(&before).fpi, expected, "{full_page_images:?}");
    }
}

#[test]
fn pages_of_a_store_that_is_opened_for_direct_io_are_not_left_to_writeback() {
    for (data_direct, expected) in [(false, true), (true, false)] {
        let disk = SimDisk::new();
        let config = Config { data_direct, checkpoint_flush_after_bytes: 4096, ..config() };
        let engine = engine_on(&disk, &config);
        let file = engine.create_file(FileOptions::default()).unwrap();
        engine.extend(file, 2).unwrap();
        let done = operations(&disk, || {
            engine.checkpoint(Urgency::Immediate).unwrap();
        });
        let is_left = done.iter().any(|done| done.starts_with("Writeback data/"));
        assert_eq!(is_left, expected, "{done:?}");
    }
}

#[test]
fn a_recovery_takes_as_long_as_its_parts_and_the_checkpoint_behind_them() {
    let engine = engine_on(&SimDisk::new(), &config());
    let report = engine.recovery();
    assert!(report.scan_time > Duration::ZERO && report.replay_time > Duration::ZERO);
    assert!(report.time > report.scan_time + report.replay_time);
}

#[test]
fn a_poisoned_store_creates_no_file_though_all_of_its_log_is_durable() {
    let (disk, engine, file) = clean_store(16, 2);
    commit(&engine, PageId::new(file, 0), 1);
    disk.fail_at(1, Fault::once(EIO).only(OpKind::SyncData).on("data/00000001.0"));
    assert!(engine.checkpoint(Urgency::Immediate).is_err());
    let (reserved, _, flushed) = engine.wal_positions();
    assert_eq!(reserved, flushed, "there is nothing that a flush would be refused for");
    let done = operations(&disk, || {
        let created = engine.create_file(FileOptions::default());
        assert!(matches!(created, Err(Error::Poisoned(_))), "{created:?}");
    });
    assert_eq!(done, [""; 0]);
}

#[test]
fn an_asynchronous_commit_wakes_the_wal_writer_which_makes_it_durable_in_three_rounds() {
    let engine = engine_on(&SimDisk::new(), &config());
    let file = engine.create_file(FileOptions::default()).unwrap();
    engine.extend(file, 1).unwrap();
    let mut writer = WalWriter::default();
    while engine.wal_writer_round(&mut writer).unwrap() {}
    let mut operation = engine.operation();
    operation.page(PageId::new(file, 0)).unwrap().write(0, &[1; 8]).unwrap();
    let end = engine.commit_async(operation).unwrap();
    engine.wal_writer_sleep(&writer);
    for _ in 0..3 {
        engine.wal_writer_round(&mut writer).unwrap();
    }
    let (_, _, flushed) = engine.wal_positions();
    assert!(flushed >= end, "{flushed} of {end}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "nothing tells that a thread goes on sleeping")]
fn the_background_writer_sleeps_until_it_is_woken() {
    let engine = engine_on(&SimDisk::new(), &config());
    let mut writer = engine.background_writer();
    while !engine.background_writer_round(&mut writer).unwrap().is_idle {}
    thread::scope(|scope| {
        let sleeper = scope.spawn(|| engine.background_writer_sleep(&writer));
        // Time enough to end too early.
        thread::sleep(Duration::from_millis(50));
        assert!(!sleeper.is_finished(), "it did not sleep");
        engine.wake_background_writer();
    });
}

#[test]
fn pages_to_be_read_soon_are_told_to_the_disk_unless_they_are_in_the_pool_or_not_there() {
    let (disk, engine, file) = clean_store(5, 16);
    let told = |blocks: &[u32]| {
        let before = disk.prefetches();
        let pages: Vec<_> = blocks.iter().map(|block| PageId::new(file, *block)).collect();
        engine.prefetch(&pages).unwrap();
        disk.prefetches() - before
    };
    drop(engine.read(PageId::new(file, 3)).unwrap());
    assert_eq!(told(&[3]), 0);
    assert_eq!(told(&[99]), 0);
    assert_eq!(told(&[0]), 1);
    engine.prefetch(&[PageId::new(FileId(77), 0)]).unwrap();
}
