//! Damage to a closed store is found and named.

mod support;

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use support::run;

const PAGE_BYTES: u64 = 8192;

/// Block of the first data page.
const FIRST_DATA_BLOCK: u64 = 65;
const PAGES: u64 = 50;

/// A closed store with torture data.
fn store(dir: &Path, operations: &str) -> PathBuf {
    let options = ["--ops", operations, "--pages", "50", "--seed", "3"];
    run("torture", dir, &options).fine();
    dir.join("data/00000001.0")
}

fn page(file: &Path, block: u64) -> Vec<u8> {
    let mut bytes = vec![0; PAGE_BYTES as usize];
    File::open(file).unwrap().read_exact_at(&mut bytes, block * PAGE_BYTES).unwrap();
    bytes
}

fn replace(file: &Path, block: u64, bytes: &[u8]) {
    let file = File::options().write(true).open(file).unwrap();
    file.write_all_at(bytes, block * PAGE_BYTES).unwrap();
}

#[test]
fn a_flipped_bit_in_any_kind_of_page_is_found_and_the_page_named() {
    let parent = tempfile::tempdir().unwrap();
    let data = store(parent.path(), "300");
    for block in [0, 1, 64, FIRST_DATA_BLOCK, FIRST_DATA_BLOCK + PAGES - 1] {
        let good = page(&data, block);
        let mut bad = good.clone();
        bad[5000] ^= 4;
        replace(&data, block, &bad);
        let name = format!("page 1:{block}: ");
        run("verify", parent.path(), &[]).failed(1, &[&name, "checksum in the page"]);
        replace(&data, block, &good);
        assert_eq!(run("verify", parent.path(), &[]).fine(), "last=300\n");
    }
}

#[test]
fn all_damaged_pages_are_listed() {
    let parent = tempfile::tempdir().unwrap();
    let data = store(parent.path(), "300");
    for block in [70, 80, 90] {
        replace(&data, block, &[0; 512]);
    }
    let zeros = vec![0; PAGE_BYTES as usize];
    replace(&data, 100, &zeros);
    let listed = ["page 1:70: ", "page 1:80: ", "page 1:90: ", "page 1:100: found zeros"];
    run("verify", parent.path(), &[]).failed(1, &listed);
}

#[test]
fn an_older_version_of_a_page_is_found_though_its_checksum_is_right() {
    let parent = tempfile::tempdir().unwrap();
    let data = store(parent.path(), "300");
    let blocks = [1, FIRST_DATA_BLOCK, FIRST_DATA_BLOCK + 7];
    let old = blocks.map(|block| page(&data, block));
    run("torture", parent.path(), &["--ops", "500"]).fine();
    for (block, old) in blocks.into_iter().zip(old) {
        let good = page(&data, block);
        assert_ne!(good, old);
        replace(&data, block, &old);
        let words: &[&str] = match block {
            1 => &["the greatest number is", "but the threads have done"],
            65 => &["page 1:65: operations: expected"],
            _ => &["page 1:72: operations: expected", "page 1:72: last operation: expected"],
        };
        run("verify", parent.path(), &[]).failed(1, words);
        replace(&data, block, &good);
    }
    assert_eq!(run("verify", parent.path(), &[]).fine(), "last=800\n");
}

#[test]
fn a_page_in_another_ones_place_is_found() {
    let parent = tempfile::tempdir().unwrap();
    let data = store(parent.path(), "300");
    replace(&data, 70, &page(&data, 71));
    run("verify", parent.path(), &[]).failed(1, &["page 1:70: found page 1:71 in its place"]);
}

#[test]
fn a_data_file_that_is_cut_is_found() {
    let parent = tempfile::tempdir().unwrap();
    let data = store(parent.path(), "300");
    File::options().write(true).open(&data).unwrap().set_len(100 * PAGE_BYTES).unwrap();
    let words = ["15 pages of the last checkpoint", "page 1:100", "page 1:114"];
    run("verify", parent.path(), &[]).failed(1, &words);
}

#[test]
fn a_log_that_is_gone_or_empty_is_an_error_and_never_an_empty_store() {
    let parent = tempfile::tempdir().unwrap();
    store(parent.path(), "300");
    let segments: Vec<PathBuf> = fs::read_dir(parent.path().join("wal"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    for segment in &segments {
        fs::write(segment, vec![0; 1 << 20]).unwrap();
    }
    refused(parent.path(), &["the WAL ends at", "bytes are lost"]);
    for segment in &segments {
        fs::remove_file(segment).unwrap();
    }
    refused(parent.path(), &["is missing, in which the redo point"]);
}

fn refused(dir: &Path, words: &[&str]) {
    let before = support::snapshot(dir);
    for name in ["verify", "recover", "torture"] {
        run(name, dir, &[]).failed(1, words);
    }
    assert_eq!(support::snapshot(dir), before);
}
