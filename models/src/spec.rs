//! What a model says about itself, and the engines that explore it.

use crate::{under_loom, under_shuttle};
use clap::ValueEnum;
use std::fmt;

/// A model: a scenario, and everything that the reader of its result needs to know.
#[derive(Debug)]
pub struct Model {
    /// The name of the protocol, and of the file.
    pub name: &'static str,
    /// What holds in every execution, in one line.
    pub property: &'static str,
    /// Threads, the one that starts the others included when it takes part.
    pub threads: usize,
    /// The size of everything else: pages, operations, ring blocks; "none" when there is nothing.
    pub bounds: &'static str,
    /// How loom explores it.
    pub loom: Loom,
    /// How shuttle explores it.
    pub shuttle: Shuttle,
    /// Points passed to [`reach`](crate::record::reach): under each engine, each of them must be
    /// reached in some execution.
    pub reach: &'static [&'static str],
    /// One execution. It joins every thread that it spawns: shuttle does not report a detached
    /// thread that blocks for ever.
    pub run: fn(),
}

/// The bound of loom's search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loom {
    /// None: it ends by itself.
    Unbounded,
    /// At most so many preemptions in an execution: it finds bugs and proves nothing.
    Preemptions(usize),
}

/// The schedules that shuttle runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shuttle {
    /// One of each class by DPOR; and all of them, depth first, as an oracle of that.
    DepthFirst,
    /// One of each class by DPOR.
    Reduced,
    /// So many of each kind.
    Sampled {
        /// Executions whose next thread is always a random one.
        random: usize,
        /// Executions with random priorities that change at few points (PCT).
        pct: usize,
        /// The depth of bug that PCT aims at: one more than its changes of priority.
        pct_depth: usize,
    },
}

impl Shuttle {
    /// The usual number of samples, for a model that is too big for [`Shuttle::Reduced`].
    pub const SAMPLED: Self = Self::Sampled { random: 10_000, pct: 10_000, pct_depth: 3 };
}

/// One way of exploring a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// Ours on shuttle: all interleavings, one of each class.
    Dpor,
    /// Shuttle, all schedules.
    ShuttleDfs,
    /// Shuttle, random schedules.
    ShuttleRandom,
    /// Shuttle, schedules with few changes of random priorities.
    ShuttlePct,
    /// Loom.
    Loom,
}

/// A checker, which is a compilation of `core` and of the models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Weak memory, data races.
    Loom,
    /// Sequentially consistent interleavings.
    Shuttle,
}

/// The seed of every sampled search, so that the same command explores the same schedules.
pub const SEED: u64 = 20_260_701;

/// The version of loom in Cargo.lock (a test compares).
pub const LOOM_VERSION: &str = "0.7.2";

/// The version of shuttle in Cargo.lock (a test compares).
pub const SHUTTLE_VERSION: &str = "0.9.9";

/// What [`Engine::coverage`] abbreviates as `complete*`.
pub const LOOM_FOOTNOTE: &str = "* all executions that loom's search generates for C11 without \
    SeqCst accesses and load buffering, last 7 stores; known to skip interleavings (loom #392)";

/// The models; their names and sizes are the same under every engine.
pub fn models() -> &'static [Model] {
    Engine::Loom.models()
}

impl Engine {
    /// The engines of a model, those that fail fastest first.
    pub fn of(model: &Model) -> &'static [Self] {
        match model.shuttle {
            Shuttle::DepthFirst => &[Self::Dpor, Self::ShuttleDfs, Self::Loom],
            Shuttle::Reduced => &[Self::Dpor, Self::Loom],
            Shuttle::Sampled { .. } => &[Self::ShuttleRandom, Self::ShuttlePct, Self::Loom],
        }
    }

    /// The checker that it belongs to.
    pub fn family(self) -> Family {
        match self {
            Self::Loom => Family::Loom,
            Self::Dpor | Self::ShuttleDfs | Self::ShuttleRandom | Self::ShuttlePct => {
                Family::Shuttle
            }
        }
    }

    /// The models, compiled for this engine.
    pub fn models(self) -> &'static [Model] {
        match self.family() {
            Family::Loom => under_loom::MODELS,
            Family::Shuttle => under_shuttle::MODELS,
        }
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dpor => "dpor",
            Self::ShuttleDfs => "shuttle-dfs",
            Self::ShuttleRandom => "shuttle-random",
            Self::ShuttlePct => "shuttle-pct",
            Self::Loom => "loom",
        }
    }

    /// Its name with the version of the checker.
    pub fn label(self) -> String {
        let version = match self.family() {
            Family::Loom => LOOM_VERSION,
            Family::Shuttle => SHUTTLE_VERSION,
        };
        format!("{self} {version}")
    }

    /// The number of executions that the model asks for, where the engine does not end by itself.
    pub fn samples(self, model: &Model) -> Option<usize> {
        match (self, model.shuttle) {
            (Self::ShuttleRandom, Shuttle::Sampled { random, .. }) => Some(random),
            (Self::ShuttlePct, Shuttle::Sampled { pct, .. }) => Some(pct),
            _ => None,
        }
    }

    /// What a search that passed has covered, in the words of verification.md.
    pub fn coverage(self, model: &Model) -> String {
        match (self, model.loom) {
            (Self::Loom, Loom::Unbounded) => "complete*".to_owned(),
            (Self::Loom, Loom::Preemptions(n)) => format!("not complete: at most {n} preemptions"),
            (Self::Dpor | Self::ShuttleDfs, _) => {
                "all sequentially consistent interleavings".to_owned()
            }
            (Self::ShuttleRandom | Self::ShuttlePct, _) => {
                format!("{} samples, seed {SEED}", self.samples(model).unwrap_or_default())
            }
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn both_families_have_the_same_models_under_unique_names() {
        let names = |family: &[Model]| family.iter().map(|m| m.name).collect::<Vec<_>>();
        assert_eq!(names(under_loom::MODELS), names(under_shuttle::MODELS));
        let unique = names(models()).into_iter().collect::<BTreeSet<_>>();
        assert_eq!(unique.len(), models().len());
    }

    /// The tests `passes::*` come from the same list as `MODELS`, so every listed model is tested;
    /// this is about a file that nobody listed.
    #[test]
    fn every_file_under_model_is_in_the_list() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/model");
        for entry in std::fs::read_dir(folder).expect("the sources are there") {
            let path = entry.expect("readable").path();
            let stem = path.file_stem().and_then(|s| s.to_str()).expect("named in UTF-8");
            let listed = stem == "mod" || models().iter().any(|model| model.name == stem);
            assert!(listed, "{} is missing in models! of model/mod.rs", path.display());
        }
    }

    #[test]
    fn the_versions_are_those_of_the_lock_file() {
        let lock = include_str!("../../Cargo.lock");
        for (package, version) in [("loom", LOOM_VERSION), ("shuttle", SHUTTLE_VERSION)] {
            let entry = format!("name = \"{package}\"\nversion = \"{version}\"\n");
            assert!(lock.contains(&entry), "{package} is not {version} in Cargo.lock");
        }
    }

    #[test]
    fn an_engine_is_named_as_on_the_command_line() {
        for engine in Engine::value_variants() {
            let value = engine.to_possible_value().expect("none is skipped");
            assert_eq!(value.get_name(), engine.name());
        }
    }
}
