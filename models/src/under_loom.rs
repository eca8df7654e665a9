//! The models over the core that is compiled against loom, and loom's search.

use crate::engine::Engine;
use crate::record;
use seawall_core_loom as seawall_core;
use seawall_core_loom::sync::{self, trace};

#[expect(clippy::duplicate_mod, reason = "a model is one source over two compilations of core")]
#[path = "over_core.rs"]
mod over_core;

pub(crate) use over_core::*;

#[cfg(test)]
const FAMILY: crate::engine::Family = crate::engine::Family::Loom;

/// Visible operations of one execution; more is taken for a livelock.
const MAX_BRANCHES: usize = 5_000;

/// How a replay ends whose execution did not fail.
pub(crate) const PASSED: &str = "the execution that was to be replayed has passed";

/// Runs every execution that loom generates; panics at the first one that fails.
pub(crate) fn explore(run: fn(), engine: Engine) {
    search(engine, run);
}

/// Searches until the execution of this number and records what is done in it; panics if it, or
/// one before it, fails, and with [`PASSED`] if not.
pub(crate) fn replay(run: fn(), engine: Engine, number: u64) {
    search(engine, move || {
        trace::record(record::executions() == number);
        run();
        if record::executions() == number {
            panic!("{PASSED}");
        }
    });
}

fn search(engine: Engine, run: impl Fn() + Send + Sync + 'static) {
    let mut search = loom::model::Builder::new();
    // These two would end the search early and call it a success.
    search.max_permutations = None;
    search.max_duration = None;
    search.max_branches = MAX_BRANCHES;
    search.preemption_bound = match engine {
        Engine::LoomBounded(n) => Some(n),
        _ => None,
    };
    sync::read_modify_write(engine == Engine::LoomRmw);
    search.check(move || {
        sync::begin_execution();
        record::begin_execution();
        run();
        record::end_execution(trace::operations());
    });
}
