//! Weakened orderings: every memory ordering of `core`, one step weaker.
//!
//! They are found in the sources (`scan.rs`), so none is forgotten, and woven into a copy of their
//! own, which holds no other mutants. Each must be killed by a model, or `survivors.rs` says why
//! not; that list may hold no name that is killed, and none that there is not (`kill.rs`).
//!
//! # Steps
//! `Acquire` and `Release` become `Relaxed`, `AcqRel` each of both, `SeqCst` what of `AcqRel` the
//! operation knows. A fence that would be `Relaxed` is left out.

mod kill;
mod scan;
mod survivors;

pub use kill::run;

use super::Site;
use super::arena::root;
use super::schemata::{Change, WeaveError, weave};
use scan::Place;
use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

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

/// An ordering that is one step weaker.
#[derive(Clone, Debug)]
pub struct Weakening {
    /// Its name: `file:function:word:From->To`, then `#2` for the second that is alike.
    pub name: String,
    /// The file, below `core/src`.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
    /// The file whose models are tried first.
    used_by: String,
    range: Range<usize>,
    replace: String,
}

/// The sources of `core`.
pub fn core_src() -> PathBuf {
    root().join("core/src")
}

/// Every weakening of the sources below `core_src`, in the order of the files and of their texts.
pub fn all(core_src: &Path) -> Result<Vec<Weakening>, Box<dyn Error>> {
    let mut all = Vec::new();
    for file in files(core_src, "")? {
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

/// Those whose name contains `pattern`.
///
/// # Errors
/// There is none; the text says which there are.
pub fn select(all: &[Weakening], pattern: Option<&str>) -> Result<Vec<Weakening>, String> {
    let pattern = pattern.unwrap_or_default();
    let matches = |weakening: &&Weakening| weakening.name.contains(pattern);
    let chosen: Vec<_> = all.iter().filter(matches).cloned().collect();
    if chosen.is_empty() {
        let names: Vec<_> = all.iter().map(|weakening| weakening.name.as_str()).collect();
        return Err(format!("no ordering matches '{pattern}'; there are: {}", names.join(", ")));
    }
    Ok(chosen)
}

/// Weaves these weakenings into the files below `core_src`: the new texts, by file.
pub fn weave_all(
    core_src: &Path,
    weakenings: &[Weakening],
) -> Result<BTreeMap<String, String>, WeaveError> {
    let mut by_file = BTreeMap::<&str, Vec<Change<'_>>>::new();
    for Weakening { name, file, range, replace, .. } in weakenings {
        let change = Change { mutant: name, range: range.clone(), site: Site::Expression, replace };
        by_file.entry(file).or_default().push(change);
    }
    let mut woven = BTreeMap::new();
    for (file, changes) in by_file {
        let path = core_src.join(file);
        let source = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) => {
                return Err(WeaveError::Read {
                    mutant: changes[0].mutant.to_owned(),
                    path,
                    source,
                });
            }
        };
        woven.insert(file.to_owned(), weave(&source, &changes)?);
    }
    Ok(woven)
}

/// The sources in a folder that a weakening may be in, below `core_src`, sorted.
fn files(core_src: &Path, folder: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(core_src.join(folder))? {
        let entry = entry?;
        let name = entry.file_name().into_string().map_err(|_| "a source not named in UTF-8")?;
        names.push((name, entry.file_type()?.is_dir()));
    }
    names.sort();
    let mut files = Vec::new();
    for (name, is_folder) in names {
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        let is_left_out = folder == "sync" && FACADE.iter().all(|word| word.file != path);
        match name.as_str() {
            "tests" | "tests.rs" => {}
            _ if is_left_out => {}
            _ if is_folder => files.extend(self::files(core_src, &path)?),
            _ => files.push(path),
        }
    }
    Ok(files)
}

/// The weakenings of a place.
fn weaken(source: &str, file: &str, used_by: &str, place: &Place) -> Vec<Weakening> {
    let Place { function, call, ordering, line, .. } = place;
    let weakening = |to: &&str| {
        let mut parts = vec![file, function.as_str(), call.word.as_str()];
        parts.retain(|part| !part.is_empty());
        let (range, replace) = replacement(source, place, to);
        Weakening {
            name: format!("{}:{ordering}->{to}", parts.join(":")),
            file: file.to_owned(),
            line: *line,
            used_by: used_by.to_owned(),
            range,
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

fn number_namesakes(all: &mut [Weakening]) {
    let mut seen = BTreeMap::<String, usize>::new();
    for weakening in all {
        let count = seen.entry(weakening.name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            weakening.name += &format!("#{count}");
        }
    }
}

#[cfg(test)]
mod tests;
