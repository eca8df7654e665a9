//! Kinds of change and of note that an engine adds: made at once, made again by recovery, refused.
//! The crash sweeps and the state machine make custom changes as well.

mod common;

use common::redo::{ADD, Adds, Threads, addition, open_with};
use common::{config, create, files_of};
use seawall_core::checkpoint::Urgency;
use seawall_core::config::{Config, FullPageImages};
use seawall_core::engine::Engine;
use seawall_core::error::{Error, WalFault};
use seawall_core::files::FileOptions;
use seawall_core::lsn::Lsn;
use seawall_core::page::{FileId, PageId};
use seawall_core::redo::{CUSTOM_DATA_BYTES_MAX, Redo};
use seawall_core::sim::SimDisk;
use seawall_core::sync::Mutex;
use seawall_core::workers::Serial;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

const FILE: FileId = FileId(1);
const FIRST: PageId = PageId::new(FILE, 0);
const SECOND: PageId = PageId::new(FILE, 1);

fn open(disk: &SimDisk, redo: &Arc<Adds>) -> Engine {
    let redo = Arc::clone(redo) as Arc<dyn Redo>;
    open_with(disk, &config(), &Serial, Some(redo)).unwrap()
}

/// A store with two empty pages that need no image.
fn store(redo: &Arc<Adds>) -> (SimDisk, Engine) {
    let disk = SimDisk::new();
    create(&disk, &config()).unwrap();
    let engine = open(&disk, redo);
    assert_eq!(engine.create_file(FileOptions::default()).unwrap(), FILE);
    engine.extend(FILE, 2).unwrap();
    (disk, engine)
}

/// Adds to the first byte of a page.
fn add(engine: &Engine, page: PageId, added: u8) -> Lsn {
    let mut operation = engine.operation();
    operation.page(page).unwrap().apply(ADD, &addition(0, &[added])).unwrap();
    engine.commit(operation).unwrap()
}

fn first_byte(engine: &Engine, page: PageId) -> u8 {
    engine.read(page).unwrap()[0]
}

fn crash(disk: &SimDisk) -> SimDisk {
    disk.durable_image().mount()
}

#[test]
fn bytes_and_custom_changes_of_a_page_are_made_again_in_their_order() {
    let redo = Arc::default();
    let (disk, engine) = store(&redo);
    let mut operation = engine.operation();
    let mut page = operation.page(FIRST).unwrap();
    page.write(0, &[10, 10]).unwrap();
    page.apply(ADD, &addition(1, &[1, 1])).unwrap();
    page.write(1, &[90]).unwrap();
    page.apply(ADD, &addition(0, &[5, 5])).unwrap();
    page.apply(ADD, &addition(2, &[5])).unwrap();
    page.write(0, &[7]).unwrap();
    assert_eq!(page.body()[..3], [7, 95, 6]);
    engine.commit(operation).unwrap();
    let engine = open(&crash(&disk), &redo);
    assert_eq!(engine.read(FIRST).unwrap()[..3], [7, 95, 6]);
}

#[test]
fn a_custom_change_that_a_page_has_already_is_not_made_again() {
    let redo = Arc::default();
    let (disk, engine) = store(&redo);
    engine.configure(Config { full_page_images: FullPageImages::Off, ..config() }).unwrap();
    engine.checkpoint(Urgency::Immediate).unwrap();
    add(&engine, FIRST, 3);
    add(&engine, SECOND, 5);
    let crashed = crash(&disk);
    // As an eviction would have written the first page.
    engine.checkpoint(Urgency::Immediate).unwrap();
    crashed.overwrite("data/00000001.0", 0, &disk.read_file("data/00000001.0")[..4096]);
    let engine = open(&crashed, &redo);
    assert_eq!((first_byte(&engine, FIRST), first_byte(&engine, SECOND)), (3, 5));
    assert_eq!(engine.recovery().changes, 1);
}

#[test]
fn a_custom_change_goes_into_the_log_instead_of_the_page_and_is_covered_by_an_image() {
    let redo = Arc::default();
    let (disk, engine) = store(&redo);
    let (before, ..) = engine.wal_positions();
    add(&engine, FIRST, 3);
    let (after, ..) = engine.wal_positions();
    assert!(after.since(before) <= 48, "{} bytes", after.since(before));
    engine.checkpoint(Urgency::Immediate).unwrap();
    add(&engine, FIRST, 4);
    add(&engine, FIRST, 5);
    let engine = open(&crash(&disk), &redo);
    assert_eq!((engine.recovery().images, engine.recovery().changes), (1, 2));
    assert_eq!(first_byte(&engine, FIRST), 12);
}

