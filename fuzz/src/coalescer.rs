//! Ranges of pages to be written back, against a set of pages: each page that was noted in one
//! range of a drain, no other page, no range across segments, none that could be joined.

use crate::{Outcome, take_array, take_byte};
use seawall_core::config::Format;
use seawall_core::disk::Disk;
use seawall_core::files::{DATA_DIR, Files, KnownFiles, Writeback};
use seawall_core::page::{FileId, PageId};
use seawall_core::poison::Poison;
use seawall_core::sim::{OpKind, SimDisk};
use seawall_core::sync::Mutex;
use seawall_core::writeback::{WritebackQueue, coalesce};
use std::collections::BTreeSet;
use std::sync::Arc;

pub(crate) const OUTCOMES: &[Outcome] = &["a queue", "no range", "one range", "ranges"];

const PAGE_BYTES: u32 = 4096;
/// Of the file behind the queue: segments, and blocks in each.
const SEGMENTS: u32 = 4;
const SEGMENT_BLOCKS: u32 = 4;

/// Input: mode (1: bit 0 the queue instead of the function), then what follows.
///
/// # Panics
/// On a finding.
pub fn coalescer(mut data: &[u8]) -> Outcome {
    if take_byte(&mut data) % 2 == 1 { queue(data) } else { function(data) }
}

/// Input: blocks of a segment (4), then pages: a byte with the file, and in its high bit whether
/// the block is counted from the end of all blocks; the block (2).
fn function(mut data: &[u8]) -> Outcome {
    let segment_blocks = u32::from_le_bytes(take_array(&mut data)).max(1);
    let mut pages = Vec::new();
    while !data.is_empty() {
        let file = take_byte(&mut data);
        let block = u32::from(u16::from_le_bytes(take_array(&mut data)));
        let block = if file < 128 { block } else { u32::MAX - block };
        let file =
            if file & 64 == 0 { u32::from(file % 4) } else { u32::MAX - u32::from(file % 4) };
        pages.push(PageId::new(FileId(file), block));
    }
    let noted: BTreeSet<PageId> = pages.iter().copied().collect();
    let ranges = coalesce(&mut pages, segment_blocks);
    check(&ranges, &noted, segment_blocks);
    match ranges.len() {
        0 => "no range",
        1 => "one range",
        _ => "ranges",
    }
}

/// Compares ranges with the pages that they should be made of.
fn check(ranges: &[(PageId, u32)], noted: &BTreeSet<PageId>, segment_blocks: u32) {
    let mut covered = BTreeSet::new();
    for (first, count) in ranges {
        assert!(*count > 0);
        let last = first.block() + (count - 1);
        assert_eq!(first.block() / segment_blocks, last / segment_blocks, "one segment");
        for block in first.block()..=last {
            assert!(covered.insert(PageId::new(first.file(), block)), "once (K2)");
        }
    }
    assert_eq!(covered, *noted, "what was noted (K2), and nothing else (K3)");
    for pair in ranges.windows(2) {
        let [(first, count), (next, _)] = pair else { unreachable!("pairs") };
        let end = u64::from(first.block()) + u64::from(*count);
        let touches = first.file() == next.file() && end == u64::from(next.block());
        assert!(first < next, "ascending");
        assert!(!touches || next.block().is_multiple_of(segment_blocks), "could be joined");
    }
}

/// Input: steps, a byte that says how many pages, one for the first, one for the limit.
fn queue(mut data: &[u8]) -> Outcome {
    let disk = SimDisk::new();
    let files = files(&disk);
    let seen = watch(&disk);
    let (mut queue, mut pending) = (WritebackQueue::new(), BTreeSet::new());
    while !data.is_empty() {
        let [pages, first, limit] = take_array(&mut data);
        let first = u32::from(first) % (SEGMENTS * SEGMENT_BLOCKS);
        let pages = u32::from(pages % 8).min(SEGMENTS * SEGMENT_BLOCKS - first);
        let limit = u32::from(limit % 8) * PAGE_BYTES;
        let noted_before = pending.len();
        let page = PageId::new(FileId(1), first);
        queue.schedule(page, pages, limit, Writeback::Started, &files).expect("no fault");
        if limit > 0 {
            pending.extend(first..first + pages);
        }
        let taken = std::mem::take(&mut *seen.lock());
        if taken.is_empty() {
            let noted = noted_before as u64 * u64::from(PAGE_BYTES);
            assert!(noted < u64::from(limit) || pending.is_empty(), "more than the limit (K1)");
        } else {
            check(&taken, &as_pages(&std::mem::take(&mut pending)), SEGMENT_BLOCKS);
        }
    }
    queue.drain(Writeback::Waited, &files).expect("no fault");
    check(&seen.lock(), &as_pages(&pending), SEGMENT_BLOCKS);
    "a queue"
}

fn as_pages(blocks: &BTreeSet<u32>) -> BTreeSet<PageId> {
    blocks.iter().map(|block| PageId::new(FileId(1), *block)).collect()
}

/// One file, full of zeros.
fn files(disk: &SimDisk) -> Files {
    disk.create_dir(DATA_DIR).expect("no fault");
    let segment_bytes = SEGMENT_BLOCKS * PAGE_BYTES;
    for segment in 0..SEGMENTS {
        let path = format!("{DATA_DIR}/00000001.{segment}");
        disk.write_file(&path, &vec![0; segment_bytes as usize]);
    }
    let format =
        Format { page_bytes: PAGE_BYTES, data_segment_bytes: segment_bytes, ..Format::default() };
    let (disk, poison) = (Arc::new(disk.clone()), Arc::new(Poison::new()));
    Files::open(disk, &format, poison, &KnownFiles::default()).expect("a file")
}

/// The ranges that the disk is asked to write back.
fn watch(disk: &SimDisk) -> Arc<Mutex<Vec<(PageId, u32)>>> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    disk.set_observer(Some(Box::new(move |_, op| {
        assert!(matches!(op.kind, OpKind::Writeback | OpKind::WaitWriteback), "{op}");
        let (_, segment) = op.path.rsplit_once('.').expect("a segment");
        let segment: u32 = segment.parse().expect("a number");
        let block = segment * SEGMENT_BLOCKS + op.offset as u32 / PAGE_BYTES;
        let pages = op.len as u32 / PAGE_BYTES;
        noted.lock().push((PageId::new(FileId(1), block), pages));
    })));
    seen
}
