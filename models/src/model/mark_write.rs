//! Mark versus write: a marked page is on disk after the checkpoint's writes, though somebody else
//! was writing an older copy of it.
//!
//! property   a change before the marks is on disk at the end, and no older image over it  (C2, I1)
//! code       buffer/flush.rs, buffer/frame.rs wait_for_io, buffer/state.rs begin_write, end_write
//!            PostgreSQL: BufferSync
//! threads    2 (one that writes the page; one that changes, marks and writes it)
//! bounds     one page, one change
//! cost       1,642 executions under dpor
//! broken by  end_write that drops the mark of a page changed since the copy; two writes of a page
//!            at a time; a write whose end nobody hears of

use super::fixture::Bed;
use super::seawall_core::buffer::Flush;
use super::seawall_core::buffer::Marked;
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "mark_write",
    property: "a marked page is on disk after the checkpoint's writes, whoever wrote it",
    threads: 2,
    bounds: "one page, one change, two writes",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Nightly)],
    reach: &["both wrote", "one wrote"],
    outcomes: 3,
    run: scenario,
};

fn scenario() {
    let bed = Bed::new(1, 1);
    assert!(bed.change(0, 1));
    let earlier = bed.pool.mark_dirty_pages(Marked::All);
    let theirs = bed.clone();
    let other = thread::spawn(move || {
        earlier.iter().any(|(_, frame)| is_written(theirs.pool.flush_marked(*frame)))
    });
    assert!(bed.change(0, 2));
    let marked = bed.pool.mark_dirty_pages(Marked::All);
    let wrote = marked.iter().any(|(_, frame)| is_written(bed.pool.flush_marked(*frame)));
    let on_disk = bed.on_disk(0).body()[1];
    let other_wrote = other.join().expect("the other writer");

    assert_eq!(on_disk, 2, "the change is not on disk");
    assert_eq!(bed.on_disk(0).body()[1], 2, "an older image was written over a newer one");
    reach(if wrote && other_wrote { "both wrote" } else { "one wrote" });
    outcome(format_args!("wrote {wrote}, other wrote {other_wrote}: {}", bed.history()));
}

fn is_written(flush: super::seawall_core::error::Result<Flush>) -> bool {
    matches!(flush.expect("a good disk"), Flush::Written { .. })
}
