//! The parking primitive: sleep until a condition over atomics holds.
//!
//! # Rules
//! * Whoever makes a condition true changes the atomics first and calls [`Event::notify_all`]
//!   after that.
//! * The waiter tests the condition under the lock that the notifier passes through, so the
//!   change is either seen by the test or followed by a wake (no lost wake-up: B3, I4).
//!
//! Every blocking wait of the crate is this one, that of a lock, or that of a
//! [`WaitWord`](crate::sync::WaitWord) or [`SpinWord`](crate::sync::SpinWord), or that of a thread
//! that polls a future ([`block_on`](crate::wal::durable::block_on)).

use crate::sync::{Condvar, Mutex};

/// Something that threads wait for.
#[derive(Debug)]
pub struct Event {
    gate: Mutex<()>,
    changed: Condvar,
}

impl Event {
    /// An event that nobody waits for.
    pub fn new() -> Self {
        Self { gate: Mutex::new(()), changed: Condvar::new() }
    }

    /// Blocks until `ready` gives a value, and returns it.
    pub fn wait_until<T>(&self, mut ready: impl FnMut() -> Option<T>) -> T {
        let mut gate = self.gate.lock();
        loop {
            if let Some(value) = ready() {
                return value;
            }
            self.changed.wait(&mut gate);
        }
    }

    /// Wakes all waiters; to be called after the change that they wait for.
    pub fn notify_all(&self) {
        // Passing through the gate puts this wake after the test of any waiter that missed the
        // change: it is asleep by now, not between test and sleep.
        drop(self.gate.lock());
        self.changed.notify_all();
    }
}

impl Default for Event {
    fn default() -> Self {
        Self::new()
    }
}
