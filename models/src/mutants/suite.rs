//! The tests of the mutated `core`, for mutants that no model kills.
//!
//! Built once, as `cargo test` would. Those that take long without a mutant are left out; the
//! others run in the order of their time. With a mutant a test that fails, aborts, or does not end
//! in many times its usual time has killed it: the tests are known to end.

use super::arena::{Arena, MEMORY_MIB, Trial};
use super::schemata::VARIABLE;
use crate::child::{self, Ended, Finished, Verdict};
use crate::report::{Failure, Kind, Report};
use crate::resume::Attempt;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Value, json};
use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

/// Tests that take longer are not run.
const LONG: Duration = Duration::from_secs(10);

/// What a test may take that takes no time.
const LEAST: Duration = Duration::from_secs(20);

/// How many times its usual time a test may take besides.
const PATIENCE: u32 = 10;

/// Binaries of tests, those that end first first.
#[derive(Debug)]
pub(super) struct Suite {
    binaries: Vec<Binary>,
    core: PathBuf,
}

#[derive(Debug)]
struct Binary {
    name: String,
    path: PathBuf,
    /// What it takes without a mutant.
    usual: Duration,
}

/// One run of a binary.
struct Run<'a> {
    binary: &'a Binary,
    core: &'a Path,
    mutant: Option<&'a str>,
    until: Instant,
}

impl Suite {
    /// Builds the tests and runs them without a mutant, to see that they pass and how long they
    /// take.
    pub(super) fn build(arena: &Arena<'_>, out: &mut impl Write) -> Result<Self, Box<dyn Error>> {
        let core = arena.copy.core();
        let mut binaries = Vec::new();
        writeln!(out, "the tests of core with no mutant active:")?;
        for (name, path) in arena.copy.build_tests()? {
            let mut binary = Binary { name, path, usual: Duration::ZERO };
            let until = Instant::now() + LONG;
            let run = Run { binary: &binary, core: &core, mutant: None, until };
            let Finished { verdict, time, .. } = arena.attempt(&run, false);
            let seconds = time.as_secs_f64();
            writeln!(out, "  {:<16}  {verdict}, {seconds:.1} s", binary.name)?;
            match verdict {
                Verdict::Passed => {
                    binary.usual = time;
                    binaries.push(binary);
                }
                Verdict::TimedOut => {}
                _ => return Err(format!("the tests {} fail without a mutant", binary.name).into()),
            }
        }
        writeln!(out)?;
        binaries.sort_by_key(|binary| binary.usual);
        Ok(Self { binaries, core })
    }

    /// Runs each of them with a mutant, when it is asked for.
    pub(super) fn runs<'a>(
        &'a self,
        arena: &'a Arena<'_>,
        trial: Trial<'a>,
    ) -> impl Iterator<Item = (String, Finished)> + 'a {
        self.binaries.iter().map(move |binary| {
            let until = Instant::now() + LEAST + binary.usual * PATIENCE;
            let run = Run { binary, core: &self.core, mutant: Some(trial.mutant), until };
            (binary.name.clone(), arena.attempt(&run, trial.is_afresh))
        })
    }
}

impl Run<'_> {
    fn to_end(&self) -> io::Result<Ended> {
        let mut command = Command::new(&self.binary.path);
        command.current_dir(self.core).envs(self.mutant.map(|mutant| (VARIABLE, mutant)));
        let child = child::spawn(&mut command)?;
        let bytes = Some(MEMORY_MIB << 20);
        let limit = Rlimit { current: bytes, maximum: bytes };
        prlimit(Some(Pid::from_child(&child)), Resource::As, limit)?;
        child::wait(child, Some(self.until), &|_, _| ())
    }

    fn verdict(&self, ended: &Ended) -> Verdict {
        let failed = |kind, message| Verdict::Failed(Failure { kind, message, at: None });
        match ended.status {
            Some(status) if status.success() => Verdict::Passed,
            Some(status) => failed(Kind::Check, failed_test(&ended.stdout, status)),
            None if self.mutant.is_some() => failed(Kind::Limit, "a test does not end".to_owned()),
            None => Verdict::TimedOut,
        }
    }
}

/// The first test that has failed, or else how the process has ended.
fn failed_test(stdout: &str, status: ExitStatus) -> String {
    let name =
        |line: &str| Some(line.strip_prefix("test ")?.strip_suffix(" ... FAILED")?.to_owned());
    stdout.lines().find_map(name).unwrap_or_else(|| status.to_string())
}

impl Attempt for Run<'_> {
    fn program(&self) -> &Path {
        &self.binary.path
    }

    fn facts(&self) -> Value {
        json!({ "tests": self.binary.name, "mutant": self.mutant })
    }

    fn has_mutant(&self) -> bool {
        self.mutant.is_some()
    }

    fn until(&self) -> Option<Instant> {
        Some(self.until)
    }

    fn run(&self) -> Finished {
        let start = Instant::now();
        let (verdict, stderr) = match self.to_end() {
            Ok(ended) => (self.verdict(&ended), ended.stderr),
            Err(error) => (Verdict::Broken(error.to_string()), String::new()),
        };
        let failure = match &verdict {
            Verdict::Failed(failure) => Some(failure.clone()),
            _ => None,
        };
        let report = Report { failure, ..Report::default() };
        Finished { verdict, report, stderr, time: start.elapsed(), is_known: false }
    }
}
