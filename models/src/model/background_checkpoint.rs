//! Background writer versus checkpoint: a page that both want to write is on disk, durably, when
//! the checkpointer is through with it.
//!
//! property   a change before the marks is on disk and its file is synced at the end   (C2, I1, F3)
//! code       buffer/background.rs, buffer/flush.rs        PostgreSQL: BgBufferSync, BufferSync
//! threads    2 (background writer; one that changes the page, marks, writes and syncs)
//! bounds     one dirty page, one change, one round
//! cost       811 executions under dpor
//! broken by  an I/O of somebody else that is taken for a write of the change; a page that is clean
//!            before its file is registered for sync

use super::fixture::{Bed, page};
use super::seawall_core::buffer::Flush;
use super::seawall_core::buffer::Marked;
use super::seawall_core::fsync::SyncTable;
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;
use std::sync::Arc;

pub(super) const MODEL: Model = Model {
    name: "background_checkpoint",
    property: "a page that the background writer writes too is on disk after the checkpoint",
    threads: 2,
    bounds: "one dirty page, one change, one round",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Nightly)],
    reach: &["both wrote", "the checkpointer wrote", "the background writer wrote"],
    outcomes: 3,
    run: scenario,
};

fn scenario() {
    let bed = idle_dirty_page();
    let (theirs, mut writer) = (bed.clone(), bed.background_writer());
    let background = thread::spawn(move || writer.round(&theirs.pool).expect("a good disk"));

    assert!(bed.change(0, 2));
    let marked = bed.pool.mark_dirty_pages(Marked::All);
    let wrote = marked.iter().any(|(_, frame)| {
        matches!(bed.pool.flush_marked(*frame).expect("a good disk"), Flush::Written { .. })
    });
    let mut table: SyncTable = SyncTable::new();
    table.sync_all(&bed.syncs, |tag| bed.files.sync(tag)).expect("a good disk");
    let pending = bed.disk.pending();
    let on_disk = bed.on_disk(0).body()[1];
    let background_wrote = background.join().expect("the background writer").written > 0;

    assert_eq!(on_disk, 2, "the change is not on disk");
    assert_eq!(pending, 0, "a page was written, and its file not synced");
    assert_eq!(bed.on_disk(0).body()[1], 2, "an older image was written over a newer one");
    reach(match (wrote, background_wrote) {
        (true, true) => "both wrote",
        (true, false) => "the checkpointer wrote",
        (false, _) => "the background writer wrote",
    });
    outcome(format_args!("wrote {wrote}, {background_wrote}: {}", bed.history()));
}

/// A changed page that nobody has used since the sweep came by, in the frame that it meets next.
fn idle_dirty_page() -> Arc<Bed> {
    let bed = Bed::new(2, 3);
    drop(bed.pool.pin(page(1)).expect("a free frame"));
    assert!(bed.change(0, 1));
    // The sweep goes round once, and takes the first frame.
    drop(bed.pool.pin(page(2)).expect("a frame of no pins"));
    bed
}
