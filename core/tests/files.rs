//! Files: extended, truncated, dropped, unlogged, in tablespaces; and all of it with crashes.

mod common;

use common::sweep::{Sweep, change, sweep};
use common::{config, content, engine_on, open, recover};
use seawall_core::checkpoint::Urgency;
use seawall_core::config::Config;
use seawall_core::control::{CONTROL_FILE, slot_offset};
use seawall_core::disk::Disk;
use seawall_core::engine::Engine;
use seawall_core::error::{Error, Result};
use seawall_core::files::{FileOptions, TablespaceId};
use seawall_core::page::{FileId, PageId};
use seawall_core::sim::{CrashOptions, EIO, ENOSPC, Fault, OpKind, SimDisk};
use seawall_core::sync::Mutex;
use seawall_core::sync::atomic::{AtomicU64, Ordering};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

const UNLOGGED: FileOptions = FileOptions { tablespace: TablespaceId(0), unlogged: true };

/// A store with a file of `blocks` pages, each with its block in its first byte.
fn store(options: FileOptions, blocks: u32) -> (SimDisk, Engine, FileId) {
    let disk = SimDisk::new();
    let engine = engine_on(&disk, &config());
    let file = filled(&engine, options, blocks);
    (disk, engine, file)
}

fn filled(engine: &Engine, options: FileOptions, blocks: u32) -> FileId {
    let file = engine.create_file(options).unwrap();
    engine.extend(file, blocks).unwrap();
    for block in 0..blocks {
        write(engine, PageId::new(file, block), block as u8);
    }
    file
}

fn write(engine: &Engine, page: PageId, value: u8) {
    let mut operation = engine.operation();
    operation.page(page).unwrap().write(0, &[value]).unwrap();
    engine.commit(operation).unwrap();
}

fn first_bytes(engine: &Engine, file: FileId) -> Vec<u8> {
    let blocks = 0..engine.blocks(file).unwrap();
    blocks.map(|block| engine.read(PageId::new(file, block)).unwrap()[0]).collect()
}

fn crash(disk: &SimDisk, engine: Engine) -> (SimDisk, Engine) {
    drop(engine);
    let disk = disk.durable_image().mount();
    let engine = open(&disk, &config()).unwrap();
    (disk, engine)
}

#[test]
#[expect(clippy::disallowed_methods, reason = "nothing tells that a thread waits for a lock")]
fn who_waits_to_extend_a_file_that_is_dropped_leaves_no_segment_behind() {
    let (disk, engine, file) = store(FileOptions::default(), 2);
    let engine = Arc::new(engine);
    let extender = Arc::new(Mutex::new(None));
    let (ours, theirs) = (Arc::clone(&extender), Arc::clone(&engine));
    disk.set_observer(Some(Box::new(move |_, op| {
        // The record of the drop: the file is still listed, and its length is locked.
        if op.kind == OpKind::Write && op.path.starts_with("wal/") && ours.lock().is_none() {
            let engine = Arc::clone(&theirs);
            *ours.lock() = Some(thread::spawn(move || engine.extend(file, 9)));
            thread::sleep(Duration::from_millis(20));
        }
    })));
    engine.drop_file(file).unwrap();
    disk.set_observer(None);
    let extender = extender.lock().take().expect("a record was written");
    let extended = extender.join().expect("no panic");
    assert!(matches!(extended, Err(Error::NoSuchFile { .. })), "{extended:?}");
    engine.checkpoint(Urgency::Immediate).unwrap();
    assert_eq!(disk.list("data").unwrap(), [""; 0]);
}

#[test]
fn entries_that_a_killed_process_has_left_are_durable_before_they_are_relied_upon() {
    let disk = SimDisk::new();
    drop(engine_on(&disk, &config()));
    // Killed before it could sync the directories: of a file, of the control file.
    disk.create("data/00000001.0").unwrap();
    disk.rename("control", "control.new").unwrap();
    disk.sync_dir("").unwrap();
    disk.rename("control.new", "control").unwrap();
    let engine = open(&disk, &config()).unwrap();
    engine.extend(FileId(1), 2).unwrap();
    write(&engine, PageId::new(FileId(1), 1), 7);
    engine.checkpoint(Urgency::Immediate).unwrap();
    let (_disk, engine) = crash(&disk, engine);
    assert_eq!(first_bytes(&engine, FileId(1)), [0, 7]);
}

