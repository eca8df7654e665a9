//! Running the binary, and comparing what a directory holds.
#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod forge;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What a run of the binary has left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A command of the binary on a directory.
pub(crate) fn command(name: &str, dir: &Path, options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seawall"));
    command.arg(name).arg("--dir").arg(dir).args(options).stdin(Stdio::null());
    command
}

pub(crate) fn run(name: &str, dir: &Path, options: &[&str]) -> Ran {
    Ran::from(command(name, dir, options).output().unwrap())
}

/// A tool that takes the directory as its last argument but the options.
pub(crate) fn tool(words: &[&str], dir: &Path, options: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seawall"));
    command.args(words).arg(dir).args(options).stdin(Stdio::null());
    Ran::from(command.output().unwrap())
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// Checks that it has ended well; gives its stdout.
    pub(crate) fn fine(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.stdout
    }

    /// Checks that it has ended with `code` and said each of `words` on stderr.
    pub(crate) fn failed(self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(words.iter().all(|word| self.stderr.contains(word)), "{words:?} in {self:?}");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
    }
}

/// Checks that what a tool prints with `--json` is one object a line.
pub(crate) fn objects_or_text(ran: &Ran, words: &[&str], say: &str) {
    if words.contains(&"--json") {
        for line in ran.stdout.lines() {
            let object: Result<serde_json::Value, _> = serde_json::from_str(line);
            assert!(object.is_ok_and(|object| object.is_object()), "{say}: {line}");
        }
    }
}

/// Starts a command, interrupts it once its work has begun, and checks that it says so at its end.
pub(crate) fn interrupt(command: &mut Command, has_begun: impl Fn() -> bool) {
    let mut running = command.stderr(Stdio::null()).spawn().unwrap();
    while !has_begun() {
        assert!(running.try_wait().unwrap().is_none(), "it runs");
        std::thread::yield_now();
    }
    let pid = running.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(running.wait().unwrap().code(), Some(3));
}

/// The number that `verify` has printed.
pub(crate) fn last(stdout: &str) -> u64 {
    let last = stdout.lines().find_map(|line| line.strip_prefix("last="));
    last.unwrap_or_else(|| panic!("no last= in {stdout:?}")).parse().unwrap()
}

/// The highest acknowledgement: they go on after `last` and rise by one. A line that the kill has
/// cut says nothing.
pub(crate) fn check_acks(told: &str, last: u64) -> Result<u64, String> {
    let mut acked = last;
    for line in told.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        if line != format!("ack {}\n", acked + 1) {
            return Err(format!("{line:?} after ack {acked}"));
        }
        acked += 1;
    }
    Ok(acked)
}

/// Lengths and hashes of all files below a directory, without the lock file: that names its last
/// holder.
pub(crate) fn snapshot(dir: &Path) -> BTreeMap<String, (u64, u64)> {
    let mut files = BTreeMap::new();
    collect(dir, dir, &mut files);
    files
}

fn collect(root: &Path, dir: &Path, files: &mut BTreeMap<String, (u64, u64)>) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            collect(root, &path, files);
            files.insert(format!("{name}/"), (0, 0));
        } else if name != "lock" {
            let bytes = std::fs::read(&path).unwrap();
            let mut hasher = DefaultHasher::new();
            bytes.hash(&mut hasher);
            files.insert(name, (bytes.len() as u64, hasher.finish()));
        }
    }
}
