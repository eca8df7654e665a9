//! Data files that have lost their end, or are gone: they are as long as they were at the last
//! checkpoint, and who reads a page that is not there is told (R12).

mod common;

use common::{config, create, engine_on, files_of, open, survey};
use seawall_core::check::{Effect, FindingKind, check};
use seawall_core::checkpoint::{Urgency, files_max};
use seawall_core::control::CONTROL_FILE;
use seawall_core::disk::Disk;
use seawall_core::engine::Engine;
use seawall_core::error::{Error, PageFault, Result};
use seawall_core::files::{FileOptions, TablespaceId};
use seawall_core::page::{FileId, PageId};
use seawall_core::sim::{EIO, Fault, OpKind, SimDisk};
use seawall_core::wal::position::Geometry;
use std::path::Path;
use std::sync::Arc;

const FILE: FileId = FileId(1);
/// In segments of two.
const BLOCKS: u32 = 5;

fn page(block: u32) -> PageId {
    PageId::new(FILE, block)
}

fn commit(engine: &Engine, page: PageId) {
    let mut operation = engine.operation();
    operation.page(page).unwrap().write(7, &[page.block() as u8 + 1]).unwrap();
    engine.commit(operation).unwrap();
}

/// A file whose pages are on disk, and that the log has nothing about.
fn store(disk: &SimDisk, options: FileOptions) -> Engine {
    let engine = engine_on(disk, &config());
    let file = engine.create_file(options).unwrap();
    engine.extend(file, BLOCKS).unwrap();
    (0..BLOCKS).for_each(|block| commit(&engine, page(block)));
    engine.checkpoint(Urgency::Immediate).unwrap();
    engine
}

/// What a check finds wrong with data files: file, found, expected.
fn faults(disk: &SimDisk) -> Vec<[String; 3]> {
    let mut faults = Vec::new();
    let disk = Arc::new(disk.clone()) as Arc<dyn Disk>;
    check(&disk, &mut |finding| {
        if finding.effect == Effect::Fault && finding.kind == FindingKind::DataFile {
            let finding = finding.clone();
            faults.push([finding.file, finding.found, finding.expected]);
        }
    })
    .unwrap();
    faults
}

fn is_lost(result: Result<impl Sized>) -> bool {
    let fault = PageFault::Short { bytes: 0 };
    matches!(result, Err(Error::Page { fault: found, .. }) if found == fault)
}

/// The blocks that are there, and no other is served.
fn served(engine: &Engine) -> Vec<u32> {
    assert_eq!(engine.blocks(FILE).unwrap(), BLOCKS);
    let is_there = |block: &u32| match engine.read(page(*block)) {
        Ok(body) => body[7] == *block as u8 + 1,
        // Or zeros, where a page behind it was written.
        Err(Error::Page { fault: PageFault::Short { bytes: 0 } | PageFault::Zero, .. }) => false,
        Err(error) => panic!("{error}"),
    };
    (0..BLOCKS).filter(is_there).collect()
}

type Damage = fn(&SimDisk);

/// What is done to the segments, where a check sees it and how, and how many blocks are left.
const DAMAGE: [(Damage, &str, &str, u32); 5] = [
    (|disk| disk.truncate("data/00000001.2", 0), "data/00000001.1", "4 blocks", 4),
    (|disk| disk.remove_now("data/00000001.2"), "data/00000001.1", "4 blocks", 4),
    (
        |disk| {
            disk.remove_now("data/00000001.2");
            disk.truncate("data/00000001.1", 4096);
        },
        "data/00000001.1",
        "3 blocks",
        3,
    ),
    (
        |disk| {
            disk.remove_now("data/00000001.2");
            disk.truncate("data/00000001.1", 0);
            disk.truncate("data/00000001.0", 0);
        },
        "data/00000001.0",
        "0 blocks",
        0,
    ),
    (
        |disk| (0..3).for_each(|n| disk.remove_now(&format!("data/00000001.{n}"))),
        "data/00000001.0",
        "no file",
        0,
    ),
];

