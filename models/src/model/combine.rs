//! Combined writes: a page that is taken along by its neighbour's write is as safe as one alone.
//!
//! property   at the end each page is dirty, or the disk holds it as it is           (B4, I6, F2)
//! code       buffer/combine.rs, buffer/flush.rs write_out         PostgreSQL: has no such thing
//! threads    2 (a checkpointer, a writer)
//! bounds     two dirty neighbours in eight frames; one flush, one change of the neighbour
//! cost       95 executions under dpor
//! broken by  a neighbour that is copied without a look at its content lock, or whose JUST_DIRTIED
//!            is not cleared before the copy

use super::fixture::{Bed, page};
use super::seawall_core::buffer::{Flush, Marked};
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, Loom, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "combine",
    property: "a page taken along by its neighbour's write is dirty, or on disk as it is",
    threads: 2,
    bounds: "two dirty neighbours, one flush beside one change",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Nightly), (Loom, Nightly)],
    reach: &["alone", "with the change", "without the change"],
    outcomes: 3,
    run: scenario,
};

fn scenario() {
    let bed = Bed::new(8, 2);
    bed.configure(|config| config.write_combine_bytes = 1 << 20);
    assert!(bed.change(0, 8) && bed.change(1, 9));
    let marked = bed.pool.mark_dirty_pages(Marked::All);
    let (_, first) = marked[0];
    let theirs = bed.clone();
    let writer = thread::spawn(move || assert!(theirs.change(1, 1)));
    let flushed = bed.pool.flush_marked(first).expect("a good disk");
    writer.join().expect("the writer");

    assert_eq!(bed.on_disk(0).body()[1], 8, "a marked page was not written");
    let is_alone = flushed == Flush::Written { first: page(0), pages: 1 };
    let second = bed.on_disk(1).body()[1];
    let is_dirty = bed.pool.mark_dirty_pages(Marked::All).iter().any(|(of, _)| *of == page(1));
    assert!(is_dirty || second == 1, "clean, and the change is not on disk");
    assert!(is_alone == (second == 0), "written, and not as it was at any time");
    reach(match second {
        0 => "alone",
        1 => "with the change",
        _ => "without the change",
    });
    outcome(format_args!("{second}, dirty {is_dirty}: {}", bed.history()));
}
