//! The system's monotonic clock, with naps that can be ended.
//!
//! # Rules
//! * Once [`SystemClock::wake`] has been called, no nap lasts, not even one that begins
//!   later. Whoever reads "go on", is told to stop, and only then naps, does not oversleep.
//! * So a loop that naps checks its reason to stop each time around; after a wake it would
//!   spin otherwise.
#![expect(clippy::disallowed_types, reason = "this is the clock that the lint points to")]

use seawall_core::clock::Clock;
use seawall_core::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

/// Time as the operating system tells it.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
    awake: Mutex<bool>,
    woken: Condvar,
}

impl SystemClock {
    /// A clock that begins at zero, now.
    pub fn new() -> Self {
        Self { start: Instant::now(), awake: Mutex::new(false), woken: Condvar::new() }
    }

    /// Ends every nap at once, and all later naps before they begin: for shutting down.
    pub fn wake(&self) {
        *self.awake.lock() = true;
        self.woken.notify_all();
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn nap(&self, time: Duration) {
        let mut awake = self.awake.lock();
        self.woken.wait_while_for(&mut awake, |awake| !*awake, time);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    const AGES: Duration = Duration::from_secs(3600);

    #[test]
    fn an_undisturbed_nap_lasts_its_time() {
        let clock = SystemClock::new();
        let before = clock.now();
        clock.nap(Duration::from_millis(20));
        assert!(clock.now() - before >= Duration::from_millis(20));
    }

    #[test]
    fn a_wake_ends_every_nap_at_once() {
        let clock = SystemClock::new();
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| clock.nap(AGES));
            }
            SystemClock::new().nap(Duration::from_millis(20));
            clock.wake();
        });
        assert!(clock.now() < AGES);
    }

    #[test]
    fn a_nap_after_a_wake_does_not_begin() {
        let clock = SystemClock::new();
        clock.wake();
        clock.nap(AGES);
        clock.nap(Duration::MAX);
        assert!(clock.now() < AGES);
    }
}
