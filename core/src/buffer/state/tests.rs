//! Tests of the edges: one by one, and those for cleanup locks together.

mod edges;

use super::word::{PINS_MASK, USAGE_MAX};
use super::*;

/// A header with so many pins, of which the last so many are waiters'.
fn header(pins: u64, waiters: u64) -> Header {
    let header = Header::new();
    for _ in 0..pins {
        header.pin();
    }
    for _ in 0..waiters {
        assert_eq!(header.ask_cleanup(), AskCleanup::Waiting);
    }
    header
}

fn counts(header: &Header) -> (u64, u64) {
    (header.snapshot().pins(), header.snapshot().waiters())
}

#[test]
fn the_only_pin_gets_the_cleanup_lock_and_becomes_no_waiter() {
    let header = header(1, 0);
    assert_eq!(header.ask_cleanup(), AskCleanup::Granted);
    assert_eq!(counts(&header), (1, 0));
    assert_eq!(header.unpin(), Unpinned::Quietly);
}

#[test]
fn a_pin_among_others_becomes_a_waiter_s() {
    assert_eq!(counts(&header(2, 1)), (2, 1));
}

#[test]
fn a_waiter_is_in_nobody_s_way() {
    let header = header(2, 1);
    assert_eq!(header.ask_cleanup(), AskCleanup::Granted);
    assert_eq!(counts(&header), (2, 1));
}

#[test]
fn an_unpin_wakes_only_if_the_page_is_left_to_the_waiters() {
    let header = header(4, 2);
    assert_eq!(header.unpin(), Unpinned::Quietly);
    assert!(!header.snapshot().is_left_to_waiters());
    assert_eq!(header.unpin(), Unpinned::LeftToWaiters);
    assert!(header.snapshot().is_left_to_waiters());
}

#[test]
fn of_two_waiters_that_are_left_one_has_the_lock_until_its_unpin_wakes_the_other() {
    let header = header(3, 2);
    assert!(!header.end_cleanup_wait(), "somebody else has a pin");
    assert_eq!(header.unpin(), Unpinned::LeftToWaiters);
    assert!(header.end_cleanup_wait());
    assert_eq!(counts(&header), (2, 1));
    assert!(!header.end_cleanup_wait(), "the first has the lock");
    assert_eq!(header.unpin(), Unpinned::LeftToWaiters);
    assert!(header.end_cleanup_wait());
    assert_eq!(header.unpin(), Unpinned::Quietly);
    assert_eq!(counts(&header), (0, 0));
}

#[test]
fn a_late_pin_keeps_the_waiter_waiting() {
    let header = header(2, 1);
    assert_eq!(header.unpin(), Unpinned::LeftToWaiters);
    header.pin();
    assert!(!header.end_cleanup_wait());
    assert_eq!(header.unpin(), Unpinned::LeftToWaiters);
    assert!(header.end_cleanup_wait());
}

#[test]
fn a_frame_with_a_waiter_is_not_swept_and_not_retired() {
    let header = header(2, 1);
    let _ = header.unpin();
    assert_eq!(header.claim(), Sweep::InUse);
    header.pin();
    assert!(!header.retire());
}

#[test]
fn as_many_can_wait_as_can_have_a_pin_and_no_flag_is_touched() {
    let flags = VALID | TAG_VALID | DIRTY | JUST_DIRTIED | IO_IN_PROGRESS | IO_ERROR;
    let flags = flags | CHECKPOINT_NEEDED | PERMANENT | OUTSIDE | USAGE_MAX;
    let header = Header { word: AtomicU64::new(flags | PINS_MASK | ((PINS_MASK - 2) * WAITER)) };
    assert_eq!(header.ask_cleanup(), AskCleanup::Waiting);
    assert_eq!(header.unpin(), Unpinned::LeftToWaiters);
    assert!(header.end_cleanup_wait());
    assert_eq!(counts(&header), (PINS_MASK - 1, PINS_MASK - 2));
    assert_eq!(header.snapshot().0 & (WAITER - 1) & !PINS_MASK, flags);
}
