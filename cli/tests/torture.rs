//! Torture and verify, on stores that nobody kills.

mod support;

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use support::{command, last, run};

/// Few pages in a small pool, little log in memory, checkpoints all the time.
const HARD: [&str; 14] = [
    "--threads",
    "4",
    "--buffers",
    "16",
    "--checkpoint-every",
    "0",
    "--wal-segment-bytes",
    "32768",
    "--wal-block-bytes",
    "4096",
    "--wal-buffer-bytes",
    "4096",
    "--sync-queue",
    "1",
];

#[test]
fn every_operation_is_acknowledged_in_order_and_found_by_verify() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("store");
    let told = run("torture", &dir, &["--ops", "500", "--seed", "1"]).fine();
    let expected: String = (1..=500).map(|number| format!("ack {number}\n")).collect();
    assert_eq!(told, expected);
    assert_eq!(run("verify", &dir, &[]).fine(), "last=500\n");
}

#[test]
fn a_second_run_goes_on_counting_also_with_other_threads() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path();
    let mut expected = 0;
    for (threads, ops) in [("4", 100), ("1", 50), ("64", 200), ("2", 50)] {
        let ops_text = ops.to_string();
        let told = run("torture", dir, &["--ops", &ops_text, "--threads", threads]).fine();
        assert_eq!(told.lines().next(), Some(format!("ack {}", expected + 1).as_str()));
        expected += ops;
        assert_eq!(last(&run("verify", dir, &[]).fine()), expected);
    }
}

#[test]
fn a_pool_that_is_too_small_for_all_threads_only_makes_them_wait() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path();
    run("torture", dir, &[&HARD[..], &["--ops", "1500", "--pages", "100"]].concat()).fine();
    assert_eq!(last(&run("verify", dir, &["--buffers", "4"]).fine()), 1500);
}

#[test]
fn no_operations_are_a_store_that_is_fine() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path();
    assert_eq!(run("torture", dir, &["--ops", "0"]).fine(), "");
    assert_eq!(run("verify", dir, &[]).fine(), "last=0\n");
}

#[test]
fn an_empty_store_can_be_verified_and_filled() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path();
    run("init", dir, &["--page-bytes", "4096"]).fine();
    assert_eq!(run("verify", dir, &[]).fine(), "last=0\n");
    let report = run("recover", dir, &[]).fine();
    assert!(report.contains("the store was closed; redo from"), "{report}");
    assert!(report.contains("checkpoint complete: wrote 0 buffers"), "{report}");
    run("torture", dir, &["--ops", "10"]).fine();
    assert_eq!(run("verify", dir, &[]).fine(), "last=10\n");
}

#[test]
fn a_reader_who_leaves_ends_torture_without_a_panic() {
    let parent = tempfile::tempdir().unwrap();
    let mut torture = command("torture", parent.path(), &[]);
    let mut torture = torture.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(torture.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert_eq!(first, "ack 1\n");
    let mut told = String::new();
    torture.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert_eq!(torture.wait().unwrap().code(), Some(0), "{told}");
    assert!(!told.contains("panicked"), "{told}");
    assert!(last(&run("verify", parent.path(), &[]).fine()) >= 1);
}
