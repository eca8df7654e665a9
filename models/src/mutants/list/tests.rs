//! Tests of the list of mutants.

use super::*;
use crate::mutants::schemata::weave_all;
use crate::spec::models;
use std::collections::BTreeSet;

#[test]
fn every_mutant_finds_its_text_in_the_sources_once() {
    let core = concat!(env!("CARGO_MANIFEST_DIR"), "/../core/src");
    weave_all(core.as_ref(), &all().copied().collect::<Vec<_>>()).expect("every text occurs once");
}

#[test]
fn every_model_kills_a_mutant_and_every_mutant_names_its_killers() {
    for model in models() {
        let killed = all().any(|mutant| mutant.models.contains(&model.name));
        assert!(killed, "no mutant shows that the model {} can fail", model.name);
    }
    for mutant in all() {
        assert!(!mutant.models.is_empty(), "{} names no model", mutant.name);
        for name in mutant.models {
            let known = models().iter().any(|model| model.name == *name);
            assert!(known, "{} is to be killed by an unknown model {name}", mutant.name);
        }
    }
}

#[test]
fn names_are_unique() {
    let names: BTreeSet<_> = all().map(|mutant| mutant.name).collect();
    assert_eq!(names.len(), all().count());
}
