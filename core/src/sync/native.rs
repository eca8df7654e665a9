//! Production: `std` atomics and cells, `parking_lot` locks.
//!
//! Aliases, not re-exports: clippy's `disallowed_types` sees through a re-export, so that a use of
//! the facade would look like a way around it.
#![expect(clippy::disallowed_types, reason = "this is the facade that the lint points to")]
#![expect(clippy::disallowed_methods, reason = "this is the facade that the lint points to")]

/// Atomic words.
pub mod atomic {
    pub use std::sync::atomic::Ordering;

    /// A flag.
    pub type AtomicBool = std::sync::atomic::AtomicBool;
    /// A 32-bit word.
    pub type AtomicU32 = std::sync::atomic::AtomicU32;
    /// A 64-bit word.
    pub type AtomicU64 = std::sync::atomic::AtomicU64;
    /// A word of the size of a pointer.
    pub type AtomicUsize = std::sync::atomic::AtomicUsize;
}

/// A mutual exclusion lock.
pub type Mutex<T> = parking_lot::Mutex<T>;
/// Exclusive access to what a [`Mutex`] guards.
pub type MutexGuard<'a, T> = parking_lot::MutexGuard<'a, T>;
/// A reader-writer lock.
pub type RwLock<T> = parking_lot::RwLock<T>;
/// Shared access to what a [`RwLock`] guards.
pub type RwLockReadGuard<'a, T> = parking_lot::RwLockReadGuard<'a, T>;
/// Exclusive access to what a [`RwLock`] guards.
pub type RwLockWriteGuard<'a, T> = parking_lot::RwLockWriteGuard<'a, T>;
/// A condition variable.
pub type Condvar = parking_lot::Condvar;

use atomic::{AtomicU32, AtomicU64, Ordering};

/// Lets other threads run. Whether it did: a caller that waits for others this way gives up where
/// it does not.
pub fn offer_processor() -> bool {
    std::thread::yield_now();
    true
}

/// A cell whose accesses the programmer orders, tracked by loom in its compilation.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    /// Calls `f` with a pointer for reading.
    #[inline]
    pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        f(self.0.get())
    }

    /// Calls `f` with a pointer for writing.
    #[inline]
    pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }
}

/// A word that is waited for by spinning: written rarely, and soon.
#[derive(Debug)]
#[repr(transparent)]
pub struct SpinWord(AtomicU64);

/// Turns of busy waiting before the processor is offered to others: about a microsecond, the
/// time that the copy of a record takes.
const SPINS_BEFORE_YIELD: u32 = 64;

impl SpinWord {
    /// A word with a first value.
    pub const fn new(value: u64) -> Self {
        Self(AtomicU64::new(value))
    }

    /// Reads the word.
    #[inline]
    pub fn load(&self) -> u64 {
        // Acquire: pairs with the Release in publish.
        self.0.load(Ordering::Acquire)
    }

    /// Writes the word, with everything that this thread wrote before it.
    #[inline]
    pub fn publish(&self, value: u64) {
        // Release: pairs with the Acquire in load.
        self.0.store(value, Ordering::Release);
    }

    /// Waits until the word satisfies `ready`, and returns it.
    pub fn wait(&self, ready: impl Fn(u64) -> bool) -> u64 {
        let mut turns = 0u32;
        loop {
            let value = self.load();
            if ready(value) {
                return value;
            }
            turns += 1;
            if turns < SPINS_BEFORE_YIELD {
                std::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
        }
    }
}

/// A word that is waited for by sleeping: all who wait for it are woken with one call of the
/// system, and go on without passing a lock.
#[derive(Debug)]
#[repr(transparent)]
pub struct WaitWord(AtomicU32);

impl WaitWord {
    /// A word with a first value.
    pub const fn new(value: u32) -> Self {
        Self(AtomicU32::new(value))
    }

    /// Writes the word, with everything that this thread wrote before it. Whoever waits for this
    /// is to be woken.
    pub fn set(&self, value: u32) {
        // Release: pairs with the Acquire in wait.
        self.0.store(value, Ordering::Release);
    }

    /// Wakes all who wait.
    pub fn wake_all(&self) {
        atomic_wait::wake_all(&self.0);
    }

    /// Blocks until the word satisfies `ready`.
    pub fn wait(&self, ready: impl Fn(u32) -> bool) {
        loop {
            // Acquire: pairs with the Release in set.
            let value = self.0.load(Ordering::Acquire);
            if ready(value) {
                return;
            }
            // Sleeps only while the word still has this value.
            atomic_wait::wait(&self.0, value);
        }
    }
}
