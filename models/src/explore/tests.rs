use super::*;
use crate::profile::Profile;
use crate::record::{outcome, reach};

const SAMPLING: Sampling = Sampling { samples: 30, seed: 1 };

fn model(reach: &'static [&'static str], outcomes: usize, run: fn()) -> Model {
    let searches = &[(Engine::Dpor, Profile::Quick)];
    Model {
        name: "sample",
        property: "none",
        threads: 2,
        bounds: "none",
        searches,
        reach,
        outcomes,
        run,
    }
}

fn run(model: &Model, engine: Engine) -> Report {
    explore(model, engine, SAMPLING)
}

fn loom_race() {
    use seawall_core_loom::sync::atomic::{AtomicU64, Ordering::Relaxed};
    let word = std::sync::Arc::new(AtomicU64::new(0));
    let theirs = word.clone();
    let other = seawall_core_loom::sync::thread::spawn(move || theirs.store(1, Relaxed));
    outcome(word.load(Relaxed));
    reach("end");
    other.join().expect("no panic");
}

fn shuttle_race() {
    use seawall_core_shuttle::sync::atomic::{AtomicU64, Ordering::Relaxed};
    let word = std::sync::Arc::new(AtomicU64::new(0));
    let theirs = word.clone();
    let other = seawall_core_shuttle::sync::thread::spawn(move || theirs.store(1, Relaxed));
    let value = word.load(Relaxed);
    outcome(value);
    other.join().expect("no panic");
    assert_ne!(value, FORBIDDEN.get(), "it was written");
}

thread_local! {
    /// What `shuttle_race` must not read.
    static FORBIDDEN: std::cell::Cell<u64> = const { std::cell::Cell::new(2) };
}

fn shuttle_deadlock() {
    let gate = seawall_core_shuttle::sync::Mutex::new(());
    let held = gate.lock();
    reach("end");
    std::mem::forget(gate.lock());
    drop(held);
}

#[test]
fn executions_outcomes_points_and_depth_are_counted() {
    for engine in [Engine::Loom, Engine::LoomRmw] {
        let Report { record, failure, .. } = run(&model(&["end"], 2, loom_race), engine);
        assert_eq!(failure, None);
        assert_eq!(record.outcomes.keys().collect::<Vec<_>>(), ["0", "1"]);
        assert_eq!(record.reached["end"], record.executions);
        assert_eq!(record.outcomes.values().sum::<u64>(), record.executions);
        assert_eq!(record.depth, 4, "spawn, store, load, join");
    }
}

#[test]
fn a_point_that_nothing_reaches_is_a_failure() {
    let report = run(&model(&["end", "elsewhere"], 2, loom_race), Engine::Loom);
    let failure = report.failure.expect("elsewhere does not exist");
    assert_eq!(failure.kind, Kind::Unreached);
    assert!(failure.message.contains("elsewhere"));
}

#[test]
fn a_point_that_the_model_does_not_name_is_a_failure() {
    let report = run(&model(&[], 2, loom_race), Engine::Loom);
    assert_eq!(report.failure.expect("end is not named").kind, Kind::Unreached);
}

#[test]
fn outcomes_that_are_not_as_many_as_they_should_be_are_a_failure() {
    for (golden, engine, passes) in [
        (2, Engine::Dpor, true),
        (1, Engine::Dpor, false),
        (3, Engine::Dpor, false),
        (3, Engine::Random, true),
        (1, Engine::Random, false),
    ] {
        let report = run(&model(&[], golden, shuttle_race), engine);
        assert_eq!(report.failure.is_none(), passes, "{golden} outcomes under {engine}");
    }
}

#[test]
fn samples_are_as_many_as_asked_for_and_the_seed_chooses_them() {
    let model = model(&[], 2, shuttle_race);
    for engine in Engine::SAMPLERS {
        let report = run(&model, engine);
        assert_eq!((report.record.executions, &report.failure), (30, &None), "{engine}");
        assert_eq!(run(&model, engine).record, report.record, "{engine}: the seed is fixed");
    }
}

#[test]
fn fewer_preemptions_are_fewer_executions() {
    let model = model(&["end"], 2, loom_race);
    let (all, some) = (run(&model, Engine::Loom), run(&model, Engine::LoomBounded(0)));
    assert!(some.record.executions < all.record.executions);
}

#[test]
fn a_deadlock_is_told_from_a_failed_check() {
    let report = run(&model(&["end"], 0, shuttle_deadlock), Engine::Dfs);
    assert_eq!(report.failure.expect("it locks twice").kind, Kind::Deadlock);
    let report = run(&model(&[], 0, || panic!("odd")), Engine::Dfs);
    assert_eq!(report.failure.expect("it panics").kind, Kind::Check);
    assert_eq!(report.record.executions, 1);
}

#[test]
fn a_failing_execution_can_be_replayed() {
    FORBIDDEN.set(1);
    let model = model(&[], 2, shuttle_race);
    for engine in [Engine::Dpor, Engine::Random] {
        let failure = run(&model, engine).failure.expect("it reads 1");
        let at = failure.at.clone().expect("an execution has failed");
        let again = replay(&model, engine, &at, Fit::Exact);
        assert_eq!(again.failure, Some(failure));
        assert!(again.trace.iter().any(|line| line.contains("store")), "{:?}", again.trace);
    }
}

#[test]
fn a_schedule_of_another_model_does_not_fit() {
    let model = model(&[], 2, shuttle_race);
    let at = "a2c".parse().expect("a schedule");
    let failure = replay(&model, Engine::Dpor, &at, Fit::Exact).failure.expect("no thread c");
    assert_eq!(failure.kind, Kind::Misfit);
    assert_eq!(replay(&model, Engine::Dpor, &at, Fit::Loose).failure, None);
}

#[test]
fn loom_replays_by_number() {
    let model = model(&["end"], 2, loom_race);
    let report = replay(&model, Engine::Loom, &At::Execution(2), Fit::Exact);
    assert_eq!(report.failure, None);
    assert!(report.trace.iter().any(|line| line.contains("load")), "{:?}", report.trace);
    let report = replay(&model, Engine::Loom, &At::Execution(1000), Fit::Exact);
    assert_eq!(report.failure.expect("there are not so many").kind, Kind::Misfit);
}
