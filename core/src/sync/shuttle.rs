//! Shuttle: sequentially consistent interleavings.

/// Atomic words.
pub mod atomic {
    pub use shuttle::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
}

pub use super::locks::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

pub(super) mod raw {
    pub(crate) use shuttle::sync::{
        Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
    };
}

/// Threads of a model.
pub mod thread {
    pub use shuttle::thread::{JoinHandle, spawn};
}

use atomic::{AtomicU64, Ordering};

/// A cell whose accesses the programmer orders. Shuttle does not track it: loom does.
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

/// A word that is waited for by spinning. Here the wait blocks until the word is written, so that
/// a depth-first search ends and a livelock is a deadlock.
#[derive(Debug)]
pub struct SpinWord {
    word: AtomicU64,
    turn: Mutex<()>,
    written: Condvar,
}

impl SpinWord {
    /// A word with a first value.
    pub fn new(value: u64) -> Self {
        Self { word: AtomicU64::new(value), turn: Mutex::new(()), written: Condvar::new() }
    }

    /// Reads the word.
    pub fn load(&self) -> u64 {
        self.word.load(Ordering::Acquire)
    }

    /// Writes the word, with everything that this thread wrote before it.
    pub fn publish(&self, value: u64) {
        let turn = self.turn.lock();
        self.word.store(value, Ordering::Release);
        drop(turn);
        self.written.notify_all();
    }

    /// Blocks until the word satisfies `ready`.
    pub fn wait(&self, ready: impl Fn(u64) -> bool) -> u64 {
        let mut turn = self.turn.lock();
        loop {
            let value = self.load();
            if ready(value) {
                return value;
            }
            self.written.wait(&mut turn);
        }
    }
}
