//! `lab pace`, on paper.

mod support;

use std::path::Path;
use std::process::{Command, Stdio};
use support::Ran;

fn pace(out: &Path, options: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seawall"));
    command.args(["lab", "pace", "--pages", "1000", "--spread", "10s", "--out"]).arg(out);
    Ran::from(command.args(options).stdin(Stdio::null()).output().unwrap())
}

#[test]
fn a_checkpoint_on_paper_is_drawn_and_ends_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("pace.svg");
    let printed = pace(&out, &[]).fine();
    let took = ["in 9.", "in 10."].iter().any(|took| printed.contains(took));
    assert!(took && printed.starts_with("1000 pages, 1000 by the checkpoint"), "{printed}");
    let chart = std::fs::read_to_string(out).unwrap();
    assert!(chart.starts_with("<svg") && chart.contains("even rate"), "{chart:.300}");
}

#[test]
fn what_others_write_is_left_to_them() {
    let dir = tempfile::tempdir().unwrap();
    let printed = pace(&dir.path().join("pace.svg"), &["--others-per-s", "90"]).fine();
    let (_, own) = printed.split_once("1000 pages, ").unwrap();
    let own: u32 = own.split_once(' ').unwrap().0.parse().unwrap();
    assert!((50..200).contains(&own), "{printed}");
}

#[test]
fn a_device_that_is_too_slow_is_late() {
    let dir = tempfile::tempdir().unwrap();
    let printed = pace(&dir.path().join("pace.svg"), &["--write", "20ms"]).fine();
    assert!(printed.contains("by the checkpoint, in 20.000 s of 10.000 s"), "{printed}");
}
