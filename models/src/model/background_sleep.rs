//! Sleep versus allocation: the background writer does not sleep through an allocation that it has
//! not counted.
//!
//! property   it counts every allocation, and every wake that poses as one              (B3)
//! code       buffer/allocations.rs, buffer/background.rs    PostgreSQL: StrategyNotifyBgWriter
//! threads    2 (background writer; one that allocates, then stops the store)
//! bounds     one frame, one allocation, one wake
//! cost       426 executions under dpor
//! broken by  a flag that is looked for before the allocation is counted, or cleared after; an
//!            allocation that wakes nobody; a sleep that does not look at the count

use super::fixture::{Bed, page};
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, Loom, LoomBounded, LoomRmw};
use crate::profile::Profile::{Ci, Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "background_sleep",
    property: "the background writer sleeps through no allocation",
    threads: 2,
    bounds: "one frame, one allocation, one wake",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Ci), (Loom, Nightly)],
    reach: &["was never idle", "was idle once", "was idle twice"],
    outcomes: 5,
    run: scenario,
};

fn scenario() {
    let bed = Bed::new(1, 1);
    let (theirs, mut writer) = (bed.clone(), bed.background_writer());
    let background = thread::spawn(move || {
        let (mut counted, mut idle) = (Vec::new(), 0);
        while counted.iter().sum::<u64>() < 2 {
            let round = writer.round(&theirs.pool).expect("a good disk");
            if round.is_idle {
                idle += 1;
                writer.sleep(&theirs.pool);
            } else {
                counted.push(round.allocated);
            }
        }
        (counted, idle)
    });

    drop(bed.pool.pin(page(0)).expect("a free frame"));
    bed.pool.wake_background_writer();
    let (counted, idle) = background.join().expect("the background writer");

    reach(["was never idle", "was idle once", "was idle twice"][idle]);
    outcome(format_args!("counted {counted:?}, idle {idle} times"));
}
