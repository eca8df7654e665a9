//! Damage to a WAL segment: a store opens without what was lost at the end of its log, and with
//! all that anything on disk proves durable, or it refuses. It never makes pages up.

use crate::base::{Base, PAGES, check_effort, crash, read_stamp, stamp};
use crate::oracle::{Verdict, stream};
use crate::{Outcome, checksum, take_array, take_byte};
use seawall_core::engine::Engine;
use seawall_core::sim::SimDisk;
use seawall_core::wal::position::{BLOCK_HEADER_BYTES, segment_path};

pub(crate) const OUTCOMES: &[Outcome] =
    &["cut short", "forged and opened", "forged and refused", "refused", "whole"];

/// Input: mode (1: bit 0 repair the checksums, bit 1 the store that evicts, bit 2 zeros from there
/// on, bits 4 to 7 how many pages not to change afterwards), segment (1), offset (2), then the
/// bytes to be written there.
///
/// # Panics
/// On a finding.
pub fn wal_segment(mut data: &[u8]) -> Outcome {
    let mode = take_byte(&mut data);
    let base = if mode & 2 == 0 { Base::roomy() } else { Base::evicting() };
    let disk = base.mount();
    damage(base, &disk, data, mode);
    let verdict = Verdict::of(base, &disk);
    let opened = base.open(&disk);
    check_effort(&disk);
    if verdict.is_forged {
        return opened.map_or("forged and refused", |engine| use_forged(&engine));
    }
    match opened {
        Err(error) => {
            assert!(!verdict.is_whole, "refused without a reason: {error}");
            "refused"
        }
        Ok(engine) => {
            let commits = check(base, &engine, &verdict, mode & 2 != 0);
            check_goes_on(base, &disk, &engine, PAGES - usize::from(mode >> 4) % (PAGES + 1));
            if commits == base.ends.len() as u64 { "whole" } else { "cut short" }
        }
    }
}

fn damage(base: &Base, disk: &SimDisk, mut data: &[u8], mode: u8) {
    let segment = usize::from(take_byte(&mut data)) % base.segments.len();
    let offset = usize::from(u16::from_le_bytes(take_array(&mut data)));
    let mut segments = base.segments.clone();
    let bytes = &mut segments[segment].1;
    let offset = offset % bytes.len();
    let used = data.len().min(bytes.len() - offset);
    bytes[offset..offset + used].copy_from_slice(&data[..used]);
    if mode & 4 != 0 {
        bytes[offset + used..].fill(0);
        segments[segment + 1..].iter_mut().for_each(|(_, bytes)| bytes.fill(0));
    }
    if mode & 1 != 0 {
        repair_blocks(base, &mut segments[segment].1);
        repair_records(base, &mut segments);
    }
    let changed = segments.iter().zip(&base.segments).filter(|(new, old)| new != old);
    for ((number, bytes), _) in changed {
        disk.overwrite(&segment_path(*number), 0, bytes);
    }
}

fn repair_blocks(base: &Base, segment: &mut [u8]) {
    for block in segment.chunks_exact_mut(base.geometry.block_bytes as usize) {
        let checksum = checksum::of_block(block);
        block[4..8].copy_from_slice(&checksum.to_le_bytes());
    }
}

fn repair_records(base: &Base, segments: &mut [(u64, Vec<u8>)]) {
    let geometry = &base.geometry;
    let (origin, mut stream) = stream(base, segments);
    checksum::repair_records(&mut stream, origin.0, base.control.redo.0);
    let blocks = segments
        .iter_mut()
        .flat_map(|(_, bytes)| bytes.chunks_exact_mut(geometry.block_bytes as usize));
    for (block, payload) in blocks.zip(stream.chunks_exact(geometry.payload_bytes as usize)) {
        block[BLOCK_HEADER_BYTES as usize..].copy_from_slice(payload);
    }
}

/// Whatever the pages of a forged store are: reading and changing them ends.
fn use_forged(engine: &Engine) -> Outcome {
    for page in 0..engine.blocks(seawall_core::page::FileId(1)).unwrap_or(0).min(PAGES as u32) {
        let _ = stamp(engine, &[page as usize], 1);
    }
    let _ = engine.close();
    "forged and opened"
}

/// Checks the pages of a store that has opened; gives the greatest commit that is there.
///
/// A page on disk may be newer than the log that is left: to report that is as good.
fn check(base: &Base, engine: &Engine, verdict: &Verdict, evicts: bool) -> u64 {
    let found: Vec<_> = (0..PAGES).map(|page| read_stamp(engine, page)).collect();
    let stamps = found.iter().map(|found| found.as_ref().copied().unwrap_or(0));
    stamps.clone().enumerate().for_each(|(page, stamp)| base.check_history(page, stamp));
    let last = stamps.clone().max().expect("pages");
    assert!(last >= verdict.commits_min as u64, "{last}, expected {}", verdict.commits_min);
    if !evicts || verdict.is_whole {
        assert!(found.iter().all(Result::is_ok), "the data files are undamaged: {found:?}");
        assert!(stamps.eq(base.states[last as usize]), "half of a commit: {found:?}");
    }
    last
}

/// What is committed now survives the next crash, and nothing comes back that recovery discarded.
/// As many pages change, the last ones first: these may be newer than the log that is left.
fn check_goes_on(base: &Base, disk: &SimDisk, engine: &Engine, pages: usize) {
    const COMMIT: u64 = 1000;
    let mut expected: Vec<_> = (0..PAGES).map(|page| read_stamp(engine, page).ok()).collect();
    for page in (0..PAGES).rev().take(pages) {
        let committed = stamp(engine, &[page], COMMIT).and_then(|end| engine.wait_durable(end));
        expected[page] = if committed.is_ok() { Some(COMMIT) } else { None };
    }
    let after = crash(disk).mount();
    let engine = base.open(&after).expect("nothing was damaged since");
    for (page, expected) in expected.into_iter().enumerate() {
        let Some(expected) = expected else { continue };
        let found = read_stamp(&engine, page).expect("it was");
        assert_eq!(found, expected, "page {page} has not what it had before the crash");
    }
}
