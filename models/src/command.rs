//! The commands that every list of models has: `list`, `run`, `replay`, and [`main`] for a runner
//! that has no others.
//!
//! Exit codes: 0 all passed; 1 a model failed or did not end within its limits; 2 usage; 3 the
//! runner itself; 4 with `run --resume`: nothing failed, and the next call goes on with what there
//! was no time for.

use crate::child::{self, Order};
use crate::engine::{Engine, Sampling};
use crate::explore::check_environment;
use crate::hunt::hunt;
use crate::jobs;
use crate::profile::Profile;
use crate::replay::{Replay, Shown};
use crate::resume::Resume;
use crate::run::{self, Ending, Format, Settings};
use crate::select::{Shard, select};
use crate::spec::Models;
use clap::{Args, Parser, Subcommand};
use std::error::Error;
use std::io::{self, ErrorKind, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::{ExitCode, exit};
use std::time::{Duration, Instant};

/// The `main` of a runner of `models`: all that it has to do.
pub fn main(models: Models) -> ExitCode {
    let arguments = Arguments::parse();
    let runner = std::env::args().next().unwrap_or_default();
    let call = Call { models, jobs: arguments.jobs.jobs(), runner: &runner };
    let command = arguments.command.unwrap_or_default();
    exit_code(call.check().and_then(|()| command.perform(&call, &mut io::stdout().lock())))
}

/// Explores models under loom and shuttle, and under power cuts.
///
/// Without a command it runs the quick profile.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    jobs: Jobs,
    #[command(subcommand)]
    command: Option<Explore>,
}

/// How many searches run at a time.
#[derive(Args)]
pub struct Jobs {
    /// How many searches run at a time (default: one for each processor).
    #[arg(long, global = true)]
    jobs: Option<NonZeroUsize>,
}

impl Jobs {
    /// So many as was said, or as there are processors.
    pub fn jobs(&self) -> NonZeroUsize {
        self.jobs.unwrap_or_else(jobs::processors)
    }
}

/// What all commands of a call have in common.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// What there is to explore.
    pub models: Models,
    /// Searches at a time.
    pub jobs: NonZeroUsize,
    /// How people call this program.
    pub runner: &'a str,
}

/// The most address space of a search.
const MEMORY_MIB: u64 = 2048;

/// What a command ends with.
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

impl Call<'_> {
    /// Fails where nothing that a command finds would mean much.
    pub fn check(&self) -> Result<()> {
        check_environment().map_err(Usage)?;
        Ok(self.models.check()?)
    }
}

/// The commands.
#[derive(Subcommand)]
pub enum Explore {
    /// Lists the models.
    List,
    /// Runs models; those that fail are shown with a trace and a command that replays it.
    Run(Run),
    /// Runs one failing execution again, shortens it and shows its trace.
    Replay {
        /// What `run` printed: MODEL:ENGINE:EXECUTION:CHECK.
        execution: String,
    },
    /// Shows that models can fail: each planted bug must be found by the engines that it names.
    Planted {
        /// Which of them.
        #[arg(long, default_value_t = Profile::Quick)]
        profile: Profile,
    },
    /// One search in this process: how the runner calls itself.
    #[command(name = child::SUBCOMMAND, hide = true)]
    Check(Order),
}

/// What a call does of it all.
#[derive(Args)]
pub struct Share {
    /// One of N equal parts: I/N, I from 1.
    #[arg(long)]
    shard: Option<Shard>,
    /// A file of what was found: searches that passed there in an earlier call, with the same
    /// build, are not run again. It is created if there is none.
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
}

impl Share {
    /// This share of them.
    pub fn part<T>(&self, all: Vec<T>) -> std::result::Result<Vec<T>, Usage> {
        match self.shard {
            Some(shard) => shard.part(all).map_err(Usage),
            None => Ok(all),
        }
    }

    /// The file, if there is to be one.
    pub fn open(&self) -> std::result::Result<Option<Resume>, Usage> {
        self.resume.as_deref().map(Resume::open).transpose().map_err(Usage)
    }
}

