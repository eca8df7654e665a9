//! The store on real files: threads, reopening, and what it refuses.
#![expect(clippy::disallowed_methods, reason = "looks at the disk from outside")]

use seawall::{Config, Error, FileId, FileOptions, Format, PageId, Store};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// A directory that does not exist yet, in one that goes with the guard.
fn fresh() -> (TempDir, std::path::PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("store");
    (parent, dir)
}

fn small() -> Config {
    Config {
        format: Format { wal_segment_bytes: 64 << 10, ..Format::default() },
        buffers: 16,
        wal_buffer_bytes: 16 << 10,
        wal_min_bytes: 256 << 10,
        wal_max_bytes: 256 << 10,
        checkpoint_timeout: Duration::from_millis(50),
        sync_queue_capacity: 1,
        ..Config::default()
    }
}

/// Every file below `dir` with its content.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.display().to_string(), fs::read(&path).unwrap());
        }
    }
    found
}

/// Adds `by` to the counter at the start of a page, which is locked until `operation` ends.
fn add(operation: &mut seawall::Operation<'_>, page: PageId, by: u64) -> seawall::Result<()> {
    let mut page = operation.page(page)?;
    let count = u64::from_le_bytes(page.body()[..8].try_into().unwrap());
    page.write(0, &(count + by).to_le_bytes())
}

fn counter(store: &Store, page: PageId) -> u64 {
    u64::from_le_bytes(store.read(page).unwrap()[..8].try_into().unwrap())
}

#[test]
fn four_threads_over_a_tiny_pool_lose_no_update_and_checkpoints_run_beside_them() {
    const THREADS: u64 = 4;
    const ROUNDS: u64 = 150;
    let (_parent, dir) = fresh();
    let store = Store::create(&dir, small()).unwrap();
    let file = store.create_file(FileOptions::default()).unwrap();
    store.extend(file, 200).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let store = &store;
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let first = (thread * 31 + round * 17) % 199;
                    let mut operation = store.operation();
                    add(&mut operation, PageId::new(file, first as u32), 1).unwrap();
                    add(&mut operation, PageId::new(file, 199), 1).unwrap();
                    store.commit(operation).unwrap();
                }
            });
        }
    });
    let total = || (0..199).map(|block| counter(&store, PageId::new(file, block))).sum::<u64>();
    assert_eq!(counter(&store, PageId::new(file, 199)), THREADS * ROUNDS);
    assert_eq!(total(), THREADS * ROUNDS);
    let history = store.checkpoints();
    assert_eq!(history.failed, 0, "{history:?}");
    store.close().unwrap();

    let store = Store::open(&dir, small()).unwrap();
    assert!(store.recovery().was_closed, "{}", store.recovery());
    assert_eq!(counter(&store, PageId::new(file, 199)), THREADS * ROUNDS);
}

#[test]
fn a_store_that_was_dropped_has_its_commits_and_a_closed_one_has_nothing_to_replay() {
    let (_parent, dir) = fresh();
    let store = Store::create(&dir, small()).unwrap();
    let file = store.create_file(FileOptions::default()).unwrap();
    let page = PageId::new(file, store.extend(file, 1).unwrap());
    let mut operation = store.operation();
    add(&mut operation, page, 7).unwrap();
    store.commit(operation).unwrap();
    drop(store);

    let store = Store::open(&dir, small()).unwrap();
    assert!(!store.recovery().was_closed);
    assert!(store.recovery().images > 0, "{}", store.recovery());
    assert_eq!(counter(&store, page), 7);
    store.close().unwrap();
    let store = Store::open(&dir, small()).unwrap();
    assert_eq!((store.recovery().images, store.recovery().changes), (0, 0));
}

#[test]
fn an_asynchronous_commit_becomes_durable_by_itself() {
    let (_parent, dir) = fresh();
    let config = Config { wal_writer_delay: Duration::from_millis(1), ..small() };
    let store = Store::create(&dir, config).unwrap();
    let file = store.create_file(FileOptions::default()).unwrap();
    let page = PageId::new(file, store.extend(file, 1).unwrap());
    let mut operation = store.operation();
    add(&mut operation, page, 1).unwrap();
    let end = store.commit_async(operation).unwrap();
    while store.wal_positions().2 < end {
        std::thread::yield_now();
    }
}

#[test]
fn an_operation_that_is_dropped_leaves_the_pages_as_they_were() {
    let (_parent, dir) = fresh();
    let store = Store::create(&dir, small()).unwrap();
    let file = store.create_file(FileOptions::default()).unwrap();
    store.extend(file, 2).unwrap();
    let (first, second) = (PageId::new(file, 0), PageId::new(file, 1));
    let mut operation = store.operation();
    add(&mut operation, first, 1).unwrap();
    add(&mut operation, second, 1).unwrap();
    add(&mut operation, first, 1).unwrap();
    drop(operation);
    assert_eq!((counter(&store, first), counter(&store, second)), (0, 0));
}

