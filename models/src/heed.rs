//! Between shuttle and a scheduler: what every scheduler has to heed, and what is known afterwards.
//!
//! Threads whose announced operation cannot be done now are passed over ([`step`]); threads that
//! have announced nothing are run on at once, for nobody sees what they do. So what a scheduler
//! chooses from are operations, and the [`Schedule`](crate::schedule::Schedule) of an execution is
//! the list of its choices.

use crate::{happened, schedule};
use seawall_core_shuttle::sync::step;
use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};
use std::cell::RefCell;
use std::rc::Rc;

/// A scheduler that is shown only what can go on. It ends the search at a deadlock.
pub struct Heeding<S> {
    scheduler: S,
    /// It wants to see every thread once, in the order of their numbers, whether it can go on or
    /// not, before it sees only those that can.
    must_meet: bool,
    met: usize,
    deadlock: Deadlock,
}

/// Where a [`Heeding`] scheduler leaves word of a deadlock.
pub type Deadlock = Rc<RefCell<Option<String>>>;

impl<S> Heeding<S> {
    /// Wraps a scheduler; a deadlock is described in what is returned with it.
    pub fn new(scheduler: S) -> (Self, Deadlock) {
        let deadlock = Deadlock::default();
        (Self { scheduler, must_meet: false, met: 0, deadlock: deadlock.clone() }, deadlock)
    }

    /// The same for a scheduler like shuttle's URW, which has to meet new threads in order.
    pub fn meeting(scheduler: S) -> (Self, Deadlock) {
        let (heeding, deadlock) = Self::new(scheduler);
        (Self { must_meet: true, ..heeding }, deadlock)
    }
}

fn number(task: &Task) -> step::Task {
    usize::from(task.id())
}

impl<S: Scheduler> Scheduler for Heeding<S> {
    fn new_execution(&mut self) -> Option<Schedule> {
        step::begin_execution();
        schedule::begin_execution();
        happened::begin_execution();
        self.met = 0;
        if self.deadlock.borrow().is_some() {
            return None;
        }
        self.scheduler.new_execution()
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        _is_yielding: bool,
    ) -> Option<TaskId> {
        if let Some(task) = runnable.iter().find(|task| step::next(number(task)).is_none()) {
            return Some(task.id());
        }
        let is_enabled = |task: &&&Task| step::is_enabled(number(task));
        let enabled: Vec<&Task> = runnable.iter().filter(is_enabled).copied().collect();
        if enabled.is_empty() {
            let blocked = |task: &&Task| Some((number(task), step::next(number(task))?));
            let blocked: Vec<_> = runnable.iter().filter_map(blocked).collect();
            *self.deadlock.borrow_mut() = Some(format!("deadlock! blocked tasks: {blocked:?}"));
            return None;
        }
        let chosen = self.choose(runnable, &enabled, current)?;
        schedule::push(usize::from(chosen));
        happened::chosen(usize::from(chosen));
        Some(chosen)
    }

    fn next_u64(&mut self) -> u64 {
        self.scheduler.next_u64()
    }
}

impl<S: Scheduler> Heeding<S> {
    fn choose(
        &mut self,
        runnable: &[&Task],
        enabled: &[&Task],
        current: Option<TaskId>,
    ) -> Option<TaskId> {
        let known = runnable.last().map_or(0, |task| number(task) + 1);
        if !self.must_meet || known <= self.met {
            return self.scheduler.next_task(enabled, current, false);
        }
        self.met = known;
        loop {
            // A choice that cannot go on is a chance that the thread had: it chooses again.
            let chosen = self.scheduler.next_task(runnable, current, false)?;
            if enabled.iter().any(|task| task.id() == chosen) {
                return Some(chosen);
            }
        }
    }
}
