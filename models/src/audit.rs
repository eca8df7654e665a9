//! Who finds everything? Random small programs under the engines, against a brute-force oracle.
//!
//! The oracle (`audit/oracle.rs`) interprets a program itself, one operation at a time in
//! every order, and knows neither shuttle nor loom nor the facade. An engine that claims to explore
//! every sequentially consistent interleaving has to come to exactly its outcomes.

mod oracle;
pub(crate) mod program;

use crate::explore::explore;
use crate::spec::{Engine, Loom, Model, Shuttle};
use crate::{under_loom, under_shuttle};
use program::Program;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

thread_local! {
    static PROGRAM: RefCell<Arc<Program>> = RefCell::default();
}

/// The program at hand, for its executor in either family.
pub(crate) fn current() -> Arc<Program> {
    PROGRAM.with_borrow(Arc::clone)
}

/// How an engine did on a number of programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Programs that it ran.
    pub programs: u64,
    /// Programs of which it missed a sequentially consistent outcome.
    pub incomplete: u64,
    /// Programs for which it had an outcome that no interleaving has: wrong for an engine of
    /// shuttle, weak memory for loom.
    pub beyond: u64,
    /// Executions in all.
    pub executions: u64,
}

/// Runs `programs` random programs, drawn by `seed`, under each engine; the score of each, with the
/// first program that it was wrong about.
pub fn audit(engines: &[Engine], programs: u64, seed: u64) -> Vec<(Engine, Score, Option<String>)> {
    let mut scores: Vec<_> =
        engines.iter().map(|engine| (*engine, Score::default(), None)).collect();
    for program in
        program::random(seed).filter(|p| !oracle::can_deadlock(p)).take(programs as usize)
    {
        let expected = oracle::outcomes(&program);
        PROGRAM.set(Arc::new(program));
        for (engine, score, witness) in &mut scores {
            let (found, executions) = run(*engine);
            score.programs += 1;
            score.executions += executions;
            let missed = expected.difference(&found).count();
            let beyond = found.difference(&expected).count();
            score.incomplete += u64::from(missed > 0);
            score.beyond += u64::from(beyond > 0);
            let is_wrong = missed > 0 || (beyond > 0 && *engine != Engine::Loom);
            if is_wrong && witness.is_none() {
                let program = current();
                let missing: Vec<_> = expected.difference(&found).collect();
                *witness = Some(format!("{program:?}\nmissed {missing:?}, {beyond} too many"));
            }
        }
    }
    scores
}

/// The outcomes of the program at hand, and the executions that it took.
fn run(engine: Engine) -> (BTreeSet<String>, u64) {
    let run = match engine {
        Engine::Loom => under_loom::run_program,
        _ => under_shuttle::run_program,
    };
    let model = Model {
        name: "audit",
        property: "a random program",
        threads: 3,
        bounds: "none",
        loom: Loom::Unbounded,
        shuttle: Shuttle::DepthFirst,
        reach: &[],
        run,
    };
    let report = explore(&model, engine);
    if let Some(failure) = report.failure {
        panic!("{engine} fails on {:?}: {failure}", current());
    }
    (report.record.outcomes.into_keys().collect(), report.record.executions)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first step of an operation must be visible to the scheduler, the state between two must
    /// not be: if either were wrong, one of a few hundred programs would show it.
    #[test]
    fn dpor_and_depth_first_search_miss_nothing_and_invent_nothing() {
        for (engine, score, witness) in audit(&[Engine::Dpor, Engine::ShuttleDfs], 150, 7) {
            assert_eq!((score.incomplete, score.beyond), (0, 0), "{engine}: {witness:?}");
            assert!(score.executions > score.programs, "{engine} explores");
        }
    }

    #[test]
    fn dpor_misses_nothing_of_larger_programs() {
        for (engine, score, witness) in audit(&[Engine::Dpor], 600, 11) {
            assert_eq!((score.incomplete, score.beyond), (0, 0), "{engine}: {witness:?}");
        }
    }
}
