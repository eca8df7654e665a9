//! Weakened orderings: every memory ordering of `core`, one step weaker.
//!
//! They are found in the sources (`scan.rs`), so none is forgotten, and woven into a copy of their
//! own, which holds no other mutants. Each must be killed by a model under one of loom's engines,
//! the only ones that see orderings, or `survivors.rs` says why none does ([`hunt`](super::hunt)).
//!
//! # Steps
//! `Acquire` and `Release` become `Relaxed`, `AcqRel` each of both, `SeqCst` what of `AcqRel` the
//! operation knows. A fence that would be `Relaxed` is left out.

mod scan;
mod survivors;

use super::Site;
use super::found::{Found, number_namesakes, sources};
use super::hunt::Hunt;
use crate::engine::Family;
use scan::Place;
use std::error::Error;
use std::fs;
use std::ops::Range;
use std::path::Path;

/// How they are hunted.
pub const HUNT: Hunt = Hunt {
    noun: "orderings",
    all,
    survivors: survivors::SURVIVORS,
    sees: |engine, _| engine.family() == Family::Loom,
    has_tests: false,
};

/// The words of the facade that are made of its atomics: where they are, what uses them, and where
/// production has the same (a test compares). All else in `sync` is a checker's own.
const FACADE: &[Word] = &[
    Word { name: "WaitWord", file: "sync/checked.rs", used_by: "wal/flush.rs" },
    Word { name: "SpinWord", file: "sync/loom.rs", used_by: "wal/ring.rs" },
];

struct Word {
    name: &'static str,
    file: &'static str,
    used_by: &'static str,
}

/// Every weakening of the sources below `core_src`, in the order of the files and of their texts.
fn all(core_src: &Path) -> Result<Vec<Found>, Box<dyn Error>> {
    let mut all = Vec::new();
    for file in sources(core_src, "")?.into_iter().filter(|file| may_have_some(file)) {
        let source = fs::read_to_string(core_src.join(&file))?;
        let places = scan::places(&source).map_err(|error| format!("{file}: {error}"))?;
        let facade = FACADE.iter().find(|word| word.file == file);
        let places =
            places.iter().filter(|place| facade.is_none_or(|word| word.name == place.owner));
        let used_by = facade.map_or(file.as_str(), |word| word.used_by);
        all.extend(places.flat_map(|place| weaken(&source, &file, used_by, place)));
    }
    number_namesakes(&mut all);
    Ok(all)
}

/// Not the checkers' own, in `sync`.
fn may_have_some(file: &str) -> bool {
    !file.starts_with("sync/") || FACADE.iter().any(|word| word.file == file)
}

/// The weakenings of a place.
fn weaken(source: &str, file: &str, used_by: &str, place: &Place) -> Vec<Found> {
    let Place { function, call, ordering, line, .. } = place;
    let weakening = |to: &&str| {
        let mut parts = vec![file, function.as_str(), call.word.as_str()];
        parts.retain(|part| !part.is_empty());
        let (range, replace) = replacement(source, place, to);
        Found {
            name: format!("{}:{ordering}->{to}", parts.join(":")),
            file: file.to_owned(),
            line: *line,
            used_by: used_by.to_owned(),
            range,
            site: Site::Expression,
            replace,
        }
    };
    weaker(place).iter().map(weakening).collect()
}

/// The orderings one step weaker. (There are other things called `Ordering`.)
fn weaker(place: &Place) -> &'static [&'static str] {
    match (place.ordering.as_str(), place.call.operation.as_str()) {
        ("Acquire" | "Release", _) => &["Relaxed"],
        ("AcqRel", _) => &["Acquire", "Release"],
        ("SeqCst", "load") => &["Acquire"],
        ("SeqCst", "store") => &["Release"],
        ("SeqCst", _) if place.is_failure => &["Acquire"],
        ("SeqCst", _) => &["AcqRel"],
        _ => &[],
    }
}

/// What is replaced, and by what.
fn replacement(source: &str, place: &Place, to: &str) -> (Range<usize>, String) {
    let Place { call, range, ordering, .. } = place;
    if call.operation == "fence" && to == "Relaxed" {
        return (call.range.clone(), "()".to_owned());
    }
    let path = source[range.clone()].strip_suffix(ordering).expect("it ends with its name");
    (range.clone(), format!("{path}{to}"))
}

#[cfg(test)]
mod tests;
