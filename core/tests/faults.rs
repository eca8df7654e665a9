//! Disk operations that fail: what was acknowledged survives, a failed sync poisons, anything else
//! does not.

mod common;

use common::{Model, config, engine_on, open, recover, small};
use seawall_core::checkpoint::Urgency;
use seawall_core::config::{Config, Format};
use seawall_core::disk::Disk;
use seawall_core::engine::Engine;
use seawall_core::error::{Error, Result};
use seawall_core::files::FileOptions;
use seawall_core::page::{FileId, PageId};
use seawall_core::sim::{CrashOptions, EIO, ENOSPC, Fault, OpKind, SimDisk};
use seawall_core::wal::segment::WalSync;

const PAGE: PageId = PageId::new(FileId(1), 0);

/// A store with one file of `blocks` pages, everything durable.
fn store(config: &Config, blocks: u32) -> (SimDisk, Engine) {
    let disk = SimDisk::new();
    let engine = engine_on(&disk, config);
    let file = engine.create_file(FileOptions::default()).unwrap();
    engine.extend(file, blocks).unwrap();
    engine.checkpoint(Urgency::Immediate).unwrap();
    (disk, engine)
}

fn commit(engine: &Engine, page: PageId, value: u8) -> Result<()> {
    let mut operation = engine.operation();
    operation.page(page)?.write(0, &[value])?;
    engine.commit(operation)?;
    Ok(())
}

fn poisoned_by(result: Result<()>) -> String {
    match result.unwrap_err() {
        Error::Poisoned(cause) => {
            assert_eq!(cause.errno, Some(EIO));
            format!("{} {}", cause.op, cause.file)
        }
        other => panic!("expected poison, got {other}"),
    }
}

#[test]
fn a_failed_sync_of_the_log_refuses_commits_and_checkpoints_until_the_store_is_opened_again() {
    for (wal_sync, kind, op) in [
        (WalSync::Fdatasync, OpKind::SyncData, "sync"),
        (WalSync::Fsync, OpKind::SyncAll, "sync"),
        (WalSync::OpenDatasync, OpKind::SyncRange, "write"),
        (WalSync::OpenSync, OpKind::SyncRange, "write"),
    ] {
        let config = Config { wal_sync, ..config() };
        a_failed_sync_of_the_log_poisons(&config, kind, &format!("{op} wal/0000000000000001"));
    }
}

fn a_failed_sync_of_the_log_poisons(config: &Config, kind: OpKind, first: &str) {
    let (disk, engine) = store(config, 1);
    commit(&engine, PAGE, 1).unwrap();
    disk.fail_at(1, Fault::once(EIO).only(kind));
    assert_eq!(poisoned_by(commit(&engine, PAGE, 2)), first);
    assert_eq!(poisoned_by(commit(&engine, PAGE, 3)), first, "the first cause stays");
    assert_eq!(poisoned_by(engine.checkpoint(Urgency::Immediate).map(drop)), first);
    assert_eq!(poisoned_by(engine.create_file(FileOptions::default()).map(drop)), first);
    assert_eq!(poisoned_by(engine.close().map(drop)), first);
    assert_ne!(engine.read(PAGE).unwrap()[0], 3, "a refused change is undone");
    drop(engine);

    let engine = open(&disk, config).unwrap();
    assert!([1, 2].contains(&engine.read(PAGE).unwrap()[0]), "acknowledged, or the one in doubt");
    commit(&engine, PAGE, 4).unwrap();
}

#[test]
fn a_failed_writeback_poisons_whoever_has_asked_for_it() {
    let buffered = Config {
        data_direct: false,
        checkpoint_flush_after_bytes: 4096,
        write_combine_bytes: 0,
        ..config()
    };
    for (waits, kind) in [(false, OpKind::Writeback), (true, OpKind::WaitWriteback)] {
        let config = Config { checkpoint_flush_waits: waits, ..buffered };
        let (disk, engine) = store(&config, 1);
        commit(&engine, PAGE, 1).unwrap();
        disk.fail_at(1, Fault::once(EIO).only(kind));
        let first = "writeback data/00000001.0";
        assert_eq!(poisoned_by(engine.checkpoint(Urgency::Immediate).map(drop)), first);
        assert_eq!(poisoned_by(commit(&engine, PAGE, 2)), first);
    }
}

