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

/// Why the mutants cannot be written into the sources.
#[derive(Debug)]
#[non_exhaustive]
pub enum WeaveError {
    /// A file of a mutant cannot be read.
    Read {
        /// The mutant.
        mutant: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The text of a mutant does not occur exactly once.
    Occurs {
        /// The mutant.
        mutant: &'static str,
        /// Its file.
        file: &'static str,
        /// How often the text occurs.
        count: usize,
    },
    /// The texts of two mutants overlap without being the same.
    Overlap {
        /// One of them.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// Two mutants of one text take it for different things.
    Sites {
        /// One of them.
        first: &'static str,
        /// The other.
        second: &'static str,
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
                write!(f, "mutants {first} and {second}: their texts overlap; make them the same")
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
    mutants: Vec<&'a Mutant>,
}

/// Reads the files below `core_src` that mutants change, and weaves the mutants in.
pub fn weave_all(
    core_src: &Path,
    mutants: &[Mutant],
) -> Result<BTreeMap<&'static str, String>, WeaveError> {
    let mut by_file = BTreeMap::<&'static str, Vec<&Mutant>>::new();
    for mutant in mutants {
        by_file.entry(mutant.file).or_default().push(mutant);
    }
    let mut woven = BTreeMap::new();
    for (file, mutants) in by_file {
        let path = core_src.join(file);
        let source = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) => return Err(WeaveError::Read { mutant: mutants[0].name, path, source }),
        };
        woven.insert(file, weave(&source, &mutants)?);
    }
    Ok(woven)
}

/// Weaves the mutants of one file into its text.
pub fn weave(source: &str, mutants: &[&Mutant]) -> Result<String, WeaveError> {
    let mut woven = String::with_capacity(2 * source.len());
    let mut copied = 0;
    for place in places(source, mutants)? {
        woven.push_str(&source[copied..place.range.start]);
        woven.push_str(&place.switch(&source[place.range.clone()]));
        copied = place.range.end;
    }
    woven.push_str(&source[copied..]);
    Ok(woven)
}

/// The mutated places in the order of the text.
fn places<'a>(source: &str, mutants: &[&'a Mutant]) -> Result<Vec<Place<'a>>, WeaveError> {
    let mut places: Vec<Place<'a>> = Vec::new();
    for &mutant in mutants {
        let range = find_once(source, mutant)?;
        match places.iter_mut().find(|place| overlap(&place.range, &range)) {
            None => places.push(Place { range, mutants: vec![mutant] }),
            Some(place) => {
                let (first, second) = (place.mutants[0].name, mutant.name);
                if place.range != range {
                    return Err(WeaveError::Overlap { first, second });
                }
                if place.mutants[0].site != mutant.site {
                    return Err(WeaveError::Sites { first, second });
                }
                place.mutants.push(mutant);
            }
        }
    }
    places.sort_by_key(|place| place.range.start);
    Ok(places)
}

fn overlap(one: &Range<usize>, other: &Range<usize>) -> bool {
    one.start < other.end && other.start < one.end
}

fn find_once(source: &str, mutant: &Mutant) -> Result<Range<usize>, WeaveError> {
    let mut found = source.match_indices(mutant.find);
    let Mutant { name, file, find, .. } = *mutant;
    match (found.next(), found.count()) {
        (Some((start, _)), 0) if !find.is_empty() => Ok(start..start + find.len()),
        (first, others) => {
            let count = usize::from(first.is_some()) + others;
            Err(WeaveError::Occurs { mutant: name, file, count })
        }
    }
}

impl Place<'_> {
    fn switch(&self, original: &str) -> String {
        let mut text = String::new();
        for Mutant { name, replace, .. } in &self.mutants {
            write!(text, "if crate::mutant::active({name:?}) {{ {replace} }} else ")
                .expect("a String takes everything");
        }
        text += &format!("{{ {original} }}");
        match self.mutants[0].site {
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
        let text = weave("let a = b + 1; f();", &[&mutant("m", "b + 1", "b")]).expect("found");
        assert_eq!(text, "let a = (if crate::mutant::active(\"m\") { b } else { b + 1 }); f();");
        let text = weave("g(); f();", &[&mutant("m", "f();", "")]).expect("found");
        assert_eq!(text, "g(); if crate::mutant::active(\"m\") {  } else { f(); }");
    }

    #[test]
    fn mutants_of_one_place_are_chained_and_places_keep_their_order() {
        let mutants = [mutant("z", "z", "y"), mutant("one", "a", "b"), mutant("two", "a", "c")];
        let text = weave("a z", &mutants.each_ref()).expect("found");
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
            let error = weave(source, &[&mutant("lost", "f();", "")]).expect_err("not once");
            assert!(
                matches!(error, WeaveError::Occurs { mutant: "lost", count: c, .. } if c == count)
            );
            assert!(error.to_string().contains("lost"));
            assert!(error.to_string().contains(&format!("occurs {count} times in core/src/a.rs")));
        }
    }

    #[test]
    fn overlapping_places_are_an_error() {
        let mutants = [mutant("wide", "f(); g();", ""), mutant("narrow", "g();", "")];
        let error = weave("f(); g();", &mutants.each_ref()).expect_err("they overlap");
        assert!(matches!(error, WeaveError::Overlap { first: "wide", second: "narrow" }));
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
