//! Searches every mutant with the models that must kill it, and prints the table of kills.

use super::copy::Copy;
use super::schemata::{VARIABLE, weave_all};
use super::{Mutant, all};
use crate::child::{Finished, Order, Search, Verdict};
use crate::engine::{Engine, Sampling};
use crate::jobs;
use crate::profile::Profile;
use crate::rows::seconds;
use crate::run::{self, Format, STDERR_LINES, Settings};
use crate::select::Selection;
use crate::spec::{Model, models};
use crate::table::{Column, Table, grouped, indented_tail};
use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The searches that a mutant has to survive.
const PROFILE: Profile = Profile::Ci;

/// A search that takes longer has killed nothing.
const LIMIT: Duration = Duration::from_secs(60);

/// Address space of a search.
const MEMORY_MIB: u64 = 2048;

/// How thoroughly a mutant is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Every engine of the model has a try.
    EveryEngine,
    /// The first engine that kills it is enough.
    FirstKill,
}

/// A mutant and a model that must kill it.
type Duel = (&'static Mutant, &'static Model);

/// The searches of a duel that were run, in order.
type Searches = Vec<(Engine, Finished)>;

/// The mutants whose name contains `pattern`, and those of the model of that name.
pub fn select(pattern: Option<&str>) -> Result<Vec<&'static Mutant>, String> {
    let pattern = pattern.unwrap_or_default();
    let matches =
        |mutant: &&Mutant| mutant.name.contains(pattern) || mutant.models.contains(&pattern);
    let chosen: Vec<_> = all().filter(matches).collect();
    if chosen.is_empty() {
        let names: Vec<_> = all().map(|mutant| mutant.name).collect();
        return Err(format!("no mutant matches '{pattern}'; there are: {}", names.join(", ")));
    }
    Ok(chosen)
}

/// Builds the mutated copy, shows that the models pass when no mutant is active, and runs the
/// duels; whether every mutant was killed by every model that it names.
pub fn run(
    mutants: &[&'static Mutant],
    effort: Effort,
    jobs: NonZeroUsize,
    out: &mut impl Write,
) -> Result<bool, Box<dyn Error>> {
    let start = Instant::now();
    let woven = weave_all(&root().join("core/src"), &all().copied().collect::<Vec<_>>())?;
    let copy = write_copy(woven, "mutants", out)?;
    let program = copy.build()?;
    if !passes_without(&program, &baseline(mutants, effort), jobs, out)? {
        return Ok(false);
    }
    let survivors = duels(&program, mutants, effort, jobs, out)?;
    for (duel, searches) in &survivors {
        print_survivor(&program, *duel, searches, out)?;
    }
    let survived: BTreeSet<_> = survivors.iter().map(|((mutant, _), _)| mutant.name).collect();
    let (all, survived) = (mutants.len(), survived.len());
    let time = start.elapsed().as_secs_f64();
    writeln!(
        out,
        "\n{} of {all} mutants killed, {survived} survived, {time:.1} s",
        all - survived
    )?;
    Ok(survivors.is_empty())
}

/// The repository.
pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("models is in a workspace")
}

/// Writes a mutated copy into a folder of this name.
pub(super) fn write_copy(
    woven: BTreeMap<String, String>,
    name: &str,
    out: &mut impl Write,
) -> Result<Copy, Box<dyn Error>> {
    let folder = target()?.join(name);
    writeln!(out, "building the mutated copy in {}", folder.display())?;
    out.flush()?;
    Copy::write(root(), &folder, woven)
}

/// Whether these searches of a mutated copy pass while no mutant is active.
pub(super) fn passes_without(
    program: &Path,
    selection: &Selection,
    jobs: NonZeroUsize,
    out: &mut impl Write,
) -> io::Result<bool> {
    writeln!(out, "\nthe models with no mutant active:")?;
    let sampling = Sampling::of(PROFILE);
    let settings = Settings { program, jobs, sampling, memory_mib: MEMORY_MIB, until: None };
    let passes = run::run(&settings, selection, Format::Table, out)?;
    if !passes {
        writeln!(out, "the models fail without a mutant, so their kills would mean nothing")?;
    }
    writeln!(out)?;
    Ok(passes)
}

/// The target directory of this binary, to be next to its own profile.
fn target() -> io::Result<PathBuf> {
    let program = env::current_exe()?;
    let target = program.parent().and_then(Path::parent);
    target.map(Path::to_owned).ok_or_else(|| io::Error::other("not in a target directory"))
}

