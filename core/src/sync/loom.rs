//! Loom: weak memory, data races of tracked cells, deadlocks.
//!
//! Its `std`-like locks get `parking_lot`'s interface here. Lock poisoning is ignored as
//! `parking_lot` does: a panicking model has failed already, and a second panic while it unwinds
//! would hide the first.
//!
//! Plain loads and stores make loom skip interleavings: a load is never moved behind a store of
//! another thread that has loaded the word before (loom #392). With [`read_modify_write`] each is a
//! read-modify-write for loom. Then it skips none, and no read is stale.
#![allow(clippy::disallowed_types, reason = "this is the facade that the lint points to")]

use super::trace::{Object, Task, Value};
use atomic::Ordering;
use loom::sync;
use std::cell::{Cell, RefCell};
use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;

thread_local! {
    static READ_MODIFY_WRITE: Cell<bool> = const { Cell::new(false) };
    static THREADS: RefCell<Vec<loom::thread::ThreadId>> = const { RefCell::new(Vec::new()) };
}

/// Whether loads and stores are read-modify-writes in the executions of this OS thread.
pub fn read_modify_write(on: bool) {
    READ_MODIFY_WRITE.set(on);
}

/// Starts an execution; to be called by its main thread before anything else.
pub fn begin_execution() {
    super::trace::begin_execution();
    THREADS.take();
}

/// The number of the running thread: they are numbered in the order in which they are noticed.
fn current() -> Task {
    number(loom::thread::current().id())
}

fn number(id: loom::thread::ThreadId) -> Task {
    THREADS.with_borrow_mut(|threads| {
        threads.iter().position(|known| *known == id).unwrap_or_else(|| {
            threads.push(id);
            threads.len() - 1
        })
    })
}

/// An object; who created it matters only to a partial-order reduction.
#[track_caller]
fn object() -> Object {
    Object::new(0)
}

/// Atomic words.
pub mod atomic {
    use super::{READ_MODIFY_WRITE, current, object};
    use crate::sync::trace::{Object, Value};
    pub use loom::sync::atomic::Ordering;

    /// What all words have; `$read` of `$nothing` leaves a word as it is.
    macro_rules! word {
        ($name:ident, $value:ty, $read:ident($nothing:literal) $(, $method:ident)*) => {
            /// An atomic word.
            #[derive(Debug)]
            pub struct $name {
                word: loom::sync::atomic::$name,
                /// What was written last: a guess that is right until another thread comes between.
                newest: std::sync::atomic::$name,
                object: Object,
            }

            impl $name {
                /// A word with a first value.
                #[track_caller]
                pub fn new(value: $value) -> Self {
                    let newest = std::sync::atomic::$name::new(value);
                    Self { word: loom::sync::atomic::$name::new(value), newest, object: object() }
                }

                /// Reads the word.
                #[track_caller]
                pub fn load(&self, order: Ordering) -> $value {
                    let value = if READ_MODIFY_WRITE.get() {
                        self.word.$read($nothing, order)
                    } else {
                        self.word.load(order)
                    };
                    self.object.note(current, "load", Value::Is(value));
                    value
                }

                /// Writes the word.
                #[track_caller]
                pub fn store(&self, value: $value, order: Ordering) {
                    if READ_MODIFY_WRITE.get() {
                        self.word.swap(value, order);
                    } else {
                        self.word.store(value, order);
                    }
                    self.newest.store(value, Ordering::SeqCst);
                    self.object.note(current, "store", Value::Is(value));
                }

                /// Exchanges the word if it is as expected.
                ///
                /// # Errors
                /// The word, if it is not.
                #[track_caller]
                pub fn compare_exchange(
                    &self,
                    expected: $value,
                    new: $value,
                    success: Ordering,
                    failure: Ordering,
                ) -> Result<$value, $value> {
                    let result = self.word.compare_exchange(expected, new, success, failure);
                    self.newest.store(result.map_or_else(|found| found, |_| new), Ordering::SeqCst);
                    let value = Value::Exchange(expected, new, result);
                    self.object.note(current, "compare_exchange", value);
                    result
                }

                /// Replaces the word by what `next` makes of it, if that is something.
                ///
                /// # Errors
                /// The word, if it is not replaced.
                #[track_caller]
                pub fn try_update(
                    &self,
                    success: Ordering,
                    failure: Ordering,
                    mut next: impl FnMut($value) -> Option<$value>,
                ) -> Result<$value, $value> {
                    // No stale words, no need to look first: one operation instead of two.
                    let guess = self.newest.load(Ordering::SeqCst);
                    let mut word = if READ_MODIFY_WRITE.get() && next(guess).is_some() {
                        guess
                    } else {
                        self.load(failure)
                    };
                    while let Some(new) = next(word) {
                        match self.compare_exchange(word, new, success, failure) {
                            Ok(word) => return Ok(word),
                            Err(found) => word = found,
                        }
                    }
                    Err(word)
                }

                $(
                    /// As the method of `std`.
                    #[track_caller]
                    pub fn $method(&self, value: $value, order: Ordering) -> $value {
                        let was = self.word.$method(value, order);
                        self.newest.store(was, Ordering::SeqCst);
                        self.newest.$method(value, Ordering::SeqCst);
                        self.object.note(current, stringify!($method), Value::Was(value, was));
                        was
                    }
                )*
            }
        };
    }

