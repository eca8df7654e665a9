//! Dirty versus evict: a page that is changed while it is written to be evicted keeps its change.
//!
//! property   what was changed is in the pool or on disk, whatever is evicted             (B6, E3)
//! code       buffer/victim.rs, buffer/state.rs retire
//!            PostgreSQL: GetVictimBuffer
//! threads    2 (evictor, writer)    bounds  two pages, one frame, one change
//! cost       150 executions under dpor
//! broken by  a retired page that is dirty again

use super::fixture::{Bed, page};
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "evict_dirty",
    property: "a page that is changed while it is evicted keeps its change",
    threads: 2,
    bounds: "two pages, one frame, one change",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Nightly)],
    reach: &["changed and stayed", "changed and evicted", "evicted, no frame for the change"],
    outcomes: 4,
    run: scenario,
};

fn scenario() {
    let bed = Bed::new(1, 2);
    assert!(bed.change(0, 1));
    let theirs = bed.clone();
    // Wants the frame, and writes the dirty page for it; in vain if the page is pinned.
    let evictor = thread::spawn(move || theirs.pool.pin(page(1)).is_ok());
    let changed = bed.change(0, 2);
    let evicted = evictor.join().expect("the evictor");

    let value = bed.pool.pin(page(0)).expect("nobody has a pin").read().page().body()[1];
    assert_eq!(value, 1 + u8::from(changed), "a change is lost");
    match (changed, evicted) {
        (true, false) => reach("changed and stayed"),
        (true, true) => reach("changed and evicted"),
        (false, _) => reach("evicted, no frame for the change"),
    }
    outcome(format_args!("changed {changed}, evicted {evicted}: {}", bed.history()));
}
