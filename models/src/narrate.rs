//! The recorded execution as lines for people: thread, operation, object, value, place.
//!
//! Left out is what cannot matter to an interleaving: what the main thread did before it started
//! another, and operations on objects that only one thread has used since.

use super::seawall_core::sync::trace::{self, Entry, Place, Target, Task};
use crate::names::Names;
use std::collections::{BTreeMap, BTreeSet};

/// The lines of the execution that was recorded last.
pub(crate) fn narrate() -> Vec<String> {
    let entries = trace::entries();
    let start = entries.iter().position(|entry| entry.what == "spawn").unwrap_or(0);
    let (setup, rest) = entries.split_at(start);
    let shared = shared(rest);
    let is_shown = |entry: &&Entry| match entry.on {
        Target::Object(object, _) => shared.contains(&object),
        Target::Task(_) => true,
    };
    let shown: Vec<&Entry> = rest.iter().filter(is_shown).collect();
    let names = names(&entries);
    let cells: Vec<[String; 5]> = shown.iter().map(|entry| cells(entry, &names)).collect();
    let width = |column: usize| cells.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..4).map(width).collect();
    let line = |row: &[String; 5]| {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line += &format!("{cell:<width$}  ");
        }
        (line + &row[4]).trim_end().to_owned()
    };
    let mut lines: Vec<String> = cells.iter().map(line).collect();
    let hidden = rest.len() - shown.len();
    if !setup.is_empty() {
        lines.insert(0, format!("({} operations before the first thread starts)", setup.len()));
    }
    if hidden > 0 {
        lines.push(format!("({hidden} operations on what only one thread uses are left out)"));
    }
    lines
}

/// The objects that more than one thread has used.
fn shared(entries: &[Entry]) -> BTreeSet<trace::Object> {
    let mut users: BTreeMap<trace::Object, BTreeSet<Task>> = BTreeMap::new();
    for entry in entries {
        if let Target::Object(object, _) = entry.on {
            users.entry(object).or_default().insert(entry.task);
        }
    }
    users.into_iter().filter(|(_, tasks)| tasks.len() > 1).map(|(object, _)| object).collect()
}

/// The objects in the order of their creation, so that namesakes are numbered in that order.
fn names(entries: &[Entry]) -> Names<trace::Object> {
    let objects: BTreeMap<trace::Object, Place> = entries
        .iter()
        .filter_map(|entry| match entry.on {
            Target::Object(object, place) => Some((object, place)),
            Target::Task(_) => None,
        })
        .collect();
    Names::new(objects)
}

fn cells(entry: &Entry, names: &Names<trace::Object>) -> [String; 5] {
    let on = match entry.on {
        Target::Object(object, _) => names.of(object),
        Target::Task(task) => thread(task),
    };
    let at = entry.at.map(crate::names::place).unwrap_or_default();
    [thread(entry.task), entry.what.to_owned(), on, entry.value.clone(), at]
}

/// A thread as it is called in a schedule, too.
fn thread(task: Task) -> String {
    let letter = u8::try_from(task).ok().and_then(|n| b'a'.checked_add(n)).unwrap_or(b'?');
    char::from(letter).to_string()
}
