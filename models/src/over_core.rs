//! What is one source over two compilations of core: included by `under_loom` and `under_shuttle`.

#[cfg(test)]
use super::FAMILY;
use super::seawall_core;

#[path = "engine_bed.rs"]
mod engine_bed;
#[path = "executor.rs"]
mod executor;
#[path = "fixture.rs"]
mod fixture;
#[path = "model/mod.rs"]
mod model;
#[path = "narrate.rs"]
mod narrate;
#[path = "planted.rs"]
mod planted;

pub(crate) use executor::run_program;
pub(crate) use narrate::narrate;

/// The models and the planted bugs of this repository.
pub(crate) const SUITE: crate::spec::Suite =
    crate::spec::Suite { models: model::MODELS, planted: planted::PLANTED };