fn is_beyond_end<T>(result: Result<T>) -> bool {
    matches!(result, Err(Error::BeyondEnd { .. }))
}

fn is_no_file<T>(result: Result<T>) -> bool {
    matches!(result, Err(Error::NoSuchFile { .. }))
}

#[test]
fn a_file_system_without_direct_io_is_used_through_the_page_cache() {
    let disk = SimDisk::new().without_direct_io();
    let config = config();
    assert!(config.data_direct && config.wal_direct);
    let engine = engine_on(&disk, &config);
    let file = filled(&engine, FileOptions::default(), 5);
    engine.checkpoint(Urgency::Immediate).unwrap();
    write(&engine, PageId::new(file, 4), 9);
    drop(engine);
    // The same disk again, not an image: it still has none.
    let engine = open(&disk, &config).unwrap();
    assert_eq!(first_bytes(&engine, file), [0, 1, 2, 3, 9]);
}

#[test]
fn what_was_truncated_is_gone_for_good_and_new_pages_in_its_place_are_empty() {
    let (disk, engine, file) = store(FileOptions::default(), 7);
    engine.truncate(file, 3).unwrap();
    assert!(is_beyond_end(engine.read(PageId::new(file, 3))));
    assert!(is_beyond_end(engine.operation().page(PageId::new(file, 6))));
    assert_eq!(engine.extend(file, 2).unwrap(), 3);
    assert_eq!(first_bytes(&engine, file), [0, 1, 2, 0, 0]);
    let (disk, engine) = crash(&disk, engine);
    assert_eq!(first_bytes(&engine, file)[..3], [0, 1, 2]);
    engine.truncate(file, 1).unwrap();
    engine.close().unwrap();
    drop(engine);
    let engine = open(&disk, &config()).unwrap();
    assert_eq!(first_bytes(&engine, file), [0]);
}

#[test]
fn a_file_is_not_truncated_to_more_than_it_has() {
    let (_, engine, file) = store(FileOptions::default(), 2);
    assert!(is_beyond_end(engine.truncate(file, 3)));
    engine.truncate(file, 2).unwrap();
    assert_eq!(first_bytes(&engine, file), [0, 1]);
    assert!(is_no_file(engine.truncate(FileId(9), 0)));
}

#[test]
fn a_dropped_file_is_refused_everywhere_and_its_number_stays_unused() {
    let (disk, engine, file) = store(FileOptions::default(), 5);
    let page = PageId::new(file, 1);
    engine.drop_file(file).unwrap();
    assert!(is_no_file(engine.read(page)));
    assert!(is_no_file(engine.operation().page(page)));
    assert!(is_no_file(engine.extend(file, 1)));
    assert!(is_no_file(engine.truncate(file, 0)));
    assert!(is_no_file(engine.drop_file(file)));
    assert!(is_no_file(engine.blocks(file)));
    assert_ne!(engine.create_file(FileOptions::default()).unwrap(), file);
    assert!(disk.exists("data/00000001.0"), "removed by a checkpoint");
    engine.checkpoint(Urgency::Immediate).unwrap();
    assert!(!disk.exists("data/00000001.0") && !disk.exists("data/00000001.2"));
}

#[test]
fn a_dropped_file_does_not_come_back_with_a_crash() {
    let (disk, engine, file) = store(FileOptions::default(), 5);
    engine.drop_file(file).unwrap();
    let (disk, engine) = crash(&disk, engine);
    assert!(engine.files().is_empty() && !disk.exists("data/00000001.0"));
    let next = engine.create_file(FileOptions::default()).unwrap();
    assert_ne!(next, file, "the log still has records of it");
}

#[test]
fn the_number_of_a_dropped_file_stays_unused_when_the_log_has_forgotten_it() {
    let (disk, engine, file) = store(FileOptions::default(), 1);
    engine.drop_file(file).unwrap();
    engine.checkpoint(Urgency::Immediate).unwrap();
    let (disk, engine) = crash(&disk, engine);
    engine.close().unwrap();
    drop(engine);
    let next = open(&disk, &config()).unwrap().create_file(FileOptions::default()).unwrap();
    assert!(next > file, "{next} after {file}");
}

