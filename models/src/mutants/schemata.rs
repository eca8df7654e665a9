//! Writes all mutants of a file into one text, each behind a switch.
//!
//! ```text
//! drop(self.gate.lock());
//! ```
//! becomes
//! ```text
//! if crate::mutant::active("event-notify-past-the-gate") { } else { drop(self.gate.lock()); }
//! ```

use super::{Mutant, Site};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The variable that names the active mutant of the copy.
pub const VARIABLE: &str = "SEAWALL_MUTANT";

/// What the copy's `core/src/lib.rs` ends with.
pub const SWITCH: &str = r#"
/// Which mutant is active. This copy is generated: see models/src/mutants.rs.
pub(crate) mod mutant {
    use std::sync::OnceLock;

    static ACTIVE: OnceLock<Option<String>> = OnceLock::new();

    /// Whether it is the one that the environment names.
    pub(crate) fn active(name: &str) -> bool {
        ACTIVE.get_or_init(|| std::env::var("SEAWALL_MUTANT").ok()).as_deref() == Some(name)
    }
}
"#;

/// A place of a file, and what a mutant has there.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// The name of the mutant.
    pub mutant: &'a str,
    /// The place, in bytes.
    pub range: Range<usize>,
    /// What stands there.
    pub site: Site,
    /// What the mutant has instead.
    pub replace: &'a str,
}

/// Why the mutants cannot be written into the sources.
#[derive(Debug)]
#[non_exhaustive]
pub enum WeaveError {
    /// A file of a mutant cannot be read.
    Read {
        /// The mutant.
        mutant: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The text of a mutant does not occur exactly once.
    Occurs {
        /// The mutant.
        mutant: String,
        /// Its file.
        file: String,
        /// How often the text occurs.
        count: usize,
    },
    /// The texts of two mutants overlap, and neither is in the other.
    Overlap {
        /// One of them.
        first: String,
        /// The other.
        second: String,
    },
    /// Two mutants of one text take it for different things.
    Sites {
        /// One of them.
        first: String,
        /// The other.
        second: String,
    },
}

impl fmt::Display for WeaveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { mutant, path, source } => {
                write!(f, "mutant {mutant}: cannot read {}: {source}", path.display())
            }
            Self::Occurs { mutant, file, count } => write!(
                f,
                "mutant {mutant}: its text occurs {count} times in core/src/{file}, not once"
            ),
            Self::Overlap { first, second } => {
                write!(
                    f,
                    "mutants {first} and {second}: their texts overlap; widen one to hold the other"
                )
            }
            Self::Sites { first, second } => {
                write!(f, "mutants {first} and {second}: one text cannot be two sorts of site")
            }
        }
    }
}

impl std::error::Error for WeaveError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { source, .. } => Some(source),
            Self::Occurs { .. } | Self::Overlap { .. } | Self::Sites { .. } => None,
        }
    }
}

/// A place of the source and the mutants that change it, of which there is at least one.
struct Place<'a> {
    range: Range<usize>,
    changes: Vec<&'a Change<'a>>,
}

/// Reads the files below `core_src` that mutants change, and weaves the mutants in: the new texts,
/// by file.
pub fn weave_all(
    core_src: &Path,
    mutants: &[Mutant],
) -> Result<BTreeMap<String, String>, WeaveError> {
    let mut by_file = BTreeMap::<&str, Vec<&Mutant>>::new();
    for mutant in mutants {
        by_file.entry(mutant.file).or_default().push(mutant);
    }
    let mut woven = BTreeMap::new();
    for (file, mutants) in by_file {
        let path = core_src.join(file);
        let source = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) => {
                return Err(WeaveError::Read { mutant: mutants[0].name.to_owned(), path, source });
            }
        };
        woven.insert(file.to_owned(), weave_mutants(&source, &mutants)?);
    }
    Ok(woven)
}

fn weave_mutants(source: &str, mutants: &[&Mutant]) -> Result<String, WeaveError> {
    let changes: Result<Vec<_>, _> = mutants.iter().map(|mutant| change(source, mutant)).collect();
    weave(source, &changes?)
}

