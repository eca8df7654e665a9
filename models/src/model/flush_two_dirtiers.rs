//! Two dirtiers beside a flush: neither change is lost, whichever of them the copy has.
//!
//! property   at the end: dirty, or the disk holds both changes                   (B4, I6, I1)
//! code       buffer/flush.rs, buffer/guard.rs change, buffer/state.rs end_write
//!            PostgreSQL: MarkBufferDirty, TerminateBufferIO
//! threads    3 (two writers, checkpointer)
//! bounds     one page, one change each, one write; the writers keep their pins, of which one is
//!            from before
//! cost       168 executions under dpor
//! broken by  end_write that ignores JUST_DIRTIED; a change of a dirty page that is not noted

use super::fixture::{Bed, page};
use super::seawall_core::buffer::{Marked, Pin};
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "flush_two_dirtiers",
    property: "a page changed by two beside a flush is dirty, or on disk with both changes",
    threads: 3,
    bounds: "one page, one change each beside one write, pins are kept",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Nightly)],
    reach: &["neither", "the one", "the other", "both"],
    outcomes: 4,
    run: scenario,
};

fn scenario() {
    let bed = Bed::new(1, 1);
    assert!(bed.change(0, 9));
    let marked = bed.pool.mark_dirty_pages(Marked::All);
    let mine = bed.pool.pin(page(0)).expect("it is there");
    let theirs = bed.clone();
    let checkpointer = thread::spawn(move || {
        for (_, frame) in marked {
            let _ = theirs.pool.flush_marked(frame).expect("a good disk");
        }
    });
    let theirs = bed.clone();
    let other = thread::spawn(move || {
        let pin = change(theirs.pool.pin(page(0)).expect("it is there"), 2, 2);
        // One step less at the word that all threads change: a tenth of the executions.
        std::mem::forget(pin);
    });
    let mine = change(mine, 1, 1);
    checkpointer.join().expect("the checkpointer");
    other.join().expect("the other writer");
    drop(mine);

    let image = bed.on_disk(0);
    let written = match (image.body()[1], image.body()[2]) {
        (9, 0) => "neither",
        (1, 0) => "the one",
        (9, 2) => "the other",
        (1, 2) => "both",
        bytes => panic!("{bytes:?} on disk were never in the page"),
    };
    let is_dirty = !bed.pool.mark_dirty_pages(Marked::All).is_empty();
    assert!(is_dirty || written == "both", "clean, and the disk has {written} of the changes");
    assert!(!is_dirty || written != "both", "both are in the copy, and not taken for written");
    reach(written);
    outcome(format_args!("{written}: {}", bed.history()));
}

/// Changes a byte of the page's body.
fn change(pin: Pin<'_>, at: usize, value: u8) -> Pin<'_> {
    let mut page = pin.write();
    page.change().body_mut()[at] = value;
    page.unlock()
}
