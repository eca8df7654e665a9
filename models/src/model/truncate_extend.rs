//! Truncate versus extension: the new pages are behind the end that the log knows.
//!
//! property   the log has the changes of a file's length in the order in which they happened, and
//!            the file is as long in memory and on disk as they say                        (S8)
//! code       length.rs extend, truncate, files/file.rs lock_length
//!            PostgreSQL: RelationTruncate, ExtendBufferedRel
//! threads    2 (one that truncates; one that extends)
//! bounds     a file of two pages, one of them cut off, one new
//! cost       5 executions under dpor
//! broken by  a truncation, or an extension, without the lock of the length

use super::fixture::{Store, page};
use super::seawall_core::length;
use super::seawall_core::sync::thread;
use super::seawall_core::wal::record::RecordKind;
use crate::engine::Engine::{Dpor, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "truncate_extend",
    property: "the new pages of an extension are behind the end that the log knows",
    threads: 2,
    bounds: "a file of two pages, one cut off, one new",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Nightly)],
    reach: &["extended first", "truncated first"],
    outcomes: 2,
    run: scenario,
};

fn scenario() {
    let store = Store::new(2, 2, 1024);
    let file = page(0).file();
    let theirs = store.clone();
    let cutter = thread::spawn(move || {
        length::truncate(&theirs.parts(), file, 1).expect("a good disk");
    });
    let first = length::extend(&store.parts(), file, 1, None).expect("a good disk");
    cutter.join().expect("the cutter");

    let (pages, truncate) = (RecordKind::Pages, RecordKind::Truncate);
    let (kinds, blocks, now) = match first {
        2 => ([pages, truncate], 1, "extended first"),
        1 => ([truncate, pages], 2, "truncated first"),
        other => panic!("extended at {other}"),
    };
    assert_eq!(store.kinds(), kinds, "extended at {first}");
    let data = store.bed.files.get(file).expect("the file");
    assert_eq!(data.blocks(), blocks, "extended at {first}");
    // A new page is not written yet.
    assert_eq!(store.bed.disk.read_file("data/00000001.0").len(), 64, "extended at {first}");
    reach(now);
    outcome(now);
}
