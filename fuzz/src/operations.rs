//! The operation language: steps on a store, each compared with a plain map, and crashes. The
//! state machine of `core/tests/machine`, with its steps taken from bytes.

#[path = "../../core/tests/machine/bed.rs"]
mod bed;
#[path = "../../core/tests/common/mod.rs"]
mod common;
#[path = "../../core/tests/machine/misuse.rs"]
mod misuse;
#[path = "../../core/tests/machine/steps.rs"]
mod steps;

use crate::{Outcome, take_array, take_byte};
use bed::Bed;
use steps::{ACCESSES, Crash, Ending, Misuse, Step, Through, Touch};

pub(crate) const OUTCOMES: &[Outcome] = &["crashed", "crashed while recovering", "ran"];

/// Steps of one input at most: more would only be slower.
const STEPS_MAX: usize = 100;

/// Input: steps. Each is a byte that says which, then what it needs.
///
/// # Panics
/// On a finding.
pub fn operations(mut data: &[u8]) -> Outcome {
    let mut bed = Bed::new();
    let mut outcome = "ran";
    for _ in 0..STEPS_MAX {
        if data.is_empty() {
            break;
        }
        let step = take_step(&mut data);
        if let Step::Crash(Crash { again, .. }) = step {
            outcome = if again.is_some() { "crashed while recovering" } else { "crashed" };
        }
        bed.step(&step);
    }
    bed.finish();
    outcome
}

fn take_step(data: &mut &[u8]) -> Step {
    match take_byte(data) % 24 {
        0..6 => take_operation(data),
        6 => Step::CreateFile { tablespace: take_byte(data) % 4, unlogged: take_flag(data) },
        7 => Step::CreateTablespace,
        8 | 9 => {
            let (file, blocks) = (take_byte(data), u32::from(take_byte(data) % 20) + 1);
            Step::Extend { file, blocks, bulk: take_flag(data) }
        }
        10 | 11 => Step::Truncate { file: take_byte(data), blocks: take_byte(data) },
        12 => Step::Drop { file: take_byte(data) },
        13 | 14 => Step::Checkpoint { spread: take_flag(data) },
        15 => Step::BackgroundWriterRound,
        16 => Step::WalWriterRounds(take_byte(data) % 3 + 1),
        17 => Step::WaitDurable,
        18 => Step::CloseAndOpen,
        19 => Step::ReadAll,
        20 => Step::Read {
            file: take_byte(data),
            block: take_byte(data),
            through: take_through(data),
        },
        21 | 22 => Step::Crash(take_crash(data)),
        _ => Step::Misuse { misuse: take_misuse(data), pick: take_byte(data) },
    }
}

fn take_operation(data: &mut &[u8]) -> Step {
    let kind = take_byte(data);
    let ending = match kind % 4 {
        0 | 1 => Ending::CommitAsync,
        2 => Ending::Commit,
        _ => Ending::Undo,
    };
    let through = take_through(data);
    let touches = (0..=kind / 4 % 3).map(|_| take_touch(data)).collect();
    Step::Operation { touches, ending, through }
}

fn take_touch(data: &mut &[u8]) -> Touch {
    let [file, block, kind] = take_array(data);
    let (offset, len) = (take_u16(data), u16::from(take_byte(data)));
    // A few bytes, or any part of the page.
    Touch { file, block, offset, len: if kind % 2 == 0 { len % 64 } else { len * 16 } }
}

fn take_crash(data: &mut &[u8]) -> Crash {
    let [after, again] = take_array(data);
    let again = (again % 4 > 0).then_some(u16::from(again) / 4);
    Crash { after: u16::from(after) % 60, seed: u64::from(take_u16(data)), again }
}

fn take_misuse(data: &mut &[u8]) -> Misuse {
    use Misuse::{BeyondEnd, BeyondLength, BeyondWal, NoFile, NoTablespace, OutsideBody};
    let all = [BeyondEnd, BeyondLength, NoFile, NoTablespace, OutsideBody, BeyondWal];
    all[usize::from(take_byte(data)) % all.len()]
}

fn take_through(data: &mut &[u8]) -> Through {
    ACCESSES.get(usize::from(take_byte(data)) % 6).copied()
}

fn take_flag(data: &mut &[u8]) -> bool {
    take_byte(data) % 2 == 1
}

fn take_u16(data: &mut &[u8]) -> u16 {
    u16::from_le_bytes(take_array(data))
}
