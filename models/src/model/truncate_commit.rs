//! Truncate versus commit: no change of a block that is cut off follows the cut in the log.
//!
//! property   a record of the cut block is before that of the cut, and the page is refused after it
//! code       length.rs truncate, buffer/cut.rs, buffer/guard.rs check_inside, files/file.rs,
//!            files/mod.rs read_pages
//!            PostgreSQL: RelationTruncate
//! threads    2 (one that truncates; one that changes the last page)
//! bounds     a file of two pages, one of them cut off, one frame, one change
//! cost       248 executions under dpor
//! broken by  a page put outside without its lock; a page used without a look whether it is inside;
//!            a length lowered past somebody who is reading a page in

use super::fixture::{Store, page};
use super::seawall_core::error::Error;
use super::seawall_core::length;
use super::seawall_core::sync::thread;
use super::seawall_core::wal::record::RecordKind;
use crate::engine::Engine::{Dpor, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "truncate_commit",
    property: "no change of a block that is cut off follows the cut in the log",
    threads: 2,
    bounds: "a file of two pages, one cut off, one frame, one change",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Nightly)],
    reach: &["changed before the cut", "refused"],
    outcomes: 3,
    run: scenario,
};

fn scenario() {
    let store = Store::new(1, 2, 1024);
    let theirs = store.clone();
    let cutter = thread::spawn(move || {
        length::truncate(&theirs.parts(), page(1).file(), 1).expect("a good disk");
    });
    let changed = match store.change(1, 7) {
        Ok(_) => true,
        Err(Error::BeyondEnd { .. }) => false,
        Err(error) => panic!("{error}"),
    };
    cutter.join().expect("the cutter");

    assert!(store.change(1, 8).is_err(), "a page beyond the end was changed");
    let kinds = store.kinds();
    let expected: &[RecordKind] = match changed {
        true => &[RecordKind::Pages, RecordKind::Truncate],
        false => &[RecordKind::Truncate],
    };
    assert_eq!(kinds, expected);
    reach(if changed { "changed before the cut" } else { "refused" });
    outcome(format_args!("changed {changed}: {}", store.bed.history()));
}
