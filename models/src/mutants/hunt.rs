//! Tries everything that might kill it on every mutant that was found, until something does, and
//! prints the table.
//!
//! The quick searches of the models whose header names the file come first; then, if the hunt has
//! them, the tests of `core`; then the quick searches of all other models, and the long ones of the
//! first. Each search has a budget.
//!
//! What nothing kills has to be listed, with the argument why nothing can. The list is exact: it
//! holds no name that is killed, and none that there is not.

use super::arena::{Arena, Means, Trial, is_broken, is_kill, root};
use super::found::{Found, core_src, weave_all};
use super::schemata::VARIABLE;
use super::suite::Suite;
use crate::child::{Finished, Verdict};
use crate::engine::Engine;
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
use std::path::Path;
use std::time::{Duration, Instant};

/// What became of one that is listed.
const LISTED: &str = "listed";

/// One that nothing kills.
#[derive(Debug)]
pub(super) struct Survivor {
    /// Its name.
    pub(super) name: &'static str,
    /// Why nothing can tell.
    pub(super) because: &'static str,
}

/// What finds mutants in the sources below a folder.
pub(super) type Finder = fn(&Path) -> Result<Vec<Found>, Box<dyn Error>>;

/// A sort of mutants that are found, and how they are hunted.
#[derive(Debug)]
pub struct Hunt {
    /// What they are, and the folder of their copy.
    pub(super) noun: &'static str,
    /// What finds them.
    pub(super) all: Finder,
    /// Those that nothing kills.
    pub(super) survivors: &'static [Survivor],
    /// The engines that can tell, with the profile that each is worth.
    pub(super) sees: fn(Engine, Profile) -> bool,
    /// Whether the tests of `core` have a try as well.
    pub(super) has_tests: bool,
}

/// What became of a mutant.
struct Fate {
    tries: Vec<Try>,
    listed: Option<&'static Survivor>,
}

/// Something that might have killed it.
struct Try {
    /// A model, or a binary of tests.
    by: String,
    engine: String,
    finished: Finished,
}

/// What the sources of the models say that they are about.
type Code = BTreeMap<&'static str, String>;

/// All that a hunt is done with.
struct Ground<'a> {
    hunt: &'static Hunt,
    arena: Arena<'a>,
    suite: Option<Suite>,
    code: Code,
    budget: Duration,
}

impl Hunt {
    /// Every mutant of this sort in the sources of `core`.
    pub fn all(&self) -> Result<Vec<Found>, Box<dyn Error>> {
        (self.all)(&core_src())
    }

    /// Builds the copy in which `all` are woven, shows that the models pass when none is active,
    /// and searches the `chosen`; whether each was killed or is listed, and the list names no
    /// others.
    pub fn run(
        &'static self,
        all: &[Found],
        chosen: &[Found],
        budget: Duration,
        means: Means<'_>,
        out: &mut impl Write,
    ) -> Result<bool, Box<dyn Error>> {
        let start = Instant::now();
        let code = code_of_models()?;
        let arena = Arena::build(weave_all(&core_src(), all)?, self.noun, means, out)?;
        if !arena.passes_without(&self.searches(None, &code).far, out)? {
            return Ok(false);
        }
        let suite = self.has_tests.then(|| Suite::build(&arena, out)).transpose()?;
        let ground = Ground { hunt: self, arena, suite, code, budget };
        let (bad, killed) = ground.search_all(chosen, out)?;
        for (found, fate) in &bad {
            ground.print_bad(found, fate, out)?;
        }
        let unknown = self.unknown(all);
        for name in &unknown {
            writeln!(out, "\n{name} is listed as one that nothing kills, and there is none")?;
        }
        let (count, time) = (chosen.len(), start.elapsed().as_secs_f64());
        let (survived, wrong, noun) = (count - killed, bad.len() + unknown.len(), self.noun);
        writeln!(
            out,
            "\n{killed} of {count} {noun} killed, {survived} survived, {wrong} not as listed, \
             {time:.1} s"
        )?;
        Ok(wrong == 0)
    }

