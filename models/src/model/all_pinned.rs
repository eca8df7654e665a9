//! Everything pinned: who wants a page has one if a pin is given back in time, else an error.
//!
//! property   the sweep ends: with a frame that nobody has pinned, or with an error        (E5, B1)
//! code       buffer/clock.rs claim, buffer/victim.rs        PostgreSQL: StrategyGetBuffer
//! threads    2 (both want a frame; one has given a pin back)
//! bounds     two frames, of which one stays pinned, four pages
//! cost       ? executions under dpor
//! broken by  a sweep that does not count the frames that it finds pinned

use super::fixture::{Bed, page};
use super::seawall_core::error::Error;
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, LoomBounded, LoomRmw};
use crate::profile::Profile::{Ci, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "all_pinned",
    property: "with everything pinned the sweep ends, and with a pin given back in time in a frame",
    threads: 2,
    bounds: "two frames, of which one stays pinned, four pages",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Ci)],
    reach: &["one after the other", "too early for the pin to be back", "the other was faster"],
    outcomes: 3,
    run: scenario,
};

fn scenario() {
    let bed = Bed::new(2, 4);
    let kept = bed.pool.pin(page(0)).expect("a free frame");
    let lent = bed.pool.pin(page(1)).expect("another free frame");
    let theirs = bed.clone();
    let other = thread::spawn(move || is_read(&theirs, 2));
    drop(lent);
    let mine = is_read(&bed, 3);
    let others = other.join().expect("the other reader");

    assert_eq!(kept.read().page().id(), page(0), "a pinned page was evicted");
    assert!(mine || others, "the frame that was given back was free for nobody");
    assert!(is_read(&bed, 1), "a frame is free, and not to be had");
    reach(match (mine, others) {
        (true, true) => "one after the other",
        (_, false) => "too early for the pin to be back",
        _ => "the other was faster",
    });
    outcome(format_args!("mine {mine}, others {others}"));
}

/// Reads a page, and checks that it is that page; whether there was a frame for it.
fn is_read(bed: &Bed, block: u32) -> bool {
    match bed.pool.pin(page(block)) {
        Ok(pin) => {
            assert_eq!(pin.read().page().id(), page(block), "the bytes are another page's");
            true
        }
        Err(Error::NoUnpinnedBuffers { .. }) => false,
        Err(error) => panic!("{error}"),
    }
}
