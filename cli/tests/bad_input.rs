//! Bad input: a clear error with the right exit code, and the files are untouched.

mod support;

use seawall::{Config, Error, FileOptions, Format, Store};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use support::{run, snapshot};

const COMMANDS: [&str; 3] = ["verify", "recover", "torture"];

fn store(dir: &Path) {
    run("torture", dir, &["--ops", "100", "--seed", "3"]).fine();
}

/// Runs a command that must fail, and checks that the directory is as it was.
fn refused(name: &str, dir: &Path, options: &[&str], code: i32, words: &[&str]) {
    let before = (dir.exists(), snapshot(dir));
    run(name, dir, options).failed(code, words);
    assert_eq!((dir.exists(), snapshot(dir)), before, "{name} {options:?}");
}

#[test]
fn a_directory_that_is_no_store_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let absent = parent.path().join("absent");
    let empty = parent.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let foreign = parent.path().join("foreign");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("letter.txt"), "dear reader").unwrap();
    for dir in [&absent, &empty, &foreign] {
        for name in ["verify", "recover"] {
            refused(name, dir, &[], 1, &["not a seawall store", dir.to_str().unwrap()]);
        }
        assert!(!dir.join("lock").exists());
    }
    for name in ["init", "torture"] {
        refused(name, &foreign, &[], 2, &["cannot create a store here", "letter.txt"]);
    }
    let file = foreign.join("letter.txt");
    for name in COMMANDS {
        refused(name, &file, &[], 3, &["letter.txt", "Not a directory"]);
    }
}

#[test]
fn a_store_of_another_format_is_refused_with_both_sizes() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path();
    store(dir);
    refused("torture", dir, &["--page-bytes", "16384"], 2, &["page_bytes is 16384, expected 8192"]);
    let options = ["--wal-segment-bytes", "2097152"];
    refused("torture", dir, &options, 2, &["wal_segment_bytes is 2097152, expected 1048576"]);

    let before = snapshot(dir);
    let format = Format { page_bytes: 16384, wal_segment_bytes: 1 << 20, ..Format::default() };
    let error = Store::open(dir, Config { format, ..Config::default() }).err().unwrap();
    assert!(matches!(error, Error::Config { setting: "page_bytes", .. }), "{error}");
    assert_eq!(snapshot(dir), before);
}

#[test]
fn a_store_of_another_version_is_refused_with_both_versions() {
    let parent = tempfile::tempdir().unwrap();
    store(parent.path());
    let control = File::options().write(true).open(parent.path().join("control")).unwrap();
    for slot in [0, 4096] {
        control.write_all_at(&7_u32.to_le_bytes(), slot + 8).unwrap();
    }
    for name in COMMANDS {
        refused(name, parent.path(), &[], 1, &["format version 7, supported is 1"]);
    }
}

#[test]
fn a_store_without_its_control_file_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path();
    store(dir);
    fs::remove_file(dir.join("control")).unwrap();
    for name in ["verify", "recover"] {
        refused(name, dir, &[], 1, &["not a seawall store: there is no control file"]);
    }
    for name in ["init", "torture"] {
        refused(name, dir, &[], 2, &["data/00000001.0 without a control file"]);
    }
}

#[test]
fn a_control_file_that_is_truncated_or_garbled_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path();
    store(dir);
    let path = dir.join("control");
    let good = fs::read(&path).unwrap();
    for len in [0, 1, 4095, 4096, 8191] {
        fs::write(&path, &good[..len]).unwrap();
        let words = format!("control file has {len} bytes, expected 8192");
        for name in COMMANDS {
            refused(name, dir, &[], 1, &[&words]);
        }
    }
    fs::write(&path, vec![b'x'; 8192]).unwrap();
    for name in COMMANDS {
        refused(name, dir, &[], 1, &["control file begins with 7878787878787878"]);
    }
    let mut garbled = good.clone();
    (garbled[40], garbled[4096 + 40]) = (!good[40], !good[4096 + 40]);
    fs::write(&path, &garbled).unwrap();
    for name in COMMANDS {
        refused(name, dir, &[], 1, &["no slot of the control file is valid"]);
    }
    fs::write(&path, &good).unwrap();
    assert_eq!(run("verify", dir, &[]).fine(), "last=100\n");
}

