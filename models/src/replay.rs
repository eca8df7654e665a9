//! A failing execution, by one command: found again, shortened, and shown.
//!
//! It is written `MODEL:ENGINE:EXECUTION:CHECK`, where the check is over the other three, so that
//! one of another model, or half of one, is refused. Under shuttle the execution is its
//! [`Schedule`], and is shortened: as few changes of the thread as possible that still make it fail
//! with the same words. Under loom it is its number, and is shown as it is.

use crate::child::{Order, Search, Verdict};
use crate::engine::{Engine, Sampling};
use crate::report::{Failure, Report};
use crate::schedule::{At, Schedule};
use crate::spec::{Model, Models};
use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// A failing execution.
#[derive(Clone, Debug)]
pub struct Replay {
    model: &'static Model,
    engine: Engine,
    at: At,
}

/// What a replay has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// It failed, as it should.
    Failed,
    /// It does not fail any more.
    Passed,
}

/// Operations of a thread that an abridged trace shows at either end of a stretch.
const EDGE: usize = 4;

/// Attempts at a shorter schedule.
const ATTEMPTS: usize = 400;

/// Time for them; and for one replay, since loom's begins its search anew.
const TIME: Duration = Duration::from_secs(60);

/// Address space of a replay, in MiB: it holds the trace, too.
const MEMORY_MIB: u64 = 4096;

impl Replay {
    /// The execution of a failure.
    pub fn new(model: &'static Model, engine: Engine, at: At) -> Self {
        Self { model, engine, at }
    }

    /// Reads what a [`Replay`] of one of `models` prints of itself; an error says what is wrong
    /// with it.
    pub fn parse(models: Models, text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(':').collect();
        let [model, engine, at, check] = parts[..] else {
            return Err(format!("expected MODEL:ENGINE:EXECUTION:CHECK, found {text}"));
        };
        let engine: Engine = engine.parse()?;
        let model = models.find(model, engine)?;
        let at: At = at.parse()?;
        let replay = Self { model, engine, at };
        if check != replay.check() {
            return Err(format!(
                "{text} is damaged, or of another model: its check is {check}, expected {}",
                replay.check()
            ));
        }
        Ok(replay)
    }

    fn check(&self) -> String {
        let Self { model, engine, at } = self;
        let sum = crc32c::crc32c(format!("{}:{engine}:{at}", model.name).as_bytes());
        format!("{:04x}", sum & 0xFFFF)
    }

    /// Runs it again, shortens it, and prints how it fails. The inner error says why it cannot be
    /// run.
    pub fn show(&self, program: &Path, out: &mut impl Write) -> io::Result<Result<Shown, String>> {
        let report = match self.shortest(program) {
            Ok(report) => report,
            Err(reason) => return Ok(Err(reason)),
        };
        let (model, engine) = (self.model.name, self.engine);
        let Some(failure) = &report.failure else {
            writeln!(out, "{model} under {engine}: this execution passes")?;
            return Ok(Ok(Shown::Passed));
        };
        writeln!(out, "{model} under {engine}: {failure}")?;
        print_trace(&report.trace, out)?;
        Ok(Ok(Shown::Failed))
    }

    /// Prints the trace alone, without the middles of what a thread does at a stretch, or why
    /// there is none.
    pub fn trace(&self, program: &Path, out: &mut impl Write) -> io::Result<()> {
        match self.shortest(program) {
            Ok(report) => print_trace(&abridged(&report.trace), out),
            Err(reason) => writeln!(out, "  no trace: {reason}"),
        }
    }

    fn shortest(&self, program: &Path) -> Result<Report, String> {
        let first = self.run(program, &self.at, false)?;
        let shorter = match &first.failure {
            Some(failure) => match &failure.at {
                Some(At::Schedule(schedule)) => self.shorten(program, schedule, failure),
                _ => None,
            },
            None => None,
        };
        Ok(shorter.unwrap_or(first))
    }

    /// The shortest failing execution that was found on the way from this one, if it is shorter.
    fn shorten(&self, program: &Path, schedule: &Schedule, failure: &Failure) -> Option<Report> {
        let mut best: Option<Report> = None;
        let mut shortest = schedule.clone();
        let start = Instant::now();
        let mut attempts = 0;
        let mut shorter = |from: &Schedule| {
            variants(from).into_iter().find_map(|variant| {
                attempts += 1;
                if attempts > ATTEMPTS || start.elapsed() > TIME {
                    return None;
                }
                let report = self.run(program, &At::Schedule(variant), true).ok()?;
                let found = report.failure.as_ref().filter(|found| {
                    found.kind == failure.kind && found.to_string() == failure.to_string()
                })?;
                let Some(At::Schedule(schedule)) = found.at.clone() else { return None };
                let size = |schedule: &Schedule| (schedule.blocks().len(), schedule.0.len());
                (size(&schedule) < size(from)).then_some((schedule, report))
            })
        };
        while let Some((schedule, report)) = shorter(&shortest) {
            (shortest, best) = (schedule, Some(report));
        }
        best
    }

