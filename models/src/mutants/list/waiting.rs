//! Mutants of events and turns.

use crate::mutants::Mutant;
use crate::mutants::Site::Statements;

pub(super) const MUTANTS: &[Mutant] = &[
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
