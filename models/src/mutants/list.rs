//! Every mutant, in the order of the files that it changes.

use super::Mutant;
use super::Site::Statements;

/// Every mutant.
pub const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "event-notify-past-the-gate",
        file: "event.rs",
        site: Statements,
        find: "drop(self.gate.lock());",
        replace: "",
        models: &["event"],
        reason: "the change and its wake fall between a waiter's test and its sleep (B3)",
    },
    Mutant {
        name: "turn-back-without-a-wake",
        file: "turn.rs",
        site: Statements,
        find: "self.turn.returned.notify_all();",
        replace: "",
        models: &["turn"],
        reason: "the thing comes back and nobody is told",
    },
    Mutant {
        name: "turn-taken-without-a-test",
        file: "turn.rs",
        site: Statements,
        find: "self.returned.wait(&mut slot);",
        replace: "self.returned.wait(&mut slot);
            if let Some(value) = slot.take() {
                return Some(TurnGuard { turn: self, value: Some(value) });
            }",
        models: &["turn"],
        reason: "done is tested before the first sleep only: the work is done again (M57)",
    },
];

#[cfg(test)]
mod tests {
    use super::super::schemata::weave_all;
    use super::*;
    use crate::spec::models;
    use std::collections::BTreeSet;

    #[test]
    fn every_mutant_finds_its_text_in_the_sources_once() {
        let core = concat!(env!("CARGO_MANIFEST_DIR"), "/../core/src");
        weave_all(core.as_ref(), MUTANTS).expect("every text occurs once");
    }

    #[test]
    fn every_model_kills_a_mutant_and_every_mutant_names_its_killers() {
        for model in models() {
            let killed = MUTANTS.iter().any(|mutant| mutant.models.contains(&model.name));
            assert!(killed, "no mutant shows that the model {} can fail", model.name);
        }
        for mutant in MUTANTS {
            assert!(!mutant.models.is_empty(), "{} names no model", mutant.name);
            for name in mutant.models {
                let known = models().iter().any(|model| model.name == *name);
                assert!(known, "{} is to be killed by an unknown model {name}", mutant.name);
            }
        }
    }

    #[test]
    fn names_are_unique() {
        let names: BTreeSet<_> = MUTANTS.iter().map(|mutant| mutant.name).collect();
        assert_eq!(names.len(), MUTANTS.len());
    }
}
