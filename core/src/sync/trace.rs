//! What the operations of an execution were, for people who look at one that failed.
//!
//! Both checkers' facades number their objects, count their operations, and note each operation
//! while somebody records. Everything here is per OS thread: both run the threads of a model as
//! coroutines of one. Nothing here is an operation of the facade.
#![allow(clippy::disallowed_types, reason = "the state of a checker, not of a protocol")]

use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::panic::Location;

/// An atomic word, a lock, a condition variable: numbered in the order in which a thread creates
/// them within an execution, so that it is the same one after any reordering of what the threads do
/// that the thread does not notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Object {
    /// The thread that created it.
    pub creator: u16,
    /// Number among the objects of that thread, from 0.
    pub number: u16,
}

/// A thread of an execution: the main one is 0.
pub type Task = usize;

/// A place in the sources.
pub type Place = &'static Location<'static>;

/// One operation that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Who did it.
    pub task: Task,
    /// What: the name of the facade's method.
    pub what: &'static str,
    /// On what.
    pub on: Target,
    /// What it read or wrote; empty if there is no such thing.
    pub value: String,
    /// Where; nothing for a guard that is dropped.
    pub at: Option<Place>,
}

/// What an operation is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// An object, and where it was created.
    Object(Object, Place),
    /// A thread.
    Task(Task),
}

thread_local! {
    static CREATED: RefCell<Vec<Vec<Place>>> = const { RefCell::new(Vec::new()) };
    static OPERATIONS: Cell<u64> = const { Cell::new(0) };
    static IS_RECORDING: Cell<bool> = const { Cell::new(false) };
    static ENTRIES: RefCell<Vec<Entry>> = const { RefCell::new(Vec::new()) };
}

/// Forgets the last execution; to be called before each.
pub fn begin_execution() {
    CREATED.with_borrow_mut(Vec::clear);
    ENTRIES.with_borrow_mut(Vec::clear);
    OPERATIONS.set(0);
}

/// Notes every operation from now on, or none.
pub fn record(on: bool) {
    IS_RECORDING.set(on);
}

/// The operations that were noted in this execution, in their order.
pub fn entries() -> Vec<Entry> {
    ENTRIES.with_borrow(Vec::clone)
}

/// How many operations this execution has done.
pub fn operations() -> u64 {
    OPERATIONS.get()
}

impl Object {
    #[track_caller]
    pub(super) fn new(creator: Task) -> Self {
        let place = Location::caller();
        CREATED.with_borrow_mut(|created| {
            if created.len() <= creator {
                created.resize(creator + 1, Vec::new());
            }
            let mine = &mut created[creator];
            mine.push(place);
            let small = |n: usize| u16::try_from(n).expect("fewer than 65536 threads and objects");
            Self { creator: small(creator), number: small(mine.len() - 1) }
        })
    }

    /// Notes an operation on this object that `me` has done.
    #[track_caller]
    pub(super) fn note(self, me: fn() -> Task, what: &'static str, value: Value<impl Debug>) {
        note(me, what, || Target::Object(self, self.created()), value, Some(Location::caller()));
    }

    /// The same for an operation without a value.
    #[track_caller]
    pub(super) fn note_plain(self, me: fn() -> Task, what: &'static str) {
        let place = Some(Location::caller());
        note(me, what, || Target::Object(self, self.created()), NOTHING, place);
    }

    /// The same for an operation that is nowhere in the sources: a guard is dropped.
    pub(super) fn note_drop(self, me: fn() -> Task, what: &'static str) {
        note(me, what, || Target::Object(self, self.created()), NOTHING, None);
    }

    fn created(self) -> Place {
        CREATED.with_borrow(|all| all[usize::from(self.creator)][usize::from(self.number)])
    }
}

/// What an operation had to do with a word.
pub(super) enum Value<T> {
    /// There is no word.
    Nothing,
    /// It read or wrote this.
    Is(T),
    /// It had this for an operand, and found that.
    Was(T, T),
    /// It wanted the first to become the second.
    Exchange(T, T, Result<T, T>),
}

const NOTHING: Value<()> = Value::Nothing;

impl<T: Debug> Value<T> {
    fn text(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Is(value) => short(value),
            Self::Was(operand, was) => format!("{}, was {}", short(operand), short(was)),
            Self::Exchange(from, to, Ok(_)) => format!("{} to {}", short(from), short(to)),
            Self::Exchange(from, to, Err(found)) => {
                format!("{} to {}, but is {}", short(from), short(to), short(found))
            }
        }
    }
}

/// Words of flags are read in hexadecimal.
fn short(value: &impl Debug) -> String {
    let decimal = format!("{value:?}");
    if decimal.len() <= 5 { decimal } else { format!("{value:#x?}") }
}

/// Notes an operation of `me` on a thread.
#[track_caller]
pub(super) fn note_task(me: fn() -> Task, what: &'static str, child: Task) {
    note(me, what, || Target::Task(child), NOTHING, Some(Location::caller()));
}

fn note(
    me: fn() -> Task,
    what: &'static str,
    on: impl FnOnce() -> Target,
    value: Value<impl Debug>,
    at: Option<Place>,
) {
    OPERATIONS.set(OPERATIONS.get() + 1);
    if IS_RECORDING.get() {
        let entry = Entry { task: me(), what, on: on(), value: value.text(), at };
        ENTRIES.with_borrow_mut(|entries| entries.push(entry));
    }
}