#[test]
fn custom_changes_are_taken_back_when_the_operation_is_dropped() {
    let redo = Arc::default();
    let (_, engine) = store(&redo);
    add(&engine, FIRST, 3);
    let mut operation = engine.operation();
    let mut page = operation.page(FIRST).unwrap();
    page.write(0, &[50]).unwrap();
    page.apply(ADD, &addition(0, &[5])).unwrap();
    page.write(0, &[60]).unwrap();
    drop(operation);
    assert_eq!(first_byte(&engine, FIRST), 3);
}

#[test]
fn a_custom_change_that_is_refused_leaves_the_page_as_it_was_and_the_operation_goes_on() {
    let redo = Arc::default();
    let (disk, engine) = store(&redo);
    let mut operation = engine.operation();
    let mut page = operation.page(FIRST).unwrap();
    page.write(0, &[1]).unwrap();
    let error = page.apply(9, &addition(0, &[5])).unwrap_err().to_string();
    assert_eq!(error, "custom change of kind 9 of page 1:0: kind 9 is not known");
    let error = page.apply(ADD, &vec![0; CUSTOM_DATA_BYTES_MAX + 1]).unwrap_err().to_string();
    assert!(error.contains("65536 bytes, expected 65535 at the most"), "{error}");
    let error = page.apply(9, &vec![0; CUSTOM_DATA_BYTES_MAX]).unwrap_err().to_string();
    assert!(!error.contains("at the most"), "its size is none of the reasons: {error}");
    assert_eq!(page.body()[0], 1);
    engine.commit(operation).unwrap();
    let engine = open(&crash(&disk), &redo);
    assert_eq!(first_byte(&engine, FIRST), 1);
}

#[test]
fn notes_come_in_the_order_of_the_log_with_the_position_of_their_commit() {
    let redo = Arc::default();
    let (disk, engine) = store(&redo);
    let mut expected = Vec::new();
    for number in 0..40 {
        let mut operation = engine.operation();
        if number % 3 > 0 {
            operation.page(FIRST).unwrap().write(0, &[number]).unwrap();
        }
        operation.note(7, &[number]);
        operation.note(8, &[]);
        let at = engine.commit(operation).unwrap();
        expected.extend([(at, 7, vec![number]), (at, 8, vec![])]);
    }
    let mut undone = engine.operation();
    undone.note(7, b"never");
    drop(undone);
    let engine = open(&crash(&disk), &redo);
    assert_eq!(redo.take_notes(), expected);
    assert_eq!(engine.recovery().notes, 80);
}

#[test]
fn notes_come_again_after_a_crash_in_recovery_and_not_from_before_a_checkpoint() {
    let redo = Arc::default();
    let (disk, engine) = store(&redo);
    let note = |engine: &Engine, data: u8| {
        let mut operation = engine.operation();
        operation.note(1, &[data]);
        (engine.commit(operation).unwrap(), 1, vec![data])
    };
    note(&engine, 1);
    engine.checkpoint(Urgency::Immediate).unwrap();
    let second = note(&engine, 2);
    let image = disk.durable_image();
    for _ in 0..2 {
        drop(open(&image.mount(), &redo));
        assert_eq!(redo.take_notes(), std::slice::from_ref(&second));
    }
    let disk = image.mount();
    drop(open(&disk, &redo));
    redo.take_notes();
    drop(open(&disk, &redo));
    assert_eq!(redo.take_notes(), [], "the checkpoint that ends an opening is one, too");
}

#[test]
fn a_log_with_custom_kinds_is_refused_without_a_redo_and_nothing_is_changed() {
    let redo = Arc::default();
    let (disk, engine) = store(&redo);
    let (at, ..) = engine.wal_positions();
    add(&engine, SECOND, 1);
    let refused = |expected: String| {
        let disk = crash(&disk);
        let before = files_of(&disk);
        let error = open_with(&disk, &config(), &Serial, None).map(drop).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(files_of(&disk), before);
        assert_eq!(first_byte(&open(&disk, &redo), SECOND), 1, "nothing is lost");
    };
    let why = "the store was opened without a Redo";
    refused(format!("record at {at}: custom change of kind 1 of page 1:1: {why}"));
    engine.checkpoint(Urgency::Immediate).unwrap();
    let (at, ..) = engine.wal_positions();
    let mut operation = engine.operation();
    operation.note(5, b"on");
    engine.commit(operation).unwrap();
    refused(format!("record at {at}: note of kind 5: {why}"));
}

