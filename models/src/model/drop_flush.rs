//! Drop versus flush: nothing of a dropped file comes back, and nobody who writes it fails.
//!
//! property   once its segments are removed there are none, and a write of its pages is no error
//!            (S7, S8)
//! code       length.rs drop_file, buffer/cut.rs, buffer/flush.rs copy, files/mod.rs remove_dropped
//!            PostgreSQL: smgrDoPendingDeletes, SyncPostCheckpoint
//! threads    2 (one that drops the file and removes it; one that writes its last page)
//! bounds     a full segment, and one dirty page in the next one
//! cost       2,217 executions under dpor
//! broken by  a drop that does not wait for a write

use super::fixture::{Store, page};
use super::seawall_core::buffer::{Flush, Marked};
use super::seawall_core::disk::Disk;
use super::seawall_core::length;
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "drop_flush",
    property: "nothing of a dropped file comes back, and nobody who writes it fails",
    threads: 2,
    bounds: "a full segment, one dirty page in the next one",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Nightly)],
    reach: &["written before the drop", "not written"],
    outcomes: 4,
    run: scenario,
};

fn scenario() {
    let store = Store::new(1, 16, 1024);
    let file = page(0).file();
    assert_eq!(length::extend(&store.parts(), file, 1, None).expect("a good disk"), 16);
    // So that neither thread has to wait for the log.
    store.wal.flush(store.wal.reserved()).expect("a good disk");
    let marked = store.bed.pool.mark_dirty_pages(Marked::Permanent);
    let theirs = store.clone();
    let writer = thread::spawn(move || {
        let (_, frame) = marked[0];
        matches!(theirs.bed.pool.flush_marked(frame).expect("a good disk"), Flush::Written { .. })
    });
    length::drop_file(&store.parts(), file).expect("a good disk");
    store.bed.files.remove_dropped().expect("a good disk");
    let written = writer.join().expect("the writer");

    let left = store.bed.disk.list("data").expect("a directory");
    assert!(left.is_empty(), "left of the dropped file: {left:?}");
    store.bed.files.get(file).err().expect("the file is dropped");
    reach(if written { "written before the drop" } else { "not written" });
    outcome(format_args!("written {written}: {}", store.bed.history()));
}
