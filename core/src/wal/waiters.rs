//! Who waits for the log: threads and tasks, each for a position, woken when it is reached.
//!
//! All of it stands behind the lock of the [`Pipeline`](super::pipeline::Pipeline), under which
//! positions are published as well: who finds under it that his position is not reached is on the
//! list before it is.

use crate::lsn::Lsn;
use crate::sync::{Condvar, Mutex};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Wake, Waker};

/// Waiters by the position that they wait for, each with a number of its own.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    by_position: BTreeMap<Key, Waiter>,
    entered: u64,
}

/// Where a waiter stands in the list.
pub(super) type Key = (Lsn, u64);

#[derive(Debug)]
struct Waiter {
    waker: Waker,
    can_lead: bool,
}

/// Those to be woken, once the lock is released.
#[derive(Debug, Default)]
#[must_use]
pub(super) struct Woken(Vec<Waker>);

impl Waiters {
    /// Enters a waiter for `position`. One that can lead is a thread, which writes and syncs if
    /// nobody else does.
    pub(super) fn enter(&mut self, position: Lsn, waker: Waker, can_lead: bool) -> Key {
        self.entered += 1;
        let key = (position, self.entered);
        self.by_position.insert(key, Waiter { waker, can_lead });
        key
    }

    /// Takes a waiter off the list; whether it was still on it.
    pub(super) fn leave(&mut self, key: Key) -> bool {
        self.by_position.remove(&key).is_some()
    }

    /// Takes those off the list whose position is reached.
    pub(super) fn take_reached(&mut self, reached: Lsn, woken: &mut Woken) {
        let waiting = self.by_position.split_off(&(reached.plus(1), 0));
        let reached = std::mem::replace(&mut self.by_position, waiting);
        woken.0.extend(reached.into_values().map(|waiter| waiter.waker));
    }

    /// Takes the first off the list that waits for more than `covered` and can lead.
    pub(super) fn take_leader(&mut self, covered: Lsn, woken: &mut Woken) -> bool {
        let mut uncovered = self.by_position.range((covered.plus(1), 0)..);
        let Some((key, _)) = uncovered.find(|(_, waiter)| waiter.can_lead) else { return false };
        let key = *key;
        let leader = self.by_position.remove(&key).expect("found just now");
        woken.0.push(leader.waker);
        true
    }
}

impl Woken {
    /// Wakes them.
    pub(super) fn wake(self) {
        self.0.into_iter().for_each(Waker::wake);
    }
}

/// What one thread sleeps on until it is woken, once.
#[derive(Debug)]
pub(super) struct Parker {
    woken: Mutex<bool>,
    changed: Condvar,
}

impl Parker {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { woken: Mutex::new(false), changed: Condvar::new() })
    }

    /// Blocks until [`Wake::wake`] has been called.
    pub(super) fn park(&self) {
        let mut woken = self.woken.lock();
        while !*woken {
            self.changed.wait(&mut woken);
        }
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        *self.woken.lock() = true;
        self.changed.notify_all();
    }
}
