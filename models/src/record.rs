//! What the executions of a search have in common: their number, the points that they reached,
//! their outcomes.
//!
//! # Rules
//! * Loom and shuttle run all threads of a model as coroutines of the OS thread that searches, so
//!   a thread-local of std belongs to exactly one search, and tests can run side by side.
//! * Nothing here is an operation of the facade: recording adds no interleaving.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::Display;

/// What has been recorded since [`reset`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Executions that were started.
    pub executions: u64,
    /// How often each point was reached.
    pub reached: BTreeMap<String, u64>,
    /// How often each outcome came.
    pub outcomes: BTreeMap<String, u64>,
}

thread_local! {
    static EXECUTIONS: Cell<u64> = const { Cell::new(0) };
    static REACHED: RefCell<BTreeMap<&'static str, u64>> = const { RefCell::new(BTreeMap::new()) };
    static OUTCOMES: RefCell<BTreeMap<String, u64>> = const { RefCell::new(BTreeMap::new()) };
}

/// Notes that this execution came to a point that the model names in
/// [`Model::reach`](crate::spec::Model::reach).
pub fn reach(point: &'static str) {
    REACHED.with_borrow_mut(|reached| *reached.entry(point).or_default() += 1);
}

/// Notes how this execution ended: once, at its end. The number of distinct outcomes is reported.
pub fn outcome(what: impl Display) {
    OUTCOMES.with_borrow_mut(|outcomes| *outcomes.entry(what.to_string()).or_default() += 1);
}

/// Starts the next execution.
pub fn begin_execution() {
    EXECUTIONS.set(EXECUTIONS.get() + 1);
}

/// Executions begun since [`reset`], the running one included.
pub fn executions() -> u64 {
    EXECUTIONS.get()
}

/// Forgets what this OS thread has recorded.
pub fn reset() {
    take();
}

/// Takes what this OS thread has recorded since [`reset`].
pub fn take() -> Record {
    Record {
        executions: EXECUTIONS.take(),
        reached: REACHED.take().into_iter().map(|(point, n)| (point.to_owned(), n)).collect(),
        outcomes: OUTCOMES.take(),
    }
}
