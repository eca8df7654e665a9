//! The planted bugs of a list: each must be found by the engines that it names.

use crate::child::{Finished, Verdict};
use crate::engine::Engine;
use crate::jobs;
use crate::profile::Profile;
use crate::progress::Progress;
use crate::rows::seconds;
use crate::run::{Ending, Settings};
use crate::select::Selection;
use crate::spec::Model;
use crate::table::{Column, Table, grouped};
use std::io::{self, Write};

/// Searches each with the engines that it has in the profile, and prints how many executions it
/// took. Fails if one was not found, or there is none.
pub fn hunt(
    settings: &Settings<'_>,
    planted: &'static [Model],
    profile: Profile,
    out: &mut impl Write,
) -> io::Result<Ending> {
    let selection: Selection = planted
        .iter()
        .flat_map(|model| model.searches.iter().map(move |(engine, from)| (model, *engine, *from)))
        .filter(|(_, _, from)| *from <= profile)
        .map(|(model, engine, _)| (model, engine))
        .collect();
    let columns = vec![
        Column::left("planted bug", selection.iter().map(|(model, _)| model.name)),
        Column::left("engine", selection.iter().map(|(_, engine)| engine.label())),
        Column::right("executions", grouped(9_999_999).len()),
        Column::right("time", "100.00 s".len()),
        Column::left("found", [""]),
    ];
    let table = Table::begin(columns, out)?;
    let progress = Progress::new(selection.len());
    let search =
        |&(model, engine): &(&'static Model, Engine)| settings.search(model, engine, &progress);
    let mut found = 0;
    jobs::in_order(settings.jobs, &selection, search, |(model, engine), finished| {
        found += usize::from(matches!(finished.verdict, Verdict::Failed(_)));
        let row = [
            model.name.to_owned(),
            engine.label(),
            grouped(finished.report.record.executions),
            seconds([&finished]),
            how(&finished),
        ];
        progress.suspend(|| table.row(&row, out))
    })?;
    progress.end();
    writeln!(out, "\n{found} of {} searches found their bug", selection.len())?;
    let has_all = found == selection.len() && found > 0;
    Ok(if has_all { Ending::Passed } else { Ending::Failed })
}

fn how(finished: &Finished) -> String {
    match &finished.verdict {
        Verdict::Failed(failure) => failure.to_string(),
        Verdict::Passed => "NOT FOUND".to_owned(),
        Verdict::Broken(reason) => format!("ERROR: {reason}"),
        stopped => stopped.to_string(),
    }
}
