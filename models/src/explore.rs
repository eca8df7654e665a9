//! One search, in this process: run the engine, then ask whether it has explored what it should.

use crate::record::{self, Record};
use crate::report::{Failure, Kind, Report};
use crate::spec::{Engine, Family, Model};
use crate::{under_loom, under_shuttle};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Variables of the checkers that change only what they print.
const HARMLESS: [&str; 3] = ["LOOM_LOCATION", "LOOM_LOG", "SHUTTLE_CAPTURE_BACKTRACE"];

/// Says nothing about the model, so it must not pass for a failure of it.
const SILENT_PANIC: &str = "a panic without a message: under loom, whose threads have 32 KiB of \
    stack, a stack overflow";

/// Explores `model` under one of its engines.
///
/// After a failure the engine may have left threads of the model behind: the process should end.
pub fn explore(model: &Model, engine: Engine) -> Report {
    record::reset();
    let result = catch_unwind(AssertUnwindSafe(|| match engine.family() {
        Family::Loom => under_loom::explore(model),
        Family::Shuttle => under_shuttle::explore(model, engine),
    }));
    let record = record::take();
    let failure = match result {
        Ok(()) => shortfall(model, engine, &record),
        Err(payload) => {
            let message = panic_message(payload.as_ref()).expect(SILENT_PANIC);
            let failure = Failure::of_panic(message);
            // It may own objects of the failed execution, which must not be touched any more.
            std::mem::forget(payload);
            Some(failure)
        }
    };
    Report { record, failure }
}

/// Fails if the environment would make a checker stop early and call it a success, or sample
/// other schedules than those reported.
pub fn check_environment() -> Result<(), String> {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let checker = name.starts_with("LOOM_") || name.starts_with("SHUTTLE_");
        if checker && !HARMLESS.contains(&name.as_ref()) {
            return Err(format!("{name} is set, which can silently bound or change the search"));
        }
    }
    Ok(())
}

/// What a search that met no bad execution has still failed to do.
fn shortfall(model: &Model, engine: Engine, record: &Record) -> Option<Failure> {
    let unreached = |message| Some(Failure { kind: Kind::Unreached, message });
    if let Some(samples) = engine.samples(model)
        && record.executions != samples as u64
    {
        return unreached(format!("{} executions instead of {samples}", record.executions));
    }
    if let Some(point) = model.reach.iter().find(|point| !record.reached.contains_key(**point)) {
        return unreached(format!("no execution reached: {point}"));
    }
    let known = |point: &&String| model.reach.contains(&point.as_str());
    if let Some(point) = record.reached.keys().find(|point| !known(point)) {
        return unreached(format!("reached a point that the model does not name: {point}"));
    }
    None
}

fn panic_message(payload: &(dyn Any + Send)) -> Option<String> {
    let literal = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    literal.or_else(|| payload.downcast_ref::<String>().cloned())
}

#[cfg(test)]
impl Family {
    /// Fails the calling test unless the model passes under every engine of this family.
    pub(crate) fn assert_passes(self, model: &Model) {
        check_environment().expect("a clean environment");
        for engine in Engine::of(model).iter().filter(|engine| engine.family() == self) {
            let report = explore(model, *engine);
            if let Some(failure) = report.failure {
                panic!("{} under {engine}: {failure}", model.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{outcome, reach};
    use crate::spec::{Loom, Shuttle};

    fn model(reach: &'static [&'static str], run: fn()) -> Model {
        Model {
            name: "sample",
            property: "none",
            threads: 2,
            bounds: "none",
            loom: Loom::Unbounded,
            shuttle: Shuttle::DepthFirst,
            reach,
            run,
        }
    }

    fn loom_race() {
        use loom::sync::atomic::{AtomicU64, Ordering::Relaxed};
        let word = std::sync::Arc::new(AtomicU64::new(0));
        let theirs = word.clone();
        let other = loom::thread::spawn(move || theirs.store(1, Relaxed));
        outcome(word.load(Relaxed));
        reach("end");
        other.join().expect("no panic");
    }

    fn shuttle_race() {
        use seawall_core_shuttle::sync::atomic::{AtomicU64, Ordering::Relaxed};
        let word = std::sync::Arc::new(AtomicU64::new(0));
        let theirs = word.clone();
        let other = seawall_core_shuttle::sync::thread::spawn(move || theirs.store(1, Relaxed));
        outcome(word.load(Relaxed));
        other.join().expect("no panic");
    }

    fn shuttle_deadlock() {
        let gate = seawall_core_shuttle::sync::Mutex::new(());
        let held = gate.lock();
        reach("end");
        std::mem::forget(gate.lock());
        drop(held);
    }

    #[test]
    fn executions_outcomes_and_points_are_counted() {
        let report = explore(&model(&["end"], loom_race), Engine::Loom);
        assert_eq!(report.failure, None);
        assert_eq!(report.record.outcomes.keys().collect::<Vec<_>>(), ["0", "1"]);
        assert_eq!(report.record.reached["end"], report.record.executions);
        assert_eq!(report.record.outcomes.values().sum::<u64>(), report.record.executions);
    }

    #[test]
    fn a_point_that_nothing_reaches_is_a_failure() {
        let report = explore(&model(&["end", "elsewhere"], loom_race), Engine::Loom);
        let failure = report.failure.expect("elsewhere does not exist");
        assert_eq!(failure.kind, Kind::Unreached);
        assert!(failure.message.contains("elsewhere"));
    }

    #[test]
    fn a_point_that_the_model_does_not_name_is_a_failure() {
        let report = explore(&model(&[], loom_race), Engine::Loom);
        assert_eq!(report.failure.expect("end is not named").kind, Kind::Unreached);
    }

    #[test]
    fn samples_are_as_many_as_the_model_says() {
        let shuttle = Shuttle::Sampled { random: 30, pct: 20, pct_depth: 2 };
        let model = Model { shuttle, ..model(&[], shuttle_race) };
        for (engine, samples) in [(Engine::ShuttleRandom, 30), (Engine::ShuttlePct, 20)] {
            let report = explore(&model, engine);
            assert_eq!((report.record.executions, report.failure), (samples, None));
            assert_eq!(engine.coverage(&model), format!("{samples} samples, seed 20260701"));
            assert_eq!(explore(&model, engine).record, report.record, "the seed is fixed");
        }
    }

    #[test]
    fn fewer_preemptions_are_fewer_executions_and_never_complete() {
        let all = explore(&model(&["end"], loom_race), Engine::Loom);
        let model = Model { loom: Loom::Preemptions(0), ..model(&["end"], loom_race) };
        let some = explore(&model, Engine::Loom);
        assert!(some.record.executions < all.record.executions);
        assert_eq!(Engine::Loom.coverage(&model), "not complete: at most 0 preemptions");
    }

    #[test]
    fn a_deadlock_is_told_from_a_failed_check() {
        let report = explore(&model(&["end"], shuttle_deadlock), Engine::ShuttleDfs);
        assert_eq!(report.failure.expect("it locks twice").kind, Kind::Deadlock);
        let report = explore(&model(&[], || panic!("odd")), Engine::ShuttleDfs);
        assert_eq!(report.failure.expect("it panics").kind, Kind::Check);
        assert_eq!(report.record.executions, 1);
    }
}
