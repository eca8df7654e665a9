//! The control file, and what is where in the directories.

use super::{Effect, Finding, FindingKind, Findings};
use crate::control::{CONTROL_FILE, Slots, slot_offset};
use crate::disk::Disk;
use crate::engine::LOCK_FILE;
use crate::error::Result;
use crate::files::{TablespaceId, failed, list};
use crate::recovery::{Salvage, Survey};
use crate::wal::position::{WAL_DIR, parse_segment, segment_path};
use crate::wal::segment;

/// A segment of the log that has no name yet: see `wal/segment.rs`.
const UNFINISHED_SEGMENT: &str = "new";

/// Both slots are written when a store is created, and each is in one sector.
pub(super) fn control(slots: &Slots, findings: &mut Findings<'_>) {
    for (slot, content) in (0..).zip(&slots.0) {
        if let Err(fault) = content {
            let (found, expected) = (fault.to_string(), "a valid slot");
            let (kind, effect) = (FindingKind::ControlSlot, Effect::Fault);
            let finding = Finding::of_file(kind, effect, CONTROL_FILE, found, expected);
            let outlook = Some("the other slot counts".to_owned());
            findings.add(&Finding { offset: Some(slot_offset(slot)), outlook, ..finding });
        }
    }
}

/// The store's own directory.
pub(super) fn root(disk: &dyn Disk, findings: &mut Findings<'_>) -> Result<()> {
    let known = [CONTROL_FILE, LOCK_FILE, WAL_DIR];
    for name in list(disk, "")? {
        if known.contains(&name.as_str()) || TablespaceId::parse(&name).is_some() {
            continue;
        }
        match Salvage::parse_dir(&name) {
            Some(until) => {
                let found = format!("the log was cut at {until} by hand; what was cut is here");
                let (kind, effect) = (FindingKind::Salvaged, Effect::Note);
                findings.add(&Finding::of_file(kind, effect, name, found, "no salvage"));
            }
            None => unknown(name, findings),
        }
    }
    Ok(())
}

pub(super) fn unknown(path: String, findings: &mut Findings<'_>) {
    findings.add(&unknown_file(path));
}

/// A name that no store has.
pub(super) fn unknown_file(path: String) -> Finding {
    let (found, expected) = ("a file that is not the store's", "only what the store makes");
    Finding::of_file(FindingKind::UnknownFile, Effect::Note, path, found, expected)
}

/// The segment files of the log.
pub(super) fn wal(survey: &Survey, findings: &mut Findings<'_>) -> Result<()> {
    let (disk, geometry) = (survey.disk(), survey.geometry());
    for name in list(disk, WAL_DIR)? {
        if name == UNFINISHED_SEGMENT {
            let (kind, path) = (FindingKind::WalSegment, format!("{WAL_DIR}/{name}"));
            let (found, expected) = ("a segment that was being made", "none");
            findings.add(&Finding::of_file(kind, Effect::Repaired, path, found, expected));
        } else if parse_segment(&name).is_none() {
            unknown(format!("{WAL_DIR}/{name}"), findings);
        }
    }
    let present = segment::list(disk, geometry)?;
    for segment in &present {
        length(disk, *segment, geometry.segment_bytes(), findings)?;
    }
    let needed = geometry.segment(survey.control().redo)..=geometry.segment(survey.known_end());
    for pair in present.windows(2) {
        let [before, after] = [pair[0], pair[1]];
        if after > before + 1 {
            let is_needed = before < *needed.end() && after > *needed.start();
            let effect = if is_needed { Effect::Fault } else { Effect::Note };
            let (path, expected) = (segment_path(before + 1), "segments that follow each other");
            let found = format!("no segment before {}", segment_path(after));
            findings.add(&Finding::of_file(FindingKind::WalSegment, effect, path, found, expected));
        }
    }
    Ok(())
}

/// A segment gets its name when all of it is there.
fn length(
    disk: &dyn Disk,
    segment: u64,
    expected_bytes: u64,
    findings: &mut Findings<'_>,
) -> Result<()> {
    let path = segment_path(segment);
    let file = disk.open(&path).map_err(|e| failed("open", &path, 0, e))?;
    let bytes = file.len().map_err(|e| failed("measure", &path, 0, e))?;
    if bytes != expected_bytes {
        let (found, expected) = (format!("{bytes} bytes"), format!("{expected_bytes} bytes"));
        let (kind, effect) = (FindingKind::WalSegment, Effect::Fault);
        findings.add(&Finding::of_file(kind, effect, path, found, expected));
    }
    Ok(())
}
