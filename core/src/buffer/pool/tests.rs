//! Tests of how a page is found that is there.

use super::*;
use crate::buffer::bed::{Bed, page};
use crate::error::Error;
use crate::sim::{EIO, Fault, OpKind};

/// A pool whose first frame holds page 0.
fn bed() -> Bed {
    let bed = Bed::new(4);
    drop(bed.pool.pin(page(0)).unwrap());
    bed
}

impl Bed {
    fn usage(&self) -> u64 {
        self.header(0).snapshot().usage()
    }
}

#[test]
fn a_page_that_is_there_is_read_without_a_pin_and_counts_as_used() {
    let bed = bed();
    let (usage, reads) = (bed.usage(), bed.disk.reads());
    let read = bed.pool.read_by_hint(page(0)).expect("it is there");
    assert_eq!((read.page().id(), bed.header(0).snapshot().pins()), (page(0), 0));
    drop(read);
    assert_eq!((bed.usage(), bed.disk.reads()), (usage + 1, reads));
    drop(bed.pool.read(page(0)).unwrap());
    assert_eq!(bed.usage(), usage + 2, "by the same way");
}

#[test]
fn a_page_is_not_read_by_a_hint_if_the_frame_holds_another_one() {
    let bed = bed();
    let tag = |id| bed.pool.frame(id).tag();
    bed.pool.table.insert(page(1), FrameId(0), tag, || (), |_| ()).unwrap();
    assert!(bed.pool.read_by_hint(page(1)).is_none());
    assert!(bed.pool.find(page(1), Header::pin_if_tagged).is_none());
    assert_eq!(bed.header(0).snapshot().pins(), 0);
}

#[test]
fn a_page_that_is_locked_exclusively_is_not_read_by_a_hint() {
    let bed = bed();
    let locked = bed.pool.pin(page(0)).unwrap().write();
    assert!(bed.pool.read_by_hint(page(0)).is_none());
    drop(locked);
    assert!(bed.pool.read_by_hint(page(0)).is_some());
}

#[test]
fn a_page_whose_read_has_failed_is_not_read_by_a_hint() {
    let bed = Bed::new(4);
    bed.disk.fail_at(1, Fault::once(EIO).only(OpKind::Read));
    assert!(bed.pool.read(page(0)).is_err());
    assert!(bed.pool.read_by_hint(page(0)).is_none());
    assert_eq!(bed.pool.read(page(0)).unwrap().page().id(), page(0));
}

#[test]
fn a_ring_of_a_larger_pool_names_no_frame_that_there_is_not() {
    let bed = Bed::new(4);
    let mut ring = Ring::new(crate::buffer::Access::Maintenance, 8, 512);
    for frame in [4, 7, u32::MAX] {
        ring.replace(FrameId(frame));
        drop(bed.pool.pin_through(page(frame % 8), Some(&mut ring)).unwrap());
    }
}

#[test]
fn a_page_outside_of_its_file_is_refused_on_every_way() {
    let bed = bed();
    bed.pool.put_outside(page(0).file(), &(0..1));
    assert!(bed.pool.read_by_hint(page(0)).is_none());
    let mut ring = Ring::new(crate::buffer::Access::BulkRead, 4, 512);
    for read in [bed.pool.read(page(0)), bed.pool.read_through(page(0), Some(&mut ring))] {
        let refused = read.map(drop);
        assert!(matches!(refused, Err(Error::BeyondEnd { .. })), "{refused:?}");
    }
    assert_eq!(bed.header(0).snapshot().pins(), 0);
}
