//! Read-in: two threads that miss the same page make one read, and both get the page.
//!
//! property   one read of the disk, both see the bytes, one frame holds the page       (I1, B7, E1)
//! code       buffer/read.rs enter, fill, buffer/frame.rs wait_for_read
//!            PostgreSQL: BufferAlloc, StartBufferIO, WaitIO
//! threads    2 (readers)    bounds  one page, two frames
//! cost       356 executions under dpor
//! broken by  begin_read that ignores IO_IN_PROGRESS; an insert that does not look first; an I/O
//!            that ends without waking those who wait

use super::fixture::{Bed, page};
use super::seawall_core::buffer::Marked;
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, Loom, LoomBounded};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "read_in",
    property: "two threads that miss a page make one read, and both get it",
    threads: 2,
    bounds: "one page, two frames",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (Loom, Nightly)],
    reach: &["in the first frame", "in the second frame"],
    outcomes: 2,
    run: scenario,
};

fn scenario() {
    let bed = Bed::new(2, 1);
    let reads_before = bed.disk.reads();
    let theirs = bed.clone();
    let other = thread::spawn(move || read(&theirs));
    read(&bed);
    other.join().expect("the other reader");
    assert_eq!(bed.disk.reads() - reads_before, 1, "the page was read twice");
    drop(bed.pool.pin(page(0)).expect("it is there"));
    assert!(bed.change(0, 1));
    let dirty = bed.pool.mark_dirty_pages(Marked::All);
    assert_eq!(dirty.len(), 1);
    let frame = dirty[0].1.0;
    reach(if frame == 0 { "in the first frame" } else { "in the second frame" });
    outcome(format_args!("in frame {frame}"));
}

fn read(bed: &Bed) {
    let page = bed.pool.pin(page(0)).expect("there are two frames").read();
    assert_eq!(page.page().id(), super::fixture::page(0), "the page is not there yet");
}
