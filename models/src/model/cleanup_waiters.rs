//! Two waiters for one cleanup lock: neither is in the other's way, and a pin that comes late is in
//! the way of both.
//!
//! property   both get the lock, one after the other, each with nobody else at the page     (B3, B8)
//! code       buffer/state.rs ask_cleanup, end_cleanup_wait, unpin
//!            PostgreSQL: "multiple processes attempting to wait for pincount 1", an error
//! threads    3 (a pin's owner, one cleans up, one looks twice and cleans up)   bounds  one page
//! cost       ? executions under dpor
//! broken by  a waiter whose pin the other waits for; a wait that ends without a look at the pins

use super::cleanup::{clean, look_twice};
use super::fixture::{Bed, page};
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, LoomRmw};
use crate::profile::Profile::{Ci, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "cleanup_waiters",
    property: "two wait for a cleanup lock and both get it, with nobody else at the page",
    threads: 3,
    bounds: "one page, two cleanups",
    searches: &[(Dpor, Quick), (LoomRmw, Ci)],
    reach: &["cleaned before the look", "cleaned after the look"],
    outcomes: 2,
    run: scenario,
};

fn scenario() {
    let bed = Bed::new(1, 1);
    let mine = bed.pool.pin(page(0)).expect("a free frame");
    let theirs = bed.clone();
    let cleaner = thread::spawn(move || clean(theirs.pool.pin(page(0)).expect("it is there")));
    let theirs = bed.clone();
    let looker = thread::spawn(move || {
        let (pin, found) = look_twice(theirs.pool.pin(page(0)).expect("it is there"));
        reach(if found == 0 { "cleaned after the look" } else { "cleaned before the look" });
        clean(pin)
    });
    drop(mine);
    let first = cleaner.join().expect("who cleans up");
    let second = looker.join().expect("who looks and cleans up");
    assert_eq!(first + second, 1, "one cleanup did not see the other");
    outcome(format_args!("who looks was first: {}", second == 0));
}
