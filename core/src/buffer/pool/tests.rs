//! Tests of reads that fail, over a simulated disk.

use super::*;
use crate::config::Format;
use crate::disk::Disk;
use crate::page::FileId;
use crate::poison::Poison;
use crate::sim::{EIO, Fault, OpKind, SimDisk};
use crate::sync::atomic::{AtomicBool, Ordering};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

const PAGE_BYTES: usize = 512;
const FRAME: FrameId = FrameId(0);

/// A log that is always durable, and may panic when it is asked for its end.
#[derive(Default)]
struct Log {
    panics: AtomicBool,
}

impl DurableLog for Log {
    fn flush(&self, _: Lsn) -> Result<()> {
        Ok(())
    }

    fn end(&self) -> Lsn {
        assert!(!self.panics.load(Ordering::Relaxed), "as the test wants it");
        Lsn::ZERO
    }
}

struct Bed {
    disk: SimDisk,
    log: Arc<Log>,
    pool: Pool,
}

fn page(block: u32) -> PageId {
    PageId::new(FileId(1), block)
}

/// A pool over a file of four pages.
fn bed(frames: usize) -> Bed {
    let disk = SimDisk::new();
    disk.create_dir("data").unwrap();
    let image = |block| {
        let mut bytes = Page::zeroed(PAGE_BYTES);
        bytes.format(page(block));
        bytes.seal();
        bytes.bytes().to_vec()
    };
    disk.write_file("data/00000001.0", &(0..4).flat_map(image).collect::<Vec<_>>());
    let format = Format {
        page_bytes: PAGE_BYTES as u32,
        wal_block_bytes: 512,
        wal_segment_bytes: 4096,
        data_segment_bytes: 4096,
    };
    let shared = Arc::new(disk.clone()) as Arc<dyn Disk>;
    let files = Files::open(shared, &format, Arc::new(Poison::new()), &BTreeSet::new()).unwrap();
    let log = Arc::new(Log::default());
    let durable = Arc::clone(&log) as Arc<dyn DurableLog>;
    let syncs = Arc::new(SyncQueue::new(4));
    Bed { disk, log, pool: Pool::new(frames, PAGE_BYTES, Arc::new(files), durable, syncs) }
}

impl Bed {
    fn fail_reads(&self) {
        self.disk.fail_at(1, Fault::persistent(EIO).only(OpKind::Read));
    }

    fn error(&self, page: PageId) -> Error {
        self.pool.pin(page).map(drop).unwrap_err()
    }

    /// Whether the first frame's page is there, and whether its last I/O failed.
    fn is_valid_has_failed(&self) -> (bool, bool) {
        let word = self.pool.frame(FRAME).header.snapshot();
        (word.is_valid(), word.has_failed())
    }
}

#[test]
fn a_read_that_fails_names_its_page_path_offset_and_errno() {
    let bed = bed(1);
    bed.fail_reads();
    let error = bed.error(page(3));
    let expected = "read of page 1:3 in data/00000001.0 at offset 1536 failed: \
        Input/output error (os error 5)";
    assert_eq!(error.to_string(), expected);
    let Error::Io { op: "read", page: Some(failed), offset: 1536, source, .. } = error else {
        panic!("expected a failed read, got {error:?}");
    };
    assert_eq!((failed, source.raw_os_error()), (page(3), Some(EIO)));
}

#[test]
fn a_read_that_failed_is_tried_again_by_who_comes_later() {
    let bed = bed(1);
    bed.fail_reads();
    for attempt in 1..=2 {
        bed.error(page(0));
        assert_eq!(bed.is_valid_has_failed(), (false, true));
        assert_eq!(bed.disk.reads(), attempt);
        assert!(bed.pool.failures.of(FRAME).is_some());
    }
    bed.disk.clear_faults();
    assert_eq!(bed.pool.pin(page(0)).unwrap().read().page().id(), page(0));
    assert_eq!(bed.is_valid_has_failed(), (true, false));
    assert!(bed.pool.failures.of(FRAME).is_none());
}

#[test]
fn a_frame_that_is_given_to_another_page_has_no_error_of_the_last_one() {
    let bed = bed(1);
    bed.disk.fail_at(1, Fault::once(EIO).only(OpKind::Read));
    bed.error(page(0));
    drop(bed.pool.pin(page(1)).unwrap());
    assert_eq!(bed.is_valid_has_failed(), (true, false));
    assert!(bed.pool.failures.of(FRAME).is_none());
}

#[test]
fn a_page_whose_reader_panicked_is_read_again() {
    let bed = bed(1);
    bed.log.panics.store(true, Ordering::Relaxed);
    assert!(catch_unwind(AssertUnwindSafe(|| bed.pool.pin(page(0)).map(drop))).is_err());
    assert_eq!(bed.is_valid_has_failed(), (false, true));
    assert!(bed.pool.failures.of(FRAME).is_none(), "who waited has to try himself");
    bed.log.panics.store(false, Ordering::Relaxed);
    drop(bed.pool.pin(page(0)).unwrap());
}

#[test]
fn a_page_that_does_not_exist_costs_no_frame() {
    let bed = bed(1);
    drop(bed.pool.pin(page(0)).unwrap());
    let nowhere = PageId::new(FileId(2), 0);
    assert!(matches!(bed.error(nowhere), Error::NoSuchFile { file: FileId(2) }));
    assert!(matches!(bed.error(page(4)), Error::BeyondEnd { blocks: 4, .. }));
    assert_eq!(bed.pool.frame(FRAME).tag(), page(0));
    assert_eq!(bed.is_valid_has_failed(), (true, false));
}
