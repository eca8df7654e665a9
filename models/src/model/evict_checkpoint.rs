//! Who changes a page, who evicts it, and a checkpoint, all at once.
//!
//! property   what was marked is on disk at the end, whoever has written it; no change is lost
//!            (B6, C2, E3, I1)
//! code       buffer/victim.rs, buffer/flush.rs, buffer/state.rs
//!            PostgreSQL: BufferSync, GetVictimBuffer
//! threads    3 (writer, evictor, checkpointer)    bounds  two pages, one frame, one change
//! cost       805,085 executions under dpor
//! broken by  a retired page that is dirty again; a page passed over because somebody writes it

use super::fixture::{Bed, page};
use super::seawall_core::buffer::{Flush, Marked};
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, Loom, LoomBounded, LoomRmw};
use crate::profile::Profile::{Ci, Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "evict_checkpoint",
    property: "what was marked is on disk after the writes, also if it was evicted meanwhile",
    threads: 3,
    bounds: "two pages, one frame, one change",
    searches: &[
        (LoomBounded(1), Quick),
        (LoomBounded(2), Ci),
        (Dpor, Nightly),
        (LoomRmw, Nightly),
        (Loom, Nightly),
    ],
    reach: &["written by the evictor", "written by the checkpoint", "no frame for the change"],
    outcomes: 16,
    run: scenario,
};

fn scenario() {
    let bed = Bed::new(1, 2);
    assert!(bed.change(0, 1));
    let (theirs, others) = (bed.clone(), bed.clone());
    let writer = thread::spawn(move || theirs.change(0, 2));
    let evictor = thread::spawn(move || others.pool.pin(page(1)).is_ok());
    let marked = bed.pool.mark_dirty_pages(Marked::All);
    let mut written = 0;
    for (_, frame) in &marked {
        let flushed = bed.pool.flush_marked(*frame).expect("a good disk");
        written += usize::from(matches!(flushed, Flush::Written { .. }));
    }
    let on_disk = bed.on_disk(0).body()[1];
    assert!(on_disk >= 1, "a change from before the marks is not on disk");
    let changed = writer.join().expect("the writer");
    let evicted = evictor.join().expect("the evictor");

    let value = bed.pool.pin(page(0)).expect("nobody has a pin").read().page().body()[1];
    assert_eq!(value, 1 + u8::from(changed), "a change is lost");
    match (changed, written) {
        (false, _) => reach("no frame for the change"),
        (true, 0) => reach("written by the evictor"),
        (true, _) => reach("written by the checkpoint"),
    }
    let history = bed.history();
    outcome(format_args!("{evicted}, {written} of {}, {on_disk}: {history}", marked.len()));
}