    word!(AtomicBool, bool, fetch_or(false));
    word!(AtomicU32, u32, fetch_add(0), fetch_add, fetch_sub, fetch_max);
    word!(AtomicU64, u64, fetch_add(0), fetch_add, fetch_sub, fetch_max);
    word!(AtomicUsize, usize, fetch_add(0), fetch_add, fetch_sub, fetch_max);
}

/// Threads of a model.
pub mod thread {
    use super::{current, number};
    use crate::sync::trace::note_task;

    /// A thread that can be waited for.
    #[derive(Debug)]
    pub struct JoinHandle<T>(loom::thread::JoinHandle<T>);

    /// Starts a thread.
    #[track_caller]
    pub fn spawn<T: 'static>(run: impl FnOnce() -> T + 'static) -> JoinHandle<T> {
        // The main thread is number 0.
        current();
        let thread = loom::thread::spawn(run);
        note_task(current, "spawn", number(thread.thread().id()));
        JoinHandle(thread)
    }

    impl<T> JoinHandle<T> {
        /// Waits for the end of the thread.
        ///
        /// # Errors
        /// What the thread panicked with.
        #[track_caller]
        pub fn join(self) -> std::thread::Result<T> {
            let child = number(self.0.thread().id());
            let result = self.0.join();
            note_task(current, "join", child);
            result
        }
    }
}

pub use loom::cell::UnsafeCell;

/// A mutual exclusion lock.
#[derive(Debug)]
pub struct Mutex<T> {
    lock: sync::Mutex<T>,
    object: Object,
}

/// Exclusive access to what a [`Mutex`] guards.
#[derive(Debug)]
pub struct MutexGuard<'a, T> {
    held: Option<sync::MutexGuard<'a, T>>,
    object: Object,
}

impl<T> Mutex<T> {
    /// Wraps a value.
    #[track_caller]
    pub fn new(value: T) -> Self {
        Self { lock: sync::Mutex::new(value), object: object() }
    }

    /// Blocks until the lock is held.
    #[track_caller]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        let held = Some(self.lock.lock().unwrap_or_else(PoisonError::into_inner));
        self.object.note_plain(current, "lock");
        MutexGuard { held, object: self.object }
    }
}

impl<T: Default> Default for Mutex<T> {
    #[track_caller]
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.held.as_ref().expect("held outside Condvar::wait")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.held.as_mut().expect("held outside Condvar::wait")
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        self.held = None;
        note_drop(self.object, "unlock");
    }
}

/// Notes that a guard was dropped, unless a failing check did it: the execution is over.
fn note_drop(object: Object, what: &'static str) {
    if !std::thread::panicking() {
        object.note_drop(current, what);
    }
}

/// A condition variable.
#[derive(Debug)]
pub struct Condvar {
    condition: sync::Condvar,
    object: Object,
}

impl Condvar {
    /// A condition variable that nobody waits for.
    #[track_caller]
    pub fn new() -> Self {
        Self { condition: sync::Condvar::new(), object: object() }
    }

    /// Releases the lock, sleeps until notified, takes the lock again.
    #[track_caller]
    pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        let held = guard.held.take().expect("held outside Condvar::wait");
        self.object.note_plain(current, "wait");
        guard.held = Some(self.condition.wait(held).unwrap_or_else(PoisonError::into_inner));
        self.object.note_plain(current, "wake");
    }

    /// Wakes every thread that waits.
    #[track_caller]
    pub fn notify_all(&self) {
        self.condition.notify_all();
        self.object.note_plain(current, "notify_all");
    }
}

