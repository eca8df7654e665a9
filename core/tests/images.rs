//! Full-page images as a setting: what each protects from, and from when on.

mod common;

use common::sweep::{Sweep, change, sweep_on};
use common::{config, content, engine_on, open, recover, small};
use seawall_core::checkpoint::Urgency;
use seawall_core::config::{Config, FullPageImages};
use seawall_core::engine::Engine;
use seawall_core::error::{Error, PageFault};
use seawall_core::files::FileOptions;
use seawall_core::page::{FileId, PageId};
use seawall_core::sim::{CrashOptions, EIO, Fault, OpKind, SimDisk};
use seawall_core::sync::Mutex;
use std::sync::Arc;

const OPTIONS: CrashOptions = CrashOptions { max_subset: 2, seeded: 2, seed: 6 };

fn set_images(engine: &Engine, images: FullPageImages) -> Result<(), Error> {
    engine.configure(Config { full_page_images: images, ..engine.config() })
}

fn with(images: FullPageImages) -> Config {
    Config { full_page_images: images, ..small() }
}

/// Two files of five pages, and `operations` on them; the pool is too small for all.
fn begin(engine: &Engine, operations: u64) -> Sweep {
    let sweep = Mutex::new(Sweep::default());
    for _ in 0..2 {
        sweep.lock().model.expect_file();
        let file = engine.create_file(FileOptions::default()).unwrap();
        for _ in 0..5 {
            sweep.lock().model.expect_pages(file, 1);
            engine.extend(file, 1).unwrap();
        }
    }
    (1..=operations).for_each(|number| change(engine, &sweep, number));
    sweep.into_inner()
}

/// More of them, with a checkpoint in the middle.
fn go_on(engine: &Engine, sweep: &Mutex<Sweep>) {
    for number in 101..=136 {
        change(engine, sweep, number);
        if number == 118 {
            engine.checkpoint(Urgency::Immediate).unwrap();
            sweep.lock().model.acknowledge_all();
        }
    }
}

#[test]
fn compressed_images_repair_every_torn_page() {
    let disk = SimDisk::new();
    let engine = engine_on(&disk, &with(FullPageImages::Compressed));
    let begun = begin(&engine, 6);
    sweep_on(&disk, &engine, begun, OPTIONS, go_on);
    assert!(engine.wal_stats().fpi > 10);
}

#[test]
fn images_that_are_turned_on_repair_every_page_that_is_torn_after_the_call_returned() {
    let disk = SimDisk::new();
    let engine = engine_on(&disk, &with(FullPageImages::Off));
    let begun = begin(&engine, 12);
    set_images(&engine, FullPageImages::On).unwrap();
    sweep_on(&disk, &engine, begun, OPTIONS, go_on);
}

#[test]
fn without_images_every_crash_is_survived_where_no_page_tears() {
    let disk = SimDisk::with_sector_bytes(4096);
    let engine = engine_on(&disk, &with(FullPageImages::Off));
    let begun = begin(&engine, 6);
    let before = engine.wal_stats();
    sweep_on(&disk, &engine, begun, OPTIONS, go_on);
    assert_eq!(engine.wal_stats().since(&before).fpi, 0);
}

#[test]
fn without_images_a_page_that_tears_is_named_and_not_served() {
    let disk = SimDisk::new();
    let engine = engine_on(&disk, &with(FullPageImages::Off));
    let file = engine.create_file(FileOptions::default()).unwrap();
    engine.extend(file, 1).unwrap();
    engine.checkpoint(Urgency::Immediate).unwrap();
    let mut operation = engine.operation();
    let mut page = operation.page(PageId::new(file, 0)).unwrap();
    page.write(0, &[1; 8]).unwrap();
    page.write(4000, &[1; 8]).unwrap();
    engine.commit(operation).unwrap();
    let torn = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&torn);
    disk.set_observer(Some(Box::new(move |disk, _| {
        for image in disk.crash_images(&CrashOptions { max_subset: 8, ..OPTIONS }) {
            match recover(&image.mount(), &config()) {
                Ok(_) => {}
                Err(Error::Page { page, fault: PageFault::Checksum { .. } }) => {
                    assert_eq!(page, PageId::new(FileId(1), 0));
                    *counted.lock() += 1;
                }
                Err(error) => panic!("{error}; {}", image.describe()),
            }
        }
    })));
    engine.checkpoint(Urgency::Immediate).unwrap();
    disk.set_observer(None);
    assert!(*torn.lock() > 0, "no image had a torn page");
}

#[test]
fn turning_images_on_runs_the_checkpoint_that_it_takes_and_no_other() {
    let disk = SimDisk::new();
    let engine = engine_on(&disk, &with(FullPageImages::Off));
    begin(&engine, 3);
    let done = || engine.checkpoints().done;
    let first = done();
    set_images(&engine, FullPageImages::On).unwrap();
    assert_eq!(done(), first + 1);
    set_images(&engine, FullPageImages::Compressed).unwrap();
    set_images(&engine, FullPageImages::Off).unwrap();
    assert_eq!((done(), engine.config().full_page_images), (first + 1, FullPageImages::Off));

    let mut operation = engine.operation();
    operation.page(PageId::new(FileId(1), 0)).unwrap().write(0, &[1]).unwrap();
    engine.commit(operation).unwrap();
    disk.fail_at(1, Fault::once(EIO).only(OpKind::Write));
    set_images(&engine, FullPageImages::On).unwrap_err();
    assert_eq!((done(), engine.config().full_page_images), (first + 1, FullPageImages::On));
    disk.clear_faults();
    set_images(&engine, FullPageImages::On).unwrap();
    assert_eq!(done(), first + 2, "the checkpoint that has failed is made up for");
}

#[test]
fn records_and_images_are_counted_and_a_redo_point_brings_new_images() {
    let disk = SimDisk::new();
    let engine = engine_on(&disk, &config());
    let file = engine.create_file(FileOptions::default()).unwrap();
    engine.extend(file, 1).unwrap();
    let commit = || {
        let before = engine.wal_stats();
        let mut operation = engine.operation();
        operation.page(PageId::new(file, 0)).unwrap().write(0, &[7; 1000]).unwrap();
        engine.commit(operation).unwrap();
        let stats = engine.wal_stats().since(&before);
        assert_eq!(stats.records, 1);
        (stats.fpi, stats.fpi_bytes, stats.bytes > 1000)
    };
    assert_eq!(commit(), (0, 0, true));
    engine.checkpoint(Urgency::Immediate).unwrap();
    assert_eq!([commit(), commit()], [(1, 1000, true), (0, 0, true)]);
    set_images(&engine, FullPageImages::Compressed).unwrap();
    engine.checkpoint(Urgency::Immediate).unwrap();
    let (images, bytes, is_long) = commit();
    assert!(images == 1 && bytes < 100 && !is_long, "{images}, {bytes} bytes");
    set_images(&engine, FullPageImages::Off).unwrap();
    engine.checkpoint(Urgency::Immediate).unwrap();
    assert_eq!(commit(), (0, 0, true));
    let expected = content(&engine).unwrap();
    drop(engine);
    assert_eq!(content(&open(&disk, &config()).unwrap()).unwrap(), expected);
}
