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
use std::time::{Duration, Instant};

/// What has been recorded since [`reset`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Executions that were started.
    pub executions: u64,
    /// Those of them that were known to be like an earlier one before they had ended.
    pub redundant: u64,
    /// The most operations of the facade that one of them had.
    pub depth: u64,
    /// Distinct disks that a crash may leave, each of which was recovered.
    pub recovered: u64,
    /// How often each point was reached.
    pub reached: BTreeMap<String, u64>,
    /// How often each outcome came.
    pub outcomes: BTreeMap<String, u64>,
}

thread_local! {
    static EXECUTIONS: Cell<u64> = const { Cell::new(0) };
    static REDUNDANT: Cell<u64> = const { Cell::new(0) };
    static IS_REDUNDANT: Cell<bool> = const { Cell::new(false) };
    static DEPTH: Cell<u64> = const { Cell::new(0) };
    static RECOVERED: Cell<u64> = const { Cell::new(0) };
    static SEARCH: Cell<u64> = const { Cell::new(0) };
    static REACHED: RefCell<BTreeMap<&'static str, u64>> = const { RefCell::new(BTreeMap::new()) };
    static OUTCOMES: RefCell<BTreeMap<String, u64>> = const { RefCell::new(BTreeMap::new()) };
    static LIMIT: Cell<u64> = const { Cell::new(u64::MAX) };
    static LISTENER: RefCell<Option<Listener>> = const { RefCell::new(None) };
}

struct Listener {
    last: Instant,
    every: Duration,
    tell: fn(executions: u64, depth: u64),
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

/// How the message begins when a search has come to its [`limit`].
pub const LIMIT_REACHED: &str = "the search was stopped at its limit";

/// Starts the next execution.
///
/// # Panics
/// If that is one too many.
pub fn begin_execution() {
    EXECUTIONS.set(EXECUTIONS.get() + 1);
    IS_REDUNDANT.set(false);
    let limit = LIMIT.get();
    assert!(EXECUTIONS.get() <= limit, "{LIMIT_REACHED} of {limit} executions");
}

/// Lets searches of this OS thread have so many executions and no more.
pub fn limit(executions: u64) {
    LIMIT.set(executions);
}

/// Ends an execution that had so many operations.
pub fn end_execution(operations: u64) {
    DEPTH.set(DEPTH.get().max(operations));
    LISTENER.with_borrow_mut(|listener| {
        if let Some(listener) = listener
            && listener.last.elapsed() >= listener.every
        {
            listener.last = Instant::now();
            (listener.tell)(EXECUTIONS.get(), DEPTH.get());
        }
    });
}

/// Notes that this execution will be like an earlier one.
pub fn redundant() {
    REDUNDANT.set(REDUNDANT.get() + 1);
    IS_REDUNDANT.set(true);
}

/// Whether this execution is known to be like an earlier one.
pub fn is_redundant() -> bool {
    IS_REDUNDANT.get()
}

/// Notes that a disk was recovered that had not been met before.
pub fn recovered() {
    RECOVERED.set(RECOVERED.get() + 1);
}

/// The number of this search among those of this OS thread.
pub fn search() -> u64 {
    SEARCH.get()
}

/// Executions begun since [`reset`], the running one included.
pub fn executions() -> u64 {
    EXECUTIONS.get()
}

/// Has the progress of this OS thread's searches told about so often.
pub fn listen(every: Duration, tell: fn(executions: u64, depth: u64)) {
    LISTENER.set(Some(Listener { last: Instant::now(), every, tell }));
}

/// Forgets what this OS thread has recorded.
pub fn reset() {
    SEARCH.set(SEARCH.get() + 1);
    take();
}

/// Takes what this OS thread has recorded since [`reset`].
pub fn take() -> Record {
    Record {
        executions: EXECUTIONS.take(),
        redundant: REDUNDANT.take(),
        depth: DEPTH.take(),
        recovered: RECOVERED.take(),
        reached: REACHED.take().into_iter().map(|(point, n)| (point.to_owned(), n)).collect(),
        outcomes: OUTCOMES.take(),
    }
}
