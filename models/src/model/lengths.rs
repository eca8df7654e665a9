//! Extension versus truncation versus drop: they come one after the other, in the log as in memory.
//!
//! property   the log has the changes of a file's length in the order in which they happened; none
//!            follows its drop, and nothing of it is left on disk                           (S8)
//! code       length.rs extend, truncate, drop_file, files/file.rs lock_length
//! threads    3 (one that extends the file; one that truncates it; one that drops it)
//! bounds     a full segment, one new page in the next one, one cut off
//! cost       19,020 executions under dpor
//! broken by  a change of the length without its lock; one that does not look again whether the
//!            file is there

use super::fixture::{Store, page, unless_dropped};
use super::seawall_core::disk::Disk;
use super::seawall_core::length;
use super::seawall_core::sync::thread;
use super::seawall_core::wal::record::RecordKind;
use crate::engine::Engine::{Dpor, LoomBounded, LoomRmw};
use crate::profile::Profile::{Ci, Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "lengths",
    property: "changes of a file's length are in the log in the order in which they happened",
    threads: 3,
    bounds: "a full segment, one new page in the next, one cut off",
    searches: &[(LoomBounded(1), Quick), (LoomBounded(2), Ci), (Dpor, Ci), (LoomRmw, Nightly)],
    reach: &["extended", "truncated", "extended first", "truncated first"],
    outcomes: 5,
    run: scenario,
};

fn scenario() {
    let store = Store::new(4, 16, 1024);
    let file = page(0).file();
    let (one, other) = (store.clone(), store.clone());
    let extender =
        thread::spawn(move || unless_dropped(length::extend(&one.parts(), file, 1, None)));
    let cutter =
        thread::spawn(move || unless_dropped(length::truncate(&other.parts(), file, 15)).is_some());
    length::drop_file(&store.parts(), file).expect("a good disk");
    let extended = extender.join().expect("the extender");
    let is_cut = cutter.join().expect("the cutter");

    let kinds = store.kinds();
    let (pages, truncate, drop) = (RecordKind::Pages, RecordKind::Truncate, RecordKind::Drop);
    let expected = match (extended, is_cut) {
        (None, false) => vec![drop],
        (Some(16), false) => vec![pages, drop],
        (None, true) => vec![truncate, drop],
        (Some(16), true) => vec![pages, truncate, drop],
        (Some(15), true) => vec![truncate, pages, drop],
        other => panic!("extended and cut: {other:?}"),
    };
    assert_eq!(kinds, expected, "extended at {extended:?}, cut {is_cut}");
    store.bed.files.remove_dropped().expect("a good disk");
    let left = store.bed.disk.list("data").expect("a directory");
    assert!(left.is_empty(), "left of the dropped file: {left:?}");
    if extended.is_some() {
        reach("extended");
    }
    if is_cut {
        reach("truncated");
    }
    match extended {
        Some(16) if is_cut => reach("extended first"),
        Some(15) => reach("truncated first"),
        _ => {}
    }
    outcome(format_args!("extended {extended:?}, cut {is_cut}"));
}
