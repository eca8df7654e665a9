//! Truncate versus flush: a page that is cut off is not written after the file is cut.
//!
//! property   the file on disk is as long as it is in memory                              (I1, S8)
//! code       length.rs truncate, buffer/cut.rs, buffer/flush.rs copy, files/file.rs
//!            PostgreSQL: RelationTruncate
//! threads    2 (one that truncates; one that writes the last page)
//! bounds     a file of two pages, one of them dirty and cut off, one frame
//! cost       1,951 executions under dpor
//! broken by  a cut that does not wait for a write; a page that is written although it is cut off

use super::fixture::{Store, page};
use super::seawall_core::buffer::{Flush, Marked};
use super::seawall_core::length;
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "truncate_flush",
    property: "a page that is cut off is not written after the file is cut",
    threads: 2,
    bounds: "a file of two pages, one dirty and cut off, one frame",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Nightly)],
    reach: &["written before the cut", "not written"],
    outcomes: 4,
    run: scenario,
};

fn scenario() {
    let store = Store::new(1, 2, 1024);
    store.change(1, 7).expect("a good disk");
    // So that neither thread has to wait for the log.
    store.wal.flush(store.wal.reserved()).expect("a good disk");
    let marked = store.bed.pool.mark_dirty_pages(Marked::Permanent);
    let theirs = store.clone();
    let writer = thread::spawn(move || {
        let (_, frame) = marked[0];
        matches!(theirs.bed.pool.flush_marked(frame).expect("a good disk"), Flush::Written { .. })
    });
    length::truncate(&store.parts(), page(1).file(), 1).expect("a good disk");
    let written = writer.join().expect("the writer");

    let bytes = store.bed.disk.read_file("data/00000001.0").len();
    assert_eq!(bytes, 64, "the file was written behind its end");
    let dirty = store.bed.pool.mark_dirty_pages(Marked::All);
    for (_, frame) in dirty {
        let flushed = store.bed.pool.flush_marked(frame).expect("a good disk");
        assert_eq!(flushed, Flush::NotNeeded, "a page that is cut off was written");
    }
    reach(if written { "written before the cut" } else { "not written" });
    outcome(format_args!("written {written}: {}", store.bed.history()));
}
