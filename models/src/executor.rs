//! Runs the program at hand on the facade, for the audit.

use super::seawall_core::sync::atomic::{AtomicU64, Ordering};
use super::seawall_core::sync::{Condvar, Mutex, RwLock, SpinWord, thread};
use crate::audit::program::{HELD, Instruction};
use crate::record::outcome;
use std::sync::Arc;

struct Shared {
    words: [AtomicU64; 2],
    value: Mutex<u64>,
    guarded: RwLock<u64>,
    flag: Mutex<bool>,
    raised: Condvar,
    spun: SpinWord,
}

/// One execution: all threads but the last are started, the last is the main one.
pub(crate) fn run_program() {
    let program = crate::audit::current();
    let shared = Arc::new(Shared {
        words: [AtomicU64::new(0), AtomicU64::new(0)],
        value: Mutex::new(0),
        guarded: RwLock::new(0),
        flag: Mutex::new(false),
        raised: Condvar::new(),
        spun: SpinWord::new(0),
    });
    let (last, others) = program.0.split_last().expect("two threads or more");
    let spawned: Vec<_> = others
        .iter()
        .map(|instructions| {
            let (shared, instructions) = (shared.clone(), instructions.clone());
            thread::spawn(move || run(&shared, &instructions))
        })
        .collect();
    let mine = run(&shared, last);
    let mut logs: Vec<_> = spawned.into_iter().map(|t| t.join().expect("no panic")).collect();
    logs.push(mine);
    let words = [0, 1].map(|word: usize| shared.words[word].load(Ordering::Acquire));
    outcome(format_args!("{logs:?} {words:?}"));
}

fn run(shared: &Shared, instructions: &[Instruction]) -> Vec<u64> {
    let mut log = Vec::new();
    for instruction in instructions {
        log.extend(perform(shared, *instruction));
    }
    log
}

fn perform(shared: &Shared, instruction: Instruction) -> Option<u64> {
    let words = &shared.words;
    match instruction {
        Instruction::Load(word) => return Some(words[word].load(Ordering::Acquire)),
        Instruction::Store(word, value) => words[word].store(value, Ordering::Release),
        Instruction::Add(word, value) => {
            return Some(words[word].fetch_add(value, Ordering::AcqRel));
        }
        Instruction::Exchange(word, old, new) => {
            let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
            let was = words[word].compare_exchange(old, new, success, failure);
            return Some(was.unwrap_or_else(|found| found));
        }
        Instruction::Locked(value) => {
            let mut guarded = shared.value.lock();
            let was = *guarded;
            *guarded = was * 3 + value;
            return Some(was);
        }
        Instruction::Shared => return Some(*shared.guarded.read()),
        Instruction::TryShared => {
            return Some(shared.guarded.try_read().map_or(HELD, |guarded| *guarded));
        }
        Instruction::Exclusive(value) => {
            let mut guarded = shared.guarded.write();
            *guarded = *guarded * 3 + value;
        }
        Instruction::TryExclusive(value) => {
            let Some(mut guarded) = shared.guarded.try_write() else { return Some(HELD) };
            let was = *guarded;
            *guarded = was * 3 + value;
            return Some(was);
        }
        Instruction::SetFlag => {
            *shared.flag.lock() = true;
            shared.raised.notify_all();
        }
        Instruction::AwaitFlag => {
            let mut flag = shared.flag.lock();
            while !*flag {
                shared.raised.wait(&mut flag);
            }
        }
        Instruction::Publish => shared.spun.publish(1),
        Instruction::Spin => {
            shared.spun.wait(|value| value != 0);
        }
    }
    None
}
