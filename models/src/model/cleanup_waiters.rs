//! Two waiters for one cleanup lock: neither is in the other's way.
//!
//! property   both get the lock, one after the other, each with nobody else at the page    (B3, B8)
//! code       buffer/state.rs ask_cleanup, end_cleanup_wait, unpin, buffer/frame.rs
//!            PostgreSQL: "multiple processes attempting to wait for pincount 1", an error
//! threads    3 (a pin's owner, two who clean up)    bounds  one page
//! cost       3,222 executions under dpor
//! broken by  a waiter whose pin the other waits for

use super::cleanup::clean;
use super::fixture::{Bed, page};
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "cleanup_waiters",
    property: "two wait for a cleanup lock and both get it, with nobody else at the page",
    threads: 3,
    bounds: "one page, two cleanups",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Nightly)],
    reach: &["in the order of their start", "in the other order"],
    outcomes: 2,
    run: scenario,
};

fn scenario() {
    let bed = Bed::new(1, 1);
    let mine = bed.pool.pin(page(0)).expect("a free frame");
    let theirs = bed.clone();
    let one = thread::spawn(move || clean(theirs.pool.pin(page(0)).expect("it is there")));
    let theirs = bed.clone();
    let other = thread::spawn(move || clean(theirs.pool.pin(page(0)).expect("it is there")));
    drop(mine);
    let first = one.join().expect("one of them");
    let second = other.join().expect("the other");
    assert_eq!(first + second, 1, "one cleanup did not see the other");
    reach(if first == 0 { "in the order of their start" } else { "in the other order" });
    outcome(format_args!("cleaned up before: {first}, {second}"));
}
