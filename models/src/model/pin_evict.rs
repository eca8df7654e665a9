//! Pin versus evict: whoever has a page pinned reads that page, whatever is evicted meanwhile.
//!
//! property   a pinned page stays in its frame; a page is in one frame                 (B1, E1, E4)
//! code       buffer/pool.rs pin, buffer/victim.rs      PostgreSQL: GetVictimBuffer, PinBuffer
//! threads    2 (reader of a cached page, reader of another)    bounds  one frame, two pages
//! cost       95 executions under dpor
//! broken by  retire that ignores pins; a frame that is taken for the right one without a look at
//!            its tag; a free frame that is pinned

use super::fixture::{Bed, page};
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, Loom, LoomBounded, LoomRmw};
use crate::profile::Profile::{Ci, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "pin_evict",
    property: "a pinned page stays in its frame",
    threads: 2,
    bounds: "one frame, two pages, one pin each",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Ci), (Loom, Ci)],
    reach: &["the other page evicted it", "no frame was free"],
    outcomes: 3,
    run: scenario,
};

fn scenario() {
    let bed = Bed::new(1, 2);
    drop(bed.pool.pin(page(0)).expect("a free frame"));
    let theirs = bed.clone();
    let other = thread::spawn(move || theirs.is_read(1));
    let cached = bed.is_read(0);
    let other = other.join().expect("the other reader");
    assert!(cached || other, "the one frame was free for nobody");
    reach(if other { "the other page evicted it" } else { "no frame was free" });
    outcome(format_args!("cached {cached}, other {other}: {}", bed.history()));
}
