//! System calls of real processes that fail, are interrupted, end early, or are never made since
//! the process is killed there: by `strace -e inject`, and by limits of the system.
//!
//! strace counts the calls of each thread for itself. A call that it fails is not made. It can
//! also make a write look short that was not made at all: bytes would be missing in the middle
//! without an error, as no kernel does it, so short writes are made by a limit on the file's size.
//!
//! `SEAWALL_INJECT_CALLS=N` takes the first N calls of each kind instead of a few.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use support::{Ran, check_acks, command, last, run};
use tempfile::TempDir;

/// Small segments that are recycled, a pool that evicts, checkpoints all the time.
const WORK: [&str; 8] =
    ["--buffers", "16", "--checkpoint-every", "0", "--threads", "2", "--ops", "120"];
const OPS: u64 = 120;
const THREADS: u64 = 2;

const FORMAT: [&str; 8] = [
    "--wal-segment-bytes",
    "32768",
    "--wal-block-bytes",
    "4096",
    "--data-segment-bytes",
    "262144",
    "--pages",
    "60",
];

/// The calls that change a store, and whether it is one that goes through the page cache.
const CHANGING: [(&str, bool); 8] = [
    ("pwrite64", false),
    ("pwritev", false),
    ("fsync", false),
    ("fallocate", false),
    ("rename", false),
    ("pwrite64", true),
    ("fdatasync", true),
    ("sync_file_range", true),
];

const FAILING: [(&str, bool, &str, &str); 14] = [
    ("pwrite64", false, "EIO", "os error 5"),
    ("pwrite64", false, "ENOSPC", "os error 28"),
    ("pwrite64", true, "EDQUOT", "os error 122"),
    ("pwritev", false, "EIO", "os error 5"),
    ("pwritev", true, "ENOSPC", "os error 28"),
    ("pwritev", false, "EDQUOT", "os error 122"),
    ("preadv", false, "EIO", "os error 5"),
    ("fsync", false, "EIO", "os error 5"),
    ("fallocate", false, "ENOSPC", "os error 28"),
    ("fallocate", false, "EDQUOT", "os error 122"),
    ("rename", false, "EIO", "os error 5"),
    ("fdatasync", true, "EIO", "os error 5"),
    ("fdatasync", true, "ENOSPC", "os error 28"),
    ("sync_file_range", true, "EIO", "os error 5"),
];

/// Which calls are hit: the first so many of each kind, or a few.
fn numbers(few: &[u64]) -> Vec<u64> {
    match std::env::var("SEAWALL_INJECT_CALLS") {
        Ok(calls) => (1..=calls.parse().unwrap()).collect(),
        Err(_) => few.to_vec(),
    }
}

/// Says why nothing can be injected, if so.
fn is_skipped() -> bool {
    let traced = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).output();
    let reason = match traced {
        Ok(traced) if traced.status.success() => return false,
        Ok(traced) => String::from_utf8_lossy(&traced.stderr).into_owned(),
        Err(error) => format!("{error}: apt-get install strace"),
    };
    println!("skipped: strace does not work here: {reason}");
    true
}

/// A store that goes from one injection to the next.
struct Store {
    parent: TempDir,
    dir: PathBuf,
    last: u64,
}

/// What torture with an injection has left.
struct Injected {
    ran: Ran,
    is_killed: bool,
    acked: u64,
    /// The calls that were hit, with the paths of their files.
    hits: Vec<String>,
}

impl Store {
    fn new() -> Self {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("store");
        run("torture", &dir, &[&["--ops", "20"][..], &FORMAT].concat()).fine();
        Self { parent, dir, last: 20 }
    }

    /// Runs torture below strace, and perhaps below another program.
    fn torture(&self, buffered: bool, calls: &str, inject: &str, below: &[&str]) -> Injected {
        let log = self.parent.path().join("log");
        let torture = command("torture", &self.dir, &WORK);
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-y", "-o"]).arg(&log).arg(format!("-etrace={calls}"));
        if !inject.is_empty() {
            strace.arg(format!("-einject={calls}:{inject}"));
        }
        strace.args(below).arg(torture.get_program()).args(torture.get_args());
        strace.args(buffered.then_some("--buffered")).stdin(Stdio::null());
        let output = strace.output().unwrap();
        let is_killed = output.status.signal() == Some(9);
        let ran = Ran::from(output);
        let acked = check_acks(&ran.stdout, self.last).unwrap_or_else(|what| panic!("{what}"));
        let hits = hits(&fs::read_to_string(&log).unwrap());
        Injected { hits, ran, is_killed, acked }
    }

    /// Checks that what was acknowledged is there, and no more than what was under way besides.
    fn verify(&mut self, acked: u64) {
        self.last = last(&run("verify", &self.dir, &[]).fine());
        let found = self.last;
        assert!((acked..=acked + THREADS).contains(&found), "ack {acked}, {found} found");
    }
}

/// The calls in a log that were hit. A call during which another thread is told of has two lines,
/// the first with its file.
fn hits(log: &str) -> Vec<String> {
    let (mut begun, mut hits) = (BTreeMap::new(), Vec::new());
    for line in log.lines() {
        let thread = line.split(' ').next().unwrap_or_default();
        if line.contains("<unfinished ...>") {
            begun.insert(thread, line);
        } else if line.contains("INJECTED") {
            let first = begun.get(thread).filter(|_| line.contains(" resumed>"));
            hits.push(format!("{} {line}", first.unwrap_or(&"")));
        }
    }
    hits
}

