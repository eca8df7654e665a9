//! What a thread of a model is about to do, told to the scheduler before it does it.
//!
//! Every operation of the shuttle facade is one [`Op`]: announced, then a scheduling point, then
//! done. A thread whose operation cannot be done now is not blocked for shuttle: it is *disabled*
//! ([`is_enabled`]), and the scheduler passes it over. So a scheduler knows what each thread will
//! do next, on which object, and whether it can: what partial-order reduction needs. All schedulers
//! have to heed it; [`crate::sync`] is of no use under a plain shuttle scheduler.
//!
//! Everything here is per OS thread: shuttle runs the threads of a model as coroutines of one.
#![allow(clippy::disallowed_types, reason = "the state of a checker, not of a protocol")]

pub use super::trace::{Object, Task};

use super::trace;
use shuttle::sync::atomic::{AtomicBool, Ordering};
use std::cell::RefCell;

/// One operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// Reads a word.
    Read(Object),
    /// Writes a word, or reads and writes it.
    Write(Object),
    /// Reads a word again that was not as wanted; disabled until it is written.
    Reread(Object),
    /// Takes a lock exclusively; disabled while it is held.
    Lock(Object),
    /// Takes a lock shared; disabled while it is held exclusively.
    LockShared(Object),
    /// Takes a lock shared if that is possible now.
    TryLockShared(Object),
    /// Takes a lock exclusively if that is possible now.
    TryLock(Object),
    /// Gives an exclusive lock back.
    Unlock(Object),
    /// Gives a shared lock back.
    UnlockShared(Object),
    /// Begins to wait for a condition variable and gives the lock back.
    Wait {
        /// The condition variable.
        condition: Object,
        /// The lock.
        lock: Object,
    },
    /// Takes the lock again; disabled until notified, and while the lock is held.
    Wake {
        /// The condition variable.
        condition: Object,
        /// The lock.
        lock: Object,
    },
    /// Notifies all who wait for a condition variable.
    Notify(Object),
    /// Waits for the end of a thread; disabled until then.
    Join(Task),
}

#[derive(Default)]
struct Execution {
    /// By the thread that created them.
    objects: Vec<Vec<ObjectState>>,
    tasks: Vec<TaskState>,
    /// Whether the main thread has started another.
    has_threads: bool,
}

/// The state of an object, as far as somebody may have to wait for it.
#[derive(Default, Clone)]
struct ObjectState {
    is_locked: bool,
    shared: u32,
    writes: u64,
    waiting: Vec<Task>,
}

impl ObjectState {
    /// Whether nobody holds the lock, in any way.
    fn is_free(&self) -> bool {
        !self.is_locked && self.shared == 0
    }
}

#[derive(Default, Clone)]
struct TaskState {
    next: Option<Op>,
    /// The value of `writes` when the word was read last.
    seen: u64,
    is_notified: bool,
    is_finished: bool,
    parent: Option<Task>,
}

thread_local! {
    static EXECUTION: RefCell<Execution> = RefCell::default();
    // Only ever loaded: a load is one scheduling point and leaves nothing behind.
    static POINT: AtomicBool = const { AtomicBool::new(false) };
}

/// Forgets the last execution; to be called by a scheduler before each.
pub fn begin_execution() {
    EXECUTION.take();
    trace::begin_execution();
}

/// What a thread is about to do; nothing while it has not come to its first operation, or is
/// between two: then it can run on, nobody sees it.
pub fn next(task: Task) -> Option<Op> {
    EXECUTION.with_borrow(|execution| execution.tasks.get(task)?.next)
}

/// Whether what a thread is about to do can be done now.
pub fn is_enabled(task: Task) -> bool {
    EXECUTION.with_borrow(|execution| execution.is_enabled(task))
}

/// How many threads have been heard of.
pub fn tasks() -> usize {
    EXECUTION.with_borrow(|execution| execution.tasks.len())
}

/// The thread that started a thread.
pub fn parent(task: Task) -> Option<Task> {
    EXECUTION.with_borrow(|execution| execution.tasks.get(task)?.parent)
}

pub(super) fn current() -> Task {
    usize::from(shuttle::current::me())
}

