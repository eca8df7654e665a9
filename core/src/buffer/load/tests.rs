//! Tests of reads of several pages, over a file of eight.

use super::*;
use crate::buffer::bed::{BLOCKS, Bed, PAGE_BYTES, page};
use crate::buffer::{Access, Pin};
use crate::error::{Error, PageFault};
use crate::page::Page;
use crate::sim::{EIO, Fault, OpKind};

/// Room for a run of the whole file.
const AMPLE: usize = 4 * BLOCKS as usize;

/// Loads, and returns with the pages that were read the reads of the disk that it took.
fn load(bed: &Bed, first: u32, blocks: u32) -> (u32, u64) {
    let before = bed.disk.reads();
    let read = bed.pool.load(page(first), blocks, None).unwrap();
    (read, bed.disk.reads() - before)
}

fn are_there(bed: &Bed, blocks: impl IntoIterator<Item = u32>) -> bool {
    let before = bed.disk.reads();
    for block in blocks {
        assert_eq!(bed.pool.pin(page(block)).unwrap().read().page().id(), page(block));
    }
    bed.disk.reads() == before
}

#[test]
fn missing_neighbours_are_read_at_once_and_not_again() {
    let bed = Bed::new(AMPLE);
    assert_eq!(load(&bed, 0, BLOCKS), (BLOCKS, 1));
    assert_eq!(load(&bed, 0, BLOCKS), (0, 0));
    assert!(are_there(&bed, 0..BLOCKS));
}

#[test]
fn a_page_that_is_there_or_is_being_read_by_somebody_else_ends_a_run() {
    let bed = Bed::new(AMPLE);
    drop(bed.pool.pin(page(3)).unwrap());
    assert_eq!(load(&bed, 0, BLOCKS), (BLOCKS - 1, 2));

    let bed = Bed::new(AMPLE);
    let Ok(Entered::ToBeFilled(theirs)) = bed.pool.enter(page(3), None, Origin::Disk) else {
        panic!("nobody reads it");
    };
    assert_eq!(load(&bed, 0, BLOCKS), (BLOCKS - 1, 2), "they are waited for");
    drop(bed.pool.fill(theirs, Origin::Disk).unwrap());
    assert!(are_there(&bed, 0..BLOCKS));
}

#[test]
fn a_run_takes_a_quarter_of_the_pool_at_most_or_a_ring() {
    let bed = Bed::new(BLOCKS as usize);
    assert_eq!(load(&bed, 0, BLOCKS), (BLOCKS, 4));

    let bed = Bed::new(AMPLE);
    let mut ring = Ring::new(Access::BulkRead, AMPLE, PAGE_BYTES);
    assert_eq!(ring.frames(), 4);
    assert_eq!(bed.pool.load(page(0), BLOCKS, Some(&mut ring)).unwrap(), BLOCKS);
    assert_eq!(bed.disk.reads(), 2);
    assert!(are_there(&bed, 4..BLOCKS));
    assert!(!are_there(&bed, 0..4), "the ring's frames were used again");
}

#[test]
fn no_more_is_loaded_than_there_is() {
    let bed = Bed::new(AMPLE);
    assert_eq!(load(&bed, 5, u32::MAX), (3, 1));
    assert_eq!(load(&bed, 0, 0), (0, 0));
    let beyond = bed.pool.load(page(BLOCKS), 1, None).unwrap_err();
    assert!(matches!(beyond, Error::BeyondEnd { blocks: BLOCKS, .. }), "{beyond}");
}

#[test]
fn with_everything_pinned_what_fits_is_loaded_and_the_rest_is_an_error() {
    let bed = Bed::new(8);
    let pinned: Vec<Pin<'_>> = (0..7).map(|block| bed.pool.pin(page(block)).unwrap()).collect();
    assert_eq!(load(&bed, 0, BLOCKS), (1, 1));
    let all = bed.pool.pin(page(7)).unwrap();
    assert_eq!(load(&bed, 0, BLOCKS), (0, 0));
    drop(all);
    drop(pinned);

    let bed = Bed::new(1);
    let pinned = bed.pool.pin(page(0)).unwrap();
    let error = bed.pool.load(page(0), 2, None).unwrap_err();
    assert!(matches!(error, Error::NoUnpinnedBuffers { buffers: 1 }), "{error}");
    drop(pinned);
}

#[test]
fn where_the_frames_give_out_what_has_some_is_read_and_the_rest_begins_anew() {
    let bed = Bed::new(8);
    let pinned: Vec<Pin<'_>> = (2..8).map(|block| bed.pool.pin(page(block)).unwrap()).collect();
    let elsewhere = bed.pool.pin_new(page(BLOCKS)).unwrap();
    assert_eq!(load(&bed, 0, 2), (2, 2), "page 1 in the frame of page 0");
    assert!(are_there(&bed, [1]));
    drop((pinned, elsewhere));
}

#[test]
fn a_damaged_page_keeps_its_neighbours_from_nobody() {
    let bed = Bed::new(AMPLE);
    let mut unsealed = Page::zeroed(PAGE_BYTES);
    unsealed.format(page(2));
    let file = bed.files.get(page(2).file()).unwrap();
    bed.files.write_pages(&file, page(2), &[unsealed.bytes()]).unwrap();
    let error = bed.pool.load(page(0), BLOCKS, None).unwrap_err();
    let Error::Page { page: damaged, fault: PageFault::Checksum { .. } } = error else {
        panic!("expected a damaged page, got {error:?}");
    };
    assert_eq!(damaged, page(2));
    assert!(are_there(&bed, [0, 1, 3, 4, 5, 6, 7]));
    assert_eq!(load(&bed, 0, BLOCKS), (0, 0), "it is left to whoever wants it");
    assert!(bed.pool.pin(page(2)).is_err());
}

#[test]
fn where_the_read_of_a_run_fails_each_page_is_read_alone() {
    let bed = Bed::new(AMPLE);
    bed.disk.fail_at(1, Fault::once(EIO).only(OpKind::Read));
    assert_eq!(load(&bed, 0, BLOCKS), (BLOCKS, 1 + u64::from(BLOCKS)));
    assert!(are_there(&bed, 0..BLOCKS));

    let bed = Bed::new(AMPLE);
    bed.disk.fail_at(1, Fault::persistent(EIO).only(OpKind::Read));
    let error = bed.pool.load(page(0), BLOCKS, None).unwrap_err();
    assert!(matches!(error, Error::Io { page: Some(failed), .. } if failed == page(0)), "{error}");
    bed.disk.clear_faults();
    assert!(!are_there(&bed, 0..BLOCKS), "what could not be read was");
}

#[test]
fn pages_to_be_read_soon_are_named_to_the_disk_in_as_few_ranges_as_there_are() {
    let bed = Bed::new(AMPLE);
    drop(bed.pool.pin(page(6)).unwrap());
    let elsewhere = PageId::new(crate::page::FileId(9), 0);
    let pages = [page(5), page(1), page(0), page(6), page(BLOCKS), page(1), elsewhere];
    bed.pool.prefetch(&pages).unwrap();
    assert_eq!(bed.disk.prefetches(), 2, "pages 0 and 1, and page 5");
    bed.pool.prefetch(&[page(6)]).unwrap();
    bed.files.get(page(7).file()).unwrap().shorten_to(7);
    bed.pool.prefetch(&[page(7)]).unwrap();
    assert_eq!(bed.disk.prefetches(), 2);
}
