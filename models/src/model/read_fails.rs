//! A read that fails: whoever waited for it has its error, whoever comes later reads again.
//!
//! property   nobody has a page that was not read, waits for ever, or reads without need   (I1, I4)
//! code       buffer/read.rs fill, wait_for_read; buffer/failures.rs; buffer/frame.rs
//!            PostgreSQL: AbortBufferIO; there, those who waited try again one after the other
//! threads    2 (readers)    bounds  one page, two frames, the first read fails
//! cost       320 executions under dpor
//! broken by  a waiter that reads again; a failed read that is taken for a page

use super::fixture::{Bed, page};
use super::seawall_core::sim::{EIO, Fault, OpKind};
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, Loom, LoomBounded};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "read_fails",
    property: "whoever waited for a read that fails has its error, who comes later reads again",
    threads: 2,
    bounds: "one page, two frames, the first read fails",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (Loom, Nightly)],
    reach: &["one read, an error for both", "the second read again"],
    outcomes: 2,
    run: scenario,
};

fn scenario() {
    let bed = Bed::new(2, 1);
    let reads_before = bed.disk.reads();
    bed.disk.fail_at(1, Fault::once(EIO).only(OpKind::Read));
    let theirs = bed.clone();
    let other = thread::spawn(move || is_read(&theirs));
    let mine = is_read(&bed);
    let others = other.join().expect("the other reader");
    let reads = bed.disk.reads() - reads_before;

    assert!(!mine || !others, "nobody was told of the error");
    let expected = if mine || others { 2 } else { 1 };
    assert_eq!(reads, expected, "reads of the disk");
    reach(if reads == 1 { "one read, an error for both" } else { "the second read again" });
    assert!(is_read(&bed), "the disk is good again");
    assert_eq!(bed.disk.reads() - reads_before, 2, "a page that is there was read");
    outcome(format_args!("{reads} reads"));
}

/// Reads the page, and checks that it is that page, or that the error says what has failed.
fn is_read(bed: &Bed) -> bool {
    match bed.pool.pin(page(0)) {
        Ok(pin) => {
            assert_eq!(pin.read().page().id(), page(0), "the page is not there");
            true
        }
        Err(error) => {
            let error = error.to_string();
            let expected = "read of page 1:0 in data/00000001.0 at offset 0 failed: ";
            assert!(error.starts_with(expected), "{error}");
            false
        }
    }
}