/// Refuses what adds 99, after it was added; panics instead if it is to.
struct Refuses {
    adds: Adds,
    by_panic: bool,
    calls: Mutex<u32>,
}

impl Redo for Refuses {
    fn change(&self, kind: u8, page: PageId, data: &[u8], body: &mut [u8]) -> Result<(), String> {
        self.adds.change(kind, page, data, body)?;
        *self.calls.lock() += 1;
        match data[2] {
            99 if self.by_panic => panic!("found 99"),
            99 => Err("found 99".to_owned()),
            _ => Ok(()),
        }
    }

    fn note(&self, at: Lsn, kind: u8, data: &[u8]) -> Result<(), String> {
        if kind == 9 { Err("found 9".to_owned()) } else { self.adds.note(at, kind, data) }
    }
}

/// A store whose log has a change of every page, then what [`Refuses`] refuses, then more; with
/// its position.
fn refusable() -> (SimDisk, Lsn) {
    let (disk, engine) = store(&Arc::default());
    engine.extend(FILE, 20).unwrap();
    (0..20).for_each(|block| _ = add(&engine, PageId::new(FILE, block), 1));
    let (at, ..) = engine.wal_positions();
    add(&engine, SECOND, 99);
    (0..20).for_each(|block| _ = add(&engine, PageId::new(FILE, block), 1));
    add(&engine, FIRST, 99);
    (crash(&disk), at)
}

fn check_recovered(disk: &SimDisk) {
    let engine = open(disk, &Arc::default());
    for block in 0..20 {
        let expected = if block < 2 { 101 } else { 2 };
        assert_eq!(first_byte(&engine, PageId::new(FILE, block)), expected, "block {block}");
    }
}

#[test]
fn what_the_redo_refuses_ends_the_opening_with_the_first_position_and_the_store_can_be_opened() {
    for workers in [1, 4] {
        let (disk, at) = refusable();
        let redo = Refuses { adds: Adds::default(), by_panic: false, calls: Mutex::new(0) };
        let opened = open_with(&disk, &config(), &Threads(workers), Some(Arc::new(redo)));
        let error = opened.map(drop).unwrap_err();
        assert!(matches!(error, Error::Wal(WalFault::BadContent { lsn, .. }) if lsn == at));
        let what = "custom change of kind 1 of page 1:1: found 99";
        assert_eq!(error.to_string(), format!("record at {at}: {what}"));
        check_recovered(&disk);
    }
}

#[test]
fn a_panic_of_the_redo_unwinds_through_the_opening_and_the_store_can_be_opened() {
    for workers in [1, 4] {
        let (disk, _) = refusable();
        let redo = Refuses { adds: Adds::default(), by_panic: true, calls: Mutex::new(0) };
        let open = || open_with(&disk, &config(), &Threads(workers), Some(Arc::new(redo)));
        let panic = catch_unwind(AssertUnwindSafe(open)).map(drop).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"found 99"));
        check_recovered(&disk);
    }
}

#[test]
fn a_note_that_is_refused_is_named_and_those_before_it_have_come() {
    let (disk, engine) = store(&Arc::default());
    let mut operation = engine.operation();
    operation.note(1, b"one");
    let first = engine.commit(operation).unwrap();
    let (at, ..) = engine.wal_positions();
    let mut operation = engine.operation();
    operation.note(9, b"nine");
    operation.note(1, b"not any more");
    engine.commit(operation).unwrap();
    let redo = Refuses { adds: Adds::default(), by_panic: false, calls: Mutex::new(0) };
    let redo = Arc::new(redo);
    let given = Arc::clone(&redo) as Arc<dyn Redo>;
    let opened = open_with(&crash(&disk), &config(), &Serial, Some(given));
    let error = opened.map(drop).unwrap_err().to_string();
    assert_eq!(error, format!("record at {at}: note of kind 9: found 9"));
    assert_eq!(redo.adds.take_notes(), [(first, 1, b"one".to_vec())]);
}
