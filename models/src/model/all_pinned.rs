//! Everything pinned: who wants a page has one if a pin is given back in time, else an error.
//!
//! property   the sweep ends: with a frame that nobody has pinned, or with an error        (E5, B1)
//! code       buffer/clock.rs claim, buffer/victim.rs        PostgreSQL: StrategyGetBuffer
//! threads    2 (one gives a pin back, one wants a frame)
//! bounds     two frames, of which one stays pinned, three pages
//! cost       3 executions under dpor
//! broken by  a sweep that does not count the frames that it finds pinned

use super::fixture::{Bed, page};
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, Loom, LoomRmw};
use crate::profile::Profile::Quick;
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "all_pinned",
    property: "with everything pinned the sweep ends, and with a pin given back in time in a frame",
    threads: 2,
    bounds: "two frames, of which one stays pinned, three pages",
    searches: &[(Dpor, Quick), (LoomRmw, Quick), (Loom, Quick)],
    reach: &["in time", "too early for the pin to be back"],
    outcomes: 2,
    run: scenario,
};

fn scenario() {
    let bed = Bed::new(2, 3);
    let kept = bed.pool.pin(page(0)).expect("a free frame");
    let lent = bed.pool.pin(page(1)).expect("another free frame");
    let theirs = bed.clone();
    let other = thread::spawn(move || theirs.is_read(2));
    drop(lent);
    let others = other.join().expect("the other");

    assert_eq!(kept.read().page().id(), page(0), "a pinned page was evicted");
    assert!(bed.is_read(1), "a frame is free, and not to be had");
    reach(if others { "in time" } else { "too early for the pin to be back" });
    outcome(format_args!("read {others}"));
}
