//! Requests for checkpoints, and who carries them out. PostgreSQL: `RequestCheckpoint`, the loop of
//! `CheckpointerMain`.
//!
//! There is no checkpointer thread in here: whoever asks while none runs becomes the one that runs
//! it, for everybody who has asked by then; the others wait.
//!
//! # State
//! ```text
//! ended <= started <= ended + 1
//! started == ended   nobody runs one
//! started  > ended   one is running
//! ```
//! A request is met by the first checkpoint that starts after it, since only that one's redo point
//! lies behind what was done before. So its number is known at once: `started + 1`.
//!
//! # Rules
//! * What was asked for before a checkpoint starts is merged into it: immediate if anybody wants it
//!   so, all pages if anybody wants that.
//! * Who waits with an immediate request makes the running checkpoint stop resting.
//! * A failed checkpoint fails everybody whose request it was to meet. One that panics meets none:
//!   the next of those who wait runs it.
//!
//! # Checked by
//! model `checkpoint_requests`.

use crate::error::Result;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Condvar, Mutex};
use std::ops::BitOr;

/// Whether a checkpoint rests between its writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Spread the writes over the time until the next checkpoint.
    Spread,
    /// As fast as possible.
    Immediate,
}

/// What a checkpoint is to be like. PostgreSQL: the flags of `RequestCheckpoint`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckpointRequest {
    /// Whether it rests.
    pub urgency: Urgency,
    /// Whether it writes the pages of unlogged files as well.
    pub flush_all: bool,
}

impl From<Urgency> for CheckpointRequest {
    fn from(urgency: Urgency) -> Self {
        Self { urgency, flush_all: false }
    }
}

impl BitOr for CheckpointRequest {
    type Output = Self;

    /// What meets both.
    fn bitor(self, other: Self) -> Self {
        Self {
            urgency: self.urgency.max(other.urgency),
            flush_all: self.flush_all || other.flush_all,
        }
    }
}

/// The requests, and what became of the last checkpoint.
pub struct Requests<T> {
    state: Mutex<State<T>>,
    ended: Condvar,
    /// Whether the running checkpoint is not to rest. Outside of the lock, for who runs it.
    hurried: AtomicBool,
}

struct State<T> {
    started: u64,
    ended: u64,
    /// What those want who wait for the next.
    wanted: Option<CheckpointRequest>,
    /// Of the last that ended; `None` if it has panicked.
    outcome: Option<Result<T>>,
    /// No checkpoint rests any more.
    closing: bool,
}

impl<T: Clone> Requests<T> {
    /// No request so far.
    pub fn new() -> Self {
        let (started, ended, wanted, outcome) = (0, 0, None, None);
        Self {
            state: Mutex::new(State { started, ended, wanted, outcome, closing: false }),
            ended: Condvar::new(),
            hurried: AtomicBool::new(false),
        }
    }

    /// Has a checkpoint made that starts from now on, by `run` or by somebody else's, and waits for
    /// its end.
    ///
    /// # Errors
    /// That of the checkpoint.
    pub fn request(
        &self,
        request: CheckpointRequest,
        run: impl FnOnce(CheckpointRequest) -> Result<T>,
    ) -> Result<T> {
        let mut state = self.state.lock();
        let number = state.started + 1;
        state.wanted = Some(state.wanted.map_or(request, |wanted| wanted | request));
        self.tell_urgency(&state);
        loop {
            match &state.outcome {
                Some(outcome) if state.ended >= number => return outcome.clone(),
                _ if state.started > state.ended => self.ended.wait(&mut state),
                _ => break,
            }
        }
        let wanted = state.wanted.take().map_or(request, |wanted| wanted | request);
        state.started += 1;
        // Relaxed: see is_hurried.
        let hurried = state.closing || wanted.urgency == Urgency::Immediate;
        self.hurried.store(hurried, Ordering::Relaxed);
        drop(state);
        let mut running = Running { requests: self, outcome: None };
        running.outcome.insert(run(wanted)).clone()
    }

