//! A mutated copy, built, as the place of searches: what all commands that mutate have in common.

use super::copy::Copy;
use super::schemata::VARIABLE;
use crate::RUNNER;
use crate::child::{Finished, Order, Search, Verdict};
use crate::engine::{Engine, Sampling};
use crate::profile::Profile;
use crate::resume::{self, Attempt, Resume};
use crate::run::{self, Ending, Format, Settings};
use crate::select::Selection;
use crate::spec::Model;
use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The searches that a mutant has to survive.
pub(super) const PROFILE: Profile = Profile::Ci;

/// Address space of a search.
pub(super) const MEMORY_MIB: u64 = 2048;

/// With what the searches are done.
#[derive(Clone, Copy, Debug)]
pub struct Means<'a> {
    /// Searches at a time.
    pub jobs: NonZeroUsize,
    /// What earlier calls have found.
    pub resume: Option<&'a Resume>,
}

/// The built copy, which is nobody else's until this is dropped.
#[derive(Debug)]
pub(super) struct Arena<'a> {
    pub(super) program: PathBuf,
    pub(super) means: Means<'a>,
    pub(super) copy: Copy,
}

/// What the searches for one mutant have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trial<'a> {
    pub(super) mutant: &'a str,
    /// A search that takes longer has killed nothing.
    pub(super) limit: Duration,
    /// Whether to search again what is known: it did not fare as it should.
    pub(super) is_afresh: bool,
}

/// The repository.
pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("models is in a workspace")
}

/// The target directory of this binary, to be next to its own profile.
fn target() -> io::Result<PathBuf> {
    let program = env::current_exe()?;
    let target = program.parent().and_then(Path::parent);
    target.map(Path::to_owned).ok_or_else(|| io::Error::other("not in a target directory"))
}

impl<'a> Arena<'a> {
    /// Builds the copy with the `woven` texts, in a folder of this name.
    pub(super) fn build(
        woven: BTreeMap<String, String>,
        name: &str,
        means: Means<'a>,
        out: &mut impl Write,
    ) -> Result<Self, Box<dyn Error>> {
        let target = target()?;
        writeln!(out, "building the mutated copy in {}", target.join(name).display())?;
        out.flush()?;
        let copy = Copy::write(root(), &target, name, woven)?;
        Ok(Self { program: copy.build()?, means, copy })
    }

    /// Whether these searches pass while no mutant is active.
    pub(super) fn passes_without(
        &self,
        selection: &Selection,
        out: &mut impl Write,
    ) -> io::Result<bool> {
        writeln!(out, "\nthe models with no mutant active:")?;
        let settings = Settings {
            program: &self.program,
            runner: RUNNER,
            jobs: self.means.jobs,
            sampling: Sampling::of(PROFILE),
            memory_mib: MEMORY_MIB,
            until: None,
            resume: self.means.resume,
        };
        let passes = run::run(&settings, selection, Format::Table, out)? == Ending::Passed;
        if !passes {
            writeln!(out, "the models fail without a mutant, so their kills would mean nothing")?;
        }
        writeln!(out)?;
        Ok(passes)
    }

    /// One search with a mutant active.
    pub(super) fn search(&self, trial: Trial<'_>, model: &Model, engine: Engine) -> Finished {
        let Sampling { samples, seed } = Sampling::of(PROFILE);
        let model = model.name.to_owned();
        let (memory_mib, replay, loose) = (MEMORY_MIB, None, false);
        let order = Order { model, engine, samples, seed, memory_mib, replay, loose };
        let variable = Some((VARIABLE, trial.mutant));
        let until = Some(Instant::now() + trial.limit);
        let program = &self.program;
        let search = Search { program, order, variable, until, progress: &|_, _| () };
        self.attempt(&search, trial.is_afresh)
    }

    /// Takes what an earlier call has found, unless it is to be done afresh, or does it.
    pub(super) fn attempt(&self, attempt: &impl Attempt, is_afresh: bool) -> Finished {
        let known = self.means.resume.filter(|_| !is_afresh);
        known
            .and_then(|resume| resume.taken(attempt))
            .unwrap_or_else(|| resume::run(self.means.resume, attempt))
    }

    /// Explains the mark of what an earlier call has found, if there may be such.
    pub(super) fn footnote(&self, out: &mut impl Write) -> io::Result<()> {
        self.means.resume.map_or(Ok(()), |resume| resume.footnote(out))
    }
}

/// Only a failure of the model is a kill: a hang or a broken runner shows nothing.
pub(super) fn is_kill(finished: &Finished) -> bool {
    matches!(finished.verdict, Verdict::Failed(_))
}

pub(super) fn is_broken(finished: &Finished) -> bool {
    matches!(finished.verdict, Verdict::Broken(_))
}
