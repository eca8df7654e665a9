//! Event: a waiter whose condition has come true is not left asleep.
//!
//! property   wait_until returns once its condition holds, whenever that happens       (B3, I4)
//! code       event.rs wait_until, notify_all      PostgreSQL: ConditionVariableSleep, -Broadcast
//! threads    3 (two waiters, notifier)    bounds  one change
//! cost       16 executions under dpor
//! broken by  notify_all that does not pass the gate

use super::seawall_core::event::Event;
use super::seawall_core::sync::atomic::{AtomicBool, Ordering};
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dfs, Dpor, Loom, LoomRmw};
use crate::profile::Profile::Quick;
use crate::record::{outcome, reach};
use crate::spec::Model;
use std::sync::Arc;

pub(super) const MODEL: Model = Model {
    name: "event",
    property: "a waiter whose condition came true is not left asleep",
    threads: 3,
    bounds: "one change",
    searches: &[(Dpor, Quick), (Dfs, Quick), (Loom, Quick), (LoomRmw, Quick)],
    reach: &["seen without sleep", "slept", "both slept"],
    outcomes: 4,
    run: scenario,
};

struct Shared {
    event: Event,
    flag: AtomicBool,
}

fn scenario() {
    let shared = Arc::new(Shared { event: Event::new(), flag: AtomicBool::new(false) });
    let theirs = shared.clone();
    let other = thread::spawn(move || waiter(&theirs));
    let theirs = shared.clone();
    let notifier = thread::spawn(move || {
        theirs.flag.store(true, Ordering::Release);
        theirs.event.notify_all();
    });

    let slept = [waiter(&shared), other.join().expect("the other waiter")];
    notifier.join().expect("the notifier");

    if slept == [true, true] {
        reach("both slept");
    }
    outcome(format_args!("slept {slept:?}"));
}

/// Waits for the flag; whether it had to sleep.
fn waiter(shared: &Shared) -> bool {
    let mut tests = 0;
    shared.event.wait_until(|| {
        tests += 1;
        shared.flag.load(Ordering::Acquire).then_some(())
    });
    reach(if tests == 1 { "seen without sleep" } else { "slept" });
    tests > 1
}
