//! The engines that explore models, by name, and what each covers.

use crate::profile::Profile;
use std::fmt;
use std::str::FromStr;

/// One way of exploring a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Engine {
    /// Ours on shuttle: all interleavings, one of each class.
    Dpor,
    /// Shuttle, all schedules, depth first.
    Dfs,
    /// Shuttle, random schedules.
    Random,
    /// Shuttle, random priorities that change at points, one fewer than this depth of a bug.
    Pct(usize),
    /// Shuttle, all schedules about equally likely.
    Urw,
    /// Loom.
    Loom,
    /// Loom, where loads and stores are read-modify-writes.
    LoomRmw,
    /// Loom, at most so many preemptions in an execution.
    LoomBounded(usize),
}

/// A checker, which is a compilation of `core` and of the models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Weak memory, data races.
    Loom,
    /// Sequentially consistent interleavings.
    Shuttle,
}

/// How far a search goes, where its engine does not end by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// Executions.
    pub samples: usize,
    /// Chooses them.
    pub seed: u64,
}

/// What a search that passed has covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// Every sequentially consistent interleaving of the closure.
    Interleavings,
    /// What an unbounded search of loom generates.
    Loom,
    /// The same with read-modify-writes for loads and stores.
    LoomRmw,
    /// What loom generates with at most so many preemptions.
    Preemptions(usize),
    /// Samples.
    Sampled(Sampling),
}

/// The version of loom in Cargo.lock (a test compares).
pub const LOOM_VERSION: &str = "0.7.2";

/// The version of shuttle in Cargo.lock (a test compares).
pub const SHUTTLE_VERSION: &str = "0.9.9";

/// The most preemptions and the greatest depth that may be asked for.
const MAX_BOUND: usize = 100;

impl Engine {
    /// One of each kind, in the order of the tables.
    pub const SOME: [Self; 8] = [
        Self::Dpor,
        Self::Dfs,
        Self::LoomRmw,
        Self::Loom,
        Self::LoomBounded(2),
        Self::Pct(3),
        Self::Random,
        Self::Urw,
    ];

    /// The samplers, which are cheap enough to run on every model from the ci profile on.
    pub const SAMPLERS: [Self; 3] = [Self::Random, Self::Pct(3), Self::Urw];

    /// The checker that it belongs to.
    pub fn family(self) -> Family {
        match self {
            Self::Loom | Self::LoomRmw | Self::LoomBounded(_) => Family::Loom,
            Self::Dpor | Self::Dfs | Self::Random | Self::Pct(_) | Self::Urw => Family::Shuttle,
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

    /// Whether it runs a number of samples that it is told.
    pub fn is_sampler(self) -> bool {
        matches!(self, Self::Random | Self::Pct(_) | Self::Urw)
    }

    /// Whether its outcomes are all that sequentially consistent executions have, and no others.
    pub fn finds_every_interleaving(self) -> bool {
        matches!(self, Self::Dpor | Self::Dfs | Self::LoomRmw)
    }

    /// What a search of it covers.
    pub fn coverage(self, sampling: Sampling) -> Coverage {
        match self {
            Self::Dpor | Self::Dfs => Coverage::Interleavings,
            Self::Random | Self::Pct(_) | Self::Urw => Coverage::Sampled(sampling),
            Self::Loom => Coverage::Loom,
            Self::LoomRmw => Coverage::LoomRmw,
            Self::LoomBounded(n) => Coverage::Preemptions(n),
        }
    }
}

impl Sampling {
    /// The seed of every sampled search that is not told another, so that the same command
    /// explores the same schedules.
    pub const SEED: u64 = 20_260_701;

    /// So many samples as the profile has, with the usual seed.
    pub fn of(profile: Profile) -> Self {
        Self { samples: profile.samples(), seed: Self::SEED }
    }
}

impl Coverage {
    /// Every kind that has a footnote, in the order of their marks.
    pub const FOOTNOTED: [Self; 3] = [Self::Interleavings, Self::Loom, Self::LoomRmw];

    /// Whether it is all that there is to explore, in the sense of its footnote.
    pub fn is_complete(self) -> bool {
        Self::FOOTNOTED.contains(&self)
    }

    /// In full, in the words of docs/verification.md.
    pub fn footnote(self) -> Option<&'static str> {
        match self {
            Self::Interleavings => {
                Some("complete[1]: all sequentially consistent interleavings of this closure")
            }
            Self::Loom => Some(
                "complete[2]: all executions that loom's search generates for C11 without SeqCst \
                 accesses and load buffering, last 7 stores; known to skip interleavings (#392)",
            ),
            Self::LoomRmw => Some(
                "complete[3]: all executions that loom's search generates when every load and \
                 store is a read-modify-write: interleavings and data races, no stale reads",
            ),
            Self::Preemptions(_) | Self::Sampled(_) => None,
        }
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interleavings => f.write_str("complete[1]"),
            Self::Loom => f.write_str("complete[2]"),
            Self::LoomRmw => f.write_str("complete[3]"),
            Self::Preemptions(1) => f.write_str("at most 1 preemption"),
            Self::Preemptions(n) => write!(f, "at most {n} preemptions"),
            Self::Sampled(Sampling { samples, seed }) => {
                write!(f, "{samples} samples, seed {seed}")
            }
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dpor => f.write_str("dpor"),
            Self::Dfs => f.write_str("dfs"),
            Self::Random => f.write_str("random"),
            Self::Pct(depth) => write!(f, "pct-{depth}"),
            Self::Urw => f.write_str("urw"),
            Self::Loom => f.write_str("loom"),
            Self::LoomRmw => f.write_str("loom-rmw"),
            Self::LoomBounded(n) => write!(f, "loom-{n}"),
        }
    }
}

