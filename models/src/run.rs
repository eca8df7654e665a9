//! Runs searches, each a child of its own, prints a row for each, and compares what they found.

use crate::child::{Finished, Order, Search, Verdict};
use crate::engine::{Coverage, Engine, Sampling};
use crate::jobs;
use crate::progress::Progress;
use crate::record::Record;
use crate::replay::Replay;
use crate::resume::{self, Resume};
use crate::rows::{Rows, Summary};
use crate::select::Selection;
use crate::spec::{Model, Models};
use crate::table::{Column, Table, indented_tail};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Instant;

/// Lines of a failed search's stderr that are shown.
pub const STDERR_LINES: usize = 40;

/// Failing executions that are shown with their traces; the others just with their commands.
const TRACES: usize = 3;

/// How a run is done.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// The program that is called for each search.
    pub program: &'a Path,
    /// How people call it, for the commands that are printed.
    pub runner: &'a str,
    /// Searches at a time.
    pub jobs: NonZeroUsize,
    /// Of the samplers.
    pub sampling: Sampling,
    /// Address space of each search.
    pub memory_mib: u64,
    /// When what is still searched is stopped, and what is not yet is not begun.
    pub until: Option<Instant>,
    /// What earlier calls have found.
    pub resume: Option<&'a Resume>,
}

/// How a run has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All of it passed.
    Passed,
    /// Some of it did not.
    Failed,
    /// Nothing failed, but for some of it there was no time.
    Left,
}

/// What is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A table.
    Table,
    /// A table; below each row its points and its outcomes, with counts.
    Counts,
    /// A JSON object a line.
    Json,
}

/// Prints the models.
pub fn list(models: Models, out: &mut impl Write) -> io::Result<()> {
    let engines = |model: &Model| {
        let named = |(engine, profile): &(Engine, _)| format!("{engine}({profile})");
        model.searches.iter().map(named).collect::<Vec<_>>().join(" ")
    };
    let columns = vec![
        Column::left("model", models.list().iter().map(|model| model.name)),
        Column::right("threads", 0),
        Column::right("outcomes", 0),
        Column::left("bounds", models.list().iter().map(|model| model.bounds)),
        Column::left("complete under (from profile)", models.list().iter().map(engines)),
        Column::left("property", [""]),
    ];
    let table = Table::begin(columns, out)?;
    for model in models.list() {
        let row = [
            model.name.to_owned(),
            model.threads.to_string(),
            model.outcomes.to_string(),
            model.bounds.to_owned(),
            engines(model),
            model.property.to_owned(),
        ];
        table.row(&row, out)?;
    }
    Ok(())
}

/// Runs the selection and prints what was found.
pub fn run(
    settings: &Settings<'_>,
    selection: &Selection,
    format: Format,
    out: &mut impl Write,
) -> io::Result<Ending> {
    let start = Instant::now();
    let selection = settings.longest_last(selection);
    let rows = Rows::begin(format, &selection, settings.sampling, out)?;
    let mut all = Vec::new();
    let progress = Progress::new(selection.len());
    let search =
        |&(model, engine): &(&'static Model, Engine)| settings.search(model, engine, &progress);
    jobs::in_order(settings.jobs, &selection, search, |&(model, engine), finished| {
        progress.suspend(|| rows.row(model, engine, &finished, out))?;
        all.push((model, engine, finished));
        Ok::<_, io::Error>(())
    })?;
    progress.end();
    let disagreements = disagreements(&all, settings.sampling);
    if format != Format::Json {
        footnotes(settings, &all, out)?;
        failures(settings, &all, out)?;
    }
    let count = |is: fn(&Finished) -> bool| all.iter().filter(|(_, _, found)| is(found)).count();
    let passed = count(|found| found.verdict == Verdict::Passed);
    let left = count(|found| found.verdict == Verdict::TimedOut);
    let summary = Summary {
        searches: all.len(),
        passed,
        known: count(|found| found.is_known),
        left,
        failed: all.len() - passed - left,
        disagreements: &disagreements,
        time: start.elapsed(),
    };
    rows.end(&summary, out)?;
    Ok(match (summary.failed + disagreements.len(), left) {
        (0, 0) => Ending::Passed,
        (0, _) => Ending::Left,
        _ => Ending::Failed,
    })
}

impl Settings<'_> {
    /// Those that the last call had to stop come last, so that no two of them take the time of
    /// all others again and again.
    fn longest_last(&self, selection: &Selection) -> Selection {
        let mut selection = selection.clone();
        if let Some(resume) = self.resume {
            selection.sort_by_cached_key(|(model, engine)| {
                resume.stopped_after(&self.unwatched(model, *engine))
            });
        }
        selection
    }

    fn unwatched(&self, model: &Model, engine: Engine) -> Search<'_> {
        let order = Order {
            model: model.name.to_owned(),
            engine,
            samples: self.sampling.samples,
            seed: self.sampling.seed,
            memory_mib: self.memory_mib,
            replay: None,
            loose: false,
        };
        let (program, until) = (self.program, self.until);
        Search { program, order, variable: None, until, progress: &|_, _| () }
    }

    pub(crate) fn search(&self, model: &Model, engine: Engine, progress: &Progress) -> Finished {
        let search = self.unwatched(model, engine);
        if let Some(known) = self.resume.and_then(|resume| resume.taken(&search)) {
            return known;
        }
        if self.until.is_some_and(|until| Instant::now() >= until) {
            return Finished::not_begun();
        }
        let line = progress.begin(format!("{} {engine}", model.name));
        let tell = |executions, depth| line.tell(executions, depth);
        let finished = resume::run(self.resume, &Search { progress: &tell, ..search });
        progress.finish(&line);
        finished
    }
}

