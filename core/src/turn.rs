//! A thing that one thread at a time takes out, works with unlocked, and puts back.
//!
//! [`Turn::take_unless`] is the group-commit wait: it ends when the caller holds the thing *or*
//! when somebody else has done the work meanwhile (PostgreSQL: `LWLockAcquireOrWait`). All waiters
//! are woken together, so that those whose work is done leave at once.

use crate::sync::{Condvar, Mutex};
use std::ops::{Deref, DerefMut};

/// Holds a `T` that circulates between threads.
#[derive(Debug)]
pub struct Turn<T> {
    slot: Mutex<Option<T>>,
    returned: Condvar,
}

/// The `T`, until dropped.
#[derive(Debug)]
pub struct TurnGuard<'a, T> {
    turn: &'a Turn<T>,
    value: Option<T>,
}

impl<T> Turn<T> {
    /// A turn that is free.
    pub fn new(value: T) -> Self {
        Self { slot: Mutex::new(Some(value)), returned: Condvar::new() }
    }

    /// Waits for the thing; `None` once `done` holds. `done` is tested whenever the thing comes
    /// back, so what it tests must change before the guard is dropped.
    pub fn take_unless(&self, done: impl Fn() -> bool) -> Option<TurnGuard<'_, T>> {
        let mut slot = self.slot.lock();
        loop {
            if done() {
                return None;
            }
            if let Some(value) = slot.take() {
                return Some(TurnGuard { turn: self, value: Some(value) });
            }
            self.returned.wait(&mut slot);
        }
    }
}

impl<T> Deref for TurnGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.value.as_ref().expect("present until drop")
    }
}

impl<T> DerefMut for TurnGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect("present until drop")
    }
}

impl<T> Drop for TurnGuard<'_, T> {
    fn drop(&mut self) {
        *self.turn.slot.lock() = self.value.take();
        self.turn.returned.notify_all();
    }
}
