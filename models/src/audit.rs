//! Who finds everything? Litmus tests, planted bugs and random small programs under the engines.
//!
//! The oracle (`audit/oracle.rs`) interprets a program itself, one operation at a time in
//! every order, and knows neither shuttle nor loom nor the facade. An engine that claims to explore
//! every sequentially consistent interleaving has to come to exactly its outcomes. What the others
//! miss is printed as it is.

mod oracle;
pub(crate) mod program;

use crate::child::{Finished, Order, Search, Verdict};
use crate::engine::{Engine, Family, Sampling};
use crate::explore::explore;
use crate::jobs;
use crate::record::{self, LIMIT_REACHED};
use crate::report::Kind;
use crate::spec::{Model, SEAWALL};
use crate::table::{Column, Table, grouped};
use crate::{under_loom, under_shuttle};
use program::Program;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::panic;
use std::path::Path;
use std::sync::Arc;

thread_local! {
    static PROGRAM: RefCell<Arc<Program>> = RefCell::default();
}

/// The program at hand, for its executor in either family.
pub(crate) fn current() -> Arc<Program> {
    PROGRAM.with_borrow(Arc::clone)
}

/// Executions of one program; loom needs more for a few.
const LIMIT: u64 = 50_000;

/// What is audited.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// The engines on the random programs; none means all that end in time.
    pub engines: &'a [Engine],
    /// How many random programs.
    pub programs: u64,
    /// Samples of the samplers on each program; its seed chooses the programs as well.
    pub sampling: Sampling,
    /// Programs at a time.
    pub jobs: NonZeroUsize,
}

/// How an engine did on a number of programs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Whether the programs try to take a lock.
    pub has_tries: bool,
    /// Programs that it ran.
    pub programs: u64,
    /// Programs of which it missed a sequentially consistent outcome.
    pub incomplete: u64,
    /// The outcomes of all programs.
    pub outcomes: u64,
    /// Those that it missed.
    pub missed: u64,
    /// Programs for which it had an outcome that no interleaving has: weak memory under loom, an
    /// error under any other.
    pub beyond: u64,
    /// Programs whose search was stopped, for it has more than fifty thousand executions.
    pub unfinished: u64,
    /// Executions in all.
    pub executions: u64,
    /// The first program that it was not right about.
    pub witness: Option<String>,
}

/// Prints the tables; whether the engines that claim to find every interleaving do.
pub fn audit(plan: &Plan<'_>, out: &mut impl Write) -> io::Result<bool> {
    let litmus = litmus(plan.sampling, out)?;
    let planted = plant(plan, out)?;
    let usual = Engine::SOME.into_iter().filter(|engine| *engine != Engine::Dfs);
    let engines = if plan.engines.is_empty() { usual.collect() } else { plan.engines.to_vec() };
    silence_limits();
    let random = random(&engines, plan, out)?;
    Ok(litmus && planted && random)
}

/// A search that is stopped at its limit panics; that is no news. Shuttle has its own hook in place
/// by now, which would print it.
fn silence_limits() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !info.payload_as_str().is_some_and(|text| text.starts_with(LIMIT_REACHED)) {
            print(info);
        }
    }));
}

/// Outcomes that each engine finds of each litmus test.
fn litmus(sampling: Sampling, out: &mut impl Write) -> io::Result<bool> {
    writeln!(out, "litmus tests: outcomes found of those that interleavings have, + others\n")?;
    let names = program::LITMUS.iter().map(|litmus| litmus.name);
    let mut columns = vec![Column::left("program", names), Column::right("outcomes", 0)];
    columns.extend(Engine::SOME.map(|engine| Column::right(engine.to_string(), "10+".len())));
    let table = Table::begin(columns, out)?;
    let mut passed = true;
    for litmus in program::LITMUS {
        let program = litmus.program();
        let expected = oracle::outcomes(&program);
        let mut cells = vec![litmus.name.to_owned(), expected.len().to_string()];
        PROGRAM.set(Arc::new(program));
        for engine in Engine::SOME {
            let score = Score::of(engine, &expected, sampling);
            passed &= !score.is_wrong(engine);
            let found = score.outcomes - score.missed;
            let others = if score.beyond > 0 { "+" } else { "" };
            cells.push(format!("{found}{others}"));
        }
        table.row(&cells, out)?;
    }
    Ok(passed)
}