impl Default for Condvar {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

/// A reader-writer lock.
#[derive(Debug)]
pub struct RwLock<T> {
    lock: sync::RwLock<T>,
    object: Object,
}

/// Shared access to what a [`RwLock`] guards.
#[derive(Debug)]
pub struct RwLockReadGuard<'a, T> {
    held: Option<sync::RwLockReadGuard<'a, T>>,
    object: Object,
}

/// Exclusive access to what a [`RwLock`] guards.
#[derive(Debug)]
pub struct RwLockWriteGuard<'a, T> {
    held: Option<sync::RwLockWriteGuard<'a, T>>,
    object: Object,
}

impl<T> RwLock<T> {
    /// Wraps a value.
    #[track_caller]
    pub fn new(value: T) -> Self {
        Self { lock: sync::RwLock::new(value), object: object() }
    }

    /// Blocks until the lock is held shared.
    #[track_caller]
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        let held = Some(self.lock.read().unwrap_or_else(PoisonError::into_inner));
        self.object.note_plain(current, "read");
        RwLockReadGuard { held, object: self.object }
    }

    /// Blocks until the lock is held exclusively.
    #[track_caller]
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        let held = Some(self.lock.write().unwrap_or_else(PoisonError::into_inner));
        self.object.note_plain(current, "write");
        RwLockWriteGuard { held, object: self.object }
    }

    /// Takes the lock shared if that needs no wait.
    #[track_caller]
    pub fn try_read(&self) -> Option<RwLockReadGuard<'_, T>> {
        let held = self.lock.try_read().ok();
        self.object.note(current, "try_read", Value::Is(held.is_some()));
        held.map(|held| RwLockReadGuard { held: Some(held), object: self.object })
    }

    /// Takes the lock exclusively if that needs no wait.
    #[track_caller]
    pub fn try_write(&self) -> Option<RwLockWriteGuard<'_, T>> {
        let held = self.lock.try_write().ok();
        self.object.note(current, "try_write", Value::Is(held.is_some()));
        held.map(|held| RwLockWriteGuard { held: Some(held), object: self.object })
    }
}

impl<T> Deref for RwLockReadGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.held.as_ref().expect("held until it is dropped")
    }
}

impl<T> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.held.as_ref().expect("held until it is dropped")
    }
}

impl<T> DerefMut for RwLockWriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.held.as_mut().expect("held until it is dropped")
    }
}

impl<T> Drop for RwLockReadGuard<'_, T> {
    fn drop(&mut self) {
        self.held = None;
        note_drop(self.object, "unlock shared");
    }
}

impl<T> Drop for RwLockWriteGuard<'_, T> {
    fn drop(&mut self) {
        self.held = None;
        note_drop(self.object, "unlock");
    }
}

/// A word that is waited for by spinning. Here the wait blocks until the word is written, so that
/// the search ends and a livelock is a deadlock.
#[derive(Debug)]
pub struct SpinWord {
    word: atomic::AtomicU64,
    gate: Mutex<()>,
    written: Condvar,
}

impl SpinWord {
    /// A word with a first value.
    #[track_caller]
    pub fn new(value: u64) -> Self {
        Self { word: atomic::AtomicU64::new(value), gate: Mutex::new(()), written: Condvar::new() }
    }

    /// Reads the word.
    #[track_caller]
    pub fn load(&self) -> u64 {
        self.word.load(Ordering::Acquire)
    }

    /// Writes the word, with everything that this thread wrote before it.
    #[track_caller]
    pub fn publish(&self, value: u64) {
        // Outside the gate: who only loads the word gets no more order than production gives.
        self.word.store(value, Ordering::Release);
        drop(self.gate.lock());
        self.written.notify_all();
    }

    /// Blocks until the word satisfies `ready`.
    #[track_caller]
    pub fn wait(&self, ready: impl Fn(u64) -> bool) -> u64 {
        let seen = self.load();
        if ready(seen) {
            return seen;
        }
        let mut gate = self.gate.lock();
        loop {
            let value = self.load();
            if ready(value) {
                return value;
            }
            self.written.wait(&mut gate);
        }
    }
}
