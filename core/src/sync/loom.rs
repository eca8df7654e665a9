//! Loom: weak memory, data races of tracked cells, deadlocks.

/// Atomic words.
pub mod atomic {
    pub use loom::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
}

pub use super::locks::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
pub use loom::cell::UnsafeCell;

pub(super) mod raw {
    pub(crate) use loom::sync::{
        Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
    };
}

/// Threads of a model.
pub mod thread {
    pub use loom::thread::{JoinHandle, spawn};
}

use atomic::{AtomicU64, Ordering};

/// A word that is waited for by spinning.
#[derive(Debug)]
pub struct SpinWord(AtomicU64);

impl SpinWord {
    /// A word with a first value.
    pub fn new(value: u64) -> Self {
        Self(AtomicU64::new(value))
    }

    /// Reads the word.
    pub fn load(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// Writes the word, with everything that this thread wrote before it.
    pub fn publish(&self, value: u64) {
        self.0.store(value, Ordering::Release);
    }

    /// Waits until the word satisfies `ready`. Loom takes a yield as "let the others run".
    pub fn wait(&self, ready: impl Fn(u64) -> bool) -> u64 {
        loop {
            let value = self.load();
            if ready(value) {
                return value;
            }
            loom::thread::yield_now();
        }
    }
}
