//! Extension versus reader: who finds a new page finds it as its record made it.
//!
//! property   a page before the file's end can be read and changed, and the change stays      (E6)
//! code       length.rs extend, operation.rs new_page, files/file.rs
//!            PostgreSQL: ExtendBufferedRel
//! threads    2 (one that extends the file; one that changes the new page if there is one)
//! bounds     a file of one page, one new page, two frames
//! cost       507 executions under dpor
//! broken by  a length that is published before the page is in the pool

use super::fixture::{Store, page};
use super::seawall_core::error::Error;
use super::seawall_core::length;
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "extend_read",
    property: "who finds a new page finds it as its record made it, and changes it for good",
    threads: 2,
    bounds: "a file of one page, one new page, two frames",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Nightly)],
    reach: &["the page was there", "the page was not there yet"],
    outcomes: 3,
    run: scenario,
};

fn scenario() {
    let store = Store::new(2, 1, 1024);
    let theirs = store.clone();
    let extender = thread::spawn(move || {
        let first = length::extend(&theirs.parts(), page(1).file(), 1, None);
        assert_eq!(first.expect("there are frames"), 1);
    });
    let exists = store.bed.files.check_exists(page(1)).is_ok();
    let changed = match store.change(1, 7) {
        Ok(_) => true,
        Err(Error::BeyondEnd { .. } | Error::NoUnpinnedBuffers { .. }) => false,
        Err(error) => panic!("{error}"),
    };
    extender.join().expect("the extender");

    assert!(changed || !exists, "a page before the end was refused");
    let new = store.bed.pool.pin(page(1)).expect("nobody has a pin").read();
    new.check_inside().expect("the file has two pages");
    assert_eq!(new[1], if changed { 7 } else { 0 }, "the page is not what was made of it");
    reach(if changed { "the page was there" } else { "the page was not there yet" });
    outcome(format_args!("changed {changed}, existed {exists}: {}", store.bed.history()));
}
