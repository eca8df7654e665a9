//! One search in a process of its own, both sides of it.
//!
//! A failing search may leak threads of the model, poison its checker, or abort when a second
//! check panics while the first unwinds: none of that may reach the next search.
//!
//! # Exit codes of a child
//! `0` passed, `1` the model failed, anything else: the runner itself is broken.

use crate::engine::{Engine, Sampling};
use crate::explore;
use crate::record::{self, Record};
use crate::report::{Failure, Report, parse_progress, progress_line};
use crate::resume::Attempt;
use crate::schedule::{At, Fit};
use crate::spec::Model;
use clap::Args;
use rustix::process::{Resource, Rlimit, setrlimit};
use serde_json::{Value, json};
use std::env;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
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

/// What the standard library prints before it aborts for want of memory.
const OUT_OF_MEMORY: &str = "memory allocation of";

/// How often a child tells of its progress.
const PROGRESS_EVERY: Duration = Duration::from_millis(250);

/// What a child is told on its command line.
#[derive(Args, Clone, Debug)]
pub struct Order {
    /// The name of the model.
    pub model: String,
    /// Its engine.
    pub engine: Engine,
    /// Executions of a sampler.
    #[arg(long)]
    pub samples: usize,
    /// Chooses them.
    #[arg(long)]
    pub seed: u64,
    /// The most address space it may use, in MiB.
    #[arg(long)]
    pub memory_mib: u64,
    /// Just this execution, and a trace of it.
    #[arg(long)]
    pub replay: Option<At>,
    /// Leaves out what does not fit in the schedule of that execution.
    #[arg(long)]
    pub loose: bool,
}

impl Order {
    fn to_arguments(&self) -> Vec<String> {
        let Self { model, engine, samples, seed, memory_mib, replay, loose } = self;
        let mut arguments = vec![
            SUBCOMMAND.to_owned(),
            model.clone(),
            engine.to_string(),
            format!("--samples={samples}"),
            format!("--seed={seed}"),
            format!("--memory-mib={memory_mib}"),
        ];
        arguments.extend(replay.iter().map(|at| format!("--replay={at}")));
        arguments.extend(loose.then(|| "--loose".to_owned()));
        arguments
    }

    fn sampling(&self) -> Sampling {
        Sampling { samples: self.samples, seed: self.seed }
    }
}

/// The child's side: explores, reports on stdout; the exit code.
pub fn serve(model: &Model, order: &Order) -> io::Result<u8> {
    let bytes = Some(order.memory_mib.saturating_mul(1 << 20));
    setrlimit(Resource::As, Rlimit { current: bytes, maximum: bytes })?;
    thread::spawn(exit_with_the_runner);
    let engine = order.engine;
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        print(info);
        let at = explore::at(engine);
        send(&Report::of_panic(record::executions(), message(info), at).to_lines());
    }));
    record::listen(PROGRESS_EVERY, |executions, depth| send(&progress_line(executions, depth)));
    let fit = if order.loose { Fit::Loose } else { Fit::Exact };
    let report = match &order.replay {
        Some(at) => explore::replay(model, engine, at, fit),
        None => explore::explore(model, engine, order.sampling()),
    };
    send(&report.to_lines());
    // The caller exits without dropping anything, see `explore`.
    Ok(u8::from(report.failure.is_some()))
}

/// The runner holds the other end of stdin: it ends when the runner does, however that happens.
fn exit_with_the_runner() {
    let _ = io::stdin().read(&mut [0]);
    exit(ORPHANED);
}

fn message(info: &PanicHookInfo<'_>) -> String {
    info.payload_as_str().unwrap_or("a panic without a message").to_owned()
}

fn send(lines: &str) {
    let mut out = io::stdout().lock();
    // Nobody listens any more: then nobody needs to know.
    let _ = out.write_all(lines.as_bytes()).and_then(|()| out.flush());
}

/// A child to run.
pub struct Search<'a> {
    /// The runner's binary, or that of the mutated copy.
    pub program: &'a Path,
    /// What it is told.
    pub order: Order,
    /// A variable to set, for the mutated copy.
    pub variable: Option<(&'a str, &'a str)>,
    /// At this time it is killed.
    pub until: Option<Instant>,
    /// Is told of the executions so far and the greatest depth of them.
    pub progress: &'a (dyn Fn(u64, u64) + Sync),
}

