//! How much is run: seconds, minutes, or as long as there is time.

use clap::ValueEnum;
use std::fmt;

/// A size of run; each includes the searches of the smaller ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Profile {
    /// Under 30 seconds on two processors: every model once.
    Quick,
    /// Under 3 minutes: every model under every engine that ends in that time, and samples.
    Ci,
    /// As long as it takes: the large searches, and many samples.
    Nightly,
}

impl Profile {
    /// Executions of a sampler.
    pub fn samples(self) -> usize {
        match self {
            Self::Quick => 1_000,
            Self::Ci => 5_000,
            Self::Nightly => 1_000_000,
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Quick => "quick",
            Self::Ci => "ci",
            Self::Nightly => "nightly",
        })
    }
}