    /// Whether it is listed as one that nothing kills.
    pub fn lists(&self, found: &Found) -> bool {
        self.survivor(found).is_some()
    }

    fn survivor(&self, found: &Found) -> Option<&'static Survivor> {
        self.survivors.iter().find(|survivor| survivor.name == found.name)
    }

    /// The names that are listed and that nothing has.
    fn unknown(&self, all: &[Found]) -> Vec<&'static str> {
        let is_unknown = |name: &&str| all.iter().all(|found| found.name != *name);
        self.survivors.iter().map(|survivor| survivor.name).filter(is_unknown).collect()
    }

    /// That the list names what there is, each once and with a reason.
    #[cfg(test)]
    pub(super) fn assert_list_is_of(&self, all: &[Found]) {
        assert_eq!(self.unknown(all), [""; 0]);
        let names = self.survivors.iter().map(|survivor| survivor.name);
        let unique: std::collections::BTreeSet<_> = names.collect();
        assert_eq!(unique.len(), self.survivors.len());
        assert!(self.survivors.iter().all(|survivor| !survivor.because.is_empty()));
    }

    /// The searches for a mutant of a file, or of none.
    fn searches(&self, file: Option<&str>, code: &Code) -> Searches {
        let mut searches = Searches::default();
        for model in models() {
            let is_near = file.is_some_and(|file| code[model.name].contains(file));
            let can_tell = |(engine, from): &&(Engine, Profile)| (self.sees)(*engine, *from);
            for (engine, from) in model.searches.iter().filter(can_tell) {
                match (from, is_near) {
                    (Profile::Quick, true) => searches.near.push((model, *engine)),
                    (Profile::Quick, false) => searches.far.push((model, *engine)),
                    (_, true) => searches.long.push((model, *engine)),
                    (_, false) => {}
                }
            }
        }
        searches
    }
}

/// The searches for a mutant.
#[derive(Default)]
struct Searches {
    /// The quick ones of the models whose header names its file.
    near: Selection,
    /// The quick ones of all others.
    far: Selection,
    /// The long ones of the first.
    long: Selection,
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

impl Ground<'_> {
    /// Hunts the `chosen` and prints a row for each; those that did not fare as they should, and
    /// how many were killed.
    fn search_all(
        &self,
        chosen: &[Found],
        out: &mut impl Write,
    ) -> io::Result<(Vec<(Found, Fate)>, usize)> {
        let table = Table::begin(columns(self.hunt.noun, chosen), out)?;
        let (mut bad, mut killed) = (Vec::new(), 0);
        let hunt = |found: &Found| self.hunt(found);
        jobs::in_order(self.arena.means.jobs, chosen, hunt, |found, fate| {
            table.row(&row(found, &fate), out)?;
            killed += usize::from(fate.kill().is_some());
            if !fate.is_as_it_should() {
                bad.push((found.clone(), fate));
            }
            Ok::<_, io::Error>(())
        })?;
        self.arena.footnote(out)?;
        Ok((bad, killed))
    }

    fn hunt(&self, found: &Found) -> Fate {
        let trial = Trial { mutant: &found.name, limit: self.budget, is_afresh: false };
        let fate = self.hunt_once(found, trial);
        let is_known = fate.tries.iter().any(|one| one.finished.is_known);
        if is_known && !fate.is_as_it_should() {
            self.hunt_once(found, Trial { is_afresh: true, ..trial })
        } else {
            fate
        }
    }

    fn hunt_once(&self, found: &Found, trial: Trial<'_>) -> Fate {
        let mut fate = Fate { tries: Vec::new(), listed: self.hunt.survivor(found) };
        let Searches { near, far, long } = self.hunt.searches(Some(&found.used_by), &self.code);
        let search = |(model, engine): (&'static Model, Engine)| Try {
            by: model.name.to_owned(),
            engine: engine.label(),
            finished: self.arena.search(trial, model, engine),
        };
        let tests = self.suite.iter().flat_map(|suite| suite.runs(&self.arena, trial));
        let tests = tests.map(|(by, finished)| Try { by, engine: "tests".to_owned(), finished });
        let near = near.into_iter().map(search);
        for one in near.chain(tests).chain(far.into_iter().chain(long).map(search)) {
            fate.tries.push(one);
            if fate.kill().is_some() {
                break;
            }
        }
        fate
    }

