//! Cleanup after pins: whoever has the cleanup lock comes after everything that was done under the
//! pins that are gone, in a page or elsewhere.
//!
//! property   what was noted under a pin is seen under the cleanup lock that it was in the way of
//! code       buffer/guard.rs cleanup, try_cleanup, buffer/state.rs unpin, ask_cleanup, snapshot
//!            PostgreSQL: UnpinBuffer, LockBufferForCleanup
//! threads    2 (one has a pin, and no lock; one cleans up)
//! bounds     one page, one cleanup
//! cost       6 executions under dpor
//! broken by  an unpin, or a look at the pins, that orders nothing

use super::fixture::{Bed, page};
use super::seawall_core::sync::atomic::{AtomicBool, Ordering};
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, Loom, LoomRmw};
use crate::profile::Profile::Quick;
use crate::record::{outcome, reach};
use crate::spec::Model;
use std::sync::Arc;

pub(super) const MODEL: Model = Model {
    name: "cleanup_after",
    property: "who has the cleanup lock sees what was done under the pins that are gone",
    threads: 2,
    bounds: "one page, one cleanup",
    searches: &[(Dpor, Quick), (Loom, Quick), (LoomRmw, Quick)],
    reach: &["at once", "later"],
    outcomes: 2,
    run: scenario,
};

fn scenario() {
    let bed = Bed::new(1, 1);
    let pin = bed.pool.pin(page(0)).expect("a free frame");
    let noted = Arc::new(AtomicBool::new(false));
    let (theirs, seen) = (bed.clone(), noted.clone());
    let cleaner = thread::spawn(move || {
        let (is_first_try, page) =
            match theirs.pool.pin(page(0)).expect("it is there").try_cleanup() {
                Ok(page) => (true, page),
                Err(pin) => (false, pin.cleanup()),
            };
        // Relaxed, here and below: it is the pin that orders them.
        assert!(seen.load(Ordering::Relaxed), "cleaned up before the pin was used");
        drop(page);
        is_first_try
    });

    noted.store(true, Ordering::Relaxed);
    drop(pin);
    let is_first_try = cleaner.join().expect("the cleaner");

    reach(if is_first_try { "at once" } else { "later" });
    outcome(format_args!("at once: {is_first_try}"));
}