#[test]
fn a_cut_for_which_the_log_has_no_room_changes_nothing() {
    let (disk, engine, file) = store(FileOptions::default(), 4);
    disk.fail_at(1, Fault::persistent(ENOSPC).only(OpKind::Create));
    // Until the log needs a segment that it cannot have: then for the smallest of records.
    for is_large in [true, false] {
        let failed = (0..1000).find_map(|_| {
            let mut operation = engine.operation();
            match is_large {
                true => operation.page(PageId::new(file, 0)).unwrap().write(0, &[9; 3000]).unwrap(),
                false => operation.note(1, &[]),
            }
            engine.commit(operation).err()
        });
        assert!(matches!(failed, Some(Error::Io { .. })), "{failed:?}");
    }
    assert!(matches!(engine.truncate(file, 1), Err(Error::Io { .. })));
    assert!(matches!(engine.drop_file(file), Err(Error::Io { .. })));
    assert_eq!(engine.read(PageId::new(file, 3)).unwrap()[0], 3);
    disk.clear_faults();
    engine.truncate(file, 1).unwrap();
    assert_eq!(engine.blocks(file).unwrap(), 1);
}

#[test]
fn an_extension_for_which_there_is_no_space_changes_nothing_and_no_checkpoint_fails_for_it() {
    let (disk, engine, file) = store(FileOptions::default(), 1);
    disk.fail_at(1, Fault::persistent(ENOSPC).only(OpKind::Reserve));
    let refused = engine.extend(file, 100).unwrap_err();
    let expected = "reserve of data/00000001.0 at offset 4096 failed: ";
    assert!(refused.to_string().starts_with(expected), "{refused}");
    assert_eq!(engine.blocks(file).unwrap(), 1);
    engine.checkpoint(Urgency::Immediate).unwrap();
    disk.clear_faults();
    assert_eq!(engine.extend(file, 100).unwrap(), 1);
    engine.checkpoint(Urgency::Immediate).unwrap();
}

#[test]
fn an_unlogged_file_is_empty_after_a_crash_and_intact_after_a_close() {
    let (disk, engine, file) = store(UNLOGGED, 5);
    let (flushed, ..) = engine.wal_positions();
    write(&engine, PageId::new(file, 4), 44);
    assert_eq!(engine.wal_positions().0, flushed, "its changes are not logged");
    engine.close().unwrap();
    drop(engine);
    let engine = open(&disk, &config()).unwrap();
    assert_eq!(first_bytes(&engine, file), [0, 1, 2, 3, 44]);
    engine.checkpoint(Urgency::Immediate).unwrap();
    let (disk, engine) = crash(&disk, engine);
    assert_eq!(first_bytes(&engine, file), []);
    engine.extend(file, 1).unwrap();
    assert_eq!(first_bytes(&engine, file), [0]);
    engine.truncate(file, 0).unwrap();
    engine.drop_file(file).unwrap();
    let (_, engine) = crash(&disk, engine);
    assert!(engine.files().is_empty());
}

/// The last opening or close is in both slots of the control file.
#[test]
fn an_unlogged_file_is_empty_or_intact_whichever_slot_is_lost() {
    for lost in [0, 1] {
        let (disk, engine, file) = store(UNLOGGED, 4);
        engine.close().unwrap();
        drop(engine);
        disk.overwrite(CONTROL_FILE, slot_offset(lost), &[0; 80]);
        let engine = open(&disk, &config()).unwrap();
        assert!(engine.recovery().was_closed);
        assert_eq!(first_bytes(&engine, file), [0, 1, 2, 3]);
        write(&engine, PageId::new(file, 1), 77);
        drop(engine);
        let disk = disk.crash_image(1).mount();
        disk.overwrite(CONTROL_FILE, slot_offset(lost), &[0; 80]);
        let engine = open(&disk, &config()).unwrap();
        assert!(!engine.recovery().was_closed);
        assert_eq!(engine.blocks(file).unwrap(), 0);
    }
}