fn killers(mutant: &'static Mutant) -> impl Iterator<Item = &'static Model> {
    models().iter().filter(|model| mutant.models.contains(&model.name))
}

/// Every model that a mutant names.
fn baseline(mutants: &[&'static Mutant], effort: Effort) -> Selection {
    let profile = match effort {
        Effort::EveryEngine => PROFILE,
        Effort::FirstKill => Profile::Quick,
    };
    let needed = |model: &&Model| mutants.iter().any(|m| m.models.contains(&model.name));
    let of = |model: &'static Model| model.engines(profile).into_iter().map(move |e| (model, e));
    models().iter().filter(needed).flat_map(of).collect()
}

/// Runs the duels and prints their table; those that the mutant survived, or that broke down.
fn duels(
    program: &Path,
    mutants: &[&'static Mutant],
    effort: Effort,
    jobs: NonZeroUsize,
    out: &mut impl Write,
) -> io::Result<Vec<(Duel, Searches)>> {
    let duels: Vec<Duel> = mutants
        .iter()
        .flat_map(|mutant| killers(mutant).map(move |model| (*mutant, model)))
        .collect();
    let table = Table::begin(columns(&duels), out)?;
    let mut survivors = Vec::new();
    let fight = |duel: &Duel| fight(program, *duel, effort);
    jobs::in_order(jobs, &duels, fight, |duel, searches| {
        for (engine, finished) in &searches {
            table.row(&row(*duel, *engine, finished), out)?;
        }
        let killed = searches.iter().any(|(_, finished)| is_kill(finished));
        if !killed || searches.iter().any(|(_, finished)| is_broken(finished)) {
            survivors.push((*duel, searches));
        }
        Ok::<_, io::Error>(())
    })?;
    Ok(survivors)
}

fn fight(program: &Path, (mutant, model): Duel, effort: Effort) -> Searches {
    let mut searches = Searches::new();
    for engine in model.engines(PROFILE) {
        let finished = search(program, mutant.name, model, engine, LIMIT);
        let enough = effort == Effort::FirstKill && is_kill(&finished);
        searches.push((engine, finished));
        if enough {
            break;
        }
    }
    searches
}

/// One search of a mutated copy, with this mutant active.
pub(super) fn search(
    program: &Path,
    mutant: &str,
    model: &Model,
    engine: Engine,
    limit: Duration,
) -> Finished {
    let Sampling { samples, seed } = Sampling::of(PROFILE);
    let model = model.name.to_owned();
    let (memory_mib, replay, loose) = (MEMORY_MIB, None, false);
    let order = Order { model, engine, samples, seed, memory_mib, replay, loose };
    let variable = Some((VARIABLE, mutant));
    let until = Some(Instant::now() + limit);
    Search { program, order, variable, until, progress: &|_, _| () }.run()
}

/// Only a failure of the model is a kill: a hang or a broken runner shows nothing.
pub(super) fn is_kill(finished: &Finished) -> bool {
    matches!(finished.verdict, Verdict::Failed(_))
}

pub(super) fn is_broken(finished: &Finished) -> bool {
    matches!(finished.verdict, Verdict::Broken(_))
}

fn print_survivor(
    program: &Path,
    (mutant, model): Duel,
    searches: &Searches,
    out: &mut impl Write,
) -> io::Result<()> {
    let killed = searches.iter().any(|(_, finished)| is_kill(finished));
    let what = if killed { "broke a search of" } else { "was not killed by" };
    writeln!(out, "\nmutant {} {what} the model {}", mutant.name, model.name)?;
    for (engine, finished) in searches {
        if let Verdict::Broken(reason) = &finished.verdict {
            writeln!(out, "  {engine}: {reason}")?;
            write!(out, "{}", indented_tail(&finished.stderr, STDERR_LINES))?;
        }
    }
    let program = program.display();
    writeln!(out, "  replay: {VARIABLE}={} {program} run {}", mutant.name, model.name)
}

fn columns(duels: &[Duel]) -> Vec<Column> {
    let labels = duels.iter().flat_map(|(_, model)| model.engines(PROFILE)).map(|e| e.label());
    vec![
        Column::left("mutant", duels.iter().map(|(mutant, _)| mutant.name)),
        Column::left("model", duels.iter().map(|(_, model)| model.name)),
        Column::left("engine", labels),
        Column::left("result", ["killed: unreached"]),
        Column::right("executions", grouped(99_999_999).len()),
        Column::right("time", "60.00 s".len()),
        Column::left("the bug", [""]),
    ]
}

fn row((mutant, model): Duel, engine: Engine, finished: &Finished) -> [String; 7] {
    let result = match &finished.verdict {
        Verdict::Failed(failure) => format!("killed: {}", failure.kind.name()),
        Verdict::Passed => "survived".to_owned(),
        verdict => verdict.to_string(),
    };
    [
        mutant.name.to_owned(),
        model.name.to_owned(),
        engine.label(),
        result,
        grouped(finished.report.record.executions),
        seconds(finished),
        mutant.reason.to_owned(),
    ]
}