/// Complete searches have to find the same outcomes of a model.
fn disagreements(all: &[(&'static Model, Engine, Finished)], sampling: Sampling) -> Vec<String> {
    let mut first: BTreeMap<&str, (Engine, &Record)> = BTreeMap::new();
    let mut disagreements = Vec::new();
    for (model, engine, Finished { verdict, report, .. }) in all {
        if *verdict != Verdict::Passed || !engine.coverage(sampling).is_complete() {
            continue;
        }
        let (other, record) = *first.entry(model.name).or_insert((*engine, &report.record));
        if !record.outcomes.keys().eq(report.record.outcomes.keys()) {
            let name = model.name;
            disagreements.push(format!("{name}: {other} and {engine} found different outcomes"));
        }
    }
    disagreements
}

/// Explains the marks of what has passed.
fn footnotes(
    &Settings { sampling, resume, .. }: &Settings<'_>,
    all: &[(&'static Model, Engine, Finished)],
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(out)?;
    if let Some(resume) = resume.filter(|_| all.iter().any(|(_, _, found)| found.is_known)) {
        resume.footnote(out)?;
    }
    for coverage in Coverage::FOOTNOTED {
        let is_used = |(_, engine, finished): &(_, Engine, Finished)| {
            finished.verdict == Verdict::Passed && engine.coverage(sampling) == coverage
        };
        if let Some(text) = coverage.footnote().filter(|_| all.iter().any(is_used)) {
            writeln!(out, "{text}")?;
        }
    }
    Ok(())
}

fn failures(
    settings: &Settings<'_>,
    all: &[(&'static Model, Engine, Finished)],
    out: &mut impl Write,
) -> io::Result<()> {
    let mut traces = 0;
    for (model, engine, finished) in all {
        let name = model.name;
        match &finished.verdict {
            Verdict::Passed => {}
            Verdict::Failed(failure) => {
                writeln!(out, "\n{name} under {engine}: {failure}")?;
                if let Some(at) = &failure.at {
                    let replay = Replay::new(model, *engine, at.clone());
                    writeln!(out, "  replay: {} replay {replay}", settings.runner)?;
                    if traces < TRACES {
                        traces += 1;
                        replay.trace(settings.program, out)?;
                    }
                }
            }
            Verdict::TimedOut => {
                writeln!(out, "\n{name} under {engine}: stopped, the time was over")?;
            }
            Verdict::OutOfMemory => {
                writeln!(out, "\n{name} under {engine}: stopped, it needs more memory")?;
            }
            Verdict::Broken(reason) => {
                writeln!(out, "\n{name} under {engine}: {reason}")?;
                write!(out, "{}", indented_tail(&finished.stderr, STDERR_LINES))?;
            }
        }
    }
    Ok(())
}