/// How a child ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The model holds.
    Passed,
    /// The model failed.
    Failed(Failure),
    /// It was killed when its time was over.
    TimedOut,
    /// It needed more memory than it may have.
    OutOfMemory,
    /// It ended in a way that says nothing about the model.
    Broken(String),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("passed"),
            Self::Failed(failure) => write!(f, "FAILED: {}", failure.kind.name()),
            Self::TimedOut => f.write_str("STOPPED: time"),
            Self::OutOfMemory => f.write_str("STOPPED: memory"),
            Self::Broken(_) => f.write_str("ERROR"),
        }
    }
}

/// All about a child that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// How it ended.
    pub verdict: Verdict,
    /// What it counted, as far as it is known.
    pub report: Report,
    /// What it printed for people.
    pub stderr: String,
    /// How long it took.
    pub time: Duration,
    /// Whether an earlier call has found it ([`Resume`](crate::resume::Resume)).
    pub is_known: bool,
}

impl Finished {
    /// A search that the time did not suffice for.
    pub fn not_begun() -> Self {
        Self {
            verdict: Verdict::TimedOut,
            report: Report::default(),
            stderr: String::new(),
            time: Duration::ZERO,
            is_known: false,
        }
    }
}

impl Attempt for Search<'_> {
    fn program(&self) -> &Path {
        self.program
    }

    fn facts(&self) -> Value {
        let order = &self.order;
        let sampling = order.engine.is_sampler().then_some((order.samples, order.seed));
        json!({
            "model": order.model,
            "engine": order.engine.to_string(),
            "samples": sampling.map(|(samples, _)| samples),
            "seed": sampling.map(|(_, seed)| seed),
            "mutant": self.variable.map(|(_, mutant)| mutant),
        })
    }

    fn has_mutant(&self) -> bool {
        self.variable.is_some()
    }

    fn until(&self) -> Option<Instant> {
        self.until
    }

    fn run(&self) -> Finished {
        Search::run(self)
    }
}

impl Search<'_> {
    /// Runs the child to its end.
    pub fn run(&self) -> Finished {
        let start = Instant::now();
        let ended = self.spawn().and_then(|child| wait(child, self.until, self.progress));
        let time = start.elapsed();
        match ended {
            Ok(ended) => {
                let report = Report::parse(&ended.stdout);
                let verdict = verdict(&ended, report.as_ref());
                let report = report.unwrap_or_else(|| so_far(ended.progress));
                Finished { verdict, report, stderr: ended.stderr, time, is_known: false }
            }
            Err(error) => {
                let verdict =
                    Verdict::Broken(format!("cannot run {}: {error}", self.program.display()));
                Finished { verdict, time, ..Finished::not_begun() }
            }
        }
    }

    fn spawn(&self) -> io::Result<Child> {
        spawn(Command::new(self.program).args(self.order.to_arguments()).envs(self.variable))
    }
}

