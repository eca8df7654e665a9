//! Mark versus commit: what was changed before the redo point is on disk after the checkpoint's
//! writes.
//!
//! property   a change whose record is before the redo point is on disk at the end     (B5, C1, C2)
//! code       operation.rs commit, buffer/flush.rs, buffer/state.rs         PostgreSQL: BufferSync
//! threads    2 (writer, checkpointer)    bounds  one clean page, one change
//! cost       163 executions under dpor
//! broken by  dirty set after the record is inserted; a page passed over because it is locked; a
//!            reservation that is Relaxed

use super::fixture::Store;
use super::seawall_core::buffer::Marked;
use super::seawall_core::lsn::Lsn;
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, Loom, LoomBounded, LoomRmw};
use crate::profile::Profile::{Ci, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "mark_flush",
    property: "a change before the redo point is on disk after the checkpoint's writes",
    threads: 2,
    bounds: "one clean page, one change",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Ci), (Loom, Ci)],
    reach: &["before the redo point", "after the redo point"],
    outcomes: 3,
    run: scenario,
};

fn scenario() {
    let store = Store::new(1, 1, 1024);
    store.change(0, 1).expect("a frame and room");
    checkpoint(&store);
    let theirs = store.clone();
    let writer = thread::spawn(move || theirs.change(0, 2).expect("a frame and room"));
    let redo = checkpoint(&store);
    let end = writer.join().expect("the writer");
    let on_disk = store.bed.on_disk(0).body()[1];

    let before_redo = end <= redo;
    assert!(!before_redo || on_disk == 2, "a change before the redo point is not on disk");
    reach(if before_redo { "before the redo point" } else { "after the redo point" });
    let history = store.bed.history();
    outcome(format_args!("before redo {before_redo}, on disk {on_disk}: {history}"));
}

/// A redo point, and the writes for it.
fn checkpoint(store: &Store) -> Lsn {
    let redo = store.wal.fix_redo();
    for (_, frame) in store.bed.pool.mark_dirty_pages(Marked::All) {
        let _ = store.bed.pool.flush_marked(frame).expect("a good disk");
    }
    redo
}