    fn print_bad(&self, found: &Found, fate: &Fate, out: &mut impl Write) -> io::Result<()> {
        let Found { name, file, line, .. } = found;
        let what = match (fate.kill(), fate.listed) {
            (Some(Try { by, engine, .. }), _) => format!("is listed, and {by} {engine} kills it"),
            (None, None) => "survived, and is not listed".to_owned(),
            (None, Some(_)) => "broke a search".to_owned(),
        };
        writeln!(out, "\n{name} (core/src/{file}:{line}) {what}")?;
        for Try { by, engine, finished } in &fate.tries {
            if let Verdict::Broken(reason) = &finished.verdict {
                writeln!(out, "  {by} {engine}: {reason}")?;
                write!(out, "{}", indented_tail(&finished.stderr, STDERR_LINES))?;
            }
        }
        let program = self.arena.program.display();
        writeln!(out, "  replay: {VARIABLE}='{name}' {program} run MODEL")
    }
}

impl Fate {
    /// What has killed it.
    fn kill(&self) -> Option<&Try> {
        self.tries.last().filter(|one| is_kill(&one.finished))
    }

    fn is_as_it_should(&self) -> bool {
        let is_broken = self.tries.iter().any(|one| is_broken(&one.finished));
        self.kill().is_some() != self.listed.is_some() && !is_broken
    }

    /// Why nothing kills it, or which test does.
    fn because(&self) -> String {
        match (self.listed, self.kill().map(|one| &one.finished.verdict)) {
            (Some(survivor), _) => survivor.because.to_owned(),
            (None, Some(Verdict::Failed(failure))) if failure.at.is_none() => {
                failure.message.clone()
            }
            _ => String::new(),
        }
    }

    fn result(&self) -> String {
        let kind = self.kill().and_then(|one| match &one.finished.verdict {
            Verdict::Failed(failure) => Some(failure.kind.name()),
            _ => None,
        });
        match (kind, self.listed) {
            (Some(kind), None) => format!("killed: {kind}"),
            (None, Some(_)) => LISTED.to_owned(),
            (Some(_), Some(_)) => "LISTED, KILLED".to_owned(),
            (None, None) => "SURVIVED".to_owned(),
        }
    }
}

fn columns(noun: &str, chosen: &[Found]) -> Vec<Column> {
    let engines =
        models().iter().flat_map(|model| model.searches).map(|(engine, _)| engine.label());
    vec![
        Column::left(noun, chosen.iter().map(|found| &found.name)),
        Column::right("line", 4),
        Column::left("result", ["killed: unreached"]),
        Column::left("by", models().iter().map(|model| model.name)),
        Column::left("engine", engines),
        Column::right("executions", grouped(99_999_999).len()),
        Column::right("time", "*600.00 s".len()),
        Column::left("because", [""]),
    ]
}

/// Of a mutant that was killed, the kill; else the sum of all that was tried.
fn row(found: &Found, fate: &Fate) -> [String; 8] {
    let (by, engine) = match fate.kill() {
        Some(Try { by, engine, .. }) => (by.clone(), engine.clone()),
        None => {
            let passed = |one: &&Try| one.finished.verdict == Verdict::Passed;
            let ended = fate.tries.iter().filter(passed).count();
            ("-".to_owned(), format!("{ended} of {}", fate.tries.len()))
        }
    };
    let counted = fate.kill().map_or(&fate.tries[..], std::slice::from_ref);
    let counted = || counted.iter().map(|one| &one.finished);
    [
        found.name.clone(),
        found.line.to_string(),
        fate.result(),
        by,
        engine,
        grouped(counted().map(|finished| finished.report.record.executions).sum()),
        seconds(counted()),
        fate.because(),
    ]
}