    /// Whether the running checkpoint is not to rest.
    pub fn is_hurried(&self) -> bool {
        // Relaxed: a checkpoint that rests once more before it sees this is only slower.
        self.hurried.load(Ordering::Relaxed)
    }

    /// No checkpoint rests any more, from now on.
    pub fn close(&self) {
        self.state.lock().closing = true;
        // Relaxed: see is_hurried.
        self.hurried.store(true, Ordering::Relaxed);
    }

    fn tell_urgency(&self, state: &State<T>) {
        if state.wanted.is_some_and(|wanted| wanted.urgency == Urgency::Immediate) {
            // Relaxed: see is_hurried.
            self.hurried.store(true, Ordering::Relaxed);
        }
    }
}

impl<T: Clone> Default for Requests<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// The right to run a checkpoint; ends it, also when a panic unwinds.
struct Running<'r, T> {
    requests: &'r Requests<T>,
    outcome: Option<Result<T>>,
}

impl<T> Drop for Running<'_, T> {
    fn drop(&mut self) {
        let mut state = self.requests.state.lock();
        state.ended = state.started;
        state.outcome = self.outcome.take();
        drop(state);
        self.requests.ended.notify_all();
    }
}

#[cfg(all(test, not(any(seawall_loom, seawall_shuttle))))]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn what_is_asked_for_is_merged() {
        let all = CheckpointRequest { urgency: Urgency::Spread, flush_all: true };
        let at_once = CheckpointRequest::from(Urgency::Immediate);
        let both = CheckpointRequest { urgency: Urgency::Immediate, flush_all: true };
        assert_eq!((all | at_once, at_once | all), (both, both));
        assert_eq!((all | all, at_once | at_once), (all, at_once));
    }

    #[test]
    fn a_checkpoint_that_panics_leaves_the_next_request_to_run_its_own() {
        let requests = Requests::<u32>::new();
        let run = || requests.request(Urgency::Spread.into(), |_| panic!("as the test wants it"));
        assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
        assert_eq!(requests.request(Urgency::Spread.into(), |_| Ok(7)).unwrap(), 7);
    }

    #[test]
    fn the_one_that_runs_is_hurried_by_the_end_of_the_store() {
        let requests = Requests::<(bool, bool)>::new();
        let run = |_| {
            let before = requests.is_hurried();
            requests.close();
            Ok((before, requests.is_hurried()))
        };
        assert_eq!(requests.request(Urgency::Spread.into(), run).unwrap(), (false, true));
    }

    #[test]
    fn the_one_that_runs_is_hurried_by_who_cannot_wait_for_the_next() {
        let requests = Requests::<bool>::new();
        let run = |_| {
            let mut state = requests.state.lock();
            state.wanted = Some(Urgency::Immediate.into());
            requests.tell_urgency(&state);
            Ok(requests.is_hurried())
        };
        assert!(requests.request(Urgency::Spread.into(), run).unwrap());
    }

    #[test]
    fn who_asks_in_a_hurry_while_one_runs_hurries_it_and_who_does_not_does_not() {
        for urgency in [Urgency::Spread, Urgency::Immediate] {
            let requests = Requests::<bool>::new();
            std::thread::scope(|scope| {
                let run = |_| {
                    scope.spawn(|| requests.request(urgency.into(), |_| Ok(true)).unwrap());
                    while requests.state.lock().wanted.is_none() {}
                    Ok(requests.is_hurried())
                };
                let was_hurried = requests.request(Urgency::Spread.into(), run).unwrap();
                assert_eq!(was_hurried, urgency == Urgency::Immediate);
            });
        }
    }

    #[test]
    fn one_that_was_hurried_does_not_hurry_the_next() {
        let requests = Requests::<bool>::new();
        let is_hurried = |_| Ok(requests.is_hurried());
        assert!(requests.request(Urgency::Immediate.into(), is_hurried).unwrap());
        assert!(!requests.request(Urgency::Spread.into(), is_hurried).unwrap());
        requests.close();
        assert!(requests.request(Urgency::Spread.into(), is_hurried).unwrap());
    }
}