#[test]
fn a_file_that_lost_its_end_is_as_long_as_it_was_and_its_missing_pages_are_errors() {
    for is_closed in [false, true] {
        for (damage, file, found, left) in DAMAGE {
            let disk = SimDisk::new();
            let engine = store(&disk, FileOptions::default());
            if is_closed {
                engine.close().unwrap();
            }
            drop(engine);
            damage(&disk);
            let expected = "5 blocks at least: so many it had at the last checkpoint";
            let faults_expected = [[file, found, expected].map(str::to_owned)];
            assert_eq!(faults(&disk), faults_expected);
            // It stays so, whatever is done with what is left.
            for _ in 0..2 {
                let engine = open(&disk, &config()).unwrap();
                let lost = u64::from(BLOCKS - left);
                assert_eq!(engine.recovery().lost_pages, lost);
                let said = format!("; {lost} PAGES ARE NOT ON DISK ANY MORE");
                assert!(engine.recovery().to_string().contains(&said));
                assert_eq!(served(&engine), (0..left).collect::<Vec<_>>());
                assert!(is_lost(engine.operation().page(page(BLOCKS - 1)).map(drop)));
                engine.close().unwrap();
            }
            let engine = open(&disk, &config()).unwrap();
            engine.truncate(FILE, left).unwrap();
            drop(engine);
            assert_eq!(
                faults(&disk),
                if left == 0 && found == "no file" {
                    vec![
                        [file, found, "0 blocks at least: so many it had at the last checkpoint"]
                            .map(str::to_owned),
                    ]
                } else {
                    vec![]
                }
            );
            let engine = open(&disk, &config()).unwrap();
            assert_eq!((engine.recovery().lost_pages, engine.blocks(FILE).unwrap()), (0, left));
            engine.drop_file(FILE).unwrap();
            drop(engine);
            assert_eq!(faults(&disk), [[""; 3]; 0]);
            let engine = open(&disk, &config()).unwrap();
            assert!(engine.files().is_empty());
            assert!(engine.create_file(FileOptions::default()).unwrap() > FILE);
        }
    }
}

#[test]
fn a_file_that_lost_its_end_grows_behind_where_it_was() {
    for (damage, .., left) in DAMAGE {
        let disk = SimDisk::new();
        drop(store(&disk, FileOptions::default()));
        damage(&disk);
        let engine = open(&disk, &config()).unwrap();
        assert_eq!(engine.extend(FILE, 2).unwrap(), BLOCKS);
        commit(&engine, page(BLOCKS + 1));
        engine.close().unwrap();
        drop(engine);
        let engine = open(&disk, &config()).unwrap();
        assert_eq!(engine.blocks(FILE).unwrap(), BLOCKS + 2);
        for block in 0..BLOCKS + 2 {
            let is_there = block < left || block >= BLOCKS;
            assert_eq!(engine.read(page(block)).is_ok(), is_there, "{block}, {left} were left");
        }
    }
}

#[test]
fn pages_that_are_missing_in_the_middle_are_counted_as_well() {
    let damage: [(u32, u64, &[u32]); 5] = [
        (0, 0, &[2, 3, 4]),
        (0, 4096, &[0, 2, 3, 4]),
        (0, 4097, &[0, 2, 3, 4]),
        (1, 0, &[0, 1, 4]),
        (1, 4096, &[0, 1, 2, 4]),
    ];
    for (segment, bytes, left) in damage {
        let disk = SimDisk::new();
        drop(store(&disk, FileOptions::default()));
        disk.truncate(&format!("data/00000001.{segment}"), bytes);
        let lost = u64::from(BLOCKS) - left.len() as u64;
        assert_eq!(survey(&disk).rehearse().unwrap().lost_pages, lost);
        let engine = open(&disk, &config()).unwrap();
        assert_eq!(engine.recovery().lost_pages, lost);
        let is_there = |block: &u32| engine.read(page(*block)).is_ok();
        assert_eq!((0..BLOCKS).filter(is_there).collect::<Vec<_>>(), left);
        // Of the rest of the file, those that are left of it.
        engine.truncate(FILE, 3).unwrap();
        drop(engine);
        let engine = open(&disk, &config()).unwrap();
        let left = left.iter().filter(|block| **block < 3).count() as u64;
        assert_eq!(engine.recovery().lost_pages, 3 - left, "segment {segment}, {bytes} bytes");
    }
}

