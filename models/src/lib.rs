//! The models of seawall's protocols, the engines that explore them, the mutants that prove that
//! the models can fail, and the runner that reports all of it.
//!
//! # How it fits together
//! * A **model** is one file under `model/`: a scenario over the production code, its checks, and
//!   a [`Model`](spec::Model) that states its size. The sources of `core` are compiled once against
//!   loom and once against shuttle (design.md, decision 2), so the models are too: `under_loom` and
//!   `under_shuttle` both include `over_core.rs`, each over its own `seawall_core`.
//! * An **engine** ([`engine`]) explores one model in one process ([`explore`]): it counts
//!   executions itself, and fails when a point that the model must reach was never reached
//!   ([`record`]), or the outcomes are not as many as they should be. `dpor` is ours ([`dpor`]);
//!   every scheduler of shuttle sees only threads that can go on ([`heed`]).
//! * The **runner** ([`run`]) gives each (model, engine) a process of its own ([`child`]) and
//!   prints the table ([`rows`]); what fails is shortened and shown by a [`replay`].
//! * The **audit** ([`audit`]) says what the engines are worth.
//! * A **mutant** ([`mutants`]) brings a bug back, in a generated copy of the sources, never in
//!   production code; each must be killed by the models that it names.
//! * A **weakening** ([`mutants::orderings`]) makes one memory ordering of `core` a step weaker.
//!   They are found in the sources; those that no model kills are listed with the reason.
//! * A **removal** ([`mutants::removals`]) leaves out one step of a protocol of `core`; they are
//!   found and listed in the same way, and the tests of `core` count as well.
//!
//! `cargo run --release -p seawall-models` runs every model, `... -- mutants` every mutant, and
//! `... -- orderings` and `... -- removals` what they find; `cargo test` runs the first two as
//! well, each model and family as a test of its own. What each engine sees and does not see is in
//! `docs/verification.md`.

/// Lists the models of `model/mod.rs`, and makes each a test under the engines of its family.
macro_rules! models {
    ($($name:ident),+ $(,)?) => {
        /// Every model, compiled against this family's core.
        pub(crate) const MODELS: &[$crate::spec::Model] = &[$($name::MODEL),+];

        #[cfg(test)]
        mod passes {
            $(
                #[test]
                fn $name() {
                    let model = &super::$name::MODEL;
                    assert_eq!(model.name, stringify!($name), "a model is named after its file");
                    super::super::FAMILY.assert_passes(model);
                }
            )+
        }
    };
}

pub mod audit;
pub mod child;
pub mod crash;
pub mod dpor;
pub mod engine;
pub mod explore;
pub mod heed;
pub mod invariants;
pub mod jobs;
pub mod mutants;
mod names;
pub mod profile;
pub mod progress;
pub mod record;
pub mod replay;
pub mod report;
pub mod resume;
pub mod rows;
pub mod run;
pub mod schedule;
pub mod select;
mod small_store;
pub mod spec;
pub mod table;
mod under_loom;
mod under_shuttle;
