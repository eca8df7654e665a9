//! One search, in this process: run the engine, then ask whether it has explored what it should.

use crate::engine::{Engine, Family, Sampling};
use crate::profile::Profile;
use crate::record::{self, Record};
use crate::replay::Replay;
use crate::report::{Failure, Kind, Report};
use crate::schedule::{self, At, Fit, MISFIT};
use crate::select::select;
use crate::spec::{Model, Models};
use crate::{under_loom, under_shuttle};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Variables of the checkers that change only what they print.
const HARMLESS: [&str; 3] = ["LOOM_LOCATION", "LOOM_LOG", "SHUTTLE_CAPTURE_BACKTRACE"];

/// Says nothing about the model, so it must not pass for a failure of it.
const SILENT_PANIC: &str = "a panic without a message: under loom, whose threads have 32 KiB of \
    stack, a stack overflow; a build without optimizations needs more (opt-level = 1 will do)";

/// Explores `model` under an engine.
///
/// After a failure the engine may have left threads of the model behind: the process should end.
pub fn explore(model: &Model, engine: Engine, sampling: Sampling) -> Report {
    let mut report = catch(engine, || match engine.family() {
        Family::Loom => under_loom::explore(model.run, engine),
        Family::Shuttle => under_shuttle::explore(model.run, engine, sampling),
    });
    if report.failure.is_none() {
        report.failure = shortfall(model, engine, sampling, &report.record);
    }
    report
}

/// Runs one execution again and records what is done in it; it passes, fails as before, or there is
/// no such execution ([`Kind::Misfit`]).
pub fn replay(model: &Model, engine: Engine, at: &At, fit: Fit) -> Report {
    let mut report = catch(engine, || match (engine.family(), at) {
        (Family::Shuttle, At::Schedule(schedule)) => {
            under_shuttle::replay(model.run, schedule.clone(), fit);
        }
        (Family::Loom, At::Execution(number)) => {
            under_loom::replay(model.run, engine, *number);
            panic!("{MISFIT}: the search has ended before execution {number}");
        }
        (_, at) => panic!("{MISFIT}: {engine} does not know the execution {at}"),
    });
    report.trace = match engine.family() {
        Family::Loom => under_loom::narrate(),
        Family::Shuttle => under_shuttle::narrate(),
    };
    if report.failure.as_ref().is_some_and(|failure| failure.message == under_loom::PASSED) {
        report.failure = None;
    }
    report
}

/// Where the execution that runs in this OS thread is.
pub fn at(engine: Engine) -> At {
    match engine.family() {
        Family::Loom => At::Execution(record::executions()),
        Family::Shuttle => At::Schedule(schedule::current()),
    }
}

fn catch(engine: Engine, search: impl FnOnce()) -> Report {
    record::reset();
    let result = catch_unwind(AssertUnwindSafe(search));
    let failure = result.err().map(|payload| {
        let message = panic_message(payload.as_ref()).expect(SILENT_PANIC);
        // It may own objects of the failed execution, which must not be touched any more.
        std::mem::forget(payload);
        Failure::of_panic(message, at(engine))
    });
    Report { record: record::take(), failure, trace: Vec::new() }
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
fn shortfall(
    model: &Model,
    engine: Engine,
    sampling: Sampling,
    record: &Record,
) -> Option<Failure> {
    let is_complete = engine.coverage(sampling).is_complete();
    let unreached = |point: &&&str| is_complete && !record.reached.contains_key(**point);
    let unknown = |point: &&String| !model.reach.contains(&point.as_str());
    let outcomes = record.outcomes.len();
    let message = if engine.is_sampler() && record.executions != sampling.samples as u64 {
        format!("{} executions instead of {}", record.executions, sampling.samples)
    } else if let Some(point) = model.reach.iter().find(unreached) {
        format!("no execution reached: {point}")
    } else if let Some(point) = record.reached.keys().find(unknown) {
        format!("reached a point that the model does not name: {point}")
    } else if is_complete && outcomes != model.outcomes {
        format!("{outcomes} distinct outcomes instead of {}", model.outcomes)
    } else if outcomes > model.outcomes {
        format!("{outcomes} distinct outcomes instead of {} at most", model.outcomes)
    } else {
        return None;
    };
    Some(Failure { kind: Kind::Unreached, message, at: None })
}

fn panic_message(payload: &(dyn Any + Send)) -> Option<String> {
    let literal = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    literal.or_else(|| payload.downcast_ref::<String>().cloned())
}

impl Models {
    /// Fails the calling test unless the models whose name is `pattern`, or else contains it, pass
    /// under the engines of the profile, in this process. An empty pattern means all.
    ///
    /// # Panics
    /// If one fails, with the words and the execution for `replay`; if nothing is to be explored.
    pub fn assert_passes(self, pattern: &str, profile: Profile) {
        check_environment().and_then(|()| self.check()).unwrap_or_else(|error| panic!("{error}"));
        let selection = select(self, Some(pattern), &[], profile);
        let selection = selection.unwrap_or_else(|error| panic!("{error}"));
        assert!(!selection.is_empty(), "no engine explores {pattern} in the profile {profile}");
        for (model, engine) in selection {
            let model = self.find(model.name, engine).expect("both lists have it");
            assert_holds(model, engine, Sampling::of(profile));
        }
    }
}

fn assert_holds(model: &'static Model, engine: Engine, sampling: Sampling) {
    if let Some(failure) = explore(model, engine, sampling).failure {
        let at = failure.at.clone().map(|at| Replay::new(model, engine, at));
        let replay = at.map_or_else(String::new, |replay| format!("\nreplay {replay}"));
        panic!("{} under {engine}: {failure}{replay}", model.name);
    }
}

#[cfg(test)]
impl Family {
    /// Fails the calling test unless the model passes under the engines of this family in the
    /// first profile that has some.
    pub(crate) fn assert_passes(self, model: &'static Model) {
        check_environment().expect("a clean environment");
        let engines = |profile| {
            let mut engines = model.engines(profile);
            engines.retain(|engine| engine.family() == self);
            engines
        };
        let profile = [Profile::Quick, Profile::Ci].into_iter().find(|p| !engines(*p).is_empty());
        let profile = profile.unwrap_or_else(|| panic!("{}: no {self:?} in ci", model.name));
        for engine in engines(profile) {
            assert_holds(model, engine, Sampling::of(profile));
        }
    }
}

#[cfg(test)]
mod tests;
