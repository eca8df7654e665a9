//! A reader without a pin versus an eviction: the content lock keeps the page.
//!
//! property   who has a page's content lock has that page's bytes                    (B9, E4)
//! code       buffer/pool.rs read_by_hint, buffer/victim.rs vacate        PostgreSQL: none, there
//!            every reader has a pin
//! threads    2 (readers, each of its own page)    bounds  one frame, two pages, the first is there
//! cost       1,591 executions under dpor
//! broken by  an eviction past a reader; a reader that does not look which page it has locked

use super::fixture::{Bed, if_there_was_a_frame, page};
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, Loom, LoomBounded};
use crate::profile::Profile::{Ci, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "read_evict",
    property: "who has a page's content lock, without a pin, has that page's bytes",
    threads: 2,
    bounds: "one frame, two pages, the first is there",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (Loom, Ci)],
    reach: &["one after the other", "no frame for one of them"],
    outcomes: 3,
    run: scenario,
};

fn scenario() {
    let bed = Bed::new(1, 2);
    drop(bed.pool.pin(page(0)).expect("a free frame"));
    let theirs = bed.clone();
    let other = thread::spawn(move || is_read(&theirs, 1));
    let first = is_read(&bed, 0);
    let second = other.join().expect("the other reader");
    reach(if first && second { "one after the other" } else { "no frame for one of them" });
    outcome(format_args!("first {first}, second {second}"));
}

/// Reads a page, and checks that it is that page while it is locked and while it is pinned then;
/// whether there was a frame for it.
fn is_read(bed: &Bed, block: u32) -> bool {
    let Some(read) = if_there_was_a_frame(bed.pool.read(page(block))) else { return false };
    assert_eq!(read[0], block as u8, "the bytes are another page's");
    let pin = read.unlock();
    assert_eq!(pin.page(), page(block), "the page was evicted under the lock");
    true
}
