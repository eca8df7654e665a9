//! The laboratory, in short. What makes devices needs root and a machine that has what it needs:
//!
//! ```sh
//! cargo test -p seawall-cli --test lab -- --ignored --nocapture
//! ```
//! Where that is not so, it says why, and that it was skipped.

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use support::Ran;
use tempfile::TempDir;

const TINY: [&str; 8] =
    ["--repeats", "1", "--warmup-seconds", "1", "--rows", "20000", "--pool-mib", "16"];

fn stall(dir: &Path, options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seawall"));
    command.args(["lab", "stall"]).args(TINY).args(options).stdin(Stdio::null());
    command.arg("--work-dir").arg(dir).arg("--out").arg(dir.join("report"));
    command
}

/// What it could not do here, if that is what it has said.
fn skipped(ran: &Ran) -> bool {
    let is_skipped = ran.code == Some(2) && ran.stderr.contains("it needs");
    if is_skipped {
        println!("SKIPPED: {}", ran.stderr.lines().next().unwrap_or_default());
    }
    is_skipped
}

/// Checks that no loop device, mount, limit or control group is left that names `dir` or `pid`.
fn assert_clean(dir: &Path, pid: u32) {
    let left: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name == "report"), "{left:?}");
    let dir = dir.to_str().unwrap();
    let devices = Command::new("losetup").arg("--all").output().unwrap().stdout;
    assert!(!String::from_utf8_lossy(&devices).contains(dir));
    assert!(!fs::read_to_string("/proc/mounts").unwrap().contains(dir));
    assert!(!Path::new(&format!("/sys/fs/cgroup/memory/seawall-lab-{pid}")).exists());
}

/// A directory that PostgreSQL's user can reach.
fn open_dir() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    dir
}

fn start(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
#[ignore = "takes a minute and root: see the top of this file"]
fn every_engine_has_its_turn_and_nothing_is_left() {
    let parent = open_dir();
    let child = start(&mut stall(parent.path(), &["--seconds", "3"]));
    let pid = child.id();
    let ran = Ran::from(child.wait_with_output().unwrap());
    if skipped(&ran) {
        return;
    }
    let printed = ran.fine();
    for engine in ["postgresql-flush-off", "postgresql-tuned", "seawall-no-control"] {
        assert!(printed.lines().any(|line| line.starts_with(engine)), "{engine} in {printed}");
    }
    let report = parent.path().join("report");
    assert!(fs::read_to_string(report.join("report.html")).unwrap().contains("<svg"));
    let runs = printed.lines().count() - 1;
    let seconds = fs::read_to_string(report.join("seconds.csv")).unwrap();
    assert_eq!(seconds.lines().count(), 1 + 3 * runs);
    assert_clean(parent.path(), pid);
}

#[test]
#[ignore = "takes root: see the top of this file"]
fn an_interrupt_leaves_nothing() {
    for (engine, after) in [("seawall-method-2", 5), ("postgresql-defaults", 8)] {
        let parent = open_dir();
        let mut child = start(&mut stall(parent.path(), &["--only", engine, "--seconds", "600"]));
        let (pid, started) = (child.id(), Instant::now());
        while started.elapsed() < Duration::from_secs(after) && child.try_wait().unwrap().is_none()
        {
            thread::sleep(Duration::from_millis(50));
        }
        // Fails if it was skipped.
        let _ = Command::new("kill").args(["-TERM", &pid.to_string()]).status();
        let ran = Ran::from(child.wait_with_output().unwrap());
        if skipped(&ran) {
            return;
        }
        ran.failed(3, &["interrupted"]);
        assert_clean(parent.path(), pid);
    }
}

#[test]
fn without_what_it_needs_it_says_so_and_offers_the_plain_bench() {
    if !Command::new("setpriv").arg("--version").output().is_ok_and(|ran| ran.status.success()) {
        println!("SKIPPED: no setpriv to become somebody else with");
        return;
    }
    let is_root = rustix::process::geteuid().is_root();
    let mut command = Command::new(if is_root { "setpriv" } else { env!("CARGO_BIN_EXE_seawall") });
    if is_root {
        command.args(["--reuid=65534", "--clear-groups", env!("CARGO_BIN_EXE_seawall")]);
    }
    let ran = Ran::from(command.args(["lab", "stall"]).stdin(Stdio::null()).output().unwrap());
    if ran.stderr.contains("Permission denied") {
        println!("SKIPPED: the program is out of reach of others: {}", ran.stderr);
        return;
    }
    ran.failed(2, &["this is not root", "cgroup v1", "seawall bench DIR"]);
}
