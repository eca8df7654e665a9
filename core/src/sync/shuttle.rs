//! Shuttle: sequentially consistent interleavings of announced operations ([`super::step`]).
//!
//! Only shuttle's threads are used. The locks and words are of our own, so that each operation is
//! one scheduling point and a scheduler knows what it is; what they hold sits in `std` locks that
//! are always free when they are taken.
#![allow(clippy::disallowed_types, reason = "this is the facade that the lint points to")]

use super::step::{self, Object, Op};
use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;

/// Atomic words.
pub mod atomic {
    use crate::sync::step::{Object, Op, step};
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
                pub fn new(value: $value) -> Self {
                    Self { word: std::sync::atomic::$name::new(value), object: Object::new() }
                }

                /// Reads the word.
                pub fn load(&self, _: Ordering) -> $value {
                    step(Op::Read(self.object));
                    self.word.load(Ordering::SeqCst)
                }

                /// Reads the word again once it has been written.
                pub fn reload(&self) -> $value {
                    step(Op::Reread(self.object));
                    self.word.load(Ordering::SeqCst)
                }

                /// Writes the word.
                pub fn store(&self, value: $value, _: Ordering) {
                    step(Op::Write(self.object));
                    self.word.store(value, Ordering::SeqCst);
                }

                /// Exchanges the word if it is as expected.
                ///
                /// # Errors
                /// The word, if it is not.
                pub fn compare_exchange(
                    &self,
                    current: $value,
                    new: $value,
                    _: Ordering,
                    _: Ordering,
                ) -> Result<$value, $value> {
                    step(Op::Write(self.object));
                    let seq_cst = Ordering::SeqCst;
                    self.word.compare_exchange(current, new, seq_cst, seq_cst)
                }

                $(
                    /// As the method of `std`.
                    pub fn $method(&self, value: $value, _: Ordering) -> $value {
                        step(Op::Write(self.object));
                        self.word.$method(value, Ordering::SeqCst)
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
    use crate::sync::step::{self, Op, step};

    /// A thread that can be waited for.
    #[derive(Debug)]
    pub struct JoinHandle<T> {
        thread: shuttle::thread::JoinHandle<T>,
    }

    /// Starts a thread.
    pub fn spawn<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        let parent = step::current();
        let thread = shuttle::thread::spawn(move || {
            step::started(step::current(), parent);
            let result = run();
            step::finished();
            result
        });
        JoinHandle { thread }
    }

    impl<T> JoinHandle<T> {
        /// Waits for the end of the thread.
        ///
        /// # Errors
        /// What the thread panicked with.
        pub fn join(self) -> std::thread::Result<T> {
            step(Op::Join(usize::from(self.thread.thread().id())));
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
    pub fn new(value: T) -> Self {
        Self { value: std::sync::Mutex::new(value), object: Object::new() }
    }

    /// Waits until the lock is held.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        step::step(Op::Lock(self.object));
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
        step::step(Op::Unlock(self.lock.object));
    }
}

/// A condition variable.
#[derive(Debug)]
pub struct Condvar {
    object: Object,
}

impl Condvar {
    /// A condition variable that nobody waits for.
    pub fn new() -> Self {
        Self { object: Object::new() }
    }

    /// Releases the lock, sleeps until notified, takes the lock again.
    pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        let (condition, lock) = (self.object, guard.lock.object);
        step::step(Op::Wait { condition, lock });
        guard.value = None;
        step::step(Op::Wake { condition, lock });
        guard.value = Some(guard.lock.value());
    }

    /// Wakes every thread that waits.
    pub fn notify_all(&self) {
        step::step(Op::Notify(self.object));
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
    fn default() -> Self {
        Self::new()
    }
}

impl<T> RwLock<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        Self { value: std::sync::RwLock::new(value), object: Object::new() }
    }

    /// Waits until the lock is held shared.
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        step::step(Op::LockShared(self.object));
        self.shared()
    }

    /// Takes the lock shared if that needs no wait.
    pub fn try_read(&self) -> Option<RwLockReadGuard<'_, T>> {
        step::step(Op::TryLockShared(self.object)).then(|| self.shared())
    }

    /// Waits until the lock is held exclusively.
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        step::step(Op::Lock(self.object));
        let value = self.value.write().unwrap_or_else(PoisonError::into_inner);
        RwLockWriteGuard { object: self.object, value }
    }

    fn shared(&self) -> RwLockReadGuard<'_, T> {
        let value = self.value.read().unwrap_or_else(PoisonError::into_inner);
        RwLockReadGuard { object: self.object, value }
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
        step::step(Op::UnlockShared(self.object));
    }
}

impl<T> Drop for RwLockWriteGuard<'_, T> {
    fn drop(&mut self) {
        step::step(Op::Unlock(self.object));
    }
}

/// A word that is waited for by spinning. Here the wait blocks until the word is written.
#[derive(Debug)]
pub struct SpinWord(atomic::AtomicU64);

impl SpinWord {
    /// A word with a first value.
    pub fn new(value: u64) -> Self {
        Self(atomic::AtomicU64::new(value))
    }

    /// Reads the word.
    pub fn load(&self) -> u64 {
        self.0.load(atomic::Ordering::Acquire)
    }

    /// Writes the word.
    pub fn publish(&self, value: u64) {
        self.0.store(value, atomic::Ordering::Release);
    }

    /// Blocks until the word satisfies `ready`.
    pub fn wait(&self, ready: impl Fn(u64) -> bool) -> u64 {
        let mut value = self.load();
        while !ready(value) {
            value = self.0.reload();
        }
        value
    }
}
