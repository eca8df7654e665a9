//! The runner: models under their engines, replays, mutants, the audit of the engines.
//!
//! Exit codes: 0 all passed; 1 a model failed or did not end within its limits, a mutant survived,
//! or its text is not in the sources exactly once, or a weakened ordering did not fare as listed;
//! 2 usage; 3 the runner itself; 4 with `run --resume`: nothing failed, and the next call goes on
//! with what there was no time for.

use clap::{Args, Parser, Subcommand};
use seawall_models::audit::{self, Plan};
use seawall_models::child::{self, Order};
use seawall_models::engine::{Engine, Sampling};
use seawall_models::explore::check_environment;
use seawall_models::invariants;
use seawall_models::jobs;
use seawall_models::mutants::arena::Means;
use seawall_models::mutants::found::{self, Found, core_src};
use seawall_models::mutants::hunt::Hunt;
use seawall_models::mutants::kill::{self, Effort};
use seawall_models::mutants::schemata::{VARIABLE, WeaveError};
use seawall_models::mutants::{orderings, removals};
use seawall_models::profile::Profile;
use seawall_models::replay::{Replay, Shown};
use seawall_models::resume::Resume;
use seawall_models::run::{self, Ending, Format, Settings};
use seawall_models::select::{Shard, select};
use seawall_models::spec::find;
use std::error::Error;
use std::io::{self, ErrorKind, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::{ExitCode, exit};
use std::time::{Duration, Instant};

/// Explores the models of seawall's protocols under loom and shuttle.
///
/// Without a command it runs the quick profile.
#[derive(Parser)]
#[command(name = "seawall-models", version)]
struct Arguments {
    /// How many searches run at a time (default: one for each processor).
    #[arg(long, global = true)]
    jobs: Option<NonZeroUsize>,
    #[command(subcommand)]
    command: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// Lists the models.
    List,
    /// Runs models; those that fail are shown with a trace and a command that replays it.
    Run(Run),
    /// Runs one failing execution again, shortens it and shows its trace.
    Replay {
        /// What `run` printed: MODEL:ENGINE:EXECUTION:CHECK.
        execution: String,
    },
    /// Shows that the models can fail: each mutant must be killed by the models that it names.
    Mutants {
        /// A part of the names of some mutants, or the name of a model.
        pattern: Option<String>,
        /// Be content with the first engine that kills a mutant.
        #[arg(long)]
        first_kill: bool,
        #[command(flatten)]
        share: Share,
    },
    /// Weakens every memory ordering of core by one step: each must be killed by a model, or be
    /// listed with the reason why none does.
    Orderings(Hunted),
    /// Leaves out every step of core's protocols, one at a time: each must be killed by a model or
    /// a test, or be listed with the reason why nothing kills it.
    Removals(Hunted),
    /// Prints which models check each invariant, and which mutants would break it.
    Invariants,
    /// Runs litmus tests, planted bugs and random small programs under the engines, against a
    /// brute-force oracle.
    Audit {
        /// How many random programs.
        #[arg(long, default_value_t = 2000)]
        programs: u64,
        /// Chooses them.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Only these engines on them (by default all but dfs, which takes minutes).
        #[arg(long)]
        engine: Vec<Engine>,
        /// Executions of a sampler on each program.
        #[arg(long, default_value = "200")]
        samples: NonZeroUsize,
    },
    /// One search in this process: how the runner calls itself.
    #[command(name = child::SUBCOMMAND, hide = true)]
    Check(Order),
}

/// Which of the mutants that are found in the sources are hunted, and how.
#[derive(Args)]
struct Hunted {
    /// A part of the names of some.
    pattern: Option<String>,
    /// A search that takes longer has killed nothing.
    #[arg(long, value_parser = humantime::parse_duration, default_value = "10s")]
    budget: Duration,
    #[command(flatten)]
    share: Share,
}

impl Hunted {
    /// Hunts this call's share of those that it names; whether each fared as it should.
    fn run(
        &self,
        hunt: &'static Hunt,
        all: &[Found],
        jobs: NonZeroUsize,
        out: &mut impl Write,
    ) -> Result<bool, Box<dyn Error>> {
        check_switch()?;
        let chosen =
            self.share.part(found::select(all, self.pattern.as_deref()).map_err(Usage)?)?;
        let resume = self.share.open()?;
        let means = Means { jobs, resume: resume.as_ref() };
        hunt.run(all, &chosen, self.budget, means, out)
    }
}

/// What one call does of it all.
#[derive(Args)]
struct Share {
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
    fn part<T>(&self, all: Vec<T>) -> Result<Vec<T>, Usage> {
        match self.shard {
            Some(shard) => shard.part(all).map_err(Usage),
            None => Ok(all),
        }
    }

    fn open(&self) -> Result<Option<Resume>, Usage> {
        self.resume.as_deref().map(Resume::open).transpose().map_err(Usage)
    }
}

#[derive(Args)]
struct Run {
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
    #[arg(long, default_value_t = 2048)]
    memory_mib: u64,
    /// A JSON object a line instead of a table.
    #[arg(long)]
    json: bool,
    /// Shows the points that were reached and the outcomes.
    #[arg(long, conflicts_with = "json")]
    counts: bool,
}

impl Run {
    /// What `run` does without arguments.
    fn default() -> Self {
        #[derive(Parser)]
        struct Nothing {
            #[command(flatten)]
            run: Run,
        }
        Nothing::parse_from(["run"]).run
    }
}

/// What was wrong with the arguments.
#[derive(Debug)]
struct Usage(String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Usage {}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run_command(&arguments, &mut io::stdout().lock()) {
        Ok(Ending::Passed) => ExitCode::SUCCESS,
        Ok(Ending::Failed) => ExitCode::from(1),
        Ok(Ending::Left) => ExitCode::from(4),
        Err(error) => {
            let broken_pipe = |e: &io::Error| e.kind() == ErrorKind::BrokenPipe;
            if !error.downcast_ref().is_some_and(broken_pipe) {
                eprintln!("error: {error}");
            }
            ExitCode::from(exit_code(error.as_ref()))
        }
    }
}

fn exit_code(error: &(dyn Error + 'static)) -> u8 {
    if error.is::<WeaveError>() {
        1
    } else if error.is::<Usage>() {
        2
    } else {
        3
    }
}

fn run_command(arguments: &Arguments, out: &mut impl Write) -> Result<Ending, Box<dyn Error>> {
    check_environment().map_err(Usage)?;
    let jobs = arguments.jobs.unwrap_or_else(jobs::processors);
    let has_passed = match &arguments.command {
        None => return run_models(&Run::default(), jobs, out),
        Some(Action::Run(run)) => return run_models(run, jobs, out),
        Some(Action::Replay { execution }) => {
            let replay = Replay::parse(execution).map_err(Usage)?;
            match replay.show(&std::env::current_exe()?, out)? {
                Ok(shown) => shown == Shown::Passed,
                Err(reason) => return Err(Usage(format!("{execution}: {reason}")).into()),
            }
        }
        Some(Action::Audit { programs, seed, engine, samples }) => {
            let sampling = Sampling { samples: samples.get(), seed: *seed };
            let plan = Plan { engines: engine, programs: *programs, sampling, jobs };
            audit::audit(&plan, out)?
        }
        Some(Action::Invariants) => write!(out, "{}", invariants::table()?).map(|()| true)?,
        Some(Action::List) => run::list(out).map(|()| true)?,
        Some(Action::Mutants { pattern, first_kill, share }) => {
            check_switch()?;
            let mutants = share.part(kill::select(pattern.as_deref()).map_err(Usage)?)?;
            let resume = share.open()?;
            let means = Means { jobs, resume: resume.as_ref() };
            let effort = if *first_kill { Effort::FirstKill } else { Effort::EveryEngine };
            kill::run(&mutants, effort, means, out)?
        }
        Some(Action::Orderings(hunted)) => {
            hunted.run(&orderings::HUNT, &orderings::all(&core_src())?, jobs, out)?
        }
        Some(Action::Removals(hunted)) => {
            hunted.run(&removals::HUNT, &removals::all(&core_src())?, jobs, out)?
        }
        Some(Action::Check(order)) => {
            let model = find(&order.model, order.engine).map_err(Usage)?;
            // Not a return: what a failed search leaves behind must not be dropped.
            exit(child::serve(model, order)?.into())
        }
    };
    Ok(if has_passed { Ending::Passed } else { Ending::Failed })
}

/// Fails if a mutant of the copy would be active in searches that are to have none.
fn check_switch() -> Result<(), Usage> {
    match std::env::var_os(VARIABLE) {
        Some(_) => Err(Usage(format!("{VARIABLE} is set: it is for this command to set"))),
        None => Ok(()),
    }
}

fn run_models(
    run: &Run,
    jobs: NonZeroUsize,
    out: &mut impl Write,
) -> Result<Ending, Box<dyn Error>> {
    let selection = select(run.pattern.as_deref(), &run.engine, run.profile).map_err(Usage)?;
    let selection = run.share.part(selection)?;
    let is_sampled = selection.iter().any(|(_, engine)| engine.is_sampler());
    if (run.samples.is_some() || run.seed.is_some()) && !is_sampled {
        return Err(Usage(
            "--samples and --seed are for pct-D, random and urw, and none of these is run: name \
             one with --engine, or take --profile ci"
                .to_owned(),
        )
        .into());
    }
    let usual = Sampling::of(run.profile);
    let samples = run.samples.map_or(usual.samples, NonZeroUsize::get);
    let resume = run.share.open()?;
    let settings = Settings {
        program: &std::env::current_exe()?,
        jobs,
        sampling: Sampling { samples, seed: run.seed.unwrap_or(usual.seed) },
        memory_mib: run.memory_mib,
        until: run.budget.map(|budget| Instant::now() + budget),
        resume: resume.as_ref(),
    };
    let format = match (run.json, run.counts) {
        (true, _) => Format::Json,
        (false, true) => Format::Counts,
        (false, false) => Format::Table,
    };
    Ok(match run::run(&settings, &selection, format, out)? {
        // Without a file the next call would begin anew.
        Ending::Left if resume.is_none() => Ending::Failed,
        ending => ending,
    })
}
