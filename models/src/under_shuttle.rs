//! The models over the core that is compiled against shuttle, and shuttle's searches.

use crate::dpor::DporScheduler;
use crate::engine::{Engine, Sampling};
use crate::heed::{Deadlock, Heeding};
use crate::record;
use crate::schedule::{Fit, Replay, Schedule};
use seawall_core_shuttle as seawall_core;
use seawall_core_shuttle::sync::trace;
use shuttle::scheduler::{
    DfsScheduler, PctScheduler, RandomScheduler, Scheduler, UrwRandomScheduler,
};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

#[expect(clippy::duplicate_mod, reason = "a model is one source over two compilations of core")]
#[path = "over_core.rs"]
mod over_core;

pub(crate) use over_core::*;

#[cfg(test)]
const FAMILY: crate::engine::Family = crate::engine::Family::Shuttle;

/// Scheduling points of one execution; more is taken for a livelock.
const MAX_STEPS: usize = 5_000;

/// Bytes of stack of each thread: a failing check formats its message on it.
const STACK_BYTES: usize = 256 * 1024;

/// Runs the schedules of `engine`; panics at the first one that fails.
pub(crate) fn explore(run: fn(), engine: Engine, Sampling { samples, seed }: Sampling) {
    match engine {
        Engine::Dpor => search(run, Heeding::new(DporScheduler::default())),
        Engine::Dfs => search(run, Heeding::new(DfsScheduler::new(None, false))),
        Engine::Random => search(run, Heeding::new(RandomScheduler::new_from_seed(seed, samples))),
        Engine::Pct(depth) => {
            search(run, Heeding::new(PctScheduler::new_from_seed(seed, depth, samples)));
        }
        Engine::Urw => {
            search(run, Heeding::meeting(UrwRandomScheduler::new_from_seed(seed, samples)));
        }
        Engine::Loom | Engine::LoomRmw | Engine::LoomBounded(_) => {
            unreachable!("{engine} is of loom")
        }
    }
}

/// Runs one schedule and records what is done; panics if it fails or does not fit.
pub(crate) fn replay(run: fn(), schedule: Schedule, fit: Fit) {
    trace::record(true);
    search(run, Heeding::new(Replay::new(schedule, fit)));
}

fn search(run: fn(), (scheduler, deadlock): (impl Scheduler + 'static, Deadlock)) {
    let mut config = Config::new();
    config.stack_size = STACK_BYTES;
    config.max_steps = MaxSteps::FailAfter(MAX_STEPS);
    config.max_time = None;
    // We have a form of our own.
    config.failure_persistence = FailurePersistence::None;
    // That orderings are ignored here is known: loom is there for them.
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(move || {
        record::begin_execution();
        run();
        record::end_execution(trace::operations());
    });
    if let Some(message) = deadlock.take() {
        panic!("{message}");
    }
}
