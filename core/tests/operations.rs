//! What of an operation is in the log, and what it leaves in the pages.

mod common;

use common::{clean_store, config, engine_on, open};
use seawall_core::checkpoint::Urgency;
use seawall_core::engine::Engine;
use seawall_core::files::{FileOptions, TablespaceId};
use seawall_core::lsn::Lsn;
use seawall_core::page::{FileId, PageId};
use seawall_core::sim::SimDisk;
use std::ops::Range;

/// A store of two pages that need no image.
fn store() -> (SimDisk, Engine, FileId) {
    let disk = SimDisk::new();
    let engine = engine_on(&disk, &config());
    let file = engine.create_file(FileOptions::default()).unwrap();
    engine.extend(file, 2).unwrap();
    (disk, engine, file)
}

/// Changes ranges of a page, each to its number from 1; the bytes of the log that it takes.
fn change(engine: &Engine, page: PageId, ranges: &[Range<usize>]) -> u64 {
    let before = engine.wal_positions().0;
    let mut operation = engine.operation();
    let mut held = operation.page(page).unwrap();
    for (number, range) in (1..).zip(ranges) {
        held.change(range.clone()).unwrap().fill(number);
    }
    engine.commit(operation).unwrap();
    engine.wal_positions().0.since(before)
}

#[test]
fn ranges_in_any_order_nested_or_touching_are_made_again_as_they_were() {
    let cases: [&[Range<usize>]; 6] = [
        &[10..20, 0..5],
        &[0..10, 2..4],
        &[2..4, 0..10],
        &[0..4, 4..8],
        &[8..16, 0..8, 4..12],
        &[0..8, 100..108, 4..104],
    ];
    for ranges in cases {
        let (disk, engine, file) = store();
        let page = PageId::new(file, 0);
        change(&engine, page, ranges);
        let expected = engine.read(page).unwrap()[..120].to_vec();
        drop(engine);
        let crashed = disk.durable_image().mount();
        let engine = open(&crashed, &config()).unwrap();
        assert_eq!(engine.read(page).unwrap()[..120], expected, "{ranges:?}");
    }
}

#[test]
fn ranges_that_touch_are_one_in_the_log_and_others_are_not() {
    let (_, engine, file) = store();
    let bytes = |ranges: &[Range<usize>]| change(&engine, PageId::new(file, 0), ranges);
    let (one, far) = (bytes(std::slice::from_ref(&(0..64))), bytes(&[0..64, 1000..1064]));
    for ranges in [&[0..32, 32..64][..], &[32..64, 0..32], &[0..64, 8..16], &[0..40, 20..64]] {
        assert_eq!(bytes(ranges), one, "{ranges:?}");
    }
    assert!(far > one + 64 && far < one + 128, "{one} bytes for one, {far} for two far apart");
}

#[test]
fn an_operation_that_changes_nothing_is_not_in_the_log_and_dirties_nothing() {
    let (_, engine, file) = clean_store(8, 2);
    let (first, second) = (PageId::new(file, 0), PageId::new(file, 1));
    let before = engine.wal_positions().0;
    let mut operation = engine.operation();
    operation.page(first).unwrap().write(7, &[]).unwrap();
    assert_eq!(engine.commit(operation).unwrap(), Lsn::ZERO);
    assert_eq!(engine.wal_positions().0, before);

    let lsn = |page| engine.read(page).unwrap().page().lsn();
    let old = lsn(first);
    let mut operation = engine.operation();
    operation.page(first).unwrap();
    operation.page(second).unwrap().write(0, &[1]).unwrap();
    let end = engine.commit(operation).unwrap();
    assert_eq!((lsn(first), lsn(second)), (old, end));
    assert_eq!(engine.checkpoint(Urgency::Immediate).unwrap().buffers_written, 1);
}

#[test]
fn a_page_of_an_unlogged_file_keeps_the_lsn_zero_also_beside_one_of_a_logged_file() {
    let (_, engine, file) = store();
    let options = FileOptions { tablespace: TablespaceId(0), unlogged: true };
    let unlogged = engine.create_file(options).unwrap();
    engine.extend(unlogged, 1).unwrap();
    let pages = [PageId::new(file, 0), PageId::new(unlogged, 0)];
    let mut operation = engine.operation();
    for page in pages {
        operation.page(page).unwrap().write(0, &[1]).unwrap();
    }
    let end = engine.commit(operation).unwrap();
    let lsns = pages.map(|page| engine.read(page).unwrap().page().lsn());
    assert_eq!(lsns, [end, Lsn::ZERO]);
}