#[test]
fn a_missing_page_that_the_log_has_an_image_of_is_back() {
    let disk = SimDisk::new();
    let engine = store(&disk, FileOptions::default());
    commit(&engine, page(3));
    drop(engine);
    disk.remove_now("data/00000001.2");
    disk.truncate("data/00000001.1", 0);
    let engine = open(&disk, &config()).unwrap();
    assert_eq!(engine.recovery().lost_pages, 3);
    assert_eq!(served(&engine), [0, 1, 3]);
}

#[test]
fn what_the_log_cuts_off_or_drops_is_not_missed() {
    for blocks in 0..BLOCKS {
        let disk = SimDisk::new();
        let engine = store(&disk, FileOptions::default());
        engine.truncate(FILE, blocks).unwrap();
        drop(engine);
        assert_eq!(faults(&disk), [[""; 3]; 0]);
        let engine = open(&disk, &config()).unwrap();
        assert_eq!((engine.recovery().lost_pages, engine.blocks(FILE).unwrap()), (0, blocks));
        engine.drop_file(FILE).unwrap();
        drop(engine);
        (0..3).for_each(|n| disk.remove_now(&format!("data/00000001.{n}")));
        assert_eq!(faults(&disk), [[""; 3]; 0]);
        let engine = open(&disk, &config()).unwrap();
        assert_eq!((engine.recovery().lost_pages, engine.files()), (0, vec![]));
    }
}

#[test]
fn an_unlogged_file_is_as_long_as_it_was_when_the_store_was_closed() {
    let unlogged = FileOptions { unlogged: true, ..FileOptions::default() };
    for is_closed in [false, true] {
        let disk = SimDisk::new();
        let engine = store(&disk, unlogged);
        if is_closed {
            engine.close().unwrap();
        }
        drop(engine);
        (0..3).for_each(|n| disk.remove_now(&format!("data/00000001.unlogged.{n}")));
        let blocks = if is_closed { BLOCKS } else { 0 };
        let [[file, found, expected]] = &faults(&disk)[..] else { panic!("one is gone") };
        assert_eq!((&file[..], &found[..]), ("data/00000001.unlogged.0", "no file"));
        assert!(expected.starts_with(&format!("{blocks} blocks at least")), "{expected}");
        let engine = open(&disk, &config()).unwrap();
        assert_eq!(engine.blocks(FILE).unwrap(), blocks);
        assert_eq!(engine.recovery().lost_pages, u64::from(blocks));
        assert!(!is_closed || is_lost(engine.read(page(0)).map(drop)));
        engine.extend(FILE, 1).unwrap();
        assert_eq!(engine.read(page(blocks)).unwrap()[0], 0);
    }
}

/// As if the power had failed before a close had written the control file; and then an opening
/// fails before its checkpoint, which would list the file as empty.
#[test]
fn what_an_opening_empties_is_not_missed_by_the_next() {
    let unlogged = FileOptions { unlogged: true, ..FileOptions::default() };
    let disk = SimDisk::new();
    let engine = store(&disk, unlogged);
    let control = disk.read_file(CONTROL_FILE);
    engine.close().unwrap();
    drop(engine);
    disk.write_file(CONTROL_FILE, &control);
    assert_eq!(faults(&disk), [[""; 3]; 0]);
    let first = "data/00000001.unlogged.0";
    disk.fail_at(1, Fault::once(EIO).only(OpKind::SyncData).on(first));
    open(&disk, &config()).map(drop).unwrap_err();
    assert!(disk.read_file(first).is_empty());
    assert_eq!(faults(&disk), [[""; 3]; 0]);
    let engine = open(&disk, &config()).unwrap();
    assert_eq!((engine.recovery().lost_pages, engine.blocks(FILE).unwrap()), (0, 0));
}