/// Weaves the mutants of one file into its text. A place may lie in another one: then the code of
/// the outer place has the switch of the inner one in it.
pub fn weave(source: &str, changes: &[Change<'_>]) -> Result<String, WeaveError> {
    Ok(weave_range(source, 0..source.len(), &places(changes)?))
}

/// The text of a range that these places are in, an outer one before those in it.
fn weave_range(source: &str, range: Range<usize>, places: &[Place<'_>]) -> String {
    let mut woven = String::with_capacity(2 * range.len());
    let mut copied = range.start;
    let mut rest = places;
    while let [place, others @ ..] = rest {
        let inside = others.iter().take_while(|other| other.range.start < place.range.end).count();
        let (inner, next) = others.split_at(inside);
        woven.push_str(&source[copied..place.range.start]);
        woven.push_str(&place.switch(&weave_range(source, place.range.clone(), inner)));
        copied = place.range.end;
        rest = next;
    }
    woven.push_str(&source[copied..range.end]);
    woven
}

/// The mutated places in the order of the text, an outer one before those in it.
fn places<'a>(changes: &'a [Change<'a>]) -> Result<Vec<Place<'a>>, WeaveError> {
    let mut places: Vec<Place<'a>> = Vec::new();
    for change in changes {
        let range = change.range.clone();
        match places.iter_mut().find(|place| cross(&place.range, &range)) {
            None => places.push(Place { range, changes: vec![change] }),
            Some(place) => {
                let of_place = place.changes[0];
                let (first, second) = (of_place.mutant.to_owned(), change.mutant.to_owned());
                if place.range != range {
                    return Err(WeaveError::Overlap { first, second });
                }
                if of_place.site != change.site {
                    return Err(WeaveError::Sites { first, second });
                }
                place.changes.push(change);
            }
        }
    }
    places.sort_by_key(|place| (place.range.start, Reverse(place.range.end)));
    Ok(places)
}

/// Whether they are the same, or overlap without one being in the other.
fn cross(one: &Range<usize>, other: &Range<usize>) -> bool {
    let is_in = |inner: &Range<usize>, outer: &Range<usize>| {
        outer.start <= inner.start && inner.end <= outer.end
    };
    let overlap = one.start < other.end && other.start < one.end;
    one == other || overlap && !is_in(one, other) && !is_in(other, one)
}

/// Finds the place of a mutant by its text.
fn change(source: &str, mutant: &Mutant) -> Result<Change<'static>, WeaveError> {
    let mut found = source.match_indices(mutant.find);
    let Mutant { name, file, site, find, replace, .. } = *mutant;
    match (found.next(), found.count()) {
        (Some((start, _)), 0) if !find.is_empty() => {
            Ok(Change { mutant: name, range: start..start + find.len(), site, replace })
        }
        (first, others) => {
            let count = usize::from(first.is_some()) + others;
            Err(WeaveError::Occurs { mutant: name.to_owned(), file: file.to_owned(), count })
        }
    }
}

impl Place<'_> {
    fn switch(&self, original: &str) -> String {
        let mut text = String::new();
        for Change { mutant, replace, .. } in &self.changes {
            write!(text, "if crate::mutant::active({mutant:?}) {{ {replace} }} else ")
                .expect("a String takes everything");
        }
        text += &format!("{{ {original} }}");
        match self.changes[0].site {
            Site::Expression => format!("({text})"),
            Site::Statements => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutant(name: &'static str, find: &'static str, replace: &'static str) -> Mutant {
        let site = if find.ends_with(';') { Site::Statements } else { Site::Expression };
        Mutant { name, file: "a.rs", site, find, replace, models: &[], reason: "" }
    }

    #[test]
    fn a_mutant_becomes_a_choice() {
        let text =
            weave_mutants("let a = b + 1; f();", &[&mutant("m", "b + 1", "b")]).expect("found");
        assert_eq!(text, "let a = (if crate::mutant::active(\"m\") { b } else { b + 1 }); f();");
        let text = weave_mutants("g(); f();", &[&mutant("m", "f();", "")]).expect("found");
        assert_eq!(text, "g(); if crate::mutant::active(\"m\") {  } else { f(); }");
    }

    #[test]
    fn mutants_of_one_place_are_chained_and_places_keep_their_order() {
        let mutants = [mutant("z", "z", "y"), mutant("one", "a", "b"), mutant("two", "a", "c")];
        let text = weave_mutants("a z", &mutants.each_ref()).expect("found");
        assert_eq!(
            text,
            "(if crate::mutant::active(\"one\") { b } \
             else if crate::mutant::active(\"two\") { c } else { a }) \
             (if crate::mutant::active(\"z\") { y } else { z })"
        );
    }

    #[test]
    fn a_text_that_does_not_occur_once_is_an_error_that_names_the_mutant() {
        for (source, count) in [("nothing", 0), ("f(); f();", 2)] {
            let error =
                weave_mutants(source, &[&mutant("lost", "f();", "")]).expect_err("not once");
            assert!(matches!(error, WeaveError::Occurs { count: c, .. } if c == count));
            assert!(error.to_string().contains("lost"));
            assert!(error.to_string().contains(&format!("occurs {count} times in core/src/a.rs")));
        }
    }

    #[test]
    fn a_place_in_another_is_woven_into_its_code() {
        let mutants = [mutant("inner", "b", "c"), mutant("outer", "a(b);", "")];
        let text = weave_mutants("a(b); d", &mutants.each_ref()).expect("found");
        assert_eq!(
            text,
            "if crate::mutant::active(\"outer\") {  } else \
             { a((if crate::mutant::active(\"inner\") { c } else { b })); } d"
        );
    }

    #[test]
    fn overlapping_places_are_an_error() {
        let mutants = [mutant("first", "f(); g();", ""), mutant("second", "g(); h();", "")];
        let error = weave_mutants("f(); g(); h();", &mutants.each_ref()).expect_err("they overlap");
        assert!(matches!(error, WeaveError::Overlap { .. }));
        assert!(error.to_string().contains("mutants first and second"));
    }

    #[test]
    fn a_missing_file_is_an_error_that_names_the_mutant() {
        let error = weave_all(Path::new("/nowhere"), &[mutant("lost", "a", "b")]);
        assert!(error.expect_err("no file").to_string().contains("lost"));
    }

    #[test]
    fn the_switch_reads_the_variable() {
        assert!(SWITCH.contains(&format!("{VARIABLE:?}")));
    }
}
