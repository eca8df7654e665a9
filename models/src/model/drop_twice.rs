//! Drop versus drop: a file is dropped once, and who comes late is told that there is none.
//!
//! property   one drops the file, the other finds none; the log has one record of it         (S8)
//! code       length.rs drop_file, files/file.rs lock_length, files/dropped.rs
//! threads    2 (two who drop the file)
//! bounds     a file of one page
//! cost       630 executions under dpor
//! broken by  a drop that does not look again whether the file is there

use super::fixture::{Store, page, unless_dropped};
use super::seawall_core::length;
use super::seawall_core::sync::thread;
use super::seawall_core::wal::record::RecordKind;
use crate::engine::Engine::{Dpor, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;
use std::sync::Arc;

pub(super) const MODEL: Model = Model {
    name: "drop_twice",
    property: "a file is dropped once, and who comes late is told that there is none",
    threads: 2,
    bounds: "a file of one page",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Nightly)],
    reach: &["ours", "theirs"],
    outcomes: 2,
    run: scenario,
};

/// Whether it was this call that dropped the file.
fn drops(store: &Arc<Store>) -> bool {
    unless_dropped(length::drop_file(&store.parts(), page(0).file())).is_some()
}

fn scenario() {
    let store = Store::new(1, 1, 1024);
    let theirs = store.clone();
    let other = thread::spawn(move || drops(&theirs));
    let ours = drops(&store);
    let theirs = other.join().expect("the other");

    assert_ne!(ours, theirs, "dropped twice, or not at all");
    assert_eq!(store.kinds(), [RecordKind::Drop]);
    reach(if ours { "ours" } else { "theirs" });
    outcome(format_args!("ours {ours}"));
}
