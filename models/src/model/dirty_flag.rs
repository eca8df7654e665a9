//! Dirty flag: a page dirtied again while it is written is never marked clean.
//!
//! property   at the end: dirty, or the disk holds the page as it is                   (B4, I6)
//! code       buffer/flush.rs, buffer/state.rs end_write    PostgreSQL: TerminateBufferIO
//! threads    2 (writer, checkpointer)    bounds  one page, one change during the write
//! cost       56 executions under dpor
//! broken by  end_write that ignores JUST_DIRTIED; JUST_DIRTIED cleared after the copy

use super::fixture::{Bed, page};
use super::seawall_core::buffer::Marked;
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, Loom, LoomRmw};
use crate::profile::Profile::{Ci, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "dirty_flag",
    property: "a page dirtied again while it is written is never marked clean",
    threads: 2,
    bounds: "one page, one change beside one write",
    searches: &[(Dpor, Quick), (LoomRmw, Quick), (Loom, Ci)],
    reach: &["clean, with the change", "dirty, without the change"],
    outcomes: 2,
    run: scenario,
};

fn scenario() {
    let bed = Bed::new(1, 1);
    assert!(bed.change(0, 1));
    let marked = bed.pool.mark_dirty_pages(Marked::All);
    let theirs = bed.clone();
    let writer = thread::spawn(move || assert!(theirs.change(0, 2)));

    for (_, frame) in marked {
        let _ = bed.pool.flush_marked(frame).expect("a good disk");
    }
    writer.join().expect("the writer");

    let has_change = bed.on_disk(0).body()[1] == 2;
    let is_dirty = !bed.pool.mark_dirty_pages(Marked::All).is_empty();
    assert!(has_change || is_dirty, "{} is clean and the change is lost", page(0));
    assert!(!has_change || !is_dirty, "the change is in the copy, and not taken for written");
    let state = if is_dirty { "dirty, without the change" } else { "clean, with the change" };
    reach(state);
    outcome(format_args!("{state}: {}", bed.history()));
}
