//! The models over the core that is compiled against shuttle, and shuttle's searches.

use crate::dpor::{DporScheduler, Heeding};
use crate::record;
use crate::spec::{Engine, Model, SEED, Shuttle};
use seawall_core_shuttle as seawall_core;
use shuttle::scheduler::{DfsScheduler, PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, MaxSteps, Runner};

#[expect(clippy::duplicate_mod, reason = "a model is one source over two compilations of core")]
#[path = "over_core.rs"]
mod over_core;

pub(crate) use over_core::{MODELS, run_program};

#[cfg(test)]
const FAMILY: crate::spec::Family = crate::spec::Family::Shuttle;

/// Scheduling points of one execution; more is taken for a livelock.
const MAX_STEPS: usize = 100_000;

/// Bytes of stack of each thread: a failing check formats its message on it.
const STACK_BYTES: usize = 256 * 1024;

/// Runs the schedules of `engine`; panics at the first one that fails.
pub(crate) fn explore(model: &Model, engine: Engine) {
    match (engine, model.shuttle) {
        (Engine::Dpor, _) => search(model, DporScheduler::default()),
        (Engine::ShuttleDfs, _) => search(model, DfsScheduler::new(None, false)),
        (Engine::ShuttleRandom, Shuttle::Sampled { random, .. }) => {
            search(model, RandomScheduler::new_from_seed(SEED, random));
        }
        (Engine::ShuttlePct, Shuttle::Sampled { pct, pct_depth, .. }) => {
            search(model, PctScheduler::new_from_seed(SEED, pct_depth, pct));
        }
        _ => unreachable!("Engine::of names the engines of a model"),
    }
}

fn search(model: &Model, scheduler: impl Scheduler + 'static) {
    let mut config = Config::new();
    config.stack_size = STACK_BYTES;
    config.max_steps = MaxSteps::FailAfter(MAX_STEPS);
    config.max_time = None;
    // That orderings are ignored here is known: loom is there for them.
    config.silence_warnings = true;
    let run = model.run;
    let (scheduler, deadlock) = Heeding::new(scheduler);
    Runner::new(scheduler, config).run(move || {
        record::begin_execution();
        run();
    });
    if let Some(message) = deadlock.take() {
        panic!("{message}");
    }
}