#[test]
fn where_one_page_of_a_run_cannot_be_written_the_one_that_was_asked_for_is() {
    let config =
        Config { format: Format { data_segment_bytes: 1 << 20, ..config().format }, ..config() };
    let (disk, engine) = store(&config, 3);
    for block in 0..3 {
        commit(&engine, PageId::new(FileId(1), block), 7).unwrap();
    }
    disk.fail_at(1, Fault::once(EIO).only(OpKind::Write));
    let stats = engine.checkpoint(Urgency::Immediate).unwrap();
    assert_eq!((stats.buffers_written, stats.writes), (3, 2), "one alone, then two");
}

#[test]
fn a_failed_sync_of_a_data_file_fails_the_checkpoint_and_poisons() {
    let (disk, engine) = store(&config(), 1);
    commit(&engine, PAGE, 1).unwrap();
    let before = disk.read_file("control");
    disk.fail_at(1, Fault::once(EIO).only(OpKind::SyncData).dropping_cache());
    assert_eq!(
        poisoned_by(engine.checkpoint(Urgency::Immediate).map(drop)),
        "sync data/00000001.0"
    );
    assert_eq!(poisoned_by(commit(&engine, PAGE, 2)), "sync data/00000001.0");
    assert_eq!(disk.read_file("control"), before, "the old checkpoint is the valid one");
    drop(engine);
    assert_eq!(open(&disk, &config()).unwrap().read(PAGE).unwrap()[0], 1);
}

#[test]
fn a_page_that_cannot_be_written_stays_dirty_and_the_store_goes_on() {
    let (disk, engine) = store(&small(), 12);
    commit(&engine, PAGE, 1).unwrap();
    disk.fail_at(1, Fault::persistent(EIO).only(OpKind::Write));
    let failed = engine.checkpoint(Urgency::Immediate).unwrap_err();
    let expected = "write of page 1:0 in data/00000001.0 at offset 0 failed: \
        Input/output error (os error 5)";
    assert_eq!(failed.to_string(), expected);
    disk.clear_faults();
    engine.checkpoint(Urgency::Immediate).unwrap();
    for block in 1..12 {
        drop(engine.read(PageId::new(FileId(1), block)).unwrap());
    }
    assert_eq!(engine.read(PAGE).unwrap()[0], 1, "read in again");
}

#[test]
fn a_full_disk_fails_the_commit_and_not_the_store() {
    let (disk, engine) = store(&config(), 1);
    disk.fail_at(1, Fault::persistent(ENOSPC).only(OpKind::Allocate));
    let mut committed = 0;
    let error = loop {
        match commit(&engine, PAGE, committed + 1) {
            Ok(()) => committed += 1,
            Err(error) => break error,
        }
    };
    assert!(
        matches!(&error, Error::Io { op: "allocate", file, .. } if file == "wal/new"),
        "{error}"
    );
    assert!(committed > 0);
    disk.clear_faults();
    commit(&engine, PAGE, 200).unwrap();
    drop(engine);
    assert_eq!(open(&disk, &config()).unwrap().read(PAGE).unwrap()[0], 200);
}

#[test]
fn a_damaged_page_is_named_and_not_served_and_others_are() {
    let (disk, engine) = store(&config(), 2);
    engine.close().unwrap();
    drop(engine);
    disk.overwrite("data/00000001.0", 4096 + 100, &[1]);
    let engine = open(&disk, &config()).unwrap();
    assert!(engine.read(PAGE).is_ok());
    let damaged = engine.read(PageId::new(FileId(1), 1)).map(drop).unwrap_err().to_string();
    assert!(damaged.starts_with("page 1:1: checksum in the page "), "{damaged}");
}

