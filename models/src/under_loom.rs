//! The models over the core that is compiled against loom, and loom's search.

use crate::record;
use crate::spec::{Loom, Model};
use seawall_core_loom as seawall_core;

#[expect(clippy::duplicate_mod, reason = "a model is one source over two compilations of core")]
#[path = "over_core.rs"]
mod over_core;

pub(crate) use over_core::{MODELS, run_program};

#[cfg(test)]
const FAMILY: crate::spec::Family = crate::spec::Family::Loom;

/// Visible operations of one execution; more is taken for a livelock.
const MAX_BRANCHES: usize = 10_000;

/// Runs every execution that loom generates; panics at the first one that fails.
pub(crate) fn explore(model: &Model) {
    let mut search = loom::model::Builder::new();
    // These two would end the search early and call it a success.
    search.max_permutations = None;
    search.max_duration = None;
    search.max_branches = MAX_BRANCHES;
    search.preemption_bound = match model.loom {
        Loom::Unbounded => None,
        Loom::Preemptions(n) => Some(n),
    };
    let run = model.run;
    search.check(move || {
        record::begin_execution();
        run();
    });
}
