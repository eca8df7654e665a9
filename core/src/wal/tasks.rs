//! Tasks that wait for a flushed position: futures, and those who follow the log.
//!
//! The list stands behind the lock of the pipeline, under which positions are published as well:
//! who finds under it that his position is not reached is on the list before it is.

use crate::error::Error;
use crate::lsn::Lsn;
use crate::poison::tell_all;
use std::collections::BTreeMap;
use std::task::Waker;

/// Wakes tasks: all of them, even if waking one panics.
pub(super) fn wake_all(tasks: Vec<Waker>) {
    tell_all(tasks, Waker::wake);
}

/// Tasks by the position that they wait for, each with a number of its own.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    by_position: BTreeMap<Key, Waker>,
    entered: u64,
    last_error: Option<Error>,
}

/// Where a task stands in the list.
pub(super) type Key = (Lsn, u64);

impl Tasks {
    /// Enters a task that waits for `position`.
    pub(super) fn enter(&mut self, position: Lsn, waker: Waker) -> Key {
        self.entered += 1;
        let key = (position, self.entered);
        self.by_position.insert(key, waker);
        key
    }

    /// Takes a task off the list; whether it was on it.
    pub(super) fn leave(&mut self, key: Key) -> bool {
        self.by_position.remove(&key).is_some()
    }

    /// Takes those off the list whose position is reached, to be woken.
    pub(super) fn take_reached(&mut self, reached: Lsn) -> Vec<Waker> {
        let waiting = self.by_position.split_off(&(reached.plus(1), 0));
        std::mem::replace(&mut self.by_position, waiting).into_values().collect()
    }

    /// Takes all off the list, to be woken and told of an error.
    pub(super) fn fail_all(&mut self, error: &Error) -> Vec<Waker> {
        self.last_error = Some(error.clone());
        self.take_all()
    }

    /// The last error that tasks were to be told of.
    pub(super) fn last_error(&self) -> Option<&Error> {
        self.last_error.as_ref()
    }

    /// Takes all off the list, to be woken in vain.
    pub(super) fn take_all(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.by_position).into_values().collect()
    }
}
