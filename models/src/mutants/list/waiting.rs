//! Mutants of events.

use crate::mutants::Mutant;
use crate::mutants::Site::Statements;

pub(super) const MUTANTS: &[Mutant] = &[Mutant {
    name: "event-notify-past-the-gate",
    file: "event.rs",
    site: Statements,
    find: "drop(self.gate.lock());",
    replace: "",
    models: &["event"],
    reason: "the change and its wake fall between a waiter's test and its sleep (B3)",
}];
