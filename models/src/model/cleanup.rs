//! Cleanup lock versus unpins: what somebody found in a page is there while he keeps his pin, and
//! who waits for the cleanup lock gets it.
//!
//! property   no cleanup between two looks under one pin; nobody is left asleep            (B3, B8)
//! code       buffer/guard.rs cleanup, buffer/state.rs ask_cleanup, end_cleanup_wait, unpin
//!            buffer/frame.rs unpin, wait_for_pins
//!            PostgreSQL: LockBufferForCleanup, UnpinBuffer
//! threads    2 (one cleans up; one comes, goes, comes again, looks twice, cleans up)
//! bounds     one page
//! cost       1,563 executions under dpor
//! broken by  an unpin that wakes nobody, or looks for waiters before it unpins; a waiter that
//!            sleeps without a look at the pins, or with the content lock, or ends so

use super::fixture::{Bed, page};
use super::seawall_core::buffer::Pin;
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, Loom, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "cleanup",
    property: "no cleanup while a page is in use, and who waits for it is woken",
    threads: 2,
    bounds: "one page, one cleanup each",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Nightly), (Loom, Nightly)],
    reach: &["cleaned before the look", "cleaned after the look"],
    outcomes: 2,
    run: scenario,
};

fn scenario() {
    let bed = Bed::new(1, 1);
    let mine = bed.pool.pin(page(0)).expect("a free frame");
    let theirs = bed.clone();
    let other = thread::spawn(move || {
        // Whom this wakes finds the next pin in the way.
        drop(theirs.pool.pin(page(0)).expect("it is there"));
        let (pin, found) = look_twice(theirs.pool.pin(page(0)).expect("it is there"));
        reach(if found == 0 { "cleaned after the look" } else { "cleaned before the look" });
        clean(pin)
    });
    let first = clean(mine);
    let second = other.join().expect("the other thread");
    assert_eq!(first + second, 1, "one cleanup did not see the other");
    outcome(format_args!("the main thread was first: {}", first == 0));
}

/// Finds something in the page and looks for it again under the same pin.
fn look_twice(pin: Pin<'_>) -> (Pin<'_>, u8) {
    let page = pin.read();
    let found = page[1];
    let page = page.unlock().read();
    assert_eq!(page[1], found, "the page was cleaned up under a pin");
    (page.unlock(), found)
}

/// Moves everything in the page; how often that was done before.
pub(super) fn clean(pin: Pin<'_>) -> u8 {
    let mut page = pin.cleanup();
    let before = page.page().body()[1];
    page.change().body_mut()[1] = before + 1;
    before
}
