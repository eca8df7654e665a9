//! Images turned on: from then on every record that needs an image has one, beside redo points.
//!
//! property   once images are on, a record that starts there or later has the image that the redo
//!            point before it asks for; neither change undoes the other               (W11, R3)
//! code       wal/images.rs, wal/insert.rs, wal/ring.rs begin_epoch
//!            PostgreSQL: UpdateFullPageWrites, XLogInsertRecord
//! threads    3 (one that turns images on, a writer, a checkpointer)
//! bounds     one change, one redo point, and a change after them
//! cost       528 executions under dpor
//! broken by  images turned on without a new epoch, or after it; a setting that brings an old redo
//!            point back; an insertion that does not compare epochs

use super::fixture::Store;
use super::seawall_core::config::FullPageImages;
use super::seawall_core::redo::{Entry, PageRedo, entries};
use super::seawall_core::sync::thread;
use super::seawall_core::wal::reader::Record;
use crate::engine::Engine::{Dpor, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "image_toggle",
    property: "once images are on, no record lacks the image that it needs",
    threads: 3,
    bounds: "images turned on beside one change and one redo point",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Nightly)],
    reach: &["no image, before they were on", "an image, after that", "a void record"],
    outcomes: 7,
    run: scenario,
};

fn scenario() {
    let store = Store::new(1, 1, 1024);
    store.change(0, 1).expect("a frame and room");
    store.wal.fix_redo();
    // From here on the page's LSN is not after the redo point.
    store.wal.set_full_page_images(FullPageImages::Off);
    let theirs = store.clone();
    let writer = thread::spawn(move || theirs.change(0, 2).expect("a frame and room"));
    let theirs = store.clone();
    let toggler = thread::spawn(move || theirs.wal.set_full_page_images(FullPageImages::On));
    let redo = store.wal.fix_redo();
    let on_since = toggler.join().expect("the toggler").expect("they are on");
    let end = writer.join().expect("the writer");
    let last = store.change(0, 3).expect("a frame and room");

    store.wal.flush(last).expect("a good disk");
    let records = store.records(last);
    let change = |end| records.iter().find(|record| record.end == end).expect("its record");
    let (first, second) = (change(end), change(last));
    assert!(is_image(first) || first.start < on_since, "no image, on since {on_since}: {first:?}");
    assert!(is_image(second) || end > redo, "no image after the redo point {redo}: {second:?}");
    reach(if is_image(first) { "an image, after that" } else { "no image, before they were on" });
    let has_void = records.len() > 3;
    if has_void {
        reach("a void record");
    }
    let (early, before) = (is_image(first) && first.start < on_since, end <= redo);
    outcome(format_args!("early {early}, before the redo point {before}, void {has_void}"));
}

fn is_image(record: &Record) -> bool {
    let mut entries = entries(&record.body, 40).map(|entry| entry.expect("a good record"));
    matches!(entries.next(), Some(Entry::Page(PageRedo::Image { .. })))
}
