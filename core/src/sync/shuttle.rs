//! Shuttle: sequentially consistent interleavings of announced operations ([`super::step`]).
//!
//! Only shuttle's threads are used. The locks and words are of our own, so that each operation is
//! one scheduling point and a scheduler knows what it is; what they hold sits in `std` locks that
//! are always free when they are taken.
#![allow(clippy::disallowed_types, reason = "this is the facade that the lint points to")]

use super::step::{Object, Op, current, step};
use super::trace::Value;
use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;

/// Atomic words.
pub mod atomic {
    use crate::sync::step::{Object, Op, current, step};
    use crate::sync::trace::Value;
    pub use std::sync::atomic::Ordering;

    /// What all words have; orderings are not told apart.
    macro_rules! word {
        ($name:ident, $value:ty $(, $method:ident)*) => {
            /// An atomic word.
            #[derive(Debug)]
            pub struct $name {
                word: std::sync::atomic::$name,
                object: Object,
            }

            impl $name {
                /// A word with a first value.
                #[track_caller]
                pub fn new(value: $value) -> Self {
                    let object = Object::new(current());
                    Self { word: std::sync::atomic::$name::new(value), object }
                }

                /// Reads the word.
                #[track_caller]
                pub fn load(&self, _: Ordering) -> $value {
                    step(Op::Read(self.object));
                    let value = self.word.load(Ordering::SeqCst);
                    self.object.note(current, "load", Value::Is(value));
                    value
                }

                /// Reads the word again once it has been written.
                #[track_caller]
                pub fn reload(&self) -> $value {
                    step(Op::Reread(self.object));
                    let value = self.word.load(Ordering::SeqCst);
                    self.object.note(current, "load again", Value::Is(value));
                    value
                }

                /// Writes the word.
                #[track_caller]
                pub fn store(&self, value: $value, _: Ordering) {
                    step(Op::Write(self.object));
                    self.word.store(value, Ordering::SeqCst);
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
                    _: Ordering,
                    _: Ordering,
                ) -> Result<$value, $value> {
                    step(Op::Write(self.object));
                    let seq_cst = Ordering::SeqCst;
                    let result = self.word.compare_exchange(expected, new, seq_cst, seq_cst);
                    let value = Value::Exchange(expected, new, result);
                    self.object.note(current, "compare_exchange", value);
                    result
                }

                /// Replaces the word by what `next` makes of it, if that is something: one
                /// operation, as a loop of exchanges is for all who do not count its turns.
                ///
                /// # Errors
                /// The word, if it is not replaced.
                #[track_caller]
                pub fn try_update(
                    &self,
                    _: Ordering,
                    _: Ordering,
                    next: impl FnMut($value) -> Option<$value>,
                ) -> Result<$value, $value> {
                    step(Op::Write(self.object));
                    let seq_cst = Ordering::SeqCst;
                    let result = self.word.try_update(seq_cst, seq_cst, next);
                    let now = self.word.load(seq_cst);
                    self.object.note(current, "try_update", Value::Was(now, result.unwrap_or(now)));
                    result
                }

                $(
                    /// As the method of `std`.
                    #[track_caller]
                    pub fn $method(&self, value: $value, _: Ordering) -> $value {
                        step(Op::Write(self.object));
                        let was = self.word.$method(value, Ordering::SeqCst);
                        self.object.note(current, stringify!($method), Value::Was(value, was));
                        was
                    }
                )*
            }
        };
    }

    word!(AtomicBool, bool);
    word!(AtomicU32, u32, fetch_add, fetch_sub, fetch_max);
    word!(AtomicU64, u64, fetch_add, fetch_sub, fetch_max);
    word!(AtomicUsize, usize, fetch_add, fetch_sub, fetch_max);
}

/// Threads of a model.
pub mod thread {
    use crate::sync::step::{self, Op, current, step};
    use crate::sync::trace::note_task;

    /// A thread that can be waited for.
    #[derive(Debug)]
    pub struct JoinHandle<T> {
        thread: shuttle::thread::JoinHandle<T>,
    }

    /// Starts a thread.
    #[track_caller]
    pub fn spawn<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        let parent = current();
        step::spawning();
        let thread = shuttle::thread::spawn(move || {
            step::started(current(), parent);
            let result = run();
            step::finished();
            result
        });
        note_task(current, "spawn", usize::from(thread.thread().id()));
        JoinHandle { thread }
    }

    impl<T> JoinHandle<T> {
        /// Waits for the end of the thread.
        ///
        /// # Errors
        /// What the thread panicked with.
        #[track_caller]
        pub fn join(self) -> std::thread::Result<T> {
            let child = usize::from(self.thread.thread().id());
            step(Op::Join(child));
            note_task(current, "join", child);
            self.thread.join()
        }
    }
}

/// A cell whose accesses the programmer orders. It is not tracked here: loom does that.
#[derive(Debug, Default)]
pub struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    /// Calls `f` with a pointer for reading.
    pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        f(self.0.get())
    }

    /// Calls `f` with a pointer for writing.
    pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }
}

/// A mutual exclusion lock.
#[derive(Debug)]
pub struct Mutex<T> {
    value: std::sync::Mutex<T>,
    object: Object,
}

/// Exclusive access to what a [`Mutex`] guards.
#[derive(Debug)]
pub struct MutexGuard<'a, T> {
    lock: &'a Mutex<T>,
    value: Option<std::sync::MutexGuard<'a, T>>,
}

