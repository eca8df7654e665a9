//! The runner: every model under every engine, every mutant, and the tables.
//!
//! Exit codes: 0 all passed; 1 a model failed, a mutant survived, or its text is not in the sources
//! exactly once; 2 usage; 3 the runner itself.

use clap::{Parser, Subcommand};
use seawall_models::explore::check_environment;
use seawall_models::mutants::kill::{self, Effort};
use seawall_models::mutants::schemata::{VARIABLE, WeaveError};
use seawall_models::run::{self, Detail};
use seawall_models::spec::{Engine, Model};
use seawall_models::{child, jobs};
use std::error::Error;
use std::io::{self, ErrorKind, Write};
use std::num::NonZeroUsize;
use std::process::{ExitCode, exit};

/// Explores the models of seawall's protocols under loom and shuttle.
///
/// Without a command it runs all of them.
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
    /// Runs some models, and shows the points that they reached, their outcomes, and everything
    /// that a failing one prints (with RUST_BACKTRACE=full, where it failed).
    Run {
        /// The name of a model or a part of the names of some.
        pattern: Option<String>,
        /// Only under this engine.
        #[arg(long)]
        engine: Option<Engine>,
    },
    /// Shows that the models can fail: each mutant must be killed by the models that it names.
    Mutants {
        /// A part of the names of some mutants, or the name of a model.
        pattern: Option<String>,
        /// Be content with the first engine that kills a mutant.
        #[arg(long)]
        first_kill: bool,
    },
    /// Runs random small programs under the engines, against a brute-force oracle.
    Audit {
        /// How many programs.
        #[arg(long, default_value_t = 1000)]
        programs: u64,
        /// Chooses them.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Only this engine (by default dpor and loom; shuttle-dfs takes minutes).
        #[arg(long)]
        engine: Option<Engine>,
    },
    /// One search in this process: how the runner calls itself.
    #[command(name = child::SUBCOMMAND, hide = true)]
    Check { model: String, engine: Engine },
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
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
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

/// Whether everything passed.
fn run_command(arguments: &Arguments, out: &mut impl Write) -> Result<bool, Box<dyn Error>> {
    check_environment().map_err(Usage)?;
    let jobs = arguments.jobs.unwrap_or_else(jobs::processors);
    let run = |pattern: Option<&str>, engine, detail, out: &mut _| {
        let selection = run::select(pattern, engine).map_err(Usage)?;
        let program = std::env::current_exe()?;
        Ok(run::run(&program, &selection, jobs, detail, out)?)
    };
    match &arguments.command {
        None => run(None, None, Detail::Table, out),
        Some(Action::Run { pattern, engine }) => {
            run(pattern.as_deref(), *engine, Detail::Counts, out)
        }
        Some(Action::Audit { programs, seed, engine }) => {
            let all = [Engine::Dpor, Engine::Loom];
            let engines = engine.as_ref().map_or(&all[..], std::slice::from_ref);
            Ok(audit(engines, *programs, *seed, out)?)
        }
        Some(Action::List) => run::list(out).map(|()| true).map_err(Into::into),
        Some(Action::Mutants { pattern, first_kill }) => {
            if std::env::var_os(VARIABLE).is_some() {
                return Err(
                    Usage(format!("{VARIABLE} is set: it is for this command to set")).into()
                );
            }
            let mutants = kill::select(pattern.as_deref()).map_err(Usage)?;
            let effort = if *first_kill { Effort::FirstKill } else { Effort::EveryEngine };
            kill::run(&mutants, effort, jobs, out)
        }
        Some(Action::Check { model, engine }) => {
            // Not a return: what a failed search leaves behind must not be dropped.
            exit(child::serve(find(model, *engine)?, *engine).into())
        }
    }
}

fn find(name: &str, engine: Engine) -> Result<&'static Model, Usage> {
    let model = engine.models().iter().find(|model| model.name == name);
    let model = model.ok_or_else(|| Usage(format!("no model is called {name}")))?;
    if !Engine::of(model).contains(&engine) {
        return Err(Usage(format!("{engine} does not explore {name}")));
    }
    Ok(model)
}

/// Prints the audit's table; whether the engines that claim to be complete are.
fn audit(engines: &[Engine], programs: u64, seed: u64, out: &mut impl Write) -> io::Result<bool> {
    writeln!(out, "engine       programs  incomplete  beyond SC  executions   (seed {seed})")?;
    let mut passed = true;
    for (engine, score, witness) in seawall_models::audit::audit(engines, programs, seed) {
        let seawall_models::audit::Score { programs, incomplete, beyond, executions } = score;
        let name = engine.name();
        writeln!(out, "{name:<12} {programs:>8}  {incomplete:>10}  {beyond:>9}  {executions:>10}")?;
        if engine != Engine::Loom
            && let Some(witness) = witness
        {
            passed = false;
            writeln!(out, "{engine} is wrong about\n{witness}")?;
        }
    }
    Ok(passed)
}
