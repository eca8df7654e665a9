//! Loom: weak memory, data races of tracked cells, deadlocks.

/// Atomic words.
pub mod atomic {
    pub use loom::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
}

pub use super::locks::{
    Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, SpinWord,
};
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