/// By damage alone: nobody writes behind the end of a segment.
#[test]
fn a_segment_that_is_longer_than_segments_are_is_refused_with_both_lengths() {
    let (disk, engine, file) = store(FileOptions::default(), 4);
    engine.close().unwrap();
    drop(engine);
    disk.truncate("data/00000001.1", 8192 + 4096);
    let error = open(&disk, &config()).map(drop).unwrap_err().to_string();
    assert!(
        error.contains("data/00000001.1 has 12288 bytes, expected 8192 at the most"),
        "{error}"
    );
    disk.truncate("data/00000001.1", 8192);
    assert_eq!(first_bytes(&open(&disk, &config()).unwrap(), file), [0, 1, 2, 3]);
}

#[test]
fn checkpoints_that_were_asked_for_in_a_hurry_are_counted_apart() {
    let (_disk, engine, _) = store(FileOptions::default(), 1);
    let before = engine.checkpoints();
    engine.checkpoint(Urgency::Spread).unwrap();
    engine.checkpoint(Urgency::Immediate).unwrap();
    let after = engine.checkpoints();
    assert_eq!((after.started - before.started, after.immediate - before.immediate), (2, 1));
    assert_eq!((after.done - before.done, after.failed), (2, 0));
}

#[test]
fn a_checkpoint_leaves_the_pages_of_unlogged_files_alone_and_a_close_does_not() {
    let (_, engine, _) = store(UNLOGGED, 5);
    assert_eq!(engine.checkpoint(Urgency::Immediate).unwrap().buffers_written, 0);
    assert_eq!(engine.close().unwrap().buffers_written, 5);
}

#[test]
fn a_file_in_a_tablespace_is_there_after_a_crash() {
    let disk = SimDisk::new();
    let engine = engine_on(&disk, &config());
    let tablespace = engine.create_tablespace(Path::new("/elsewhere")).unwrap();
    let file = filled(&engine, FileOptions { tablespace, unlogged: false }, 3);
    assert!(disk.exists("data.1/00000001.0"));
    let (disk, engine) = crash(&disk, engine);
    assert_eq!(first_bytes(&engine, file), [0, 1, 2]);
    assert_eq!(engine.create_tablespace(Path::new("/third")).unwrap(), TablespaceId(2));
    engine.drop_file(file).unwrap();
    engine.checkpoint(Urgency::Immediate).unwrap();
    assert_eq!(seawall_core::disk::Disk::list(&disk, "data.1").unwrap(), Vec::<String>::new());
}

#[test]
fn a_tablespace_that_does_not_exist_is_refused() {
    let (_, engine, _) = store(FileOptions::default(), 1);
    let options = FileOptions { tablespace: TablespaceId(3), unlogged: false };
    let error = engine.create_file(options).unwrap_err();
    assert_eq!(error.to_string(), "there is no tablespace 3");
}

#[test]
fn an_unlogged_file_is_cut_without_a_record_and_not_once_the_store_is_poisoned() {
    let (disk, engine, file) = store(UNLOGGED, 4);
    engine.checkpoint(Urgency::Immediate).unwrap();
    let before = engine.wal_positions().0;
    engine.truncate(file, 3).unwrap();
    assert_eq!(engine.wal_positions().0, before);
    disk.fail_at(1, Fault::once(EIO).only(OpKind::SyncDir));
    assert!(matches!(engine.create_file(FileOptions::default()), Err(Error::Poisoned(_))));
    let before = disk.operations();
    assert!(matches!(engine.truncate(file, 1), Err(Error::Poisoned(_))));
    assert_eq!((engine.blocks(file).unwrap(), disk.operations()), (3, before));
}

