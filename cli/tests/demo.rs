//! The demo, in short.

mod support;

use std::process::Command;
use support::{Ran, last, run};

#[test]
fn the_demo_kills_its_worker_and_finds_every_commit() {
    let parent = tempfile::tempdir().unwrap();
    let mut demo = Command::new(env!("CARGO_BIN_EXE_seawall"));
    let demo = demo.args(["demo", "--seconds", "3"]).env("TMPDIR", parent.path());
    let told = Ran::from(demo.output().unwrap()).fine();
    for field in ["commits/s", "p99.9", "checkpoint complete: wrote", "SIGKILL", "redo from"] {
        assert!(told.contains(field), "{field} in {told}");
    }
    assert!(told.contains("verdict       fine"), "{told}");
    let left: Vec<_> = std::fs::read_dir(parent.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_demo_keeps_a_directory_that_it_was_given() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("kept");
    let told = run("demo", &dir, &["--seconds", "1"]).fine();
    let found = told.lines().find_map(|line| line.strip_prefix("commits found ")).unwrap();
    let found: u64 = found.split(':').next().unwrap().parse().unwrap();
    assert_eq!(last(&run("verify", &dir, &[]).fine()), found);
}
