//! The store's verdict on its own durability.
//!
//! Once a sync has failed, the kernel may have dropped the bytes and marked them clean: a second
//! sync that succeeds proves nothing. So the first failure poisons the store; from then on every
//! commit and checkpoint is refused, and opening again replays the WAL. PostgreSQL: PANIC under
//! `data_sync_retry = off`.
//!
//! # Rules
//! * The store is poisoned *before* the failure is reported, and before anybody who waits for the
//!   failed work is woken.
//! * Nothing is written or synced to the WAL, and no checkpoint is published, after poisoning.

use crate::error::{Error, Result};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
use std::fmt;
use std::io;
use std::sync::{Arc, Weak};

/// Why a store is poisoned: the first failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoisonCause {
    /// What failed, as a verb: `sync`, `write`, `insert`.
    pub op: &'static str,
    /// On which file, relative to the store's directory.
    pub file: String,
    /// The operating system's error number, if it gave one.
    pub errno: Option<i32>,
    /// The failure in words.
    pub message: String,
}

impl fmt::Display for PoisonCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} failed: {}", self.op, self.file, self.message)
    }
}

/// Somebody who keeps others waiting for what a poisoned store does not do any more.
pub trait PoisonWatcher: Send + Sync {
    /// Wakes them. Called once, when the store has just been poisoned, perhaps with locks held
    /// that are taken before the watcher's own.
    fn poisoned(&self);
}

/// Set once, never cleared.
pub struct Poison {
    set: AtomicBool,
    cause: Mutex<Option<Arc<PoisonCause>>>,
    watcher: Mutex<Option<Weak<dyn PoisonWatcher>>>,
}

impl Poison {
    /// Not poisoned.
    pub fn new() -> Self {
        Self { set: AtomicBool::new(false), cause: Mutex::new(None), watcher: Mutex::new(None) }
    }

    /// Has `watcher` told of the poison. There is one, the log: everybody else who waits has a
    /// thread that works for him.
    pub fn watch(&self, watcher: Weak<dyn PoisonWatcher>) {
        *self.watcher.lock() = Some(watcher);
    }

    /// Poisons the store. The first cause stays. Returns the error to report.
    pub fn poison(&self, op: &'static str, file: &str, error: &io::Error) -> Error {
        let mut cause = self.cause.lock();
        let is_first = cause.is_none();
        let first = cause.get_or_insert_with(|| {
            Arc::new(PoisonCause {
                op,
                file: file.to_owned(),
                errno: error.raw_os_error(),
                message: error.to_string(),
            })
        });
        let first = Arc::clone(first);
        // Release: pairs with the Acquire in is_set, so that who sees the flag finds the cause.
        // (The lock orders the cause as well; the flag saves taking it on every commit.)
        self.set.store(true, Ordering::Release);
        drop(cause);
        if is_first && let Some(watcher) = self.watcher() {
            watcher.poisoned();
        }
        Error::Poisoned(first)
    }

    fn watcher(&self) -> Option<Arc<dyn PoisonWatcher>> {
        self.watcher.lock().as_ref()?.upgrade()
    }

    /// Whether a sync has failed.
    pub fn is_set(&self) -> bool {
        // Acquire: pairs with the Release in poison.
        self.set.load(Ordering::Acquire)
    }

    /// An error if the store is poisoned.
    ///
    /// # Errors
    /// [`Error::Poisoned`] with the first cause.
    pub fn check(&self) -> Result<()> {
        if !self.is_set() {
            return Ok(());
        }
        let cause = self.cause.lock();
        let first = cause.as_ref().expect("the cause is set before the flag");
        Err(Error::Poisoned(Arc::clone(first)))
    }
}

impl fmt::Debug for Poison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poison").field("is_set", &self.is_set()).finish_non_exhaustive()
    }
}

impl Default for Poison {
    fn default() -> Self {
        Self::new()
    }
}
