//! Arbitrary bytes as the control file: the store opens with pages that were once written, or
//! it refuses.

use crate::base::{Base, PAGES, check_effort, stamps};
use crate::{Outcome, checksum, take_byte};
use seawall_core::control::CONTROL_FILE;
use seawall_core::error::{ControlFault, Error};

pub(crate) const OUTCOMES: &[Outcome] = &[
    "bad content",
    "bad magic",
    "checksum",
    "opened",
    "other format",
    "other version",
    "truncated",
    "wal",
];

/// Bytes of a slot that are used, and of a slot.
const CONTENT_BYTES: usize = 80;
const SLOT_BYTES: usize = 4096;

/// Input: mode (1: bit 0 repair the checksums, bit 1 the store that evicts, bit 2 only the used
/// bytes of the two slots follow), then the file.
///
/// # Panics
/// On a finding.
pub fn control(mut data: &[u8]) -> Outcome {
    let mode = take_byte(&mut data);
    let base = if mode & 2 == 0 { Base::roomy() } else { Base::evicting() };
    let mut file = if mode & 4 == 0 { data.to_vec() } else { spread(data) };
    if mode & 1 != 0 {
        repair(&mut file);
    }
    let disk = base.mount();
    disk.write_file(CONTROL_FILE, &file);
    let opened = base.open(&disk);
    check_effort(&disk);
    match opened {
        Ok(engine) => {
            let stamps = stamps(&engine).expect("the data files are undamaged");
            (0..PAGES).for_each(|page| base.check_history(page, stamps[page]));
            "opened"
        }
        Err(error) => name(&error),
    }
}

fn spread(data: &[u8]) -> Vec<u8> {
    let mut file = vec![0; 2 * SLOT_BYTES];
    for (slot, content) in file.chunks_exact_mut(SLOT_BYTES).zip(data.chunks(CONTENT_BYTES)) {
        slot[..content.len()].copy_from_slice(content);
    }
    file
}

fn repair(file: &mut [u8]) {
    for slot in file.chunks_mut(SLOT_BYTES).filter(|slot| slot.len() >= CONTENT_BYTES) {
        let checksum = checksum::of_control(slot);
        slot[12..16].copy_from_slice(&checksum.to_le_bytes());
    }
}

fn name(error: &Error) -> Outcome {
    match error {
        Error::Control(ControlFault::Truncated { .. }) => "truncated",
        Error::Control(ControlFault::BadMagic { .. }) => "bad magic",
        Error::Control(ControlFault::Version { .. }) => "other version",
        Error::Control(ControlFault::Checksum { .. }) => "checksum",
        Error::Control(ControlFault::BadContent { .. }) => "bad content",
        Error::Config { .. } => "other format",
        Error::Wal(_) => "wal",
        error => panic!("not to be expected of a control file: {error}"),
    }
}
