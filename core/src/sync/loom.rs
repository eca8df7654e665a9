//! Loom: weak memory, data races of tracked cells, deadlocks.
//!
//! Its `std`-like locks get `parking_lot`'s interface here. Lock poisoning is ignored as
//! `parking_lot` does: a panicking model has failed already, and a second panic while it unwinds
//! would hide the first.

/// Atomic words.
pub mod atomic {
    pub use loom::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
}

/// Threads of a model.
pub mod thread {
    pub use loom::thread::{JoinHandle, spawn};
}

pub use loom::cell::UnsafeCell;

use atomic::{AtomicU64, Ordering};
use loom::sync;
use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;

/// A mutual exclusion lock.
#[derive(Debug, Default)]
pub struct Mutex<T>(sync::Mutex<T>);

/// Exclusive access to what a [`Mutex`] guards.
#[derive(Debug)]
pub struct MutexGuard<'a, T>(Option<sync::MutexGuard<'a, T>>);

impl<T> Mutex<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        Self(sync::Mutex::new(value))
    }

    /// Blocks until the lock is held.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard(Some(self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.0.as_ref().expect("held outside Condvar::wait")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().expect("held outside Condvar::wait")
    }
}

/// A condition variable.
#[derive(Debug, Default)]
pub struct Condvar(sync::Condvar);

impl Condvar {
    /// A condition variable that nobody waits for.
    pub fn new() -> Self {
        Self(sync::Condvar::new())
    }

    /// Releases the lock, sleeps until notified, takes the lock again.
    pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        let held = guard.0.take().expect("held outside Condvar::wait");
        guard.0 = Some(self.0.wait(held).unwrap_or_else(PoisonError::into_inner));
    }

    /// Wakes every thread that waits.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// A reader-writer lock.
#[derive(Debug, Default)]
pub struct RwLock<T>(sync::RwLock<T>);

/// Shared access to what a [`RwLock`] guards.
#[derive(Debug)]
pub struct RwLockReadGuard<'a, T>(sync::RwLockReadGuard<'a, T>);

/// Exclusive access to what a [`RwLock`] guards.
#[derive(Debug)]
pub struct RwLockWriteGuard<'a, T>(sync::RwLockWriteGuard<'a, T>);

impl<T> RwLock<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        Self(sync::RwLock::new(value))
    }

    /// Blocks until the lock is held shared.
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        RwLockReadGuard(self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Blocks until the lock is held exclusively.
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        RwLockWriteGuard(self.0.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the lock shared if that needs no wait.
    pub fn try_read(&self) -> Option<RwLockReadGuard<'_, T>> {
        self.0.try_read().ok().map(RwLockReadGuard)
    }
}

impl<T> Deref for RwLockReadGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for RwLockWriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// A word that is waited for by spinning. Here the wait blocks until the word is written, so that
/// the search ends and a livelock is a deadlock.
#[derive(Debug)]
pub struct SpinWord {
    word: AtomicU64,
    gate: Mutex<()>,
    written: Condvar,
}

impl SpinWord {
    /// A word with a first value.
    pub fn new(value: u64) -> Self {
        Self { word: AtomicU64::new(value), gate: Mutex::new(()), written: Condvar::new() }
    }

    /// Reads the word.
    pub fn load(&self) -> u64 {
        self.word.load(Ordering::Acquire)
    }

    /// Writes the word, with everything that this thread wrote before it.
    pub fn publish(&self, value: u64) {
        // Outside the gate: who only loads the word gets no more order than production gives.
        self.word.store(value, Ordering::Release);
        drop(self.gate.lock());
        self.written.notify_all();
    }

    /// Blocks until the word satisfies `ready`.
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