#[test]
fn what_a_truncation_has_cut_is_synced_by_the_checkpoint_or_at_once_if_its_queue_is_full() {
    for (capacity, at_once) in [(8, 0), (1, 1)] {
        let config = Config { sync_queue_capacity: capacity, data_direct: false, ..config() };
        let disk = SimDisk::new();
        let engine = engine_on(&disk, &config);
        let files = [0, 1].map(|_| filled(&engine, FileOptions::default(), 2));
        engine.close().unwrap();
        drop(engine);
        let engine = open(&disk, &config).unwrap();
        let syncs = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&syncs);
        disk.set_observer(Some(Box::new(move |_, op| {
            let is_one = op.kind == OpKind::SyncData && op.path.starts_with("data/");
            counted.fetch_add(u64::from(is_one), Ordering::Relaxed);
        })));
        files.iter().for_each(|file| engine.truncate(*file, 1).unwrap());
        assert_eq!(syncs.load(Ordering::Relaxed), at_once, "a queue of {capacity}");
        engine.checkpoint(Urgency::Immediate).unwrap();
        assert_eq!(syncs.load(Ordering::Relaxed), 2, "a queue of {capacity}");
        let (_, engine) = crash(&disk, engine);
        assert_eq!(files.map(|file| engine.blocks(file).unwrap()), [1, 1]);
    }
}

#[test]
fn a_segment_that_cannot_be_cut_poisons_since_the_log_says_that_it_is() {
    let (disk, engine, file) = store(FileOptions::default(), 3);
    engine.checkpoint(Urgency::Immediate).unwrap();
    disk.fail_at(1, Fault::once(EIO).only(OpKind::SetLen));
    let error = engine.truncate(file, 1).unwrap_err();
    assert!(matches!(error, Error::Poisoned(_)), "{error}");
    assert!(error.to_string().contains("truncate of data/00000001.0"), "{error}");
    let (_, engine) = crash(&disk, engine);
    assert_eq!(first_bytes(&engine, file), [0]);
}

/// Extensions by several pages, truncations to and across the ends of segments, drops, an unlogged
/// file that is written all the time, checkpoints, evictions.
fn files(engine: &Engine, sweep: &Mutex<Sweep>) {
    let create = |options| {
        sweep.lock().model.expect_file();
        let file = engine.create_file(options).unwrap();
        sweep.lock().model.acknowledge_all();
        file
    };
    let extend = |file, pages| {
        sweep.lock().model.expect_pages(file, pages);
        engine.extend(file, pages as u32).unwrap();
    };
    let truncate = |file, blocks| {
        sweep.lock().model.expect_truncate(file, blocks);
        engine.truncate(file, blocks as u32).unwrap();
        sweep.lock().model.acknowledge_all();
    };
    let drop_file = |file| {
        sweep.lock().model.expect_drop(file);
        engine.drop_file(file).unwrap();
        sweep.lock().model.acknowledge_all();
    };
    let mut numbers = 1..;
    let mut work = |unlogged, changes| {
        for number in numbers.by_ref().take(changes) {
            change(engine, sweep, number);
            write(engine, PageId::new(unlogged, number as u32 % 3), number as u8);
        }
    };
    let unlogged = create(UNLOGGED);
    engine.extend(unlogged, 3).unwrap();
    let (first, second) = (create(FileOptions::default()), create(FileOptions::default()));
    extend(first, 2);
    extend(first, 2);
    extend(second, 2);
    work(unlogged, 6);
    truncate(first, 3);
    work(unlogged, 4);
    engine.checkpoint(Urgency::Immediate).unwrap();
    extend(first, 2);
    work(unlogged, 4);
    truncate(first, 1);
    drop_file(second);
    work(unlogged, 3);
    engine.checkpoint(Urgency::Immediate).unwrap();
    extend(first, 2);
    let third = create(FileOptions::default());
    extend(third, 1);
    truncate(first, 2);
    work(unlogged, 4);
    drop_file(first);
    engine.checkpoint(Urgency::Immediate).unwrap();
    work(unlogged, 2);
}

#[test]
fn every_crash_while_files_are_extended_truncated_and_dropped_recovers_to_a_prefix() {
    let config = Config { buffers: 8, ..config() };
    let options = CrashOptions { max_subset: 5, seeded: 3, seed: 7 };
    sweep(config, options, files);
}

#[test]
fn reading_everything_after_all_of_it_finds_what_the_model_has() {
    let disk = SimDisk::new();
    let engine = engine_on(&disk, &config());
    let sweep = Mutex::new(Sweep::default());
    files(&engine, &sweep);
    let before = content(&engine).unwrap();
    engine.close().unwrap();
    drop(engine);
    assert_eq!(recover(&disk, &config()).unwrap(), before);
}
