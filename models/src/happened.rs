//! What comes before what in an execution under shuttle: of two events that could notice each
//! other's order, the earlier one, and whatever comes before that.
//!
//! An execution stands for every order of its events that keeps this one: all of them end alike.
//! So what it had done at any *cut* (a set of events that holds, with each event, all that come
//! before it) is what some other execution had done at some time.
//!
//! # Rules
//! * An event is one announced operation ([`step::Op`]) of a thread, behind a scheduling point.
//! * The relation is that of [`crate::dpor`], which explores one execution of each class.
//! * Clocks cost time, so they are kept in executions that have asked for them ([`watch`]): by the
//!   main thread, before it starts another.
//!
//! Called by: [`crate::heed`], for every scheduler; [`crate::crash`].

use seawall_core_shuttle::sync::step::{self, Object, Op, Task};
use std::cell::RefCell;
use std::collections::HashMap;

/// How many events of each thread come before something.
pub type Clock = Vec<u32>;

/// An event, or the moment right behind it in its thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The thread.
    pub task: Task,
    /// The event and all that come before it.
    pub clock: Clock,
}

thread_local! {
    static EXECUTION: RefCell<Option<Execution>> = const { RefCell::new(None) };
}

/// Has the clocks of this execution kept.
pub fn watch() {
    EXECUTION.set(Some(Execution::default()));
}

/// Where the execution is; nothing under loom, or if nobody watches.
pub fn now() -> Option<Position> {
    EXECUTION.with_borrow(|execution| {
        let execution = execution.as_ref()?;
        let clock = execution.clocks.0.get(execution.current).cloned().unwrap_or_default();
        Some(Position { task: execution.current, clock })
    })
}

/// Forgets the last execution.
pub(crate) fn begin_execution() {
    EXECUTION.set(None);
}

/// Notes that a thread goes on with what it has announced.
pub(crate) fn chosen(task: Task) {
    EXECUTION.with_borrow_mut(|execution| {
        if let Some(execution) = execution {
            execution.push(task, step::next(task).expect("announced"));
        }
    });
}

/// The clock of each thread: what comes before whatever it does next.
#[derive(Default)]
pub(crate) struct Clocks(Vec<Clock>);

impl Clocks {
    /// Forgets all threads.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// That of a thread that has been met.
    pub(crate) fn of(&self, task: Task) -> &Clock {
        &self.0[task]
    }

    /// Moves a thread to where it was before.
    pub(crate) fn set(&mut self, task: Task, clock: &Clock) {
        self.0[task].clone_from(clock);
    }

    /// A new thread comes after everything that its parent has done so far.
    pub(crate) fn meet_new_tasks(&mut self) {
        for task in self.0.len()..step::tasks() {
            let clock = step::parent(task).map(|parent| self.0[parent].clone());
            self.0.push(clock.unwrap_or_default());
        }
    }

    /// Moves a thread behind its next event, of which `earlier` are those on its objects.
    pub(crate) fn advance<'a>(
        &mut self,
        task: Task,
        op: &Op,
        earlier: impl Iterator<Item = (&'a Op, &'a Clock)>,
    ) -> &Clock {
        let mut clock = std::mem::take(&mut self.0[task]);
        for (_, before) in earlier.filter(|(event, _)| comes_before(event, op)) {
            join(&mut clock, before);
        }
        if let Op::Join(child) = op {
            join(&mut clock, &self.0[*child]);
        }
        if clock.len() <= task {
            clock.resize(task + 1, 0);
        }
        clock[task] += 1;
        self.0[task] = clock;
        &self.0[task]
    }
}

fn join(clock: &mut Clock, other: &Clock) {
    if clock.len() < other.len() {
        clock.resize(other.len(), 0);
    }
    for (number, other) in clock.iter_mut().zip(other) {
        *number = (*number).max(*other);
    }
}

#[derive(Default)]
struct Execution {
    clocks: Clocks,
    current: Task,
    /// The events on each object since the last one that comes after all before it, that included.
    touching: HashMap<Object, Vec<(Op, Clock)>>,
}

impl Execution {
    fn push(&mut self, task: Task, op: Op) {
        self.clocks.meet_new_tasks();
        let objects = || roles(&op).into_iter().flatten();
        let related = objects().filter_map(|(object, _)| self.touching.get(&object));
        let earlier = related.flatten().map(|(earlier, clock)| (earlier, clock));
        let clock = self.clocks.advance(task, &op, earlier);
        for (object, role) in objects() {
            let events = self.touching.entry(object).or_default();
            if role.follows_all() {
                events.clear();
            }
            events.push((op, clock.clone()));
        }
        self.current = task;
    }
}

/// What an operation does to one object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Read,
    Write,
    Lock,
    LockShared,
    TryLockShared,
    TryLock,
    Unlock,
    UnlockShared,
    Wait,
    Wake,
    Notify,
}

impl Role {
    /// Whether it comes after every earlier event on the object, and before every later one: see
    /// [`comes_before`].
    fn follows_all(self) -> bool {
        matches!(self, Self::Write | Self::Lock | Self::TryLock | Self::Unlock)
    }
}

/// The objects of an operation: at most two.
pub(crate) fn roles(op: &Op) -> [Option<(Object, Role)>; 2] {
    match *op {
        Op::Read(word) | Op::Reread(word) => [Some((word, Role::Read)), None],
        Op::Write(word) => [Some((word, Role::Write)), None],
        Op::Lock(lock) => [Some((lock, Role::Lock)), None],
        Op::LockShared(lock) => [Some((lock, Role::LockShared)), None],
        Op::TryLockShared(lock) => [Some((lock, Role::TryLockShared)), None],
        Op::TryLock(lock) => [Some((lock, Role::TryLock)), None],
        Op::Unlock(lock) => [Some((lock, Role::Unlock)), None],
        Op::UnlockShared(lock) => [Some((lock, Role::UnlockShared)), None],
        Op::Wait { condition, lock } => [Some((condition, Role::Wait)), Some((lock, Role::Unlock))],
        Op::Wake { condition, lock } => [Some((condition, Role::Wake)), Some((lock, Role::Lock))],
        Op::Notify(condition) => [Some((condition, Role::Notify)), None],
        Op::Join(_) => [None, None],
    }
}

/// Whether two operations have an object in common on which their roles are so related.
pub(crate) fn any_pair(a: &Op, b: &Op, relation: impl Fn(Role, Role) -> bool) -> bool {
    roles(a).into_iter().flatten().any(|(object, role)| {
        roles(b)
            .into_iter()
            .flatten()
            .any(|(other, second)| object == other && relation(role, second))
    })
}

/// Whether `b`, done after `a`, could notice that it comes after: the order of dependence.
pub(crate) fn comes_before(a: &Op, b: &Op) -> bool {
    use Role::*;
    let is_shared = |role| matches!(role, LockShared | TryLockShared | UnlockShared);
    any_pair(a, b, |a, b| match (a, b) {
        (Read, Read) | (Wait, Wait | Wake) | (Notify, Notify) => false,
        (Wake, Wait | Wake | Notify) => false,
        _ => !(is_shared(a) && is_shared(b)),
    })
}
