//! Full-page images: the first change of a page after a redo point carries an image of the page.
//!
//! property   a record that starts at or after the redo point has an image           (W11, R3, C1)
//! code       wal/insert.rs, wal/images.rs, operation.rs      PostgreSQL: XLogInsertRecord
//! threads    2 (writer, checkpointer)    bounds  one change, one redo point
//! cost       6 executions under dpor
//! broken by  an insertion that does not compare epochs; a redo point stored after its epoch

use super::fixture::Store;
use super::seawall_core::redo::{Entry, PageRedo, entries};
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dfs, Dpor, Loom, LoomRmw};
use crate::profile::Profile::Quick;
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "redo_image",
    property: "the first change after a redo point carries an image of the page",
    threads: 2,
    bounds: "one change beside one redo point",
    searches: &[(Dpor, Quick), (Dfs, Quick), (Loom, Quick), (LoomRmw, Quick)],
    reach: &["ranges, before the redo point", "an image, after it", "a void record before it"],
    outcomes: 3,
    run: scenario,
};

fn scenario() {
    let store = Store::new(1, 1, 512);
    // The first change of all is an image: so the page's LSN is after the old redo point.
    let old = store.change(0, 1).expect("a frame and room");
    let theirs = store.clone();
    let writer = thread::spawn(move || theirs.change(0, 2).expect("a frame and room"));
    let redo = store.wal.fix_redo();
    // What is before the redo point has marked its page (C1); here it was dirty from the start.
    let end = writer.join().expect("the writer");

    store.wal.flush(end).expect("a good disk");
    let records = store.records(end);
    let last = records.last().expect("the change");
    let changes: Vec<_> = entries(&last.body, 40).collect();
    let is_image = matches!(changes[..], [Ok(Entry::Page(PageRedo::Image { .. }))]);
    let has_void = records.len() == 3;
    // The record of the change starts where its predecessor ends: the redo point is not inside.
    assert!(is_image || end <= redo, "no image after the redo point {redo}: {changes:?}");
    assert!(redo >= old);
    if has_void {
        reach("a void record before it");
    }
    reach(if is_image { "an image, after it" } else { "ranges, before the redo point" });
    let history = store.bed.history();
    outcome(format_args!("image {is_image}, void {has_void}: {history}"));
}