    /// Runs an execution in a child.
    fn run(&self, program: &Path, at: &At, loose: bool) -> Result<Report, String> {
        let order = Order {
            model: self.model.name.to_owned(),
            engine: self.engine,
            samples: 1,
            seed: Sampling::SEED,
            memory_mib: MEMORY_MIB,
            replay: Some(at.clone()),
            loose,
        };
        let until = Some(Instant::now() + TIME);
        let finished = Search { program, order, variable: None, until, progress: &|_, _| () }.run();
        match finished.verdict {
            Verdict::Passed => Ok(finished.report),
            Verdict::Failed(failure) if failure.kind == crate::report::Kind::Misfit => {
                Err(failure.message)
            }
            Verdict::Failed(_) => Ok(finished.report),
            Verdict::TimedOut => Err(format!("no result after {TIME:?}")),
            Verdict::OutOfMemory => Err(format!("it needs more than {MEMORY_MIB} MiB")),
            Verdict::Broken(reason) => Err(reason),
        }
    }
}

/// The trace with at most [`EDGE`] operations at either end of what a thread does at a stretch:
/// what matters is where it was interrupted.
fn abridged(trace: &[String]) -> Vec<String> {
    let mut lines = Vec::new();
    for stretch in trace.chunk_by(|one, next| one[..1] == next[..1]) {
        let hidden = stretch.len().saturating_sub(2 * EDGE);
        if hidden <= 1 {
            lines.extend_from_slice(stretch);
            continue;
        }
        lines.extend_from_slice(&stretch[..EDGE]);
        lines.push(format!("{}  ({hidden} more, which the replay shows)", &stretch[0][..1]));
        lines.extend_from_slice(&stretch[EDGE + hidden..]);
    }
    lines
}

fn print_trace(trace: &[String], out: &mut impl Write) -> io::Result<()> {
    for line in trace {
        writeln!(out, "    {line}")?;
    }
    Ok(())
}

impl fmt::Display for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { model, engine, at } = self;
        write!(f, "{}:{engine}:{at}:{}", model.name, self.check())
    }
}

/// Schedules with fewer runs: one left out, or two of a thread joined at the place of either.
fn variants(schedule: &Schedule) -> Vec<Schedule> {
    let blocks = schedule.blocks();
    let mut variants = Vec::new();
    for (first, &(task, times)) in blocks.iter().enumerate() {
        if let Some(distance) = blocks[first + 1..].iter().position(|(other, _)| *other == task) {
            let second = first + 1 + distance;
            let both = (task, times + blocks[second].1);
            for (stays, goes) in [(first, second), (second, first)] {
                let mut joined = blocks.clone();
                joined[stays] = both;
                joined.remove(goes);
                variants.push(Schedule::from_blocks(&joined));
            }
        }
        let mut without = blocks.clone();
        without.remove(first);
        variants.push(Schedule::from_blocks(&without));
    }
    variants
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::SEAWALL;

    fn replay() -> Replay {
        let model = SEAWALL.find("dirty_flag", Engine::Dpor).expect("a model");
        Replay::new(model, Engine::Dpor, "a3bac2".parse().expect("a schedule"))
    }

    #[test]
    fn a_replay_is_read_as_it_is_written() {
        let text = replay().to_string();
        assert_eq!(Replay::parse(SEAWALL, &text).expect("as written").to_string(), text);
    }

    #[test]
    fn a_replay_of_another_model_is_refused() {
        let text = replay().to_string();
        for wrong in [
            text.replace("dirty_flag", "event"),
            text.replace("dirty_flag", "no-such-model"),
            text.replace("dpor", "random"),
            text.replace("dpor", "odd"),
            text.replace("a3", "a4"),
            text.replace("a3", "?3"),
            "turn:dpor:a3".to_owned(),
            String::new(),
        ] {
            assert!(!Replay::parse(SEAWALL, &wrong).expect_err(&wrong).is_empty());
        }
    }

    #[test]
    fn an_abridged_trace_keeps_what_is_around_each_change_of_the_thread() {
        let stretch = |thread: char, count| (0..count).map(move |n| format!("{thread}  load {n}"));
        let trace: Vec<String> = stretch('a', 20).chain(stretch('b', 9)).collect();
        let short = abridged(&trace);
        assert_eq!(
            short[3..6],
            ["a  load 3", "a  (12 more, which the replay shows)", "a  load 16"]
        );
        assert_eq!(short[9..], trace[20..], "a line is not replaced by another");
    }

    #[test]
    fn variants_have_fewer_runs() {
        let Replay { at: At::Schedule(schedule), .. } = replay() else { panic!("a schedule") };
        let variants = variants(&schedule);
        assert!(variants.contains(&"a4bc2".parse().expect("a schedule")));
        assert!(variants.contains(&"ba4c2".parse().expect("a schedule")));
        assert!(variants.iter().all(|variant| variant.blocks().len() < schedule.blocks().len()));
    }
}
