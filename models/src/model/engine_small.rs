//! The small engine: two transactions and a checkpoint, and the power cut at any moment.
//!
//! property   an acknowledged transaction is there after recovery, none is half there
//!            (B4, B5, C1, C2, F1, F2, F3, R2, R5, R7, W5, W9, W11)
//! code       engine.rs and nearly everything below it
//!            PostgreSQL: XLogInsertRecord, XLogFlush, CreateCheckPoint, StartupXLOG
//! threads    3 (two committers, checkpointer)
//! bounds     two pages, of which both transactions change one; a segment to be recycled
//! cost       not seen to end under dpor; sampled
//! broken by  a page dirty behind its record; a redo point behind which images are left out

use super::engine_bed::EngineBed;
use super::seawall_core::checkpoint::Urgency;
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, Loom, LoomBounded, LoomRmw};
use crate::profile::Profile::{Ci, Nightly};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "engine_small",
    property: "an acknowledged transaction survives every crash, and none survives by half",
    threads: 3,
    bounds: "two pages, two transactions, a checkpoint that recycles",
    searches: &[(LoomBounded(0), Ci), (Dpor, Nightly), (LoomRmw, Nightly), (Loom, Nightly)],
    reach: &["none before the redo point", "one before the redo point", "both before it"],
    outcomes: 13,
    run: scenario,
};

fn scenario() {
    let bed = EngineBed::new(2048, 2, &[&[0, 1], &[1]]);
    bed.fill_log(1900);
    let committers = [0, 1].map(|transaction| {
        let theirs = bed.clone();
        thread::spawn(move || theirs.commit(transaction))
    });
    let checkpoint = bed.engine.checkpoint(Urgency::Immediate).expect("a good disk");
    let ends =
        committers.map(|committer| committer.join().expect("a committer").expect("a good disk"));
    bed.end();
    let before = ends.iter().filter(|end| **end <= checkpoint.redo).count();
    reach(["none before the redo point", "one before the redo point", "both before it"][before]);
    outcome(format_args!("{before} before the redo point, {} written", checkpoint.buffers_written));
}