#[test]
fn a_store_without_one_of_its_tablespaces_is_refused_until_there_is_a_directory_in_its_place() {
    let disk = SimDisk::new();
    let engine = engine_on(&disk, &config());
    let tablespace = engine.create_tablespace(Path::new("/elsewhere")).unwrap();
    let file = engine.create_file(FileOptions { tablespace, unlogged: false }).unwrap();
    engine.extend(file, 1).unwrap();
    engine.close().unwrap();
    drop(engine);
    let without = SimDisk::new();
    create(&without, &config()).unwrap();
    for (path, bytes) in files_of(&disk).iter().filter(|(path, _)| !path.starts_with("data.1/")) {
        without.write_file(path, bytes);
    }
    let before = files_of(&without);
    let Err(Error::NotAStore { found }) = open(&without, &config()).map(drop) else {
        panic!("a file of it is missing")
    };
    assert_eq!(found, "file 1 is in data.1, which is not there");
    assert_eq!(files_of(&without), before);
    without.create_dir("data.1").unwrap();
    let engine = open(&without, &config()).unwrap();
    assert_eq!((engine.recovery().lost_pages, engine.files()), (1, vec![file]));
    engine.drop_file(file).unwrap();
    let again = FileOptions { tablespace: TablespaceId(1), unlogged: false };
    assert_eq!(engine.create_file(again).unwrap(), FileId(2));
}

#[test]
fn a_file_that_is_listed_in_another_place_is_refused() {
    let disk = SimDisk::new();
    drop(store(&disk, FileOptions::default()));
    for segment in 0..3 {
        let bytes = disk.read_file(&format!("data/00000001.{segment}"));
        disk.remove_now(&format!("data/00000001.{segment}"));
        disk.write_file(&format!("data/00000001.unlogged.{segment}"), &bytes);
    }
    let before = files_of(&disk);
    let Err(Error::NotAStore { found }) = open(&disk, &config()).map(drop) else {
        panic!("its pages are logged")
    };
    assert_eq!(found, "file 1 as data/00000001.unlogged.0 and as data/00000001.0");
    assert_eq!(files_of(&disk), before);
}

#[test]
fn so_many_files_are_listed_that_the_segment_kept_for_checkpoints_has_space_for_them() {
    let listed = files_max(&Geometry::new(&config().format)) as u32;
    assert_eq!(listed, (3968 / 16 - 32) / 16);
    let disk = SimDisk::new();
    let engine = engine_on(&disk, &config());
    for _ in 0..listed + 2 {
        let file = engine.create_file(FileOptions::default()).unwrap();
        engine.extend(file, 1).unwrap();
    }
    let checkpoint = engine.close().unwrap();
    assert_eq!(checkpoint.end.since(checkpoint.lsn), 32 + 16 * u64::from(listed));
    drop(engine);
    for file in 1..=listed + 2 {
        disk.remove_now(&format!("data/{file:08x}.0"));
    }
    let engine = open(&disk, &config()).unwrap();
    assert_eq!(engine.files(), (1..=listed).map(FileId).collect::<Vec<_>>());
    assert_eq!(engine.recovery().lost_pages, u64::from(listed));
}

#[test]
fn a_store_is_idle_behind_a_complete_checkpoint_however_many_files_there_are() {
    let disk = SimDisk::new();
    let engine = store(&disk, FileOptions::default());
    assert!(engine.is_idle());
    commit(&engine, page(0));
    assert!(!engine.is_idle());
    engine.create_file(FileOptions::default()).unwrap();
    engine.checkpoint(Urgency::Immediate).unwrap();
    assert!(engine.is_idle());
    // Its redo point is fixed, and its pages are not on disk.
    commit(&engine, page(0));
    disk.fail_at(1, Fault::once(EIO).only(OpKind::Write).on("data/00000001.0"));
    engine.checkpoint(Urgency::Immediate).unwrap_err();
    assert!(!engine.is_idle());
}
