//! What is the same under both checkers.

use super::atomic::{AtomicU32, Ordering};
use crate::event::Event;

/// Does not let others run, and says so: what depends on it is speed, which no checker sees.
pub fn offer_processor() -> bool {
    false
}

/// A word that is waited for by sleeping: the check of its value and the sleep are one step, as
/// they are to a futex.
#[derive(Debug)]
pub struct WaitWord {
    word: AtomicU32,
    changed: Event,
}

impl WaitWord {
    /// A word with a first value.
    #[track_caller]
    pub fn new(value: u32) -> Self {
        Self { word: AtomicU32::new(value), changed: Event::new() }
    }

    /// Writes the word, with everything that this thread wrote before it. Whoever waits for this
    /// is to be woken.
    #[track_caller]
    pub fn set(&self, value: u32) {
        self.word.store(value, Ordering::Release);
    }

    /// Wakes all who wait.
    pub fn wake_all(&self) {
        self.changed.notify_all();
    }

    /// Blocks until the word satisfies `ready`.
    pub fn wait(&self, ready: impl Fn(u32) -> bool) {
        self.changed.wait_until(|| ready(self.word.load(Ordering::Acquire)).then_some(()));
    }
}