impl<T> Mutex<T> {
    /// Wraps a value.
    #[track_caller]
    pub fn new(value: T) -> Self {
        Self { value: std::sync::Mutex::new(value), object: Object::new(current()) }
    }

    /// Waits until the lock is held.
    #[track_caller]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        step(Op::Lock(self.object));
        self.object.note_plain(current, "lock");
        MutexGuard { lock: self, value: Some(self.value()) }
    }

    fn value(&self) -> std::sync::MutexGuard<'_, T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.value.as_ref().expect("held outside Condvar::wait")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect("held outside Condvar::wait")
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        step(Op::Unlock(self.lock.object));
        self.lock.object.note_drop(current, "unlock");
    }
}

/// A condition variable.
#[derive(Debug)]
pub struct Condvar {
    object: Object,
}

impl Condvar {
    /// A condition variable that nobody waits for.
    #[track_caller]
    pub fn new() -> Self {
        Self { object: Object::new(current()) }
    }

    /// Releases the lock, sleeps until notified, takes the lock again.
    #[track_caller]
    pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        let (condition, lock) = (self.object, guard.lock.object);
        step(Op::Wait { condition, lock });
        condition.note_plain(current, "wait");
        guard.value = None;
        step(Op::Wake { condition, lock });
        condition.note_plain(current, "wake");
        guard.value = Some(guard.lock.value());
    }

    /// Wakes every thread that waits.
    #[track_caller]
    pub fn notify_all(&self) {
        step(Op::Notify(self.object));
        self.object.note_plain(current, "notify_all");
    }
}

/// A reader-writer lock.
#[derive(Debug)]
pub struct RwLock<T> {
    value: std::sync::RwLock<T>,
    object: Object,
}

/// Shared access to what a [`RwLock`] guards.
#[derive(Debug)]
pub struct RwLockReadGuard<'a, T> {
    object: Object,
    value: std::sync::RwLockReadGuard<'a, T>,
}

/// Exclusive access to what a [`RwLock`] guards.
#[derive(Debug)]
pub struct RwLockWriteGuard<'a, T> {
    object: Object,
    value: std::sync::RwLockWriteGuard<'a, T>,
}

impl Default for Condvar {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

impl<T> RwLock<T> {
    /// Wraps a value.
    #[track_caller]
    pub fn new(value: T) -> Self {
        Self { value: std::sync::RwLock::new(value), object: Object::new(current()) }
    }

    /// Waits until the lock is held shared.
    #[track_caller]
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        step(Op::LockShared(self.object));
        self.object.note_plain(current, "read");
        self.shared()
    }

    /// Takes the lock shared if that needs no wait.
    #[track_caller]
    pub fn try_read(&self) -> Option<RwLockReadGuard<'_, T>> {
        let is_taken = step(Op::TryLockShared(self.object));
        self.object.note(current, "try_read", Value::Is(is_taken));
        is_taken.then(|| self.shared())
    }

    /// Waits until the lock is held exclusively.
    #[track_caller]
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        step(Op::Lock(self.object));
        self.object.note_plain(current, "write");
        self.exclusive()
    }

    /// Takes the lock exclusively if that needs no wait.
    #[track_caller]
    pub fn try_write(&self) -> Option<RwLockWriteGuard<'_, T>> {
        let is_taken = step(Op::TryLock(self.object));
        self.object.note(current, "try_write", Value::Is(is_taken));
        is_taken.then(|| self.exclusive())
    }

    fn shared(&self) -> RwLockReadGuard<'_, T> {
        let value = self.value.read().unwrap_or_else(PoisonError::into_inner);
        RwLockReadGuard { object: self.object, value }
    }

    fn exclusive(&self) -> RwLockWriteGuard<'_, T> {
        let value = self.value.write().unwrap_or_else(PoisonError::into_inner);
        RwLockWriteGuard { object: self.object, value }
    }
}

impl<T> Deref for RwLockReadGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for RwLockWriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> Drop for RwLockReadGuard<'_, T> {
    fn drop(&mut self) {
        step(Op::UnlockShared(self.object));
        self.object.note_drop(current, "unlock shared");
    }
}

impl<T> Drop for RwLockWriteGuard<'_, T> {
    fn drop(&mut self) {
        step(Op::Unlock(self.object));
        self.object.note_drop(current, "unlock");
    }
}

/// A word that is waited for by spinning. Here the wait blocks until the word is written.
#[derive(Debug)]
pub struct SpinWord(atomic::AtomicU64);

impl SpinWord {
    /// A word with a first value.
    #[track_caller]
    pub fn new(value: u64) -> Self {
        Self(atomic::AtomicU64::new(value))
    }

    /// Reads the word.
    #[track_caller]
    pub fn load(&self) -> u64 {
        self.0.load(atomic::Ordering::Acquire)
    }

    /// Writes the word.
    #[track_caller]
    pub fn publish(&self, value: u64) {
        self.0.store(value, atomic::Ordering::Release);
    }

    /// Blocks until the word satisfies `ready`.
    #[track_caller]
    pub fn wait(&self, ready: impl Fn(u64) -> bool) -> u64 {
        let mut value = self.load();
        while !ready(value) {
            value = self.0.reload();
        }
        value
    }
}