impl FromStr for Engine {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let bound = |text: &str, least: usize, what: &str| match text.parse() {
            Ok(n) if (least..=MAX_BOUND).contains(&n) => Ok(n),
            _ => Err(format!("{name}: expected {what} from {least} to {MAX_BOUND}, found {text}")),
        };
        match name {
            "dpor" => Ok(Self::Dpor),
            "dfs" => Ok(Self::Dfs),
            "random" => Ok(Self::Random),
            "urw" => Ok(Self::Urw),
            "loom" => Ok(Self::Loom),
            "loom-rmw" => Ok(Self::LoomRmw),
            _ => match name.split_once('-') {
                Some(("pct", depth)) => bound(depth, 1, "a depth").map(Self::Pct),
                Some(("loom", n)) => bound(n, 0, "a number of preemptions").map(Self::LoomBounded),
                _ => Err(format!(
                    "no engine is called {name}; there are: dpor, dfs, loom, loom-rmw, loom-N (at \
                     most N preemptions), pct-D (bugs of depth D), random, urw"
                )),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versions_are_those_of_the_lock_file() {
        let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock");
        let lock = std::fs::read_to_string(lock).expect("it is in the repository");
        for (package, version) in [("loom", LOOM_VERSION), ("shuttle", SHUTTLE_VERSION)] {
            let entry = format!("name = \"{package}\"\nversion = \"{version}\"\n");
            assert!(lock.contains(&entry), "{package} is not {version} in Cargo.lock");
        }
    }

    #[test]
    fn an_engine_is_found_by_its_name() {
        for engine in Engine::SOME {
            assert_eq!(engine.to_string().parse(), Ok(engine));
        }
    }

    #[test]
    fn what_is_no_engine_is_an_error_that_says_what_there_is() {
        for name in ["", "shuttle", "loom-", "loom-x", "pct-0", "pct", "loom-1000"] {
            let error = name.parse::<Engine>().expect_err(name);
            assert!(error.contains("there are") || error.contains("expected"), "{error}");
        }
    }

    #[test]
    fn bounded_and_sampled_searches_are_never_complete() {
        let sampling = Sampling::of(Profile::Quick);
        for engine in Engine::SOME {
            let is_limited = engine.is_sampler() || matches!(engine, Engine::LoomBounded(_));
            assert_eq!(engine.coverage(sampling).is_complete(), !is_limited, "{engine}");
        }
    }
}