/// Starts a child whose pipes the runner holds.
pub(crate) fn spawn(command: &mut Command) -> io::Result<Child> {
    if env::var_os("RUST_BACKTRACE").is_none_or(|value| value != "full") {
        // Frames of the checker, mostly; who wants them says so.
        command.env("RUST_BACKTRACE", "0");
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
}

/// A child that has ended.
pub(crate) struct Ended {
    /// None if it was killed when its time was over.
    pub(crate) status: Option<ExitStatus>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// What it told last: executions and depth.
    progress: (u64, u64),
}

/// What is known of a search that has not come to its report.
fn so_far((executions, depth): (u64, u64)) -> Report {
    let record = Record { executions, depth, ..Record::default() };
    Report { record, ..Report::default() }
}

fn verdict(ended: &Ended, report: Option<&Report>) -> Verdict {
    let Some(status) = ended.status else { return Verdict::TimedOut };
    let failure = report.and_then(|report| report.failure.clone());
    match (status.code(), failure) {
        (Some(0), None) if report.is_some() => Verdict::Passed,
        (None, _) if ended.stderr.contains(OUT_OF_MEMORY) => Verdict::OutOfMemory,
        (Some(1), Some(failure)) => Verdict::Failed(failure),
        // The panic that was reported last met another one while it unwound.
        (None, Some(failure)) if status.signal() == Some(SIGABRT) => Verdict::Failed(failure),
        _ => Verdict::Broken(format!("the search ended with {status} and no result")),
    }
}

/// Reads both pipes to their ends, for as long as there is time.
pub(crate) fn wait(
    mut child: Child,
    until: Option<Instant>,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> io::Result<Ended> {
    let stdout = child.stdout.take().expect("piped");
    let stderr = child.stderr.take().expect("piped");
    let (ended, end) = mpsc::channel();
    thread::scope(|scope| {
        let stderr = scope.spawn(move || read_to_end(stderr));
        let stdout = scope.spawn(move || {
            let text = read_lines(stdout, progress);
            // The receiver waits for this or is past its limit.
            let _ = ended.send(());
            text
        });
        let limit = until.map_or(Duration::MAX, |until| until.duration_since(Instant::now()));
        let timed_out = end.recv_timeout(limit) == Err(RecvTimeoutError::Timeout);
        if timed_out {
            child.kill()?;
        }
        let status = child.wait()?;
        let (stdout, progress) = stdout.join().expect("reading does not panic");
        let stderr = stderr.join().expect("reading does not panic");
        Ok(Ended { status: (!timed_out).then_some(status), stdout, stderr, progress })
    })
}

fn read_to_end(mut pipe: impl Read) -> String {
    let mut bytes = Vec::new();
    // A pipe that breaks has given all that it had.
    let _ = pipe.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// All lines but those of progress, and what the last one of those told.
fn read_lines(pipe: impl Read, progress: &(dyn Fn(u64, u64) + Sync)) -> (String, (u64, u64)) {
    let (mut text, mut last) = (String::new(), (0, 0));
    for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        match parse_progress(&line) {
            Some((executions, depth)) => {
                last = (executions, depth);
                progress(executions, depth);
            }
            None => {
                text.push_str(&line);
                text.push('\n');
            }
        }
    }
    (text, last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> Order {
        Order {
            model: "turn".to_owned(),
            engine: Engine::Pct(3),
            samples: 7,
            seed: 8,
            memory_mib: 9,
            replay: Some("a3b".parse().expect("a schedule")),
            loose: true,
        }
    }

    #[test]
    fn a_child_understands_its_order() {
        #[derive(clap::Parser)]
        struct Child {
            #[command(flatten)]
            order: Order,
        }
        let child = <Child as clap::Parser>::parse_from(order().to_arguments());
        assert_eq!(child.order.to_arguments(), order().to_arguments());
    }

    #[test]
    fn only_a_child_that_reports_it_has_passed_or_failed() {
        let ended = |raw: i32, stderr: &str| Ended {
            status: Some(ExitStatus::from_raw(raw)),
            stdout: String::new(),
            stderr: stderr.to_owned(),
            progress: (0, 0),
        };
        let verdict = |raw, report: Option<&Report>| verdict(&ended(raw, ""), report);
        let exited = |code: i32| code << 8;
        let passed = Report::default();
        let failed = Report::of_panic(1, "a check".to_owned(), At::Execution(1));
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
        let out_of_memory = ended(SIGABRT, "memory allocation of 4096 bytes failed");
        assert_eq!(super::verdict(&out_of_memory, Some(&failed)), Verdict::OutOfMemory);
    }

    #[test]
    fn a_child_is_killed_when_its_time_is_over() {
        let child = Command::new("sleep")
            .arg("100")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("sleep exists");
        let until = Some(Instant::now() + Duration::from_millis(20));
        let ended = wait(child, until, &|_, _| ()).expect("it can be killed");
        assert!(ended.status.is_none());
    }

    #[test]
    fn a_program_that_does_not_start_is_broken() {
        let program = Path::new("/no/such/program");
        let search =
            Search { program, order: order(), variable: None, until: None, progress: &|_, _| () };
        assert!(matches!(search.run().verdict, Verdict::Broken(_)));
    }
}
