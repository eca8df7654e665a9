//! Searches every weakening with the models until one kills it, and prints the table.
//!
//! Only loom's engines see orderings. The models whose header names the file come first, then all
//! others, then the long searches of the first, each for as long as the budget lets it. One that
//! was not killed by then has to be listed.

use super::super::arena::{Arena, Means, Trial, is_broken, is_kill, root};
use super::super::schemata::VARIABLE;
use super::survivors::{SURVIVORS, Survivor};
use super::{Weakening, core_src, weave_all};
use crate::child::{Finished, Verdict};
use crate::engine::{Engine, Family};
use crate::jobs;
use crate::profile::Profile;
use crate::rows::seconds;
use crate::run::STDERR_LINES;
use crate::select::Selection;
use crate::spec::{Model, models};
use crate::table::{Column, Table, grouped, indented_tail};
use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// What became of one that is listed.
const EQUIVALENT: &str = "equivalent";

/// What became of a weakening.
struct Fate {
    searches: Vec<(&'static Model, Engine, Finished)>,
    listed: Option<&'static Survivor>,
}

/// What the sources of the models say that they are about.
type Code = BTreeMap<&'static str, String>;

/// Builds the copy in which `all` are woven, shows that the models pass when none is active, and
/// searches the `chosen`; whether each was killed or is listed, and the list names no others.
pub fn run(
    all: &[Weakening],
    chosen: &[Weakening],
    budget: Duration,
    means: Means<'_>,
    out: &mut impl Write,
) -> Result<bool, Box<dyn Error>> {
    let start = Instant::now();
    let code = code_of_models()?;
    let arena = Arena::build(weave_all(&core_src(), all)?, "orderings", means, out)?;
    if !arena.passes_without(&quick(), out)? {
        return Ok(false);
    }
    let table = Table::begin(columns(chosen), out)?;
    let mut bad = Vec::new();
    let mut killed = 0;
    let try_all = |weakening: &Weakening| fight(&arena, weakening, &code, budget);
    jobs::in_order(means.jobs, chosen, try_all, |weakening, fate| {
        table.row(&row(weakening, &fate), out)?;
        killed += usize::from(fate.kill().is_some());
        if !fate.is_as_it_should() {
            bad.push((weakening.clone(), fate));
        }
        Ok::<_, io::Error>(())
    })?;
    arena.footnote(out)?;
    for (weakening, fate) in &bad {
        print_bad(&arena, weakening, fate, out)?;
    }
    let unknown = unknown(all);
    for name in &unknown {
        writeln!(out, "\n{name} is listed as equivalent, and there is no such ordering")?;
    }
    let (count, time) = (chosen.len(), start.elapsed().as_secs_f64());
    let (survived, wrong) = (count - killed, bad.len() + unknown.len());
    writeln!(
        out,
        "\n{killed} of {count} weakenings killed, {survived} survived, {wrong} not as listed, \
         {time:.1} s"
    )?;
    Ok(wrong == 0)
}

/// The names that are listed and that no weakening has.
pub(super) fn unknown(all: &[Weakening]) -> Vec<&'static str> {
    let is_unknown = |name: &&str| all.iter().all(|weakening| weakening.name != *name);
    SURVIVORS.iter().map(|survivor| survivor.name).filter(is_unknown).collect()
}

/// What the header of each model's source says about the code that it runs.
fn code_of_models() -> io::Result<Code> {
    let mut code = Code::new();
    for Model { name, .. } in models() {
        let path = root().join("models/src/model").join(name).with_extension("rs");
        let text = fs::read_to_string(path)?;
        let header = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim_start);
        let from_code = header.skip_while(|line| !line.starts_with("code"));
        code.insert(name, from_code.take_while(|line| !line.starts_with("threads")).collect());
    }
    Ok(code)
}

/// The searches of all models that see orderings, each with the profile that it belongs to.
fn searches() -> impl Iterator<Item = (&'static Model, Engine, Profile)> {
    let of = |model: &'static Model| model.searches.iter().map(move |(e, from)| (model, *e, *from));
    models().iter().flat_map(of).filter(|(_, engine, _)| engine.family() == Family::Loom)
}

/// Those of seconds.
fn quick() -> Selection {
    let quick = searches().filter(|(_, _, from)| *from == Profile::Quick);
    quick.map(|(model, engine, _)| (model, engine)).collect()
}

/// The searches for one weakening, in their order.
fn searches_for(weakening: &Weakening, code: &Code) -> Selection {
    let is_near = |model: &Model| code[model.name].contains(&weakening.used_by);
    let mut all: Vec<_> = searches()
        .map(|(model, engine, from)| ((from, !is_near(model)), model, engine))
        .filter(|((from, is_far), ..)| *from == Profile::Quick || !is_far)
        .collect();
    all.sort_by_key(|(order, ..)| *order);
    all.into_iter().map(|(_, model, engine)| (model, engine)).collect()
}

