//! `testfsync`, in short.

mod support;

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use support::Ran;

fn command(dir: &Path, options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seawall"));
    command.arg("testfsync").arg(dir).args(options).stdin(Stdio::null());
    command
}

fn testfsync(dir: &Path, options: &[&str]) -> Ran {
    Ran::from(command(dir, options).output().unwrap())
}

#[test]
fn every_method_is_measured_or_said_to_be_impossible_and_one_is_chosen() {
    let parent = tempfile::tempdir().unwrap();
    let printed = testfsync(parent.path(), &["--seconds", "1", "--json"]).fine();
    let report: Value = serde_json::from_str(&printed).unwrap();
    let sizes = report["block_sizes"].as_array().unwrap();
    assert_eq!(sizes.iter().map(|size| &size["block_bytes"]).collect::<Vec<_>>(), [4096, 8192]);
    for size in sizes {
        let methods = size["methods"].as_array().unwrap();
        assert_eq!(methods.len(), 7);
        for method in methods.iter().filter(|method| method["unsupported"].is_null()) {
            let [p50, p99, max] =
                ["p50_us", "p99_us", "max_us"].map(|name| method[name].as_f64().unwrap());
            assert!(0.0 < p50 && p50 <= p99 && p99 <= max, "{method}");
            assert!(method["writes_per_s"].as_f64().unwrap() > 0.0, "{method}");
        }
        let chosen = size["choose"]["wal_sync"].as_str().unwrap();
        assert!(["Fdatasync", "Fsync", "OpenDatasync", "OpenSync"].contains(&chosen), "{size}");
    }
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0, "files are left");
}

#[test]
fn blocks_that_direct_io_does_not_take_are_listed_as_such() {
    let parent = tempfile::tempdir().unwrap();
    let printed = testfsync(parent.path(), &["--seconds", "1", "--block-bytes", "1024"]).fine();
    let words = "not supported here: blocks of 1024 bytes are no multiple of 4096";
    assert_eq!(printed.matches(words).count(), 2, "{printed}");
    assert!(printed.contains("choose: wal_sync = "), "{printed}");
}

#[test]
fn an_interrupt_leaves_no_file() {
    let parent = tempfile::tempdir().unwrap();
    let mut command = command(parent.path(), &["--seconds", "600"]);
    support::interrupt(&mut command, || fs::read_dir(parent.path()).unwrap().count() >= 7);
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0, "files are left");
}

#[test]
fn a_directory_or_size_that_is_impossible_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    testfsync(&parent.path().join("absent"), &[]).failed(3, &["absent", "No such file"]);
    testfsync(parent.path(), &["--block-bytes", "5000"]).failed(2, &["a power of two"]);
    testfsync(parent.path(), &["--seconds", "0"]).failed(2, &["1..=3600"]);
}
