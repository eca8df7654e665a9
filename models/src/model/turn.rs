//! Turn: of several threads that want the same work done, one does it and the others leave.
//!
//! property   the work is done once, never by two at a time, and everybody returns     (W7, I4)
//! code       turn.rs take_unless, drop of TurnGuard       PostgreSQL: LWLockAcquireOrWait
//! threads    2 (workers)      bounds  one piece of work  
//! cost       6 executions under dpor
//! broken by  a drop that wakes nobody; a waiter that takes the thing without testing again

use super::seawall_core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use super::seawall_core::sync::thread;
use super::seawall_core::turn::Turn;
use crate::engine::Engine::{Dfs, Dpor, Loom, LoomRmw};
use crate::profile::Profile::Quick;
use crate::record::{outcome, reach};
use crate::spec::Model;
use std::cell::Cell;
use std::sync::Arc;

pub(super) const MODEL: Model = Model {
    name: "turn",
    property: "the work is done once, by one at a time, and nobody is left asleep",
    threads: 2,
    bounds: "one piece of work",
    searches: &[(Dpor, Quick), (Dfs, Quick), (Loom, Quick), (LoomRmw, Quick)],
    reach: &["did it", "found it done", "waited and found it done"],
    outcomes: 2,
    run: scenario,
};

struct Shared {
    turn: Turn<u32>,
    done: AtomicBool,
    holders: AtomicUsize,
}

fn scenario() {
    let shared = Arc::new(Shared {
        turn: Turn::new(0),
        done: AtomicBool::new(false),
        holders: AtomicUsize::new(0),
    });
    let theirs = shared.clone();
    let second = thread::spawn(move || worker(&theirs));
    let first_did = worker(&shared);
    let second_did = second.join().expect("the second worker");

    assert!(shared.done.load(Ordering::Acquire), "both returned, nobody did the work");
    assert!(first_did != second_did, "the work was done twice");
    outcome(format_args!("done by the first: {first_did}"));
}

/// Does the work, or finds it done; whether it was this thread that did it.
fn worker(shared: &Shared) -> bool {
    let tests = Cell::new(0);
    let taken = shared.turn.take_unless(|| {
        tests.set(tests.get() + 1);
        shared.done.load(Ordering::Acquire)
    });
    let Some(mut count) = taken else {
        reach(if tests.get() == 1 { "found it done" } else { "waited and found it done" });
        return false;
    };
    assert_eq!(shared.holders.fetch_add(1, Ordering::Relaxed), 0, "two hold the turn");
    *count += 1;
    shared.done.store(true, Ordering::Release);
    shared.holders.fetch_sub(1, Ordering::Relaxed);
    reach("did it");
    true
}
