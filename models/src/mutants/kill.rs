//! Searches every mutant with the models that must kill it, and prints the table of kills.

use super::arena::{Arena, Means, PROFILE, Trial, is_broken, is_kill, root};
use super::schemata::{VARIABLE, weave_all};
use super::{Mutant, all};
use crate::child::{Finished, Verdict};
use crate::engine::Engine;
use crate::jobs;
use crate::profile::Profile;
use crate::rows::seconds;
use crate::run::STDERR_LINES;
use crate::select::Selection;
use crate::spec::{Model, models};
use crate::table::{Column, Table, grouped, indented_tail};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// A search that takes longer has killed nothing.
const LIMIT: Duration = Duration::from_secs(60);

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
    means: Means<'_>,
    out: &mut impl Write,
) -> Result<bool, Box<dyn Error>> {
    let start = Instant::now();
    let woven = weave_all(&root().join("core/src"), &all().copied().collect::<Vec<_>>())?;
    let arena = Arena::build(woven, "mutants", means, out)?;
    if !arena.passes_without(&baseline(mutants, effort), out)? {
        return Ok(false);
    }
    let survivors = duels(&arena, mutants, effort, out)?;
    for (duel, searches) in &survivors {
        print_survivor(&arena, *duel, searches, out)?;
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
    arena: &Arena<'_>,
    mutants: &[&'static Mutant],
    effort: Effort,
    out: &mut impl Write,
) -> io::Result<Vec<(Duel, Searches)>> {
    let duels: Vec<Duel> = mutants
        .iter()
        .flat_map(|mutant| killers(mutant).map(move |model| (*mutant, model)))
        .collect();
    let engines: BTreeSet<_> = duels.iter().flat_map(|(_, m)| m.engines(PROFILE)).collect();
    writeln!(out, "executions until an engine has killed the mutant; - if it has not")?;
    let table = Table::begin(columns(&duels, &engines), out)?;
    let mut survivors = Vec::new();
    let mut scores = engines.into_iter().map(|engine| (engine, Score::default())).collect();
    let fight = |duel: &Duel| fight(arena, *duel, effort);
    jobs::in_order(arena.means.jobs, &duels, fight, |duel, searches| {
        count(&mut scores, &searches);
        table.row(&row(*duel, &searches, &scores), out)?;
        if is_survived(&searches) {
            survivors.push((*duel, searches));
        }
        Ok::<_, io::Error>(())
    })?;
    table.row(&last_row(&scores), out)?;
    arena.footnote(out)?;
    Ok(survivors)
}

fn fight(arena: &Arena<'_>, duel: Duel, effort: Effort) -> Searches {
    let searches = fight_once(arena, duel, effort, false);
    let is_known = searches.iter().any(|(_, finished)| finished.is_known);
    if is_known && is_survived(&searches) {
        fight_once(arena, duel, effort, true)
    } else {
        searches
    }
}

fn fight_once(
    arena: &Arena<'_>,
    (mutant, model): Duel,
    effort: Effort,
    is_afresh: bool,
) -> Searches {
    let trial = Trial { mutant: mutant.name, limit: LIMIT, is_afresh };
    let mut searches = Searches::new();
    for engine in model.engines(PROFILE) {
        let finished = arena.search(trial, model, engine);
        let enough = effort == Effort::FirstKill && is_kill(&finished);
        searches.push((engine, finished));
        if enough {
            break;
        }
    }
    searches
}

/// Whether it was not killed, or a search broke down, which is as bad.
fn is_survived(searches: &Searches) -> bool {
    let has = |is: fn(&Finished) -> bool| searches.iter().any(|(_, finished)| is(finished));
    !has(is_kill) || has(is_broken)
}

fn print_survivor(
    arena: &Arena<'_>,
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
    let program = arena.program.display();
    writeln!(out, "  replay: {VARIABLE}={} {program} run {}", mutant.name, model.name)
}

/// How many duels an engine has fought, and in how many it has killed.
#[derive(Clone, Copy, Debug, Default)]
struct Score {
    fought: usize,
    killed: usize,
}

type Scores = BTreeMap<Engine, Score>;

fn count(scores: &mut Scores, searches: &Searches) {
    for (engine, finished) in searches {
        let score = scores.entry(*engine).or_default();
        score.fought += 1;
        score.killed += usize::from(is_kill(finished));
    }
}

fn columns(duels: &[Duel], engines: &BTreeSet<Engine>) -> Vec<Column> {
    let engine = |engine: &Engine| Column::right(engine.to_string(), grouped(99_999).len());
    let mut columns = vec![
        Column::left("mutant", duels.iter().map(|(mutant, _)| mutant.name)),
        Column::left("model", duels.iter().map(|(_, model)| model.name)),
    ];
    columns.extend(engines.iter().map(engine));
    columns.push(Column::right("time", "*60.00 s".len()));
    columns.push(Column::left("the bug", [""]));
    columns
}

/// A cell for each engine of the table.
fn row((mutant, model): Duel, searches: &Searches, scores: &Scores) -> Vec<String> {
    let cell = |engine: &Engine| {
        let found = searches.iter().find(|(of, _)| of == engine);
        found.map_or_else(String::new, |(_, finished)| match &finished.verdict {
            Verdict::Failed(_) => grouped(finished.report.record.executions),
            Verdict::Passed => "-".to_owned(),
            Verdict::TimedOut => "time".to_owned(),
            Verdict::OutOfMemory => "memory".to_owned(),
            Verdict::Broken(_) => "ERROR".to_owned(),
        })
    };
    let mut cells = vec![mutant.name.to_owned(), model.name.to_owned()];
    cells.extend(scores.keys().map(cell));
    cells.push(seconds(searches.iter().map(|(_, finished)| finished)));
    cells.push(mutant.reason.to_owned());
    cells
}

/// What each engine has killed of what it has fought.
fn last_row(scores: &Scores) -> Vec<String> {
    let mut cells = vec!["killed, of".to_owned(), String::new()];
    cells.extend(scores.values().map(|score| format!("{}/{}", score.killed, score.fought)));
    cells.extend([String::new(), String::new()]);
    cells
}