#[test]
fn what_does_not_exist_is_refused_by_name() {
    let (_parent, dir) = fresh();
    let store = Store::create(&dir, small()).unwrap();
    let file = store.create_file(FileOptions::default()).unwrap();
    store.extend(file, 3).unwrap();
    let message = |result: seawall::Result<()>| result.unwrap_err().to_string();
    let read = |page| store.read(page).map(drop);
    assert_eq!(message(read(PageId::new(FileId(9), 0))), "there is no file 9");
    let beyond = "page 1:3 is beyond the end: the file has 3 blocks";
    assert_eq!(message(read(PageId::new(file, 3))), beyond);
    let mut operation = store.operation();
    let outside = operation.page(PageId::new(file, 0)).unwrap().write(8160, b"123456789");
    let expected = "bytes 8160..8169 of page 1:0 asked for, its body has 8168";
    assert_eq!(message(outside), expected);
}

#[test]
fn a_second_process_is_refused_and_told_by_whom() {
    let (_parent, dir) = fresh();
    let store = Store::create(&dir, small()).unwrap();
    let error = Store::open(&dir, small()).map(drop).unwrap_err();
    let pid = std::process::id();
    assert_eq!(error.to_string(), format!("the store is in use; process {pid} opened it last"));
    drop(store);
    Store::open(&dir, small()).unwrap();
}

/// Opens a damaged or foreign store: refused with `expected`, and not a byte is changed.
fn refused(dir: &Path, config: Config, expected: &str) {
    let before = files(dir);
    let error = Store::open(dir, config).map(drop).unwrap_err().to_string();
    assert_eq!(error, expected);
    assert_eq!(files(dir), before, "changed by an open that was refused: {expected}");
}

#[test]
fn what_is_no_store_of_ours_is_refused_and_left_untouched() {
    let (_parent, dir) = fresh();
    Store::create(&dir, small()).unwrap().close().unwrap();
    let control = dir.join("control");
    let good = fs::read(&control).unwrap();

    let other = Format { page_bytes: 16384, ..small().format };
    let found = "page_bytes is 16384, expected 8192, with which the store was created";
    refused(&dir, Config { format: other, ..small() }, found);

    let mut version = good.clone();
    (version[8], version[4096 + 8]) = (2, 2);
    fs::write(&control, version).unwrap();
    refused(&dir, small(), "the store has format version 2, supported is 1");

    fs::write(&control, &good[..100]).unwrap();
    refused(&dir, small(), "control file has 100 bytes, expected 8192");

    let mut foreign = good.clone();
    foreign[..8].fill(b'x');
    foreign[4096..4104].fill(b'x');
    fs::write(&control, foreign).unwrap();
    let magic = "control file begins with 7878787878787878, expected 004c4c4157414553";
    refused(&dir, small(), magic);

    fs::remove_file(&control).unwrap();
    refused(&dir, small(), "not a seawall store: there is no control file");
    let again = Store::create(&dir, small()).map(drop).unwrap_err().to_string();
    assert_eq!(
        again, "cannot create a store here: wal/0000000000000001 without a control file",
        "a store that lost its control file is not overwritten"
    );

    fs::write(&control, &good).unwrap();
    Store::open(&dir, small()).unwrap();
}

#[test]
fn one_damaged_control_slot_is_survived() {
    let (_parent, dir) = fresh();
    Store::create(&dir, small()).unwrap().close().unwrap();
    for slot in [0, 4096] {
        let control = dir.join("control");
        let good = fs::read(&control).unwrap();
        let mut torn = good.clone();
        torn[slot + 20..slot + 40].fill(0xEE);
        fs::write(&control, torn).unwrap();
        // The older slot names a redo point from before the last checkpoint: more to replay.
        Store::open(&dir, small()).unwrap().close().unwrap();
    }
}

#[test]
fn a_directory_with_something_else_in_it_is_not_made_a_store() {
    let (_parent, dir) = fresh();
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("notes.txt"), "mine").unwrap();
    let error = Store::create(&dir, small()).map(drop).unwrap_err().to_string();
    assert_eq!(error, "cannot create a store here: the directory holds notes.txt");
    assert_eq!(files(&dir).len(), 1);
    let error = Store::open(&dir, small()).map(drop).unwrap_err();
    assert!(matches!(error, Error::NotAStore { .. }), "{error}");
    assert_eq!(files(&dir).len(), 1);
}

#[test]
fn a_store_whose_background_writer_sleeps_wakes_it_to_be_closed_and_one_without_has_none() {
    for background_writer_max_pages in [100, 0] {
        let (_parent, dir) = fresh();
        let delay = Duration::from_millis(1);
        let config =
            Config { background_writer_max_pages, background_writer_delay: delay, ..small() };
        let store = Store::create(&dir, config).unwrap();
        let file = store.create_file(FileOptions::default()).unwrap();
        store.extend(file, 40).unwrap();
        // Rounds enough for a lap of the pool.
        std::thread::sleep(100 * delay);
        store.close().unwrap();
    }
}
