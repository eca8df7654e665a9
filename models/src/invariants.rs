//! Which models check each invariant, and which mutants would break it: read off the headers of
//! the models and the reasons of the mutants, so that the table in `docs/verification.md` is never
//! older than they are (a test compares).
//!
//! An id is a letter and a number, `W3`; `S1 to S6` is all of these. `M23` is no invariant but a
//! bug of PostgreSQL's history. What each says is in `docs/protocols.md`.

use crate::mutants;
use crate::spec::models;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

/// A letter and a number.
type Id = (char, u32);

/// What is there for an id.
#[derive(Debug, Default)]
struct Row {
    models: BTreeSet<&'static str>,
    mutants: BTreeSet<&'static str>,
}

/// The table, in Markdown.
///
/// # Errors
/// The sources of the models are not where they were compiled.
pub fn table() -> io::Result<String> {
    let mut rows = BTreeMap::<Id, Row>::new();
    for model in models() {
        for id in ids(&property(model.name)?) {
            rows.entry(id).or_default().models.insert(model.name);
        }
    }
    for mutant in mutants::all() {
        for id in ids(mutant.reason) {
            rows.entry(id).or_default().mutants.insert(mutant.name);
        }
    }
    let mut text = "| id | models | mutants |\n|---|---|---|\n".to_owned();
    for ((letter, number), Row { models, mutants }) in &rows {
        let (models, mutants) = (list(models), list(mutants));
        let width = if *letter == 'M' { 2 } else { 1 };
        writeln!(text, "| {letter}{number:0width$} | {models} | {mutants} |")
            .expect("a String takes everything");
    }
    Ok(text)
}

fn list(names: &BTreeSet<&str>) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// What the header of a model says that it checks.
fn property(model: &str) -> io::Result<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/model");
    let text = fs::read_to_string(folder.join(model).with_extension("rs"))?;
    let header = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim_start);
    let property = header.skip_while(|line| !line.starts_with("property"));
    let lines: Vec<&str> = property.take_while(|line| !line.starts_with("code")).collect();
    Ok(lines.join(" "))
}

/// The ids in a text, in its order.
fn ids(text: &str) -> Vec<Id> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut ids: Vec<Id> = Vec::new();
    let mut is_range = false;
    for word in words {
        match (id(word), ids.last().copied()) {
            (Some((letter, to)), Some((first, from))) if is_range && letter == first => {
                ids.extend((from + 1..=to).map(|number| (letter, number)));
            }
            (Some(id), _) => ids.push(id),
            (None, _) => {}
        }
        is_range = word == "to";
    }
    ids
}

fn id(word: &str) -> Option<Id> {
    let letter = word.chars().next().filter(char::is_ascii_uppercase)?;
    Some((letter, word[1..].parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn docs(name: &str) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
        fs::read_to_string(path).expect("the documents are there")
    }

    #[test]
    fn ids_are_read_with_their_ranges() {
        assert_eq!(
            ids("so (B3, W2 to W4), S1"),
            [('B', 3), ('W', 2), ('W', 3), ('W', 4), ('S', 1)]
        );
        assert_eq!(ids("a page to be X, LSN, 12, I/O to S3"), [('S', 3)]);
    }

    #[test]
    fn the_table_in_the_documents_is_this_one() {
        let table = table().expect("the sources are there");
        let is_there = docs("verification.md").contains(&table);
        assert!(is_there, "docs/verification.md needs this table:\n{table}");
    }

    #[test]
    fn every_invariant_that_a_model_or_a_mutant_names_is_explained() {
        let explained: BTreeSet<Id> = docs("protocols.md")
            .lines()
            .filter(|line| line.starts_with("| "))
            .flat_map(|line| ids(&line.split('|').nth(1).unwrap_or_default().replace('–', " to ")))
            .collect();
        let table = table().expect("the sources are there");
        let named = table.lines().skip(2).flat_map(|line| ids(&line[..6]));
        let unknown: Vec<_> = named.filter(|id| id.0 != 'M' && !explained.contains(id)).collect();
        assert!(unknown.is_empty(), "docs/protocols.md does not explain {unknown:?}");
    }

    #[test]
    fn every_model_is_named_in_the_documents() {
        let texts = docs("protocols.md") + &docs("verification.md");
        let missing: Vec<_> = models()
            .iter()
            .map(|model| model.name)
            .filter(|name| !texts.contains(&format!("`{name}`")))
            .collect();
        assert!(missing.is_empty(), "neither document names {missing:?}");
    }
}
