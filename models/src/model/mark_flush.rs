//! Mark versus flush: what was changed before the redo point is on disk after the checkpoint's
//! writes, though somebody else writes the same page at the same time.
//!
//! property   a change whose record is before the redo point is on disk at the end     (B5, C1, C2)
//! code       operation.rs commit, buffer/pool.rs, buffer/state.rs         PostgreSQL: BufferSync
//! threads    3 (writer, evictor, checkpointer)    bounds  two pages, one frame, one change
//! broken by  end_write that drops the mark of a page changed since the copy; dirty set after the
//!            record is inserted; a retired page that is dirty again

use super::fixture::{Store, page};
use super::seawall_core::lsn::Lsn;
use super::seawall_core::operation::Operation;
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, Loom, LoomRmw};
use crate::profile::Profile::{Ci, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "mark_flush",
    property: "a change before the redo point is on disk after the checkpoint's writes",
    threads: 3,
    bounds: "two pages, one frame, one change; at most 1 preemption under loom",
    searches: &[(Dpor, Quick), (Loom, Ci), (LoomRmw, Ci)],
    reach: &["before the redo point", "after the redo point"],
    outcomes: 4,
    run: scenario,
};

fn scenario() {
    let store = Store::new(1, 2, 1024);
    change(&store, 1).expect("a free frame");
    let theirs = store.clone();
    // Wants the frame, and writes the dirty page for it; in vain if the page is pinned.
    let evictor = thread::spawn(move || theirs.bed.pool.pin(page(1)).map(drop).is_ok());
    let theirs = store.clone();
    let writer = thread::spawn(move || change(&theirs, 2));
    let theirs = store.clone();
    let checkpointer = thread::spawn(move || checkpoint(&theirs));

    let evicted = evictor.join().expect("the evictor");
    let end = writer.join().expect("the writer");
    let (redo, on_disk) = checkpointer.join().expect("the checkpointer");
    let on_disk_later = store.bed.on_disk(0).body()[1];
    assert!(on_disk >= 1, "what was dirty at the start is not on disk");
    assert!(on_disk_later >= on_disk, "an older image was written over a newer one");
    let before_redo = end.is_some_and(|end| end <= redo);
    assert!(!before_redo || on_disk == 2, "a change before the redo point is not on disk");
    reach(if before_redo { "before the redo point" } else { "after the redo point" });
    let made = end.is_some();
    outcome(format_args!("{made}, before redo {before_redo}, on disk {on_disk}, {evicted}"));
}

/// A redo point, and the writes for it; what is on disk then.
fn checkpoint(store: &Store) -> (Lsn, u8) {
    let redo = store.wal.fix_redo();
    for (_, frame) in store.bed.pool.mark_dirty_pages() {
        let _ = store.bed.pool.flush_marked(frame).expect("a good disk");
    }
    (redo, store.bed.on_disk(0).body()[1])
}

/// The end of the change's record; nothing if there was no frame.
fn change(store: &Store, value: u8) -> Option<Lsn> {
    let mut operation = Operation::new(&store.bed.pool, &store.wal);
    operation.page(page(0)).ok()?.write(1, &[value]).expect("inside the body");
    Some(operation.commit().expect("room in the ring"))
}
