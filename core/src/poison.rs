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
//! * After poisoning nothing is written or synced to the WAL, no page is read or written, and no
//!   checkpoint is published. A page that is in memory can be read: it is as it was changed. One on
//!   disk may be older than what was written there.
//! * Whoever waits for what is not done any more is woken, and told.
//! * A panic poisons where it may have left something half done that others rely on
//!   ([`Poison::on_panic`]); everywhere else what unwinds gives back what it held.
//!
//! # Checked by
//! models `flush_fails`, `poison_room`, `poison_task`, `engine_sync_fails`; `core/tests/poison`.

use crate::error::{Error, Result};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
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

/// Poisons the store if a panic unwinds through its scope.
#[must_use]
pub struct OnPanic<'p> {
    poison: &'p Poison,
    op: &'static str,
    file: &'p str,
    /// A thread that is unwinding already may well commit, in a destructor.
    was_panicking: bool,
}

/// Set once, never cleared.
pub struct Poison {
    set: AtomicBool,
    cause: Mutex<Option<Arc<PoisonCause>>>,
    watchers: Mutex<Vec<Weak<dyn PoisonWatcher>>>,
}

impl Poison {
    /// Not poisoned.
    pub fn new() -> Self {
        Self {
            set: AtomicBool::new(false),
            cause: Mutex::new(None),
            watchers: Mutex::new(Vec::new()),
        }
    }

    /// Has `watcher` told of the poison. There are two: the log, and what the background writer
    /// sleeps on. Everybody else who waits has a thread that works for him.
    pub fn watch(&self, watcher: Weak<dyn PoisonWatcher>) {
        self.watchers.lock().push(watcher);
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
        if is_first {
            let watchers = self.watchers.lock().clone();
            tell_all(watchers.iter().filter_map(Weak::upgrade), |watcher| watcher.poisoned());
        }
        Error::Poisoned(first)
    }

    /// Poisons the store, for a failed `op` of `file`, if a panic unwinds through the scope of what
    /// this returns.
    pub fn on_panic<'p>(&'p self, op: &'static str, file: &'p str) -> OnPanic<'p> {
        OnPanic { poison: self, op, file, was_panicking: std::thread::panicking() }
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
        self.cause().map_or(Ok(()), |first| Err(Error::Poisoned(first)))
    }

    /// The first cause, if the store is poisoned.
    pub fn cause(&self) -> Option<Arc<PoisonCause>> {
        // The flag saves taking the lock on every commit.
        if self.is_set() { self.cause.lock().clone() } else { None }
    }
}

/// Tells all of them, even if one panics: users' wakers may. The first panic goes on at the end,
/// unless the thread is unwinding already, which a second one would make an abort.
pub(crate) fn tell_all<T>(all: impl IntoIterator<Item = T>, tell: impl Fn(T)) {
    let mut panic = None;
    for one in all {
        let told = catch_unwind(AssertUnwindSafe(|| tell(one)));
        panic = panic.or(told.err());
    }
    if let Some(panic) = panic
        && !std::thread::panicking()
    {
        resume_unwind(panic);
    }
}

impl Drop for OnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() && !self.was_panicking {
            let error = io::Error::other("the thread that did it panicked");
            self.poison.poison(self.op, self.file, &error);
        }
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

#[cfg(all(test, not(any(seawall_loom, seawall_shuttle))))]
mod tests {
    use super::*;
    use crate::sync::atomic::AtomicU64;

    #[derive(Default)]
    struct Counter(AtomicU64);

    impl PoisonWatcher for Counter {
        fn poisoned(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn the_first_cause_stays_and_watchers_are_told_once() {
        let (poison, watcher) = (Poison::new(), Arc::new(Counter::default()));
        let weak: Weak<Counter> = Arc::downgrade(&watcher);
        poison.watch(weak);
        poison.check().unwrap();
        for errno in [5, 28] {
            let error = poison.poison("sync", "a file", &io::Error::from_raw_os_error(errno));
            let Error::Poisoned(cause) = error else { panic!("expected the poison: {error}") };
            assert_eq!(cause.errno, Some(5));
            assert_eq!(poison.cause().map(|cause| cause.errno), Some(Some(5)));
        }
        assert_eq!(watcher.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_panic_poisons_within_the_scope_and_not_one_that_was_there_before() {
        struct Commits<'p>(&'p Poison);
        impl Drop for Commits<'_> {
            fn drop(&mut self) {
                drop(self.0.on_panic("insert", "the log"));
            }
        }
        let poison = Poison::new();
        drop(poison.on_panic("insert", "the log"));
        let unwind = |act: &dyn Fn()| {
            let act = std::panic::AssertUnwindSafe(act);
            std::panic::catch_unwind(act).unwrap_err();
        };
        unwind(&|| {
            let _commits = Commits(&poison);
            panic!("as the test wants it");
        });
        poison.check().unwrap();
        unwind(&|| {
            let _whole = poison.on_panic("insert", "the log");
            panic!("as the test wants it");
        });
        let cause = poison.cause().expect("it is poisoned");
        let message = "insert of the log failed: the thread that did it panicked";
        assert_eq!(cause.to_string(), message);
    }
}
