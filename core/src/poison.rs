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
use std::sync::Arc;

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

/// Set once, never cleared.
#[derive(Debug)]
pub struct Poison {
    set: AtomicBool,
    cause: Mutex<Option<Arc<PoisonCause>>>,
}

impl Poison {
    /// Not poisoned.
    pub fn new() -> Self {
        Self { set: AtomicBool::new(false), cause: Mutex::new(None) }
    }

    /// Poisons the store. The first cause stays. Returns the error to report.
    pub fn poison(&self, op: &'static str, file: &str, error: &io::Error) -> Error {
        let mut cause = self.cause.lock();
        let first = cause.get_or_insert_with(|| {
            Arc::new(PoisonCause {
                op,
                file: file.to_owned(),
                errno: error.raw_os_error(),
                message: error.to_string(),
            })
        });
        // Release: pairs with the Acquire in is_set, so that who sees the flag finds the cause.
        // (The lock orders the cause as well; the flag saves taking it on every commit.)
        self.set.store(true, Ordering::Release);
        Error::Poisoned(Arc::clone(first))
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

impl Default for Poison {
    fn default() -> Self {
        Self::new()
    }
}