/// What `run` runs.
#[derive(Args)]
pub struct Run {
    /// The name of a model or a part of the names of some.
    pattern: Option<String>,
    /// Which searches, and how many samples.
    #[arg(long, default_value_t = Profile::Quick)]
    profile: Profile,
    /// Only these engines, also where the profile does not have them: dpor, dfs, loom, loom-rmw,
    /// loom-N (at most N preemptions), pct-D (bugs of depth D), random, urw.
    #[arg(long)]
    engine: Vec<Engine>,
    /// Executions of a sampler (by default 1,000 in quick, 5,000 in ci, 1,000,000 in nightly).
    #[arg(long)]
    samples: Option<NonZeroUsize>,
    /// Chooses them.
    #[arg(long)]
    seed: Option<u64>,
    #[command(flatten)]
    share: Share,
    /// Stops after this time, as in `90s` or `2h`; what has not ended by then has not passed.
    #[arg(long, value_parser = humantime::parse_duration)]
    budget: Option<Duration>,
    /// The most address space of a search, in MiB.
    #[arg(long, default_value_t = MEMORY_MIB)]
    memory_mib: u64,
    /// A JSON object a line instead of a table.
    #[arg(long)]
    json: bool,
    /// Shows the points that were reached and the outcomes.
    #[arg(long, conflicts_with = "json")]
    counts: bool,
}

impl Default for Explore {
    /// What is done without a command.
    fn default() -> Self {
        #[derive(Parser)]
        struct Nothing {
            #[command(flatten)]
            run: Run,
        }
        Self::Run(Nothing::parse_from(["run"]).run)
    }
}

/// What was wrong with the arguments.
#[derive(Debug)]
pub struct Usage(pub String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Usage {}

/// Tells of an error, and the exit code.
pub fn exit_code(result: Result<Ending>) -> ExitCode {
    match result {
        Ok(Ending::Passed) => ExitCode::SUCCESS,
        Ok(Ending::Failed) => ExitCode::from(1),
        Ok(Ending::Left) => ExitCode::from(4),
        Err(error) => {
            let broken_pipe = |e: &io::Error| e.kind() == ErrorKind::BrokenPipe;
            if !error.downcast_ref().is_some_and(broken_pipe) {
                eprintln!("error: {error}");
            }
            ExitCode::from(if error.is::<Usage>() { 2 } else { 3 })
        }
    }
}

impl Explore {
    /// Performs the command.
    pub fn perform(&self, call: &Call<'_>, out: &mut impl Write) -> Result<Ending> {
        match self {
            Self::List => run::list(call.models, out)?,
            Self::Run(run) => return run.perform(call, out),
            Self::Replay { execution } => {
                let replay = Replay::parse(call.models, execution).map_err(Usage)?;
                match replay.show(&std::env::current_exe()?, out)? {
                    Ok(Shown::Passed) => {}
                    Ok(Shown::Failed) => return Ok(Ending::Failed),
                    Err(reason) => return Err(Usage(format!("{execution}: {reason}")).into()),
                }
            }
            Self::Planted { profile } => {
                let settings = Settings {
                    program: &std::env::current_exe()?,
                    runner: call.runner,
                    jobs: call.jobs,
                    sampling: Sampling::of(*profile),
                    memory_mib: MEMORY_MIB,
                    until: None,
                    resume: None,
                };
                return Ok(hunt(&settings, call.models.planted(), *profile, out)?);
            }
            Self::Check(order) => {
                let model = call.models.find(&order.model, order.engine).map_err(Usage)?;
                // Not a return: what a failed search leaves behind must not be dropped.
                exit(child::serve(model, order)?.into())
            }
        }
        Ok(Ending::Passed)
    }
}

impl Run {
    fn perform(&self, call: &Call<'_>, out: &mut impl Write) -> Result<Ending> {
        let pattern = self.pattern.as_deref();
        let selection = select(call.models, pattern, &self.engine, self.profile).map_err(Usage)?;
        let selection = self.share.part(selection)?;
        let is_sampled = selection.iter().any(|(_, engine)| engine.is_sampler());
        if (self.samples.is_some() || self.seed.is_some()) && !is_sampled {
            return Err(Usage(
                "--samples and --seed are for pct-D, random and urw, and none of these is run: \
                 name one with --engine, or take --profile ci"
                    .to_owned(),
            )
            .into());
        }
        let usual = Sampling::of(self.profile);
        let samples = self.samples.map_or(usual.samples, NonZeroUsize::get);
        let resume = self.share.open()?;
        let settings = Settings {
            program: &std::env::current_exe()?,
            runner: call.runner,
            jobs: call.jobs,
            sampling: Sampling { samples, seed: self.seed.unwrap_or(usual.seed) },
            memory_mib: self.memory_mib,
            until: self.budget.map(|budget| Instant::now() + budget),
            resume: resume.as_ref(),
        };
        Ok(match run::run(&settings, &selection, self.format(), out)? {
            // Without a file the next call would begin anew.
            Ending::Left if resume.is_none() => Ending::Failed,
            ending => ending,
        })
    }

    fn format(&self) -> Format {
        match (self.json, self.counts) {
            (true, _) => Format::Json,
            (false, true) => Format::Counts,
            (false, false) => Format::Table,
        }
    }
}
