//! A reader without a pin versus the read-in of its page: no bytes before they are there.
//!
//! property   who has the content lock of a page that is VALID has its bytes            (B7, B9)
//! code       buffer/pool.rs read_by_hint, buffer/read.rs fill
//! threads    2 (readers of the same page)    bounds  one page, two frames
//! cost       1,140 executions under dpor
//! broken by  a reader that does not look whether the page is there

use super::fixture::{Bed, page};
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, Loom, LoomBounded};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "read_filled",
    property: "who finds a page VALID under its content lock, without a pin, has its bytes",
    threads: 2,
    bounds: "one page, two frames",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (Loom, Nightly)],
    reach: &["both"],
    outcomes: 1,
    run: scenario,
};

fn scenario() {
    let bed = Bed::new(2, 1);
    let theirs = bed.clone();
    let other = thread::spawn(move || read(&theirs));
    read(&bed);
    other.join().expect("the other reader");
    let reads = bed.disk.reads();
    read(&bed);
    assert_eq!(bed.disk.reads(), reads, "the page was not kept");
    reach("both");
    outcome(format_args!("{reads} reads"));
}

/// Reads the page, and checks that it is that page.
fn read(bed: &Bed) {
    let read = bed.pool.read(page(0)).expect("there are frames");
    assert_eq!(read.page().id(), page(0), "the bytes are not there yet");
}
