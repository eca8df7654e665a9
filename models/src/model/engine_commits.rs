//! Two transactions, and the power cut at any moment.
//!
//! property   an acknowledged transaction is there after recovery, none is half there   (R7, W9)
//! code       operation.rs, wal/insert.rs, wal/flush.rs, recovery.rs
//!            PostgreSQL: XLogInsertRecord, XLogFlush, StartupXLOG
//! threads    2 (committers)
//! bounds     two pages, of which both change one; sectors of half a block; every crash
//! cost       118,138 executions under dpor
//! broken by  a commit that is acknowledged before its sync; a page whose change is not in the
//!            record

use super::engine_bed::EngineBed;
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, Loom, LoomBounded, LoomRmw};
use crate::profile::Profile::{Ci, Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "engine_commits",
    property: "an acknowledged transaction survives every crash, and none survives by half",
    threads: 2,
    bounds: "two pages, of which both transactions change one",
    searches: &[
        (LoomBounded(1), Quick),
        (LoomBounded(2), Ci),
        (Dpor, Ci),
        (LoomRmw, Nightly),
        (Loom, Nightly),
    ],
    reach: &["one sync for both", "a sync for each"],
    outcomes: 11,
    run: scenario,
};

fn scenario() {
    let bed = EngineBed::new(512, 2, &[&[0, 1], &[1]]);
    // Then the records of the two cross a sector.
    bed.fill_log(340);
    let before = bed.disk.operations();
    let theirs = bed.clone();
    let other = thread::spawn(move || theirs.commit(1));
    bed.commit(0).expect("a good disk");
    other.join().expect("the other committer").expect("a good disk");
    bed.end();
    // A write and a sync each time.
    let groups = (bed.disk.operations() - before) / 2;
    reach(if groups == 1 { "one sync for both" } else { "a sync for each" });
    outcome(format_args!("{groups} groups"));
}
