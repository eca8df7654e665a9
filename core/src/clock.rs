//! Time, passed in: the core has no clock of its own, and nothing durable depends on one.

use std::time::Duration;

/// A monotonic clock, and a way to let time pass.
pub trait Clock: Send + Sync {
    /// Time since some fixed point.
    fn now(&self) -> Duration;

    /// Waits for about `time`; may return early.
    fn nap(&self, time: Duration);
}
