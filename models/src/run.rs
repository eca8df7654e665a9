//! Runs models under their engines and prints the table.

use crate::child::{Finished, Search, Verdict};
use crate::jobs;
use crate::spec::{Engine, LOOM_FOOTNOTE, Loom, Model, models};
use crate::table::{Column, Table, grouped, indented_tail};
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Instant;

/// Lines of a failed search's stderr that are shown among other things.
pub const STDERR_LINES: usize = 40;

/// The way to call this program, for the commands that it prints.
pub const RUNNER: &str = "cargo run --release -p seawall-models --";

/// Some models under some engines.
pub type Selection = Vec<(&'static Model, Engine)>;

/// The models whose name is `pattern`, or else contains it, under their engines or just `engine`.
/// An error says what there is to choose from.
pub fn select(pattern: Option<&str>, engine: Option<Engine>) -> Result<Selection, String> {
    let pattern = pattern.unwrap_or_default();
    let exact = models().iter().any(|model| model.name == pattern);
    let matches = |name: &str| if exact { name == pattern } else { name.contains(pattern) };
    let chosen: Vec<_> = models().iter().filter(|model| matches(model.name)).collect();
    if chosen.is_empty() {
        let names: Vec<_> = models().iter().map(|model| model.name).collect();
        return Err(format!("no model matches '{pattern}'; there are: {}", names.join(", ")));
    }
    let selection: Selection = chosen
        .iter()
        .flat_map(|model| Engine::of(model).iter().map(move |one| (*model, *one)))
        .filter(|(_, one)| engine.is_none_or(|engine| engine == *one))
        .collect();
    match (selection.is_empty(), engine) {
        (true, Some(engine)) => Err(format!(
            "{engine} explores none of these models: those with a complete depth-first search have \
             shuttle-dfs, the others shuttle-random and shuttle-pct; see `list`"
        )),
        _ => Ok(selection),
    }
}

/// Prints the models.
pub fn list(out: &mut impl Write) -> io::Result<()> {
    let engines = |model: &Model| {
        Engine::of(model).iter().map(|engine| engine.name()).collect::<Vec<_>>().join(" ")
    };
    let columns = vec![
        Column::left("model", models().iter().map(|model| model.name)),
        Column::left("engines", models().iter().map(engines)),
        Column::right("threads", 0),
        Column::left("bounds", models().iter().map(|model| model.bounds)),
        Column::left("property", [""]),
    ];
    let table = Table::begin(columns, out)?;
    for model in models() {
        let row = [
            model.name.to_owned(),
            engines(model),
            model.threads.to_string(),
            model.bounds.to_owned(),
            model.property.to_owned(),
        ];
        table.row(&row, out)?;
    }
    Ok(())
}

/// How much is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The table.
    Table,
    /// Below each row its points and its outcomes, with counts; all that a failed search printed.
    Counts,
}

/// Runs the selection, each search a child of `program`, and prints the table; whether all passed.
pub fn run(
    program: &Path,
    selection: &Selection,
    jobs: NonZeroUsize,
    detail: Detail,
    out: &mut impl Write,
) -> io::Result<bool> {
    let start = Instant::now();
    let table = Table::begin(columns(selection), out)?;
    let mut failures = Vec::new();
    let mut footnote = false;
    let search = |&(model, engine): &(&'static Model, Engine)| {
        Search { program, model, engine, variable: None, limit: None }.run()
    };
    jobs::in_order(jobs, selection, search, |&(model, engine), finished| {
        table.row(&row(model, engine, &finished), out)?;
        if detail == Detail::Counts {
            print_counts(&finished, out)?;
        }
        if finished.verdict == Verdict::Passed {
            footnote |= engine == Engine::Loom && model.loom == Loom::Unbounded;
        } else {
            failures.push((model, engine, finished));
        }
        Ok::<_, io::Error>(())
    })?;
    if footnote {
        writeln!(out, "{LOOM_FOOTNOTE}")?;
    }
    for (model, engine, finished) in &failures {
        print_failure(model, *engine, finished, detail, out)?;
    }
    let (all, failed, time) = (selection.len(), failures.len(), start.elapsed().as_secs_f64());
    writeln!(out, "\n{} of {all} searches passed, {failed} failed, {time:.1} s", all - failed)?;
    Ok(failures.is_empty())
}

fn columns(selection: &Selection) -> Vec<Column> {
    let models = || selection.iter().map(|(model, _)| model);
    let coverage = selection.iter().map(|(model, engine)| engine.coverage(model));
    vec![
        Column::left("model", models().map(|model| model.name)),
        Column::left("engine", selection.iter().map(|(_, engine)| engine.label())),
        Column::right("threads", 0),
        Column::left("bounds", models().map(|model| model.bounds)),
        Column::right("executions", grouped(99_999_999).len()),
        Column::left("complete", coverage),
        Column::right("outcomes", 0),
        Column::right("time", "1000.00 s".len()),
        Column::left("property", [""]),
    ]
}

fn row(model: &Model, engine: Engine, finished: &Finished) -> [String; 9] {
    let complete = match &finished.verdict {
        Verdict::Passed => engine.coverage(model),
        Verdict::Failed(failure) => format!("FAILED: {}", failure.kind.name()),
        Verdict::TimedOut(_) => "FAILED: timeout".to_owned(),
        Verdict::Broken(_) => "ERROR".to_owned(),
    };
    let record = &finished.report.record;
    [
        model.name.to_owned(),
        engine.label(),
        model.threads.to_string(),
        model.bounds.to_owned(),
        grouped(record.executions),
        complete,
        grouped(record.outcomes.len() as u64),
        seconds(finished),
        model.property.to_owned(),
    ]
}

/// The time of a search, as the tables show it.
pub fn seconds(finished: &Finished) -> String {
    format!("{:.2} s", finished.time.as_secs_f64())
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

fn print_failure(
    model: &Model,
    engine: Engine,
    finished: &Finished,
    detail: Detail,
    out: &mut impl Write,
) -> io::Result<()> {
    let why = match &finished.verdict {
        Verdict::Passed => return Ok(()),
        Verdict::Failed(failure) => failure.to_string(),
        Verdict::TimedOut(limit) => format!("no result after {limit:?}"),
        Verdict::Broken(reason) => reason.clone(),
    };
    let executions = grouped(finished.report.record.executions);
    writeln!(out, "\n{} under {engine}, execution {executions}: {why}", model.name)?;
    let lines = if detail == Detail::Counts { usize::MAX } else { STDERR_LINES };
    write!(out, "{}", indented_tail(&finished.stderr, lines))?;
    writeln!(out, "  replay: {RUNNER} run {} --engine {engine}", model.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_selects_by_name_and_a_whole_name_selects_one() {
        let all = select(None, None).expect("all");
        assert_eq!(all.len(), models().iter().map(|model| Engine::of(model).len()).sum::<usize>());
        let some = select(Some("eve"), None).expect("event");
        assert!(some.iter().all(|(model, _)| model.name.contains("eve")));
        let one = select(Some("turn"), Some(Engine::Loom)).expect("turn under loom");
        assert_eq!(one.len(), 1);
    }

    #[test]
    fn what_does_not_exist_is_an_error_that_names_what_does() {
        assert!(select(Some("nothing"), None).expect_err("no such model").contains("event"));
        assert!(select(Some("turn"), Some(Engine::ShuttlePct)).is_err());
    }
}
