//! Explores concurrent code that is written on seawall's facade: every interleaving, weak memory,
//! and a power cut at every moment of every execution.
//!
//! Seawall's own protocols are explored by it, and so can be an engine that you build on seawall,
//! or any code whose atomics, locks and threads come from [`seawall_core::sync`]. A *model* is a
//! scenario of a few threads with its checks. An *engine* explores it: `dpor` all interleavings,
//! loom what weak memory allows, samplers a number of schedules ([`Engine`]). A failing execution
//! is shortened, shown, and replayed by one command. What passes says what it has covered, and
//! nothing that is bounded or sampled is called complete.
//!
//! # A model
//! Under a checker the code is compiled against `seawall_core_loom` or `seawall_core_shuttle`,
//! which are the same sources as `seawall_core` over other atomics, locks and threads.
//!
//! ```
//! use seawall_core_shuttle as seawall_core;
//! use seawall_core::sync::atomic::{AtomicU64, Ordering};
//! use seawall_core::sync::thread;
//! use seawall_models::{Engine, Model, Profile, Sampling, explore, outcome, reach};
//! use std::sync::Arc;
//!
//! /// One execution.
//! fn increments() {
//!     let count = Arc::new(AtomicU64::new(0));
//!     let theirs = Arc::clone(&count);
//!     let increment = |count: &AtomicU64| {
//!         let value = count.load(Ordering::Acquire);
//!         count.store(value + 1, Ordering::Release); // the bug: it should be one fetch_add
//!     };
//!     let other = thread::spawn(move || increment(&theirs));
//!     increment(&count);
//!     other.join().expect("no panic");
//!     assert_eq!(count.load(Ordering::Acquire), 2, "an update is lost");
//!     reach("both counted");
//!     outcome("two");
//! }
//!
//! const INCREMENTS: Model = Model {
//!     name: "increments",
//!     property: "no increment is lost",
//!     threads: 2,
//!     bounds: "one increment each",
//!     searches: &[(Engine::Dpor, Profile::Quick), (Engine::Loom, Profile::Quick)],
//!     reach: &["both counted"], // in some execution, or else the model has failed
//!     outcomes: 1,              // so many distinct ones of all executions
//!     run: increments,
//! };
//!
//! let report = explore(&INCREMENTS, Engine::Dpor, Sampling::of(Profile::Quick));
//! let failure = report.failure.expect("dpor finds it in its second execution");
//! assert!(failure.message.contains("an update is lost"));
//! ```
//!
//! Rules of a scenario: apart from its threads it is deterministic; it joins the threads that it
//! starts; a check that reads something without an operation of the facade does so in the
//! critical section of whoever writes it, or next to an operation that conflicts with it.
//!
//! # An engine of your own
//! In full in `examples/own-engine` of the repository; nothing in the engine's sources, which say
//! `use seawall_core::...`, knows of it.
//!
//! 1. Two packages that are the sources of yours over the other cores, `loom/Cargo.toml` and the
//!    same for shuttle. Cargo gives the other core the name of the usual one:
//!    ```toml
//!    [package]
//!    name = "own-engine-loom"
//!    edition = "2024"
//!    publish = false
//!
//!    [lib]
//!    path = "../src/lib.rs"
//!    test = false
//!    doctest = false
//!
//!    [dependencies]
//!    seawall-core = { package = "seawall-core-loom", version = "0.1" }
//!    ```
//! 2. A package for the runner, with these two, your engine itself (for recovery), the two cores
//!    and this crate as dependencies. Its `src/main.rs`, complete:
//!    ```ignore
//!    use seawall_models::Models;
//!    use std::process::ExitCode;
//!
//!    #[path = "."]
//!    mod loom {
//!        use own_engine_loom as own_engine;
//!        use seawall_core_loom as seawall_core;
//!        #[path = "models.rs"]
//!        pub(super) mod models;
//!    }
//!
//!    #[path = "."]
//!    mod shuttle {
//!        use own_engine_shuttle as own_engine;
//!        use seawall_core_shuttle as seawall_core;
//!        #[expect(clippy::duplicate_mod, reason = "one source over two compilations")]
//!        #[path = "models.rs"]
//!        pub(super) mod models;
//!    }
//!
//!    const MODELS: Models = Models { loom: loom::models::SUITE, shuttle: shuttle::models::SUITE };
//!
//!    fn main() -> ExitCode {
//!        seawall_models::main(MODELS)
//!    }
//!    ```
//! 3. The models, `src/models.rs`: scenarios over `super::own_engine` and `super::seawall_core`,
//!    and a [`Suite`] that lists them. `::own_engine` and [`native`] are the native code, which
//!    recovers what a crash has left ([`crash`]).
//! 4. In the manifest of the workspace, for `cargo test` as well: loom's threads have 32 KiB of
//!    stack, which is too little for code that is not optimized at all.
//!    ```toml
//!    [profile.dev]
//!    opt-level = 1
//!    ```
//! 5. A job of your CI: `cargo run --release -p own-engine-explore -- run --profile ci --budget
//!    10m`. The runner has `list`, `run` and `replay`, a limit on the memory of each search,
//!    `--json`, `--shard I/N` for several machines and `--resume FILE` for long searches. For a few
//!    seconds of it in `cargo test` there is [`Models::assert_passes`].
//!
//! A planted bug shows that a model can fail: give your engine a parameter that brings one back,
//! and list the model with it in [`Suite::planted`]. `planted` shows that each is found.
//!
//! # This repository
//! Everything else here is seawall's own: models under `model/`, the audit of the engines, mutants,
//! weakened orderings and removed steps of `core`. `docs/verification.md` says what each engine
//! sees and does not see.

/// Lists the models of `model/mod.rs`, and makes each a test under the engines of its family.
macro_rules! models {
    ($($name:ident),+ $(,)?) => {
        /// Every model, compiled against this family's core.
        pub(super) const MODELS: &[$crate::spec::Model] = &[$($name::MODEL),+];

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

pub mod crash;
pub mod engine;
pub mod report;
pub mod schedule;

// The machinery. It is public for the runner of this repository alone.
#[doc(hidden)]
pub mod audit;
#[doc(hidden)]
pub mod child;
#[doc(hidden)]
pub mod command;
#[doc(hidden)]
pub mod dpor;
#[doc(hidden)]
pub mod explore;
#[doc(hidden)]
pub mod happened;
#[doc(hidden)]
pub mod heed;
#[doc(hidden)]
pub mod hunt;
#[doc(hidden)]
pub mod invariants;
#[doc(hidden)]
pub mod jobs;
#[doc(hidden)]
pub mod mutants;
#[doc(hidden)]
pub mod profile;
#[doc(hidden)]
pub mod progress;
#[doc(hidden)]
pub mod record;
#[doc(hidden)]
pub mod replay;
#[doc(hidden)]
pub mod resume;
#[doc(hidden)]
pub mod rows;
#[doc(hidden)]
pub mod run;
#[doc(hidden)]
pub mod select;
#[doc(hidden)]
pub mod spec;
#[doc(hidden)]
pub mod table;

mod names;
mod small_store;
mod under_loom;
mod under_shuttle;

pub use command::main;
pub use engine::{Engine, Sampling};
pub use explore::explore;
pub use profile::Profile;
pub use record::{Record, outcome, reach};
/// The native core, whose types a recovery is written in.
pub use seawall_core as native;
pub use spec::{Model, Models, Suite};

/// The way to call the runner of this repository, for the commands that it prints.
#[doc(hidden)]
pub const RUNNER: &str = "cargo run --release -p seawall-models --";
