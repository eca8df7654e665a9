//! Tests of rounds, over a small pool whose pages are all dirty.

use super::*;
use crate::buffer::bed::{BLOCKS, Bed, count, page};
use crate::buffer::state::Sweep;
use crate::error::Error;
use crate::sim::{EIO, Fault, OpKind};
use crate::sync::atomic::Ordering;
use std::time::Duration;

const FRAMES: u32 = BLOCKS / 2;

/// A pool whose frame `n` holds page `n`, changed, not used since the sweep passed. The rounds are
/// so slow that each looks for one frame at least.
fn bed() -> Bed {
    let bed = Bed::new(FRAMES as usize);
    bed.configure(|config| config.background_writer_delay = Duration::from_secs(120));
    for block in 0..FRAMES {
        bed.change(block, 1);
        assert_eq!(bed.header(block).sweep(), Sweep::Aged);
    }
    bed
}

/// The frames whose pages are dirty.
fn dirty(bed: &Bed) -> Vec<u32> {
    (0..FRAMES).filter(|frame| bed.header(*frame).snapshot().is_dirty()).collect()
}

#[test]
fn pages_that_are_about_to_be_evicted_are_written_and_evicted_without_a_write() {
    let bed = bed();
    let round = BackgroundWriter::new(&bed.pool).round(&bed.pool).unwrap();
    assert_eq!(round, Round { allocated: 0, looked_at: 4, written: 4, is_idle: true });
    let before = bed.disk.operations();
    (FRAMES..2 * FRAMES).for_each(|block| drop(bed.pool.pin(page(block)).unwrap()));
    assert_eq!(bed.disk.operations(), before);
}

#[test]
fn a_page_that_is_pinned_or_locked_or_was_used_is_left_alone() {
    let bed = bed();
    let (pinned, locked) = (bed.pool.pin(page(0)).unwrap(), bed.pool.pin(page(1)).unwrap().write());
    drop(bed.pool.pin(page(2)).unwrap());
    let mut writer = BackgroundWriter::new(&bed.pool);
    let round = writer.round(&bed.pool).unwrap();
    assert_eq!((round.looked_at, round.written), (4, 1));
    assert_eq!(dirty(&bed), [0, 1, 2]);
    drop((pinned, locked));
}

#[test]
fn a_round_writes_as_many_pages_as_it_may_and_the_next_one_goes_on_behind_them() {
    let bed = bed();
    let mut writer = BackgroundWriter::new(&bed.pool);
    bed.configure(|config| config.background_writer_max_pages = 3);
    assert_eq!(writer.round(&bed.pool).unwrap().written, 3);
    assert_eq!(bed.pool.stats().background_rounds_cut, 1);
    assert_eq!(dirty(&bed), [3]);
    bed.configure(|config| config.background_writer_max_pages = 100);
    assert!(writer.round(&bed.pool).unwrap().is_idle);
    assert_eq!(dirty(&bed), []);
    assert_eq!(bed.pool.stats().background_rounds_cut, 1);
}

#[test]
fn a_page_that_cannot_be_written_stays_dirty_and_the_next_round_goes_on_behind_it() {
    let bed = bed();
    let mut writer = BackgroundWriter::new(&bed.pool);
    bed.disk.fail_at(2, Fault::once(EIO));
    assert!(matches!(writer.round(&bed.pool), Err(Error::Io { op: "write", .. })));
    assert_eq!(dirty(&bed), [1, 2, 3]);
    assert_eq!(writer.round(&bed.pool).unwrap().written, 2);
    assert_eq!(dirty(&bed), [1]);
    let word = bed.header(1).snapshot();
    assert_eq!((word.pins(), word.has_io(), word.has_failed()), (0, false, true));
}

#[test]
fn writeback_starts_when_there_is_enough_and_before_the_writer_rests() {
    for (max_pages, flush_after_bytes, expected) in
        [(100, 0, 0), (100, 1024, 2), (100, 1536, 2), (100, 2 << 20, 1), (3, 2 << 20, 0)]
    {
        let bed = bed();
        bed.configure(|config| config.background_writer_max_pages = max_pages);
        let writebacks = count(&bed.disk, OpKind::Writeback);
        bed.configure(|config| config.background_writer_flush_after_bytes = flush_after_bytes);
        let round = BackgroundWriter::new(&bed.pool).round(&bed.pool).unwrap();
        assert_eq!(round.is_idle, max_pages > FRAMES);
        assert_eq!(writebacks.load(Ordering::Relaxed), expected, "{flush_after_bytes}");
    }
}

#[test]
fn sleep_ends_with_the_next_allocation_or_with_a_wake() {
    let bed = bed();
    let mut writer = BackgroundWriter::new(&bed.pool);
    assert!(writer.round(&bed.pool).unwrap().is_idle);
    std::thread::scope(|scope| {
        scope.spawn(|| writer.sleep(&bed.pool));
        drop(bed.pool.pin(page(FRAMES)).unwrap());
    });
    // Not counted yet, so there is no sleep.
    writer.sleep(&bed.pool);
    assert!(!writer.round(&bed.pool).unwrap().is_idle);
    std::thread::scope(|scope| {
        scope.spawn(|| writer.sleep(&bed.pool));
        drop(bed.pool.pin(page(FRAMES)).unwrap());
        bed.pool.wake_background_writer();
    });
}
