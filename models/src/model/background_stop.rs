//! Stop versus sleep: the background writer that is woken finds the reason why.
//!
//! property   what was done before a wake is seen after it, so a writer that is told to stop ends
//! code       buffer/allocations.rs note, count            PostgreSQL: the bgwriter's latch
//! threads    2 (background writer; one that stops the store)
//! bounds     one frame, one wake
//! cost       6 executions under dpor
//! broken by  a wake that is seen before what was done before it

use super::fixture::Bed;
use super::seawall_core::sync::atomic::{AtomicBool, Ordering};
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, Loom, LoomRmw};
use crate::profile::Profile::Quick;
use crate::record::{outcome, reach};
use crate::spec::Model;
use std::sync::Arc;

pub(super) const MODEL: Model = Model {
    name: "background_stop",
    property: "a background writer that is told to stop and woken ends",
    threads: 2,
    bounds: "one frame, one wake",
    searches: &[(Dpor, Quick), (Loom, Quick), (LoomRmw, Quick)],
    reach: &["before its round", "after its round"],
    outcomes: 2,
    run: scenario,
};

fn scenario() {
    let bed = Bed::new(1, 1);
    let stop = Arc::new(AtomicBool::new(false));
    let (theirs, told, mut writer) = (bed.clone(), stop.clone(), bed.background_writer());
    let background = thread::spawn(move || {
        let mut rounds = 0;
        // Relaxed: as the loop of the store's thread, which rests on the wake.
        while !told.load(Ordering::Relaxed) {
            rounds += 1;
            if writer.round(&theirs.pool).expect("a good disk").is_idle {
                writer.sleep(&theirs.pool);
            }
        }
        rounds
    });

    stop.store(true, Ordering::Relaxed);
    bed.pool.wake_background_writer();
    let rounds = background.join().expect("the background writer");

    reach(if rounds == 0 { "before its round" } else { "after its round" });
    outcome(format_args!("{rounds} rounds"));
}
