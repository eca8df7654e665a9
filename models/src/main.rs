//! The runner: models under their engines, replays, mutants, the audit of the engines.
//!
//! Exit codes: 0 all passed; 1 a model failed or did not end within its limits, a mutant survived,
//! or its text is not in the sources exactly once, or a weakened ordering did not fare as listed;
//! 2 usage; 3 the runner itself; 4 with `run --resume`: nothing failed, and the next call goes on
//! with what there was no time for.

use clap::{Args, Parser, Subcommand};
use seawall_models::RUNNER;
use seawall_models::audit::{self, Plan};
use seawall_models::command::{self, Call, Explore, Jobs, Share, Usage};
use seawall_models::engine::{Engine, Sampling};
use seawall_models::invariants;
use seawall_models::mutants::arena::Means;
use seawall_models::mutants::found;
use seawall_models::mutants::hunt::Hunt;
use seawall_models::mutants::kill::{self, Effort};
use seawall_models::mutants::schemata::{VARIABLE, WeaveError};
use seawall_models::mutants::{check_sources, orderings, removals};
use seawall_models::run::Ending;
use seawall_models::spec::SEAWALL;
use std::error::Error;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Duration;

/// Explores the models of seawall's protocols under loom and shuttle.
///
/// Without a command it runs the quick profile.
#[derive(Parser)]
#[command(name = "seawall-models", version)]
struct Arguments {
    #[command(flatten)]
    jobs: Jobs,
    #[command(subcommand)]
    command: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    #[command(flatten)]
    Explore(Explore),
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
}

/// Which of the mutants that are found in the sources are hunted, and how.
#[derive(Args)]
struct Hunted {
    /// A part of the names of some.
    pattern: Option<String>,
    /// Only those that are listed as ones that nothing kills.
    #[arg(long)]
    listed: bool,
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
        jobs: NonZeroUsize,
        out: &mut impl Write,
    ) -> Result<bool, Box<dyn Error>> {
        check_switch()?;
        let all = hunt.all()?;
        let mut chosen = found::select(&all, self.pattern.as_deref()).map_err(Usage)?;
        if self.listed {
            chosen.retain(|found| hunt.lists(found));
        }
        let chosen = self.share.part(chosen)?;
        let resume = self.share.open()?;
        let means = Means { jobs, resume: resume.as_ref() };
        hunt.run(&all, &chosen, self.budget, means, out)
    }
}

fn main() -> ExitCode {
    match run_command(&Arguments::parse(), &mut io::stdout().lock()) {
        Err(error) if error.is::<WeaveError>() => {
            eprintln!("error: {error}");
            ExitCode::from(1)
        }
        result => command::exit_code(result),
    }
}

fn run_command(arguments: &Arguments, out: &mut impl Write) -> command::Result<Ending> {
    let jobs = arguments.jobs.jobs();
    let call = Call { models: SEAWALL, jobs, runner: RUNNER };
    call.check()?;
    let has_passed = match &arguments.command {
        None => return Explore::default().perform(&call, out),
        Some(Action::Explore(command)) => return command.perform(&call, out),
        Some(Action::Audit { programs, seed, engine, samples }) => {
            let sampling = Sampling { samples: samples.get(), seed: *seed };
            let plan = Plan { engines: engine, programs: *programs, sampling, jobs };
            audit::audit(&plan, out)?
        }
        Some(Action::Invariants) => write!(out, "{}", invariants::table()?).map(|()| true)?,
        Some(Action::Mutants { pattern, first_kill, share }) => {
            check_switch()?;
            let mutants = share.part(kill::select(pattern.as_deref()).map_err(Usage)?)?;
            let resume = share.open()?;
            let means = Means { jobs, resume: resume.as_ref() };
            let effort = if *first_kill { Effort::FirstKill } else { Effort::EveryEngine };
            kill::run(&mutants, effort, means, out)?
        }
        Some(Action::Orderings(hunted)) => hunted.run(&orderings::HUNT, jobs, out)?,
        Some(Action::Removals(hunted)) => hunted.run(&removals::HUNT, jobs, out)?,
    };
    Ok(if has_passed { Ending::Passed } else { Ending::Failed })
}

/// Fails where there is nothing to mutate, or a mutant would be active in searches that are to
/// have none.
fn check_switch() -> Result<(), Usage> {
    check_sources().map_err(Usage)?;
    match std::env::var_os(VARIABLE) {
        Some(_) => Err(Usage(format!("{VARIABLE} is set: it is for this command to set"))),
        None => Ok(()),
    }
}
