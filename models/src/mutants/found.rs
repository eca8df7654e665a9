//! Mutants that are found in the sources by a rule, instead of written by hand.

use super::Site;
use super::arena::root;
use super::schemata::{Change, WeaveError, weave};
use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A mutant, and where it was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its name, `file:function:what->replacement`, then `#2` for the second that is alike.
    pub name: String,
    /// The file, below `core/src`.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
    /// The file whose models are tried first.
    pub(super) used_by: String,
    /// The place, in bytes.
    pub(super) range: Range<usize>,
    /// What stands there.
    pub(super) site: Site,
    /// What the mutant has instead.
    pub(super) replace: String,
}

impl Found {
    /// What is to be woven.
    pub(super) fn change(&self) -> Change<'_> {
        let Self { name, range, site, replace, .. } = self;
        Change { mutant: name, range: range.clone(), site: *site, replace }
    }
}

/// The sources of `core`.
pub fn core_src() -> PathBuf {
    root().join("core/src")
}

/// Those whose name contains `pattern`.
///
/// # Errors
/// There is none; the text says which there are.
pub fn select(all: &[Found], pattern: Option<&str>) -> Result<Vec<Found>, String> {
    let pattern = pattern.unwrap_or_default();
    let chosen: Vec<_> = all.iter().filter(|found| found.name.contains(pattern)).cloned().collect();
    if chosen.is_empty() {
        let names: Vec<_> = all.iter().map(|found| found.name.as_str()).collect();
        return Err(format!("no name contains '{pattern}'; there are: {}", names.join(", ")));
    }
    Ok(chosen)
}

/// Weaves them into the files below `core_src`: the new texts, by file.
pub fn weave_all(core_src: &Path, all: &[Found]) -> Result<BTreeMap<String, String>, WeaveError> {
    let mut by_file = BTreeMap::<&str, Vec<Change<'_>>>::new();
    for found in all {
        by_file.entry(&found.file).or_default().push(found.change());
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

/// The sources in a folder below `core_src` but for tests, as paths from there, sorted.
pub(super) fn sources(core_src: &Path, folder: &str) -> Result<Vec<String>, Box<dyn Error>> {
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
        match name.as_str() {
            "tests" | "tests.rs" => {}
            _ if is_folder => files.extend(sources(core_src, &path)?),
            _ => files.push(path),
        }
    }
    Ok(files)
}

/// Tells those apart that have the same name.
pub(super) fn number_namesakes(all: &mut [Found]) {
    let mut seen = BTreeMap::<String, usize>::new();
    for found in all {
        let count = seen.entry(found.name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            found.name += &format!("#{count}");
        }
    }
}

/// What holds of every sort: names tell all apart, and each has its switch in the copy.
#[cfg(test)]
pub(super) fn assert_can_be_woven(all: &[Found]) {
    let names: std::collections::BTreeSet<_> = all.iter().map(|found| &found.name).collect();
    assert!(!all.is_empty());
    assert_eq!(names.len(), all.len());
    let woven = weave_all(&core_src(), all).expect("no places cross");
    for found in all {
        let switch = format!("crate::mutant::active({:?})", found.name);
        assert_eq!(woven[&found.file].matches(&switch).count(), 1, "{}", found.name);
    }
}
