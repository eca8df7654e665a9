//! Tests of reads that fail, over a simulated disk.

use super::*;
use crate::buffer::bed::{BLOCKS, Bed, PAGE_BYTES, page};
use crate::buffer::{Access, FrameId};
use crate::lsn::Lsn;
use crate::page::FileId;
use crate::sim::{EIO, Fault, OpKind};
use crate::sync::atomic::Ordering;
use std::panic::{AssertUnwindSafe, catch_unwind};

const FRAME: FrameId = FrameId(0);

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
    let bed = Bed::new(1);
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
    let bed = Bed::new(1);
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
    let bed = Bed::new(1);
    bed.disk.fail_at(1, Fault::once(EIO).only(OpKind::Read));
    bed.error(page(0));
    drop(bed.pool.pin(page(1)).unwrap());
    assert_eq!(bed.is_valid_has_failed(), (true, false));
    assert!(bed.pool.failures.of(FRAME).is_none());
}

#[test]
fn a_page_whose_reader_panicked_is_read_again() {
    let bed = Bed::new(1);
    bed.log.panics.store(true, Ordering::Relaxed);
    assert!(catch_unwind(AssertUnwindSafe(|| bed.pool.pin(page(0)).map(drop))).is_err());
    assert_eq!(bed.is_valid_has_failed(), (false, true));
    assert!(bed.pool.failures.of(FRAME).is_none(), "who waited has to try himself");
    bed.log.panics.store(false, Ordering::Relaxed);
    drop(bed.pool.pin(page(0)).unwrap());
}

#[test]
fn a_page_that_does_not_exist_costs_no_frame() {
    let bed = Bed::new(1);
    drop(bed.pool.pin(page(0)).unwrap());
    let nowhere = PageId::new(FileId(2), 0);
    assert!(matches!(bed.error(nowhere), Error::NoSuchFile { file: FileId(2) }));
    assert!(matches!(bed.error(page(BLOCKS)), Error::BeyondEnd { blocks: BLOCKS, .. }));
    assert_eq!(bed.pool.frame(FRAME).tag(), page(0));
    assert_eq!(bed.is_valid_has_failed(), (true, false));
}

#[test]
fn a_page_that_is_newer_than_the_log_is_refused() {
    let bed = Bed::new(1);
    let mut newer = Page::zeroed(PAGE_BYTES);
    newer.format(page(0));
    newer.set_lsn(Lsn(8));
    newer.seal();
    let file = bed.files.get(page(0).file()).unwrap();
    bed.files.write_pages(&file, page(0), &[newer.bytes()]).unwrap();
    let error = bed.error(page(0));
    let Error::Page { fault: PageFault::NewerThanWal { lsn, end }, .. } = error else {
        panic!("expected a page that is newer than the log, got {error:?}");
    };
    assert_eq!((lsn, end), (Lsn(8), Lsn::ZERO));
}

#[test]
fn a_new_page_is_empty_whatever_was_in_its_frame() {
    let bed = Bed::new(1);
    bed.change(0, 1);
    let new = bed.pool.pin_new(page(1)).unwrap().read();
    assert_eq!((new.page().id(), new[0]), (page(1), 0));
}

#[test]
fn who_enters_a_page_after_somebody_else_has_a_pin_of_it() {
    let bed = Bed::new(4);
    let theirs = bed.pool.pin(page(0)).unwrap();
    let mut ring = Ring::new(Access::BulkRead, 4, PAGE_BYTES);
    for (ring, usage) in [(None, 2), (Some(&mut ring), 2)] {
        let entered = bed.pool.enter(page(0), ring, Origin::Disk).unwrap();
        let Entered::Present(ours) = entered else { panic!("it is there") };
        let word = theirs.frame().header.snapshot();
        assert_eq!((ours.id(), word.pins(), word.usage()), (theirs.id(), 2, usage));
    }
    assert_eq!(theirs.frame().header.snapshot().pins(), 1);
}

#[test]
fn who_waited_for_a_read_that_failed_has_its_error_unless_he_needs_no_bytes() {
    let bed = Bed::new(1);
    bed.disk.fail_at(1, Fault::once(EIO).only(OpKind::Read));
    bed.error(page(0));
    let pin = bed.pool.find(page(0), Header::pin_if_tagged).expect("it is in the table").0;
    assert!(matches!(bed.pool.wait_for_read(&pin, Origin::Disk), Err(Error::Io { .. })));
    bed.pool.wait_for_read(&pin, Origin::Nowhere).unwrap();
    bed.pool.failures.forget(pin.id());
    bed.pool.wait_for_read(&pin, Origin::Disk).unwrap();
}