#[test]
fn durable_log_that_is_gone_is_not_taken_for_a_torn_tail() {
    let (disk, engine) = store(&config(), 1);
    for value in 1..30 {
        commit(&engine, PAGE, value).unwrap();
    }
    drop(engine);
    // There may be a segment ahead that nobody has written to.
    let mut paths = disk.list("wal").unwrap().into_iter().map(|name| format!("wal/{name}"));
    let is_used = |path: &String| disk.read_file(path).iter().any(|byte| *byte != 0);
    let path = paths.rfind(is_used).unwrap();
    // The record before the last: the block has been written again since it was durable.
    let used = disk.read_file(&path).iter().rposition(|byte| *byte != 0).unwrap() as u64;
    disk.overwrite(&path, used - 60, &[0xAA; 8]);
    let error = open(&disk, &config()).map(drop).unwrap_err().to_string();
    assert!(error.contains("the WAL ends at") && error.contains("but was durable"), "{error}");
    assert!(error.contains(&path), "{error}");
}

#[test]
fn files_of_absurd_names_are_left_alone() {
    let (disk, engine) = store(&config(), 1);
    commit(&engine, PAGE, 1).unwrap();
    drop(engine);
    let strange =
        ["wal/ffffffffffffffff", "wal/0fffffffffffffff", "wal/x", "data/1.0", "data/zz.0", "note"];
    for path in strange {
        disk.write_file(path, &[0; 4096]);
    }
    let engine = open(&disk, &config()).unwrap();
    assert_eq!(engine.read(PAGE).unwrap()[0], 1);
    assert_eq!(engine.files(), [FileId(1)]);
    assert!(strange.iter().all(|path| disk.exists(path)));
}

#[test]
fn a_page_whose_extension_failed_does_not_exist() {
    let (disk, engine) = store(&config(), 1);
    let next = PageId::new(FileId(1), 1);
    commit(&engine, PAGE, 1).unwrap();
    disk.fail_at(1, Fault::once(EIO).only(OpKind::SyncRange));
    commit(&engine, PAGE, 2).unwrap_err();
    assert!(engine.extend(FileId(1), 1).is_err());
    let missing = |result: Result<()>| matches!(result, Err(Error::BeyondEnd { .. }));
    assert!(missing(engine.read(next).map(drop)));
    assert!(missing(engine.operation().page(next).map(drop)));
}

/// The mixed workload, until an operation fails.
fn run(engine: &Engine, model: &mut Model) -> Result<()> {
    model.expect_file();
    let file = engine.create_file(FileOptions::default())?;
    model.acknowledge_all();
    for _ in 0..8 {
        model.expect_pages(file, 1);
        engine.extend(file, 1)?;
    }
    for number in 1..=16 {
        let change = model.expect_change(number);
        engine.commit(change.try_make(engine)?)?;
        model.acknowledge_all();
        if number % 8 == 4 {
            engine.checkpoint(Urgency::Immediate)?;
        }
    }
    Ok(())
}

#[test]
fn whichever_operation_fails_what_was_acknowledged_survives() {
    let config = small();
    let options = CrashOptions { max_subset: 4, seeded: 2, seed: 5 };
    let (mut failures, mut images) = (0, 0);
    for n in 1.. {
        let disk = SimDisk::new();
        let engine = engine_on(&disk, &config);
        let fault = if n % 2 == 0 { Fault::once(EIO) } else { Fault::once(ENOSPC) };
        let before = disk.operations();
        disk.fail_at(n, fault.seed(n));
        let mut model = Model::default();
        // An error ends the workload; some failures are none, such as that of an early write.
        let _ = run(&engine, &mut model);
        if disk.operations() - before < n {
            break;
        }
        failures += 1;
        for image in disk.crash_images(&options) {
            images += 1;
            let recovered = recover(&image.mount(), &config);
            let recovered = recovered.unwrap_or_else(|e| panic!("{n}: {e}; {}", image.describe()));
            let state = model.find(&recovered);
            assert!(state >= Some(model.acknowledged()), "{n}: {state:?}; {}", image.describe());
        }
    }
    println!("{failures} failed operations, {images} images recovered");
    assert!(failures > 100 && images > 500, "the sweep has shrunk: {failures}, {images}");
}
