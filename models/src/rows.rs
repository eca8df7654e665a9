//! The rows of a run: a table for people, or a JSON object a line for programs.

use crate::child::{Finished, Verdict};
use crate::engine::{Coverage, Engine, Sampling};
use crate::replay::Replay;
use crate::run::Format;
use crate::select::Selection;
use crate::spec::Model;
use crate::table::{Column, Table, grouped};
use serde_json::json;
use std::io::{self, Write};
use std::time::Duration;

/// Where the rows go.
pub struct Rows {
    table: Option<Table>,
    counts: bool,
    sampling: Sampling,
}

/// What is said at the end of a run.
pub struct Summary<'a> {
    /// All of them.
    pub searches: usize,
    /// Those that passed.
    pub passed: usize,
    /// Those that an earlier call has found.
    pub known: usize,
    /// Those that did not pass, and not for want of time.
    pub failed: usize,
    /// Those that there was no time for.
    pub left: usize,
    /// Engines that should have agreed.
    pub disagreements: &'a [String],
    /// Of the whole run.
    pub time: Duration,
}

impl Rows {
    /// Prints the titles, if there are any.
    pub fn begin(
        format: Format,
        selection: &Selection,
        sampling: Sampling,
        out: &mut impl Write,
    ) -> io::Result<Self> {
        let table = match format {
            Format::Json => None,
            Format::Table | Format::Counts => {
                Some(Table::begin(columns(selection, sampling), out)?)
            }
        };
        Ok(Self { table, counts: format == Format::Counts, sampling })
    }

    /// Prints the row of a search.
    pub fn row(
        &self,
        model: &'static Model,
        engine: Engine,
        finished: &Finished,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let Some(table) = &self.table else {
            writeln!(out, "{}", object(model, engine, finished, self.sampling))?;
            return out.flush();
        };
        table.row(&cells(model, engine, finished, self.sampling), out)?;
        if self.counts {
            print_counts(finished, out)?;
        }
        Ok(())
    }

    /// Prints the summary.
    pub fn end(&self, summary: &Summary<'_>, out: &mut impl Write) -> io::Result<()> {
        let Summary { searches, passed, known, failed, left, disagreements, time } = summary;
        let time_s = time.as_secs_f64();
        if self.table.is_none() {
            let object = json!({
                "searches": searches, "passed": passed, "known": known, "failed": failed,
                "left": left, "disagreements": disagreements, "time_s": time_s,
            });
            return writeln!(out, "{object}");
        }
        for disagreement in *disagreements {
            writeln!(out, "\n{disagreement}")?;
        }
        write!(out, "\n{passed} of {searches} searches passed, ")?;
        if *known > 0 {
            write!(out, "{known} of them earlier, ")?;
        }
        write!(out, "{failed} failed, ")?;
        if *left > 0 {
            write!(out, "{left} left for want of time, ")?;
        }
        writeln!(out, "{time_s:.1} s")
    }
}

fn columns(selection: &Selection, sampling: Sampling) -> Vec<Column> {
    let models = || selection.iter().map(|(model, _)| model);
    let coverage = selection.iter().map(|(_, engine)| engine.coverage(sampling).to_string());
    vec![
        Column::left("model", models().map(|model| model.name)),
        Column::left("engine", selection.iter().map(|(_, engine)| engine.label())),
        Column::left("coverage", coverage),
        Column::right("executions", grouped(9_999_999).len()),
        Column::right("redundant", grouped(99_999).len()),
        Column::right("depth", 4),
        Column::right("outcomes", 0),
        Column::right("reached", 0),
        Column::right("crashes", grouped(9_999).len()),
        Column::right("time", "*100.00 s".len()),
        Column::left("bounds", [""]),
    ]
}

fn cells(model: &Model, engine: Engine, finished: &Finished, sampling: Sampling) -> [String; 11] {
    let record = &finished.report.record;
    let coverage = match &finished.verdict {
        Verdict::Passed => engine.coverage(sampling).to_string(),
        verdict => verdict.to_string(),
    };
    [
        model.name.to_owned(),
        engine.label(),
        coverage,
        grouped(record.executions),
        grouped(record.redundant),
        record.depth.to_string(),
        grouped(record.outcomes.len() as u64),
        format!("{}/{}", record.reached.len(), model.reach.len()),
        if record.recovered == 0 { String::new() } else { grouped(record.recovered) },
        seconds([finished]),
        format!("{} threads; {}", model.threads, model.bounds),
    ]
}

/// The time of searches, as the tables show it: with a mark if an earlier call has found them.
pub fn seconds<'a>(searches: impl IntoIterator<Item = &'a Finished>) -> String {
    let (mut time, mut mark) = (Duration::ZERO, "");
    for finished in searches {
        time += finished.time;
        if finished.is_known {
            mark = "*";
        }
    }
    format!("{mark}{:.2} s", time.as_secs_f64())
}

fn object(
    model: &'static Model,
    engine: Engine,
    finished: &Finished,
    sampling: Sampling,
) -> serde_json::Value {
    let record = &finished.report.record;
    let coverage = engine.coverage(sampling);
    let (samples, seed) = match coverage {
        Coverage::Sampled(Sampling { samples, seed }) => (Some(samples), Some(seed)),
        _ => (None, None),
    };
    let failure = match &finished.verdict {
        Verdict::Failed(failure) => Some(failure),
        _ => None,
    };
    let at = failure.and_then(|failure| failure.at.clone());
    let passed = finished.verdict == Verdict::Passed;
    json!({
        "model": model.name,
        "engine": engine.to_string(),
        "engine_version": engine.label(),
        "threads": model.threads,
        "bounds": model.bounds,
        "verdict": finished.verdict.to_string(),
        "passed": passed,
        "complete": passed && coverage.is_complete(),
        "coverage": coverage.footnote().map_or_else(|| coverage.to_string(), str::to_owned),
        "samples": samples,
        "seed": seed,
        "executions": record.executions,
        "redundant": record.redundant,
        "depth_operations": record.depth,
        "outcomes": record.outcomes,
        "reached": record.reached,
        "crash_images_recovered": record.recovered,
        "time_s": finished.time.as_secs_f64(),
        "known": finished.is_known,
        "message": failure.map(|failure| failure.message.clone()),
        "replay": at.map(|at| Replay::new(model, engine, at).to_string()),
    })
}

fn print_counts(finished: &Finished, out: &mut impl Write) -> io::Result<()> {
    let record = &finished.report.record;
    for (point, times) in &record.reached {
        writeln!(out, "    reached {:>14} x {point}", grouped(*times))?;
    }
    for (outcome, times) in &record.outcomes {
        writeln!(out, "    outcome {:>14} x {outcome}", grouped(*times))?;
    }
    Ok(())
}
