//! Every outcome of a program, by trying every order of its steps.

use super::program::{HELD, Instruction, Program};
use std::collections::{BTreeSet, HashSet};

/// Everything that decides what happens next.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct State {
    words: [u64; 2],
    spun: u64,
    /// The lock of the value, then that of the flag: who holds it.
    holders: [Option<usize>; 2],
    value: u64,
    flag: bool,
    /// The reader-writer lock: who holds it exclusively, how many shared, what it guards.
    writer: Option<usize>,
    readers: usize,
    guarded: u64,
    threads: Vec<Thread>,
}

#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct Thread {
    at: usize,
    step: Step,
    log: Vec<u64>,
}

/// Where a thread is within an instruction.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
enum Step {
    #[default]
    Begin,
    Holding,
    /// Has given the lock back and will notify.
    Released,
    Asleep,
    Notified,
}

/// The outcomes: what each thread noted, and the words at the end.
pub(super) fn outcomes(program: &Program) -> BTreeSet<String> {
    explore(program).0
}

/// Whether some order of steps leads to where nobody can go on.
pub(super) fn can_deadlock(program: &Program) -> bool {
    explore(program).1
}

fn explore(program: &Program) -> (BTreeSet<String>, bool) {
    let threads = vec![Thread::default(); program.0.len()];
    let first = State { threads, ..State::default() };
    let (mut outcomes, mut deadlock) = (BTreeSet::new(), false);
    let (mut seen, mut open) = (HashSet::from([first.clone()]), vec![first]);
    while let Some(state) = open.pop() {
        let next: Vec<State> =
            (0..program.0.len()).filter_map(|thread| state.step(program, thread)).collect();
        let is_done = (0..program.0.len()).all(|t| state.threads[t].at == program.0[t].len());
        if is_done {
            let logs: Vec<_> = state.threads.iter().map(|thread| thread.log.clone()).collect();
            outcomes.insert(format!("{logs:?} {:?}", state.words));
        } else if next.is_empty() {
            deadlock = true;
        }
        open.extend(next.into_iter().filter(|next| seen.insert(next.clone())));
    }
    (outcomes, deadlock)
}

impl State {
    /// The state after one step of a thread, if it can make one.
    fn step(&self, program: &Program, thread: usize) -> Option<State> {
        let instruction = *program.0[thread].get(self.threads[thread].at)?;
        let mut state = self.clone();
        let done = match instruction {
            Instruction::Load(word) => state.note(thread, self.words[word]),
            Instruction::Store(word, value) => {
                state.words[word] = value;
                true
            }
            Instruction::Add(word, value) => {
                state.words[word] += value;
                state.note(thread, self.words[word])
            }
            Instruction::Exchange(word, old, new) => {
                if self.words[word] == old {
                    state.words[word] = new;
                }
                state.note(thread, self.words[word])
            }
            Instruction::Publish => {
                state.spun = 1;
                true
            }
            Instruction::Spin if self.spun == 0 => return None,
            Instruction::Spin => true,
            Instruction::Locked(value) => state.locked(thread, value)?,
            Instruction::Shared => state.shared(thread)?,
            Instruction::TryShared if self.is_held_against(thread) => state.note(thread, HELD),
            Instruction::TryShared => state.shared(thread)?,
            Instruction::Exclusive(value) => state.exclusive(thread, value)?,
            Instruction::TryExclusive(value) => state.try_exclusive(thread, value),
            Instruction::SetFlag => state.set_flag(thread)?,
            Instruction::AwaitFlag => state.await_flag(thread)?,
        };
        if done {
            state.threads[thread].at += 1;
            state.threads[thread].step = Step::Begin;
        }
        Some(state)
    }

    fn note(&mut self, thread: usize, value: u64) -> bool {
        self.threads[thread].log.push(value);
        true
    }

    fn take(&mut self, lock: usize, thread: usize) -> Option<()> {
        if self.holders[lock].is_some() {
            return None;
        }
        self.holders[lock] = Some(thread);
        self.threads[thread].step = Step::Holding;
        Some(())
    }

    fn locked(&mut self, thread: usize, value: u64) -> Option<bool> {
        if self.threads[thread].step == Step::Begin {
            self.take(0, thread)?;
            self.note(thread, self.value);
            self.value = self.value * 3 + value;
            return Some(false);
        }
        self.holders[0] = None;
        Some(true)
    }

    /// Whether a thread that wants the reader-writer lock shared, and has it not yet, cannot.
    fn is_held_against(&self, thread: usize) -> bool {
        self.threads[thread].step == Step::Begin && self.writer.is_some()
    }

    fn shared(&mut self, thread: usize) -> Option<bool> {
        if self.is_held_against(thread) {
            return None;
        }
        if self.threads[thread].step == Step::Begin {
            self.readers += 1;
            self.note(thread, self.guarded);
            self.threads[thread].step = Step::Holding;
            return Some(false);
        }
        self.readers -= 1;
        Some(true)
    }

    fn exclusive(&mut self, thread: usize, value: u64) -> Option<bool> {
        if self.threads[thread].step == Step::Begin {
            if self.writer.is_some() || self.readers > 0 {
                return None;
            }
            self.writer = Some(thread);
            self.guarded = self.guarded * 3 + value;
            self.threads[thread].step = Step::Holding;
            return Some(false);
        }
        self.writer = None;
        Some(true)
    }

    fn try_exclusive(&mut self, thread: usize, value: u64) -> bool {
        let (found, begins) = (self.guarded, self.threads[thread].step == Step::Begin);
        match self.exclusive(thread, value) {
            Some(is_done) => {
                if begins {
                    self.note(thread, found);
                }
                is_done
            }
            None => self.note(thread, HELD),
        }
    }

    fn set_flag(&mut self, thread: usize) -> Option<bool> {
        match self.threads[thread].step {
            Step::Begin => {
                self.take(1, thread)?;
                self.flag = true;
                Some(false)
            }
            Step::Holding => {
                self.holders[1] = None;
                self.threads[thread].step = Step::Released;
                Some(false)
            }
            _ => {
                for other in &mut self.threads {
                    if other.step == Step::Asleep {
                        other.step = Step::Notified;
                    }
                }
                Some(true)
            }
        }
    }

    fn await_flag(&mut self, thread: usize) -> Option<bool> {
        match self.threads[thread].step {
            Step::Begin | Step::Notified => {
                self.take(1, thread)?;
                Some(false)
            }
            Step::Asleep => None,
            _ => {
                self.holders[1] = None;
                self.threads[thread].step = Step::Asleep;
                Some(self.flag)
            }
        }
    }
}
