//! Reads that give something else than what is there: an error that names the page, and never the
//! wrong bytes; but for what nothing in the bytes tells, which is said here as well.

mod common;

use common::{BODY_BYTES, Recovered, config, content, engine_on, open, recover};
use seawall_core::checkpoint::Urgency;
use seawall_core::disk::Disk;
use seawall_core::engine::Engine;
use seawall_core::error::{Error, PageFault};
use seawall_core::files::FileOptions;
use seawall_core::page::{FileId, PageId};
use seawall_core::sim::{CrashImage, EIO, Fault, OpKind, ReadFault, SimDisk};

const FILE: &str = "data/00000001.0";
const FIRST: PageId = PageId::new(FileId(1), 0);
const SECOND: PageId = PageId::new(FileId(1), 1);

fn commit(engine: &Engine, page: PageId, value: u8) {
    let mut operation = engine.operation();
    operation.page(page).unwrap().write(0, &[value; BODY_BYTES]).unwrap();
    engine.commit(operation).unwrap();
}

/// A store of one file of two pages, of 1 and of 2, all on disk and none in the pool.
fn store() -> (SimDisk, Engine) {
    let disk = SimDisk::new();
    let engine = engine_on(&disk, &config());
    let file = engine.create_file(FileOptions::default()).unwrap();
    engine.extend(file, 2).unwrap();
    commit(&engine, FIRST, 1);
    commit(&engine, SECOND, 2);
    engine.close().unwrap();
    drop(engine);
    let engine = open(&disk, &config()).unwrap();
    (disk, engine)
}

fn is_expected(error: &Error, fault: ReadFault) -> bool {
    use PageFault::{Checksum, Short, WrongPage, Zero};
    let Error::Page { page: SECOND, fault: found } = error else { return false };
    match fault {
        ReadFault::Short => matches!(found, Short { .. }),
        ReadFault::FlippedBit | ReadFault::ZeroSector => matches!(found, Checksum { .. }),
        ReadFault::Zeros => matches!(found, Zero),
        ReadFault::Elsewhere => *found == WrongPage { found: FIRST },
        ReadFault::Stale => false,
    }
}

#[test]
fn a_wrong_read_is_an_error_that_names_the_page_and_other_pages_are_served() {
    for fault in ReadFault::ALL.into_iter().filter(|fault| *fault != ReadFault::Stale) {
        for seed in 0..32 {
            let (disk, engine) = store();
            disk.fail_at(1, Fault::read(fault).seed(seed).on(FILE).at_byte(4096).lasting());
            for _ in 0..2 {
                let error = engine.read(SECOND).map(drop).unwrap_err();
                assert!(is_expected(&error, fault), "{fault:?}, seed {seed}: {error}");
                assert!(error.to_string().starts_with("page 1:1: "), "{error}");
                assert_eq!(engine.read(FIRST).unwrap()[0], 1);
            }
            disk.clear_faults();
            assert_eq!(engine.read(SECOND).unwrap()[0], 2, "nothing of it is in the pool");
            commit(&engine, SECOND, 3);
        }
    }
}

#[test]
fn a_read_that_fails_is_an_error_with_its_place_and_other_pages_are_served() {
    let (disk, engine) = store();
    disk.fail_at(1, Fault::once(EIO).only(OpKind::Read).on(FILE).at_byte(4096));
    let error = engine.read(SECOND).map(drop).unwrap_err().to_string();
    let expected = "read of page 1:1 in data/00000001.0 at offset 4096 failed: \
        Input/output error (os error 5)";
    assert_eq!(error, expected);
    assert_eq!((engine.read(FIRST).unwrap()[0], engine.read(SECOND).unwrap()[0]), (1, 2));
}

/// A store that has crashed with commits behind its last checkpoint, each waited for alone, and
/// the states that these have led to.
fn crashed() -> (CrashImage, Vec<Recovered>) {
    let disk = SimDisk::new();
    let engine = engine_on(&disk, &config());
    let file = engine.create_file(FileOptions::default()).unwrap();
    engine.extend(file, 4).unwrap();
    let mut states = Vec::new();
    for number in 1..=12 {
        commit(&engine, PageId::new(file, u32::from(number) % 4), number);
        states.push(content(&engine).unwrap());
        if number == 6 {
            engine.checkpoint(Urgency::Immediate).unwrap();
        }
    }
    let image = disk.durable_image();
    (image, states)
}

#[test]
fn whichever_read_of_recovery_is_wrong_once_it_is_an_error_or_makes_no_difference() {
    let (image, states) = crashed();
    let disk = image.mount();
    assert_eq!(Some(&recover(&disk, &config()).unwrap()), states.last());
    let (mut refused, mut harmless) = (0, 0);
    for fault in ReadFault::ALL {
        for n in 1..=disk.reads() {
            let disk = image.mount();
            disk.fail_at(n, Fault::read(fault).seed(n));
            match recover(&disk, &config()) {
                Err(_) => refused += 1,
                Ok(found) => {
                    harmless += 1;
                    let op = disk.first_failure();
                    assert!(Some(&found) == states.last(), "{fault:?} of {op:?}, read {n}");
                }
            }
            assert!(disk.first_failure().is_some());
            let again = recover(&image.mount(), &config()).unwrap();
            assert_eq!(Some(&again), states.last(), "the next attempt");
        }
    }
    println!("{refused} openings refused, {harmless} were as they should be");
    assert!(refused > 30 && harmless > 30);
}

/// The durable position in the blocks of the log is that of the group before: of the last one
/// nothing tells that it was durable.
#[test]
fn a_log_that_is_always_read_wrong_is_refused_or_lacks_no_more_than_its_last_group() {
    let (image, states) = crashed();
    let segments = image.mount().list("wal").unwrap();
    let (mut refused, mut shorter) = (0, 0);
    for path in segments.iter().map(|name| format!("wal/{name}")) {
        for (fault, seed) in ReadFault::ALL.into_iter().flat_map(|fault| [(fault, 1), (fault, 2)]) {
            let disk = image.mount();
            disk.fail_at(1, Fault::read(fault).seed(seed).on(&path).lasting());
            let Ok(found) = recover(&disk, &config()) else {
                refused += 1;
                continue;
            };
            let at_least = &states[states.len() - 2..];
            assert!(at_least.contains(&found), "{fault:?} of {path}, seed {seed}");
            shorter += usize::from(found == at_least[0]);
        }
    }
    println!("{refused} openings refused, {shorter} lack the last commit");
    assert!(refused > 10 && shorter > 0, "{refused}, {shorter}");
}

/// What a device that has lost an acknowledged write gives is a page as any other. It is served:
/// nothing in its bytes tells. Recovery restores it if it was changed since the last redo point.
#[test]
fn a_whole_page_that_is_old_is_not_told_from_a_new_one_but_an_image_replaces_it() {
    let (disk, engine) = store();
    disk.remember();
    commit(&engine, SECOND, 3);
    engine.checkpoint(Urgency::Immediate).unwrap();
    commit(&engine, FIRST, 4);
    drop(engine);
    disk.fail_at(1, Fault::read(ReadFault::Stale).on(FILE).lasting());
    let engine = open(&disk, &config()).unwrap();
    assert_eq!(engine.read(FIRST).unwrap()[0], 4, "restored");
    assert_eq!(engine.read(SECOND).unwrap()[0], 2, "served as it was before");
}