/// Announces an operation, lets others go first, and notes its effect. The caller does it then,
/// with no scheduling point in between. Returns whether it was done: only a try may fail.
///
/// As long as there is one thread there is nobody to go first, and no scheduling point: what a
/// model prepares costs its searches nothing. One that would wait for itself is announced.
pub(super) fn step(op: Op) -> bool {
    // A guard that is dropped by a failing check: the execution is over.
    if std::thread::panicking() {
        return false;
    }
    let me = current();
    let is_alone = EXECUTION.with_borrow_mut(|execution| {
        execution.task(me).next = Some(op);
        !execution.has_threads && execution.is_enabled(me)
    });
    if !is_alone {
        POINT.with(|point| point.load(Ordering::Relaxed));
    }
    EXECUTION.with_borrow_mut(|execution| {
        execution.task(me).next = None;
        execution.apply(me, op)
    })
}

/// Notes that a thread is about to be started.
pub(super) fn spawning() {
    EXECUTION.with_borrow_mut(|execution| execution.has_threads = true);
}

pub(super) fn started(child: Task, parent: Task) {
    EXECUTION.with_borrow_mut(|execution| execution.task(child).parent = Some(parent));
}

pub(super) fn finished() {
    let me = current();
    EXECUTION.with_borrow_mut(|execution| execution.task(me).is_finished = true);
}

impl Execution {
    fn task(&mut self, task: Task) -> &mut TaskState {
        if self.tasks.len() <= task {
            self.tasks.resize(task + 1, TaskState::default());
        }
        &mut self.tasks[task]
    }

    fn object(&mut self, object: Object) -> &mut ObjectState {
        let (creator, number) = (usize::from(object.creator), usize::from(object.number));
        if self.objects.len() <= creator {
            self.objects.resize(creator + 1, Vec::new());
        }
        let created = &mut self.objects[creator];
        if created.len() <= number {
            created.resize(number + 1, ObjectState::default());
        }
        &mut created[number]
    }

    /// The state of an object; nothing has been done to one that is not known yet.
    fn look(&self, object: Object) -> &ObjectState {
        const UNTOUCHED: &ObjectState =
            &ObjectState { is_locked: false, shared: 0, writes: 0, waiting: Vec::new() };
        let created = self.objects.get(usize::from(object.creator));
        created.and_then(|created| created.get(usize::from(object.number))).unwrap_or(UNTOUCHED)
    }

    fn is_enabled(&self, task: Task) -> bool {
        let Some(state) = self.tasks.get(task) else { return true };
        let is_free = |lock| self.look(lock).is_free();
        match state.next {
            Some(Op::Lock(lock)) => is_free(lock),
            Some(Op::LockShared(lock)) => !self.look(lock).is_locked,
            Some(Op::Wake { lock, .. }) => state.is_notified && is_free(lock),
            Some(Op::Reread(word)) => self.look(word).writes > state.seen,
            Some(Op::Join(child)) => self.tasks.get(child).is_some_and(|child| child.is_finished),
            _ => true,
        }
    }

    fn apply(&mut self, me: Task, op: Op) -> bool {
        match op {
            Op::Read(word) | Op::Reread(word) => self.task(me).seen = self.object(word).writes,
            Op::Write(word) => self.object(word).writes += 1,
            Op::Lock(lock) => self.object(lock).is_locked = true,
            Op::LockShared(lock) => self.object(lock).shared += 1,
            Op::TryLockShared(lock) if self.object(lock).is_locked => return false,
            Op::TryLockShared(lock) => self.object(lock).shared += 1,
            Op::TryLock(lock) if !self.object(lock).is_free() => return false,
            Op::TryLock(lock) => self.object(lock).is_locked = true,
            Op::Unlock(lock) => self.object(lock).is_locked = false,
            Op::UnlockShared(lock) => self.object(lock).shared -= 1,
            Op::Wait { condition, lock } => {
                self.object(lock).is_locked = false;
                self.object(condition).waiting.push(me);
            }
            Op::Wake { lock, .. } => {
                self.object(lock).is_locked = true;
                self.task(me).is_notified = false;
            }
            Op::Notify(condition) => {
                for waiter in std::mem::take(&mut self.object(condition).waiting) {
                    self.task(waiter).is_notified = true;
                }
            }
            Op::Join(_) => {}
        }
        true
    }
}
