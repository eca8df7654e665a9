//! The names of objects, read from the sources where they were created.
//!
//! An object is known by the place of its creation. What stands before it there, in
//! `flushed: AtomicU64::new(0)` or `let gate = Mutex::new(())`, is its name.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::panic::Location;
use std::path::Path;

/// Names for a number of objects, no two alike.
pub(crate) struct Names<O>(BTreeMap<O, String>);

impl<O: Ord + Copy> Names<O> {
    /// Names each of these; namesakes get a number, in the order of the objects.
    pub(crate) fn new(objects: BTreeMap<O, &'static Location<'static>>) -> Self {
        let mut files = BTreeMap::new();
        let bare: Vec<(O, String)> = objects
            .into_iter()
            .map(|(object, created)| {
                let text = files.entry(created.file()).or_insert_with(|| read(created.file()));
                let line = text.lines().nth(created.line() as usize - 1).unwrap_or_default();
                let name = name(line, created.column() as usize - 1);
                (object, name.map_or_else(|| place(created), str::to_owned))
            })
            .collect();
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        let mut names = BTreeMap::new();
        for (object, name) in &bare {
            let is_alone = bare.iter().filter(|(_, other)| other == name).count() == 1;
            let number = seen.entry(name).or_default();
            let full = if is_alone { name.clone() } else { format!("{name}.{number}") };
            *number += 1;
            names.insert(*object, full);
        }
        Self(names)
    }

    /// The name of one of them.
    pub(crate) fn of(&self, object: O) -> String {
        self.0.get(&object).cloned().unwrap_or_default()
    }
}

/// A place in the sources, as short as it can be told.
pub(crate) fn place(at: &'static Location<'static>) -> String {
    let file = at.file().rsplit_once("src/").map_or(at.file(), |(_, file)| file);
    format!("{}:{}", file.trim_start_matches("./"), at.line())
}

/// The text of a source file; nothing if it is not there any more.
fn read(file: &str) -> String {
    // Cargo compiles the packages of a workspace in its root: around the place that somebody calls
    // the runner from, or around this package.
    let here = env::current_dir().unwrap_or_default();
    let mut roots = here.ancestors().chain(Path::new(env!("CARGO_MANIFEST_DIR")).ancestors());
    roots.find_map(|root| fs::read_to_string(root.join(file)).ok()).unwrap_or_default()
}

/// The name of what is created at a column of a line, counted from 0.
fn name(line: &str, column: usize) -> Option<&str> {
    let mut before = line.get(..column)?.trim_end();
    // In `Arc::new(Mutex::new(..))` the name stands before the outermost.
    while let Some(outer) = before.strip_suffix('(').or_else(|| before.strip_suffix('[')) {
        let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
        before = outer.trim_end_matches(is_path).trim_end();
    }
    let before = before.strip_suffix(':').or_else(|| before.strip_suffix('='))?.trim_end();
    let start = before.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |at| at + 1);
    Some(&before[start..]).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_that_of_the_field_or_variable() {
        for (line, name_there) in [
            ("Self { gate: Mutex::new(()), changed: Condvar::new() }", "gate"),
            ("    flushed: AtomicU64::new(0),", "flushed"),
            ("let gate = Arc::new(Mutex::new(0));", "gate"),
            ("    word: Arc::new(AtomicU64::new(0)),", "word"),
            ("let zeros = [AtomicU64::new(0)];", "zeros"),
        ] {
            let column = line.find("Mutex").or_else(|| line.find("Atomic")).expect("it is there");
            assert_eq!(name(line, column), Some(name_there), "{line}");
        }
        assert_eq!(name("    AtomicU64::new(0)", 4), None);
        assert_eq!(name("short", 80), None);
    }

    #[test]
    fn namesakes_are_numbered() {
        let here = Location::caller();
        let names = Names::new(BTreeMap::from([(1, here), (2, here)]));
        assert_ne!(names.of(1), names.of(2));
    }
}
