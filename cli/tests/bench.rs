//! `bench`, in short: counts, no times.

mod support;

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use support::Ran;

fn command(dir: &Path, options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seawall"));
    command.arg("bench").arg(dir).args(options).stdin(Stdio::null());
    command
}

fn bench(dir: &Path, options: &[&str]) -> Ran {
    Ran::from(command(dir, options).output().unwrap())
}

const SHORT: [&str; 6] = ["--rows", "1000", "--seconds", "1", "--warmup-seconds", "0"];

#[test]
fn every_second_is_told_and_the_store_is_gone_afterwards() {
    let parent = tempfile::tempdir().unwrap();
    let (dir, wal_dir) = (parent.path().join("store"), parent.path().join("wal"));
    let wal = ["--wal-dir", wal_dir.to_str().unwrap(), "--checkpoint-every", "300ms", "--json"];
    let printed = bench(&dir, &[&SHORT[..], &wal].concat()).fine();
    let lines: Vec<Value> =
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |event| lines.iter().filter(move |line| line["event"] == event);
    assert_eq!(of("loaded").next().unwrap()["rows"], 1000);
    assert_eq!((of("measuring").count(), of("second").count()), (1, 1));
    // How many there are in a second, and whether the last one is complete, depends on the disk.
    for line in of("checkpoint") {
        let (start, phases) = (&line["start_epoch_ms"], &line["phases"]);
        let is_told = phases.is_null() || phases["total_ms"].is_u64();
        assert!(start.is_u64() && is_told, "{printed}");
    }
    let summary = of("summary").next().unwrap();
    assert!(summary["commits"].as_u64().unwrap() > 0, "{summary}");
    assert_eq!(summary["commits"], of("second").next().unwrap()["commits"]);
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0, "files are left");
}

#[test]
fn a_store_that_is_kept_can_be_opened_and_its_directory_is_not_used_again() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("store");
    let printed = bench(&dir, &[&SHORT[..], &["--keep"]].concat()).fine();
    assert!(printed.lines().nth(1).unwrap().starts_with("ours "), "{printed}");
    support::run("recover", &dir, &[]).fine();
    let before = support::snapshot(&dir);
    bench(&dir, &SHORT).failed(2, &["store holds ", "expected nothing"]);
    assert_eq!(support::snapshot(&dir), before);
}

#[test]
fn an_interrupt_leaves_an_empty_directory_as_it_was() {
    let parent = tempfile::tempdir().unwrap();
    let mut command = command(parent.path(), &["--rows", "1000", "--seconds", "600"]);
    support::interrupt(&mut command, || parent.path().join("control").exists());
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0, "files are left");
}

#[test]
fn a_variant_that_is_none_is_refused_with_those_there_are() {
    let parent = tempfile::tempdir().unwrap();
    bench(parent.path(), &["--variant", "hope"]).failed(2, &["hope", "no-control, method-1"]);
}