#[test]
fn killed_at_whatever_call_a_store_has_all_that_was_acknowledged() {
    if is_skipped() {
        return;
    }
    for (call, buffered) in CHANGING {
        let (mut store, mut kills, mut acks) = (Store::new(), 0, 0);
        for n in numbers(&[1, 11]) {
            let before = store.last;
            let injected = store.torture(buffered, call, &format!("signal=SIGKILL:when={n}"), &[]);
            let ran = &injected.ran;
            assert!(injected.is_killed || ran.code == Some(0), "{call} {n}: {ran:?}");
            kills += u64::from(injected.is_killed);
            acks += injected.acked - before;
            store.verify(injected.acked);
        }
        println!("{call}, buffered {buffered}: {kills} kills, {acks} acknowledged, none lost");
        assert!(kills > 0, "no call of {call} was hit");
    }
}

#[test]
fn a_call_that_fails_poisons_if_it_made_durable_and_is_named_and_loses_nothing() {
    if is_skipped() {
        return;
    }
    for (call, buffered, errno, words) in FAILING {
        let (mut store, mut hits, mut poisoned, mut refused) = (Store::new(), 0, 0, 0);
        for n in numbers(&[1, 4]) {
            let injected = store.torture(buffered, call, &format!("error={errno}:when={n}"), &[]);
            let say = format!("{call} {n} {errno}: {:?} {:?}", injected.hits, injected.ran);
            let is_poisoned = injected.ran.stderr.contains("the store is poisoned (");
            let poisoning = injected.hits.iter().filter(|hit| made_durable(hit)).count();
            match injected.ran.code {
                Some(0) => assert_eq!(injected.acked, store.last + OPS, "{say}"),
                Some(3) => {
                    refused += 1;
                    assert!(names_what_failed(&injected.ran.stderr, words), "{say}");
                }
                _ => panic!("{say}"),
            }
            // Where calls of both kinds were hit, either may be the first to be told.
            if poisoning == injected.hits.len() || poisoning == 0 {
                assert_eq!(is_poisoned, poisoning > 0, "{say}");
            }
            hits += injected.hits.len();
            poisoned += u64::from(is_poisoned);
            store.verify(injected.acked);
        }
        println!("{call} {errno}: {hits} hit, {refused} runs ended by them, {poisoned} poisoned");
        assert!(hits > 0, "no call of {call} was hit");
    }
}

/// Whether what was hit is a sync, or a write to the log: the store is poisoned by it.
fn made_durable(hit: &str) -> bool {
    let is_log = hit.contains("/wal/0");
    hit.contains("sync") || (hit.contains("pwrite64") && is_log)
}

fn names_what_failed(stderr: &str, words: &str) -> bool {
    let places = ["wal", "data", "control", "lock", "the store's directory"];
    stderr.lines().any(|line| {
        let is_named = places.iter().any(|place| line.contains(&format!(" of {place}")));
        let is_page = line.contains(" of page ") && line.contains(" in data/");
        line.starts_with("seawall: ") && (is_named || is_page) && line.contains(words)
    }) && !stderr.contains("panicked")
}

#[test]
fn interrupted_calls_are_made_again_and_nobody_notices() {
    if is_skipped() {
        return;
    }
    let calls = "pwrite64,pwritev,preadv,fsync,fdatasync,sync_file_range,fallocate,ftruncate";
    for buffered in [false, true] {
        let mut store = Store::new();
        // Of each kind and thread the first call, and then each other one.
        let injected = store.torture(buffered, calls, "error=EINTR:when=1+2", &[]);
        assert_eq!(injected.ran.code, Some(0), "{:?}", injected.ran);
        assert_eq!(injected.acked, store.last + OPS);
        let of = |call: &str| injected.hits.iter().filter(|hit| hit.contains(call)).count();
        let counts: Vec<_> = calls.split(',').map(|call| (call, of(call))).collect();
        println!("buffered {buffered}: interrupted {counts:?}");
        assert!(of("pwrite64(") > 10 && of("pwritev(") > 10 && of("preadv(") > 10, "{counts:?}");
        assert!(!buffered || of("fdatasync(") > 10 && of("sync_file_range(") > 3, "{counts:?}");
        store.verify(injected.acked);
    }
}

#[test]
fn beyond_the_limit_of_a_files_size_a_write_is_short_and_then_an_error_and_the_store_goes_on() {
    if Command::new("prlimit").arg("--version").output().is_err() {
        println!("skipped: there is no prlimit here: apt-get install util-linux");
        return;
    }
    if is_skipped() {
        return;
    }
    let failed = "write of page 1:9 in data/00000001.0 at offset 73728 failed: File too large";
    for buffered in [false, true] {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("store");
        run("init", &dir, &FORMAT[..6]).fine();
        let mut store = Store { parent, dir, last: 0 };
        // Half of the tenth page.
        let injected = store.torture(buffered, "pwritev", "", &["prlimit", "--fsize=77824"]);
        injected.ran.failed(3, &[failed]);
        let log = fs::read_to_string(store.parent.path().join("log")).unwrap();
        let is_short = |line: &str| line.contains("data/") && line.ends_with("= 4096");
        let short = log.lines().filter(|line| is_short(line)).count();
        println!("buffered {buffered}: {short} short writes");
        assert!(short > 0, "{log}");
        store.verify(injected.acked);
    }
}
