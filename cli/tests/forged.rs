//! Torture data that says impossible things, with the right checksums: what is wrong is named, and
//! soon.

mod support;

use seawall::{Config, FileOptions, Store};
use std::path::{Path, PathBuf};
use support::{Ran, forge, run};

const PAGE_BYTES: u64 = 8192;
const META_BLOCK: u64 = 0;
const FIRST_THREAD_BLOCK: u64 = 1;
const FIRST_DATA_BLOCK: u64 = 65;
const PAGES: u64 = 4;
const OPERATIONS: u64 = 50;
/// Pages of which a store does not have the thousandth part.
const MANY: u32 = 1 << 22;

/// A closed store with torture data of one thread; its data file.
fn store(dir: &Path) -> PathBuf {
    let options = ["--ops", "50", "--pages", "4", "--seed", "3", "--threads", "1"];
    run("torture", dir, &options).fine();
    dir.join("data/00000001.0")
}

/// Changes the first bytes of a page's body, and the checksum that follows them.
fn forge(data: &Path, block: u64, checksum: usize, change: impl FnOnce(&mut [u8])) {
    forge::change(data, PAGE_BYTES, block, |body| {
        change(&mut body[..checksum]);
        let sum = crc32c::crc32c(&body[..checksum]);
        body[checksum..checksum + 4].copy_from_slice(&sum.to_le_bytes());
    });
}

fn forge_pages(data: &Path, pages: u32) {
    forge(data, META_BLOCK, 24, |meta| meta[12..16].copy_from_slice(&pages.to_le_bytes()));
}

fn forge_thread(data: &Path, thread: u64, operations: u64, sequence: u64) {
    let words = [operations, sequence].map(u64::to_le_bytes).concat();
    forge(data, FIRST_THREAD_BLOCK + thread, 16, |thread| thread.copy_from_slice(&words));
}

/// Changes how many operations have touched a data page, whose checksum is of all but itself.
fn forge_count(data: &Path, page: u64, count: u64) {
    forge::change(data, PAGE_BYTES, FIRST_DATA_BLOCK + page, |body| {
        body[..8].copy_from_slice(&count.to_le_bytes());
        let sum = crc32c::crc32c_append(crc32c::crc32c(&body[..40]), &body[44..]);
        body[40..44].copy_from_slice(&sum.to_le_bytes());
    });
}

/// What `verify` finds.
fn findings(dir: &Path) -> Vec<String> {
    let Ran { code, stderr, .. } = run("verify", dir, &[]);
    assert_eq!(code, Some(1), "{stderr}");
    stderr.lines().map(str::to_owned).collect()
}

#[test]
fn of_another_number_of_pages_than_the_file_has_none_is_read() {
    let parent = tempfile::tempdir().unwrap();
    forge_pages(&store(parent.path()), MANY);
    let found = findings(parent.path());
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].ends_with("the file has 69 pages, expected 4194369"), "{found:?}");
}

#[test]
fn pages_that_are_not_on_disk_are_read_up_to_a_limit() {
    let parent = tempfile::tempdir().unwrap();
    let (dir, empty) = (parent.path().join("store"), parent.path().join("empty"));
    forge_pages(&store(&dir), MANY);
    forge::list(&dir, &[[1, 65 + MANY, 0, 0]]);
    let new = Store::create(&empty, Config::default()).unwrap();
    let file = new.create_file(FileOptions::default()).unwrap();
    new.extend(file, 1).unwrap();
    new.close().unwrap();
    forge::list(&empty, &[[1, MANY, 0, 0]]);
    for dir in [dir, empty] {
        let found = findings(&dir);
        let last = found.last().map(String::as_str);
        assert_eq!(last, Some("and 65536 more findings; the rest was not read"), "{found:?}");
    }
}

#[test]
fn more_operations_than_the_log_has_had_room_for_are_not_replayed() {
    let parent = tempfile::tempdir().unwrap();
    let data = store(parent.path());
    for (operations, sequence) in [(1 << 23, 1 << 23), (1 << 60, 1 << 60)] {
        forge_thread(&data, 0, operations, sequence);
        let found = findings(parent.path());
        assert_eq!(found.len(), 1, "{found:?}");
        let words = [&format!("have done {operations} operations, expected "), "the log ends at"];
        assert!(words.iter().all(|words| found[0].contains(words)), "{found:?}");
    }
    forge_thread(&data, 0, u64::MAX, OPERATIONS);
    let found = findings(parent.path());
    assert!(found[1].starts_with("the greatest number is 50, but the threads"), "{found:?}");
}

#[test]
fn torture_names_the_page_whose_number_none_can_follow() {
    let refused = |operations: &str, words: &str, forge: fn(&Path)| {
        let parent = tempfile::tempdir().unwrap();
        forge(&store(parent.path()));
        let options = ["--ops", operations, "--threads", "1"];
        let found = format!("{words}: found 18446744073709551615, which none can follow");
        run("torture", parent.path(), &options).failed(1, &[&found]);
    };
    refused("1", "page 1:1: operations", |data| forge_thread(data, 0, u64::MAX, OPERATIONS));
    // Of a thread that does not run; then the one that does draws the last number there is.
    let last = "K of the last operation";
    refused("1", &format!("page 1:6: {last}"), |data| forge_thread(data, 5, 1, u64::MAX));
    refused("2", &format!("page 1:1: {last}"), |data| forge_thread(data, 5, 1, u64::MAX - 1));
    refused("1", "page 1:65: operations", |data| {
        (0..PAGES).for_each(|page| forge_count(data, page, u64::MAX));
    });
}