/// The execution in which each engine finds each planted bug; whether they are as expected.
fn plant(plan: &Plan<'_>, out: &mut impl Write) -> io::Result<bool> {
    writeln!(
        out,
        "\nplanted bugs: the execution in which an engine finds it, or - if it never does\n"
    )?;
    let names = SEAWALL.planted().iter().map(|model| model.name);
    let mut columns = vec![Column::left("bug", names)];
    columns.extend(Engine::SOME.map(|engine| Column::right(engine.to_string(), 0)));
    columns.push(Column::left("what only some engines see", [""]));
    let table = Table::begin(columns, out)?;
    let program = std::env::current_exe()?;
    let mut passed = true;
    for model in SEAWALL.planted() {
        let is_found_by = |engine: &Engine| model.searches.iter().any(|(finds, _)| finds == engine);
        let finished = Engine::SOME.map(|engine| hunt(&program, model, engine, plan.sampling));
        for (engine, finished) in Engine::SOME.iter().zip(&finished) {
            passed &= match finished.verdict {
                Verdict::Passed => !is_found_by(engine),
                Verdict::Failed(_) => is_found_by(engine),
                _ => false,
            };
        }
        let cell = |finished: Finished| match finished.verdict {
            Verdict::Passed => "-".to_owned(),
            Verdict::Failed(_) => grouped(finished.report.record.executions),
            verdict => verdict.to_string(),
        };
        let (name, why) = (model.name.to_owned(), model.property.to_owned());
        table.row(&[&[name][..], &finished.map(cell), &[why]].concat(), out)?;
    }
    Ok(passed)
}

fn hunt(
    program: &Path,
    model: &'static Model,
    engine: Engine,
    Sampling { samples, .. }: Sampling,
) -> Finished {
    let order = Order {
        model: model.name.to_owned(),
        engine,
        samples,
        seed: Sampling::SEED,
        memory_mib: 2048,
        replay: None,
        loose: false,
    };
    Search { program, order, variable: None, until: None, progress: &|_, _| () }.run()
}

/// Runs `plan.programs` random programs under each engine, those that try locks apart.
fn random(engines: &[Engine], plan: &Plan<'_>, out: &mut impl Write) -> io::Result<bool> {
    let Plan { programs, sampling: Sampling { samples, seed }, .. } = plan;
    let samples = format!("samplers have {samples} samples each");
    writeln!(out, "\n{programs} random programs, seed {seed}; {samples}")?;
    let drawn = program::random(plan.sampling.seed).filter(|p| !oracle::can_deadlock(p));
    let (trying, others): (Vec<_>, Vec<_>) =
        drawn.take(plan.programs as usize).partition(Program::has_tries);
    let mut passed = true;
    for (what, programs) in [("without a try-lock", others), ("with try-locks", trying)] {
        writeln!(out, "\n{what}:")?;
        passed &= print_scores(scores(engines, &programs, plan), out)?;
    }
    Ok(passed)
}

fn print_scores(scores: Vec<(Engine, Score)>, out: &mut impl Write) -> io::Result<bool> {
    let names = scores.iter().map(|(engine, _)| engine.to_string());
    let mut columns = vec![Column::left("engine", names)];
    let numbers = ["programs", "incomplete", "outcomes", "missed", "beyond", "unfinished"];
    columns.extend(numbers.map(|title| Column::right(title, grouped(99_999).len())));
    columns.push(Column::right("executions", grouped(99_999_999).len()));
    let table = Table::begin(columns, out)?;
    let mut wrong = Vec::new();
    for (engine, score) in scores {
        let Score {
            programs, incomplete, outcomes, missed, beyond, unfinished, executions, ..
        } = score;
        let counts = [programs, incomplete, outcomes, missed, beyond, unfinished, executions];
        table.row(&[&[engine.to_string()][..], &counts.map(grouped)].concat(), out)?;
        if score.is_wrong(engine) {
            wrong.push((engine, score.witness));
        }
    }
    for (engine, witness) in &wrong {
        writeln!(out, "\n{engine} is wrong about\n{}", witness.as_deref().unwrap_or_default())?;
    }
    Ok(wrong.is_empty())
}

/// The score of each engine on some programs.
fn scores(engines: &[Engine], programs: &[Program], plan: &Plan<'_>) -> Vec<(Engine, Score)> {
    let mut scores: Vec<_> = engines.iter().map(|engine| (*engine, Score::default())).collect();
    let run = |program: &Program| {
        let expected = oracle::outcomes(program);
        PROGRAM.set(Arc::new(program.clone()));
        let score = |engine: &Engine| Score::of(*engine, &expected, plan.sampling);
        engines.iter().map(score).collect::<Vec<_>>()
    };
    let added = jobs::in_order(plan.jobs, programs, run, |_, one: Vec<Score>| {
        for ((_, score), one) in scores.iter_mut().zip(one) {
            score.add(one);
        }
        Ok::<_, std::convert::Infallible>(())
    });
    match added {
        Ok(()) => scores,
    }
}