fn fight(arena: &Arena<'_>, weakening: &Weakening, code: &Code, budget: Duration) -> Fate {
    let trial = Trial { mutant: &weakening.name, limit: budget, is_afresh: false };
    let fate = fight_once(arena, trial, weakening, code);
    let is_known = fate.searches.iter().any(|(_, _, finished)| finished.is_known);
    if is_known && !fate.is_as_it_should() {
        fight_once(arena, Trial { is_afresh: true, ..trial }, weakening, code)
    } else {
        fate
    }
}

fn fight_once(arena: &Arena<'_>, trial: Trial<'_>, weakening: &Weakening, code: &Code) -> Fate {
    let listed = SURVIVORS.iter().find(|survivor| survivor.name == weakening.name);
    let mut fate = Fate { searches: Vec::new(), listed };
    for (model, engine) in searches_for(weakening, code) {
        let finished = arena.search(trial, model, engine);
        fate.searches.push((model, engine, finished));
        if fate.kill().is_some() {
            break;
        }
    }
    fate
}

impl Fate {
    /// The search that killed it.
    fn kill(&self) -> Option<&(&'static Model, Engine, Finished)> {
        self.searches.last().filter(|(_, _, finished)| is_kill(finished))
    }

    fn is_as_it_should(&self) -> bool {
        let is_broken = self.searches.iter().any(|(_, _, finished)| is_broken(finished));
        self.kill().is_some() != self.listed.is_some() && !is_broken
    }

    fn result(&self) -> String {
        let kind = self.kill().and_then(|(_, _, finished)| match &finished.verdict {
            Verdict::Failed(failure) => Some(failure.kind.name()),
            _ => None,
        });
        match (kind, self.listed) {
            (Some(kind), None) => format!("killed: {kind}"),
            (None, Some(_)) => EQUIVALENT.to_owned(),
            (Some(_), Some(_)) => "LISTED, KILLED".to_owned(),
            (None, None) => "SURVIVED".to_owned(),
        }
    }
}

fn columns(chosen: &[Weakening]) -> Vec<Column> {
    let engines = searches().map(|(_, engine, _)| engine.label());
    vec![
        Column::left("ordering", chosen.iter().map(|weakening| &weakening.name)),
        Column::right("line", 4),
        Column::left("result", [EQUIVALENT, "killed: unreached"]),
        Column::left("model", models().iter().map(|model| model.name)),
        Column::left("engine", engines),
        Column::right("executions", grouped(99_999_999).len()),
        Column::right("time", "*600.00 s".len()),
        Column::left("because", [""]),
    ]
}

/// Of a weakening that was killed, the kill; else the sum of all searches.
fn row(weakening: &Weakening, fate: &Fate) -> [String; 8] {
    let (model, engine) = match fate.kill() {
        Some((model, engine, _)) => (model.name.to_owned(), engine.label()),
        None => {
            let passed = |(_, _, finished): &&(_, _, Finished)| finished.verdict == Verdict::Passed;
            let ended = fate.searches.iter().filter(passed).count();
            ("-".to_owned(), format!("{ended} of {}", fate.searches.len()))
        }
    };
    let counted = fate.kill().map_or(&fate.searches[..], std::slice::from_ref);
    let executions = counted.iter().map(|(_, _, finished)| finished.report.record.executions).sum();
    [
        weakening.name.clone(),
        weakening.line.to_string(),
        fate.result(),
        model,
        engine,
        grouped(executions),
        seconds(counted.iter().map(|(_, _, finished)| finished)),
        fate.listed.map_or_else(String::new, |survivor| survivor.because.to_owned()),
    ]
}

fn print_bad(
    arena: &Arena<'_>,
    Weakening { name, file, line, .. }: &Weakening,
    fate: &Fate,
    out: &mut impl Write,
) -> io::Result<()> {
    let what = match (fate.kill(), fate.listed) {
        (Some((model, engine, _)), _) => format!("is listed, and {} {engine} kills it", model.name),
        (None, None) => "survived, and is not listed".to_owned(),
        (None, Some(_)) => "broke a search".to_owned(),
    };
    writeln!(out, "\n{name} (core/src/{file}:{line}) {what}")?;
    for (model, engine, finished) in &fate.searches {
        if let Verdict::Broken(reason) = &finished.verdict {
            writeln!(out, "  {} {engine}: {reason}", model.name)?;
            write!(out, "{}", indented_tail(&finished.stderr, STDERR_LINES))?;
        }
    }
    writeln!(out, "  replay: {VARIABLE}='{name}' {} run MODEL", arena.program.display())
}
