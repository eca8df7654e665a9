//! Scans and loads through a ring, on the simulated disk.

mod common;

use common::clean_store;
use seawall_core::buffer::{Access, Ring};
use seawall_core::engine::Engine;
use seawall_core::page::{FileId, PageId};
use seawall_core::sim::SimDisk;

/// Frames of the pool. An eighth of them is a ring.
const BUFFERS: u32 = 64;

/// Pages at the start of the file that are read again and again.
const HOT: u32 = 24;

/// Pages behind them, to be scanned: ten times the pool.
const SCANNED: std::ops::Range<u32> = HOT..HOT + 10 * BUFFERS;

struct Bed {
    disk: SimDisk,
    engine: Engine,
    file: FileId,
}

impl Bed {
    /// A store of clean pages, the hot ones resident, with room for everything in the log.
    fn new() -> Self {
        let (disk, engine, file) = clean_store(BUFFERS as usize, SCANNED.end);
        let bed = Self { disk, engine, file };
        for _ in 0..5 {
            bed.read_hot();
        }
        assert_eq!(bed.read_hot(), 0);
        bed
    }

    fn page(&self, block: u32) -> PageId {
        PageId::new(self.file, block)
    }

    /// Reads the hot pages; reads of the disk that it took.
    fn read_hot(&self) -> u64 {
        let before = self.disk.reads();
        (0..HOT).for_each(|block| drop(self.engine.read(self.page(block)).unwrap()));
        self.disk.reads() - before
    }

    /// Changes so many of the pages to be scanned; whether that took a sync of the log.
    fn change_through(&self, pages: u32, ring: &mut Ring) -> bool {
        let (.., before) = self.engine.wal_positions();
        for block in SCANNED.take(pages as usize) {
            let mut operation = self.engine.operation();
            operation.page_through(self.page(block), ring).unwrap().write(0, b"changed").unwrap();
            self.engine.commit_async(operation).unwrap();
        }
        self.engine.wal_positions().2 > before
    }
}

#[test]
fn a_scan_of_ten_times_the_pool_through_a_ring_leaves_the_hot_pages_where_they_are() {
    let bed = Bed::new();
    let (mut ring, before) = (bed.engine.ring(Access::BulkRead), bed.disk.reads());
    for block in SCANNED {
        drop(bed.engine.read_through(bed.page(block), &mut ring).unwrap());
    }
    assert!(bed.disk.reads() - before >= u64::from(9 * BUFFERS), "the scan read the disk");
    assert_eq!(bed.read_hot(), 0, "hot pages had to be read again");
}

#[test]
fn a_scan_that_loads_neighbours_reads_the_disk_once_for_as_many_as_a_segment_has() {
    let bed = Bed::new();
    let (mut ring, before) = (bed.engine.ring(Access::BulkRead), bed.disk.reads());
    for first in SCANNED.step_by(ring.frames()) {
        let blocks = ring.frames() as u32;
        bed.engine.load_through(bed.page(first), blocks, &mut ring).unwrap();
        for block in first..(first + blocks).min(SCANNED.end) {
            assert_eq!(bed.engine.read_through(bed.page(block), &mut ring).unwrap()[0], 0);
        }
    }
    let (reads, pages) = (bed.disk.reads() - before, SCANNED.len() as u64);
    // Some may have been there before.
    let expected = (pages - u64::from(BUFFERS)) / 2..=pages / 2;
    assert!(expected.contains(&reads), "{reads} reads of {pages} pages, two in a segment");
    assert_eq!(bed.read_hot(), 0, "hot pages had to be read again");
}

#[test]
fn a_load_that_begins_within_a_segment_reads_to_its_end_first() {
    let bed = Bed::new();
    let before = bed.disk.reads();
    assert_eq!(bed.engine.load(bed.page(HOT + 1), 4).unwrap(), 4);
    assert_eq!(bed.disk.reads() - before, 3, "one, two and one: segments have two pages");
}

#[test]
fn the_same_scan_without_a_ring_washes_the_hot_pages_out() {
    let bed = Bed::new();
    for block in SCANNED {
        drop(bed.engine.read(bed.page(block)).unwrap());
    }
    assert_eq!(bed.read_hot(), u64::from(HOT));
}

#[test]
fn a_page_that_others_want_leaves_the_ring_and_stays() {
    let bed = Bed::new();
    let mut ring = bed.engine.ring(Access::BulkRead);
    let wanted = bed.page(SCANNED.start);
    drop(bed.engine.read_through(wanted, &mut ring).unwrap());
    drop(bed.engine.read(wanted).unwrap());
    for block in SCANNED.skip(1).take(4 * ring.frames()) {
        drop(bed.engine.read_through(bed.page(block), &mut ring).unwrap());
    }
    let before = bed.disk.reads();
    drop(bed.engine.read(wanted).unwrap());
    assert_eq!(bed.disk.reads(), before);
}

#[test]
fn a_bulk_read_gives_a_frame_up_rather_than_sync_the_log_for_it() {
    let bed = Bed::new();
    let mut ring = bed.engine.ring(Access::BulkRead);
    let pages = 4 * ring.frames() as u32;
    assert!(!bed.change_through(pages, &mut ring), "the log was synced");

    let bed = Bed::new();
    assert!(bed.change_through(pages, &mut bed.engine.ring(Access::Maintenance)));
}

#[test]
fn a_bulk_read_uses_a_dirty_frame_again_if_its_log_is_durable() {
    let bed = Bed::new();
    let mut ring = bed.engine.ring(Access::BulkRead);
    let frames = ring.frames() as u32;
    bed.change_through(frames, &mut ring);
    bed.engine.wait_durable(bed.engine.wal_positions().0).unwrap();
    assert!(!bed.change_through(frames, &mut ring), "these pages are in the pool");
    bed.engine.wait_durable(bed.engine.wal_positions().0).unwrap();
    for block in SCANNED.skip(frames as usize).take(frames as usize) {
        drop(bed.engine.read_through(bed.page(block), &mut ring).unwrap());
    }
    let before = bed.disk.reads();
    for block in SCANNED.take(frames as usize) {
        drop(bed.engine.read(bed.page(block)).unwrap());
    }
    assert_eq!(bed.disk.reads() - before, u64::from(frames), "they were evicted");
}

#[test]
fn a_load_through_a_ring_leaves_the_hot_pages_where_they_are_and_loses_nothing() {
    let bed = Bed::new();
    let mut ring = bed.engine.ring(Access::BulkWrite);
    let first = bed.engine.extend_through(bed.file, 2 * BUFFERS, &mut ring).unwrap();
    for block in first..first + 2 * BUFFERS {
        let mut operation = bed.engine.operation();
        let mut page = operation.page_through(bed.page(block), &mut ring).unwrap();
        page.write(0, &block.to_le_bytes()).unwrap();
        bed.engine.commit_async(operation).unwrap();
    }
    assert_eq!(bed.read_hot(), 0);
    for block in first..first + 2 * BUFFERS {
        assert_eq!(bed.engine.read(bed.page(block)).unwrap()[..4], block.to_le_bytes());
    }
}
