//! One search in a process of its own, both sides of it.
//!
//! A failing search may leak threads of the model, poison its checker, or abort when a second
//! check panics while the first unwinds: none of that may reach the next search.
//!
//! # Exit codes of a child
//! `0` passed, `1` the model failed, anything else: the runner itself is broken.

use crate::explore::explore;
use crate::record;
use crate::report::{Failure, Report};
use crate::spec::{Engine, Model};
use std::env;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::panic::{self, PanicHookInfo};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio, exit};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// The subcommand that makes a process a child.
pub const SUBCOMMAND: &str = "check";

/// The exit code of a child whose runner is gone.
const ORPHANED: i32 = 3;

/// The signal of abort: how a process dies of a panic during a panic.
const SIGABRT: i32 = 6;

/// The child's side: explores, reports on stdout; the exit code.
pub fn serve(model: &Model, engine: Engine) -> u8 {
    thread::spawn(exit_with_the_runner);
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        print(info);
        send(&Report::of_panic(record::executions(), message(info)));
    }));
    let report = explore(model, engine);
    send(&report);
    // The caller exits without dropping anything, see `explore`.
    u8::from(report.failure.is_some())
}

/// The runner holds the other end of stdin: it ends when the runner does, however that happens.
fn exit_with_the_runner() {
    let _ = io::stdin().read(&mut [0]);
    exit(ORPHANED);
}

fn message(info: &PanicHookInfo<'_>) -> String {
    info.payload_as_str().unwrap_or("a panic without a message").to_owned()
}

fn send(report: &Report) {
    let mut out = io::stdout().lock();
    // Nobody listens any more: then nobody needs to know.
    let _ = out.write_all(report.to_lines().as_bytes()).and_then(|()| out.flush());
}

/// A child to run.
#[derive(Debug)]
pub struct Search<'a> {
    /// The runner's binary, or that of the mutated copy.
    pub program: &'a Path,
    /// The model.
    pub model: &'static Model,
    /// One of its engines.
    pub engine: Engine,
    /// A variable to set, for the mutated copy.
    pub variable: Option<(&'static str, &'static str)>,
    /// After this long it is killed.
    pub limit: Option<Duration>,
}

/// How a child ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The model holds.
    Passed,
    /// The model failed.
    Failed(Failure),
    /// It was killed at its limit.
    TimedOut(Duration),
    /// It ended in a way that says nothing about the model.
    Broken(String),
}

/// All about a child that has ended.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub verdict: Verdict,
    /// What it counted, as far as it is known.
    pub report: Report,
    /// What it printed for people.
    pub stderr: String,
    /// How long it took.
    pub time: Duration,
}

impl Search<'_> {
    /// Runs the child to its end.
    pub fn run(&self) -> Finished {
        let start = Instant::now();
        let ended = self.spawn().and_then(|child| wait(child, self.limit));
        let time = start.elapsed();
        match ended {
            Ok(Ended { status, stdout, stderr }) => {
                let report = Report::parse(&stdout);
                let verdict = self.verdict(status, report.as_ref());
                Finished { verdict, report: report.unwrap_or_default(), stderr, time }
            }
            Err(error) => {
                let verdict =
                    Verdict::Broken(format!("cannot run {}: {error}", self.program.display()));
                Finished { verdict, report: Report::default(), stderr: String::new(), time }
            }
        }
    }

    fn spawn(&self) -> io::Result<Child> {
        let arguments: [OsString; 3] =
            [SUBCOMMAND.into(), self.model.name.into(), self.engine.name().into()];
        let mut command = Command::new(self.program);
        if env::var_os("RUST_BACKTRACE").is_none_or(|value| value != "full") {
            // Frames of the checker, mostly; who wants them says so.
            command.env("RUST_BACKTRACE", "0");
        }
        command
            .args(arguments)
            .envs(self.variable)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
    }

    fn verdict(&self, status: Option<ExitStatus>, report: Option<&Report>) -> Verdict {
        let Some(status) = status else {
            return Verdict::TimedOut(self.limit.unwrap_or_default());
        };
        let failure = report.and_then(|report| report.failure.clone());
        match (status.code(), failure) {
            (Some(0), None) if report.is_some() => Verdict::Passed,
            (Some(1), Some(failure)) => Verdict::Failed(failure),
            // The panic that was reported last met another one while it unwound.
            (None, Some(failure)) if status.signal() == Some(SIGABRT) => Verdict::Failed(failure),
            _ => Verdict::Broken(format!("the search ended with {status} and no result")),
        }
    }
}

struct Ended {
    /// None if it was killed at the limit.
    status: Option<ExitStatus>,
    stdout: String,
    stderr: String,
}

/// Reads both pipes to their ends, for at most `limit`.
fn wait(mut child: Child, limit: Option<Duration>) -> io::Result<Ended> {
    let stdout = child.stdout.take().expect("piped");
    let stderr = child.stderr.take().expect("piped");
    let (ended, end) = mpsc::channel();
    thread::scope(|scope| {
        let stderr = scope.spawn(move || read_to_end(stderr));
        let stdout = scope.spawn(move || {
            let text = read_to_end(stdout);
            // The receiver waits for this or is past its limit.
            let _ = ended.send(());
            text
        });
        let limit = limit.unwrap_or(Duration::MAX);
        let timed_out = end.recv_timeout(limit) == Err(RecvTimeoutError::Timeout);
        if timed_out {
            child.kill()?;
        }
        let status = child.wait()?;
        let stdout = stdout.join().expect("reading does not panic");
        let stderr = stderr.join().expect("reading does not panic");
        Ok(Ended { status: (!timed_out).then_some(status), stdout, stderr })
    })
}

fn read_to_end(mut pipe: impl Read) -> String {
    let mut bytes = Vec::new();
    // A pipe that breaks has given all that it had.
    let _ = pipe.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::models;

    fn search(program: &Path) -> Search<'_> {
        Search { program, model: &models()[0], engine: Engine::Loom, variable: None, limit: None }
    }

    #[test]
    fn only_a_child_that_reports_it_has_passed_or_failed() {
        let verdict = |raw: i32, report: Option<&Report>| {
            search(Path::new("")).verdict(Some(ExitStatus::from_raw(raw)), report)
        };
        let exited = |code: i32| code << 8;
        let passed = Report::default();
        let failed = Report::of_panic(1, "a check".to_owned());
        let failure = failed.failure.clone().expect("it failed");
        assert_eq!(verdict(exited(0), Some(&passed)), Verdict::Passed);
        assert_eq!(verdict(exited(1), Some(&failed)), Verdict::Failed(failure.clone()));
        assert_eq!(verdict(SIGABRT, Some(&failed)), Verdict::Failed(failure));
        let broken = |raw, report| matches!(verdict(raw, report), Verdict::Broken(_));
        assert!(broken(exited(0), None), "no report");
        assert!(broken(exited(1), Some(&passed)), "a code that contradicts the report");
        assert!(broken(exited(101), Some(&failed)), "a panic of the runner");
        assert!(broken(SIGABRT, None), "an abort before any panic");
        assert!(broken(11, Some(&failed)), "a stack overflow");
    }

    #[test]
    fn a_child_is_killed_at_its_limit() {
        let child = Command::new("sleep")
            .arg("100")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("sleep exists");
        let ended = wait(child, Some(Duration::from_millis(20))).expect("it can be killed");
        assert!(ended.status.is_none());
    }

    #[test]
    fn a_program_that_does_not_start_is_broken() {
        let finished = search(Path::new("/no/such/program")).run();
        assert!(matches!(finished.verdict, Verdict::Broken(_)));
    }
}