impl Score {
    /// How an engine does on the program at hand.
    fn of(engine: Engine, expected: &BTreeSet<String>, sampling: Sampling) -> Self {
        let run = match engine.family() {
            Family::Loom => under_loom::run_program,
            Family::Shuttle => under_shuttle::run_program,
        };
        let model = Model {
            name: "audit",
            property: "a program of the audit",
            threads: 3,
            bounds: "none",
            searches: &[],
            reach: &[],
            outcomes: expected.len(),
            run,
        };
        record::limit(LIMIT);
        let report = explore(&model, engine, sampling);
        record::limit(u64::MAX);
        let failure = report.failure.filter(|failure| failure.kind != Kind::Unreached);
        let is_stopped = failure.as_ref().is_some_and(|failure| failure.kind == Kind::Limit);
        if let Some(failure) = failure.filter(|_| !is_stopped) {
            panic!("{engine} fails on {:?}: {failure}", current());
        }
        let mut found: BTreeSet<String> = report.record.outcomes.into_keys().collect();
        if is_stopped {
            // What it might have found is not known.
            found.extend(expected.iter().cloned());
        }
        let missing: Vec<&String> = expected.difference(&found).collect();
        let invented: Vec<&String> = found.difference(expected).collect();
        let mut score = Self {
            has_tries: current().has_tries(),
            programs: 1,
            incomplete: u64::from(!missing.is_empty()),
            outcomes: expected.len() as u64,
            missed: missing.len() as u64,
            beyond: u64::from(!invented.is_empty()),
            unfinished: u64::from(is_stopped),
            executions: report.record.executions,
            witness: None,
        };
        if score.is_wrong(engine) {
            let program = current();
            score.witness = Some(format!("{program:?}\nmissed {missing:?}, invented {invented:?}"));
        }
        score
    }

    fn add(&mut self, one: Self) {
        self.has_tries |= one.has_tries;
        self.programs += one.programs;
        self.incomplete += one.incomplete;
        self.outcomes += one.outcomes;
        self.missed += one.missed;
        self.beyond += one.beyond;
        self.unfinished += one.unfinished;
        self.executions += one.executions;
        self.witness = self.witness.take().or(one.witness);
    }

    /// Whether the engine is not what it claims to be. Loom does not explore a failing try.
    fn is_wrong(&self, engine: Engine) -> bool {
        let claims_all =
            engine.finds_every_interleaving() && !(engine == Engine::LoomRmw && self.has_tries);
        let misses = claims_all && self.missed > 0;
        let invents = engine.family() == Family::Shuttle || engine == Engine::LoomRmw;
        misses || (invents && self.beyond > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_right(engines: &[Engine], programs: usize, seed: u64) {
        let sampling = Sampling { samples: 10, seed };
        let plan = Plan { engines, programs: 0, sampling, jobs: NonZeroUsize::MIN };
        let programs: Vec<Program> = program::random(seed)
            .filter(|program| !oracle::can_deadlock(program))
            .take(programs)
            .collect();
        for (engine, score) in scores(engines, &programs, &plan) {
            assert_eq!((score.missed, score.beyond), (0, 0), "{engine}: {:?}", score.witness);
            assert!(score.executions > score.programs, "{engine} explores");
        }
    }

    /// The first step of an operation must be visible to the scheduler, the state between two must
    /// not be: if either were wrong, one of a few hundred programs would show it.
    #[test]
    fn dpor_and_depth_first_search_miss_nothing_and_invent_nothing() {
        assert_right(&[Engine::Dpor, Engine::Dfs], 150, 7);
    }

    #[test]
    fn dpor_misses_nothing_of_larger_programs() {
        assert_right(&[Engine::Dpor], 600, 11);
    }

    #[test]
    fn every_engine_that_finds_every_interleaving_does_so_on_the_litmus_tests() {
        let mut out = Vec::new();
        let passed = litmus(Sampling { samples: 100, seed: 1 }, &mut out).expect("a Vec");
        assert!(passed, "{}", String::from_utf8_lossy(&out));
    }
}