#[test]
fn a_second_process_is_refused_with_the_pid_of_the_first() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path();
    run("init", dir, &[]).fine();
    let store = Store::open(dir, Config::default()).unwrap();
    let words = format!("the store is in use; process {} opened it last", std::process::id());
    for name in COMMANDS {
        refused(name, dir, &[], 3, &[&words]);
    }
    refused("init", dir, &[], 2, &["the directory holds control"]);
    store.close().unwrap();
    assert_eq!(run("verify", dir, &[]).fine(), "last=0\n");
}

#[test]
fn options_that_are_unknown_or_out_of_range_are_refused_before_anything_is_touched() {
    let parent = tempfile::tempdir().unwrap();
    let (absent, dir) = (parent.path().join("absent"), parent.path().join("store"));
    store(&dir);
    let cases: [(&[&str], &str); 20] = [
        (&["--frobnicate"], "--frobnicate"),
        (&["--threads", "0"], "1..=64"),
        (&["--threads", "65"], "1..=64"),
        (&["--threads", "-1"], "-1"),
        (&["--threads", "many"], "many"),
        (&["--buffers", "3"], "8.."),
        (&["--buffers", "99999999999"], "99999999999"),
        (&["--pages", "0"], "4.."),
        (&["--seed", "x"], "--seed"),
        (&["--seconds", "1", "--ops", "1"], "cannot be used with"),
        (&["--seconds", "0"], "1.."),
        (&["--ops", "-5"], "-5"),
        (&["--checkpoint-every", "soon"], "ms, s or m"),
        (&["--checkpoint-every", "99999999999999999s"], "too long"),
        (&["--checkpoint-every", "1500m"], "checkpoint_timeout"),
        (&["--page-bytes", "5000"], "page_bytes is 5000, expected a power of two"),
        (&["--wal-segment-bytes", "8192"], "wal_segment_bytes is 8192"),
        (&["--wal-buffer-bytes", "1000"], "wal_buffer_bytes is 1000"),
        (&["--wal-max-bytes", "1"], "wal_max_bytes is 1"),
        (&["--sync-queue", "0"], "sync_queue_capacity is 0, expected 1"),
    ];
    for (options, word) in cases {
        for dir in [&absent, &dir] {
            refused("torture", dir, options, 2, &[word]);
        }
    }
    refused("init", &absent, &["--page-bytes", "5000"], 2, &["page_bytes is 5000"]);
    refused("verify", &dir, &["--buffers", "3"], 2, &["4.."]);
    refused("demo", &dir, &["--seconds", "0"], 2, &["1..=3600"]);
    refused("demo", &dir, &[], 2, &["the directory holds control"]);
}

#[test]
fn a_seed_or_a_number_of_pages_that_is_not_the_datas_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path();
    store(dir);
    run("torture", dir, &["--seed", "4"]).failed(2, &["--seed is 4, expected 3"]);
    run("torture", dir, &["--pages", "50"]).failed(2, &["--pages is 50, expected 1000"]);
    run("torture", dir, &["--seed", "3", "--pages", "1000", "--ops", "1"]).fine();
    assert_eq!(run("verify", dir, &[]).fine(), "last=101\n");
}

#[test]
fn data_that_is_not_tortures_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path();
    let store = Store::create(dir, Config::default()).unwrap();
    let file = store.create_file(FileOptions::default()).unwrap();
    store.extend(file, 3).unwrap();
    let mut operation = store.operation();
    operation.page(seawall::PageId::new(file, 0)).unwrap().write(0, b"accounts").unwrap();
    store.commit(operation).unwrap();
    store.close().unwrap();
    for name in ["verify", "torture"] {
        run(name, dir, &[]).failed(1, &["page 1:0: not torture data"]);
    }
    run("recover", dir, &[]).fine();
}
