//! The schedule of an execution, its written form, and the scheduler that follows one.
//!
//! A schedule is written as the threads that were chosen, a letter each (`a` is the main thread),
//! with the number of operations behind it where that is not one: `a12b3a`.

use seawall_core_shuttle::sync::trace::Task;
use shuttle::scheduler::{Schedule as ShuttleSchedule, Scheduler, Task as ShuttleTask, TaskId};
use std::cell::RefCell;
use std::fmt;
use std::str::FromStr;

/// The threads that were chosen, one for each operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule(pub Vec<Task>);

/// Where a search has met a failing execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// Under shuttle: in the execution of this schedule.
    Schedule(Schedule),
    /// Under loom, whose search always takes the same way: in the execution of this number.
    Execution(u64),
}

/// What a replay does where a schedule cannot be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It is of another program: stop.
    Exact,
    /// Leave the choice out: it is an attempt at a shorter one.
    Loose,
}

/// How the message begins when a schedule is not of this program.
pub const MISFIT: &str = "the schedule does not fit";

/// The letters of threads, the main one first.
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz";

/// More operations than an execution may have.
const MAX_OPERATIONS: usize = 1_000_000;

thread_local! {
    static CURRENT: RefCell<Schedule> = RefCell::default();
}

/// Forgets the last execution's schedule.
pub fn begin_execution() {
    CURRENT.with_borrow_mut(|schedule| schedule.0.clear());
}

/// Notes a choice.
pub fn push(task: Task) {
    CURRENT.with_borrow_mut(|schedule| schedule.0.push(task));
}

/// The schedule of the running execution so far.
pub fn current() -> Schedule {
    CURRENT.with_borrow(Clone::clone)
}

impl Schedule {
    /// The runs of operations of one thread.
    pub fn blocks(&self) -> Vec<(Task, usize)> {
        let runs = self.0.chunk_by(|a, b| a == b);
        runs.map(|run| (run[0], run.len())).collect()
    }

    /// From runs of operations.
    pub fn from_blocks(blocks: &[(Task, usize)]) -> Self {
        let tasks = |&(task, times): &(Task, usize)| std::iter::repeat_n(task, times);
        Self(blocks.iter().flat_map(tasks).collect())
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (task, times) in self.blocks() {
            let letter = LETTERS.get(task).copied().unwrap_or(b'?');
            write!(f, "{}", char::from(letter))?;
            if times > 1 {
                write!(f, "{times}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut blocks = Vec::new();
        let mut rest = text;
        while let Some(letter) = rest.bytes().next() {
            let task = LETTERS.iter().position(|known| *known == letter);
            let task = task.ok_or_else(|| {
                format!("a schedule is letters of threads and numbers, as in a12b3a; found: {rest}")
            })?;
            let digits = rest[1..].bytes().take_while(u8::is_ascii_digit).count();
            let (number, behind) = rest[1..].split_at(digits);
            let times = if number.is_empty() { Ok(1) } else { number.parse() };
            let times = times.ok().filter(|n| (1..=MAX_OPERATIONS).contains(n));
            let times = times.ok_or_else(|| {
                format!("expected 1 to {MAX_OPERATIONS} operations in a schedule, found {number}")
            })?;
            blocks.push((task, times));
            rest = behind;
        }
        let all = blocks.iter().fold(0usize, |sum, (_, times)| sum.saturating_add(*times));
        if all > MAX_OPERATIONS {
            return Err(format!(
                "a schedule of {all} operations, expected {MAX_OPERATIONS} at most"
            ));
        }
        Ok(Self::from_blocks(&blocks))
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Schedule(schedule) => schedule.fmt(f),
            Self::Execution(number) => number.fmt(f),
        }
    }
}

impl FromStr for At {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.starts_with(|first: char| first.is_ascii_digit()) {
            return text.parse().map(Self::Schedule);
        }
        let number = text.parse().ok().filter(|number| *number > 0);
        let number = number.ok_or_else(|| format!("expected a number from 1, found {text}"))?;
        Ok(Self::Execution(number))
    }
}

/// Follows a schedule once; where it has ended, stays with the thread that runs if it can.
pub struct Replay {
    schedule: Schedule,
    fit: Fit,
    next: usize,
    has_begun: bool,
}

impl Replay {
    /// Will follow `schedule`.
    pub fn new(schedule: Schedule, fit: Fit) -> Self {
        Self { schedule, fit, next: 0, has_begun: false }
    }
}

impl Scheduler for Replay {
    fn new_execution(&mut self) -> Option<ShuttleSchedule> {
        let first = !std::mem::replace(&mut self.has_begun, true);
        first.then(|| ShuttleSchedule::new(0))
    }

    fn next_task(
        &mut self,
        enabled: &[&ShuttleTask],
        current: Option<TaskId>,
        _is_yielding: bool,
    ) -> Option<TaskId> {
        let can_go = |task: &TaskId| enabled.iter().any(|enabled| enabled.id() == *task);
        while let Some(task) = self.schedule.0.get(self.next) {
            self.next += 1;
            let task = TaskId::from(*task);
            if can_go(&task) {
                return Some(task);
            }
            if self.fit == Fit::Exact {
                panic!("{MISFIT}: thread {} cannot go on at step {}", usize::from(task), self.next);
            }
        }
        current.filter(can_go).or_else(|| Some(enabled[0].id()))
    }

    fn next_u64(&mut self) -> u64 {
        panic!("a model must not draw random numbers")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_read_as_it_is_written() {
        let schedule = Schedule(vec![0, 0, 0, 1, 0, 2, 2]);
        assert_eq!(schedule.to_string(), "a3bac2");
        assert_eq!("a3bac2".parse(), Ok(At::Schedule(schedule)));
        assert_eq!("17".parse(), Ok(At::Execution(17)));
    }

    #[test]
    fn what_is_no_schedule_is_an_error_that_says_what_was_found() {
        for text in ["a0", "A", "a3-", "0", "12a", "a99999999999999999999999", "a999999b999999"] {
            let error = text.parse::<At>().expect_err(text);
            assert!(error.contains("found") || error.contains("expected"), "{error}");
        }
    }
}
