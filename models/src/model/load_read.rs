//! A load of neighbours versus a reader of one of them, and the disk fails once.
//!
//! property   who has a page has its bytes, and nobody waits for ever                  (I1, I4)
//! code       buffer/load.rs, buffer/read.rs        PostgreSQL: StartReadBuffers, WaitReadBuffers
//! threads    2 (one loads two pages, one reads the second)
//! bounds     two pages, eight frames, the first read fails
//! cost       2,252 executions under dpor
//! broken by  a read of several pages that has failed and is taken for done; a page that is read by
//!            somebody else and is taken into the run

use super::fixture::{Bed, page};
use super::seawall_core::error::{Error, Result};
use super::seawall_core::sim::{EIO, Fault, OpKind};
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "load_read",
    property: "a load and a reader share each read, and nobody has a page that was not read",
    threads: 2,
    bounds: "two pages, eight frames, the first read fails",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Nightly)],
    reach: &["the run's read failed", "the reader's read failed"],
    outcomes: 3,
    run: scenario,
};

fn scenario() {
    // A run takes a quarter of the frames.
    let bed = Bed::new(8, 2);
    let reads_before = bed.disk.reads();
    bed.disk.fail_at(1, Fault::once(EIO).only(OpKind::Read));
    let theirs = bed.clone();
    let loader = thread::spawn(move || is_good(theirs.pool.load(page(0), 2, None)));
    let is_read = is_good(bed.pool.pin(page(1)).map(|pin| {
        assert_eq!(pin.read()[0], 1, "the page is not there");
    }));
    let is_loaded = loader.join().expect("the loader");
    let reads = bed.disk.reads() - reads_before;

    reach(if is_read { "the run's read failed" } else { "the reader's read failed" });
    for block in 0..2 {
        let pin = bed.pool.pin(page(block)).expect("the disk is good again");
        assert_eq!(pin.read()[0], block as u8, "the page is not there");
    }
    outcome(format_args!("{reads} reads, read {is_read}, loaded {is_loaded}"));
}

/// Whether there is no error; if there is, it is the disk's.
fn is_good<T>(result: Result<T>) -> bool {
    match result {
        Ok(_) => true,
        Err(Error::Io { .. }) => false,
        Err(error) => panic!("the pages are good: {error}"),
    }
}
