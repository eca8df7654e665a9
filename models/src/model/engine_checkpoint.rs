//! A transaction, a checkpoint that recycles log, and the power cut at any moment.
//!
//! property   an acknowledged transaction is there after recovery, none is half there; no crash
//!            leaves a control file whose log is gone                  (C1, C2, F1, F3, R2, R5, R7)
//! code       checkpoint/run.rs, checkpoint/write.rs, buffer/flush.rs, wal/segment.rs, control.rs
//!            PostgreSQL: CreateCheckPoint, RemoveOldXlogFiles
//! threads    2 (committer, checkpointer)
//! bounds     two pages, dirty before; a segment to be recycled; every crash
//! cost       ? executions under dpor
//! broken by  a control file that is written before the pages are synced; log that is recycled
//!            before the control file is durable; a page written before its log

use super::engine_bed::EngineBed;
use super::seawall_core::checkpoint::Urgency;
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, Loom, LoomBounded, LoomRmw};
use crate::profile::Profile::{Ci, Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "engine_checkpoint",
    property: "an acknowledged transaction survives every crash in a checkpoint",
    threads: 2,
    bounds: "two pages, dirty before, a segment to be recycled",
    searches: &[
        (LoomBounded(1), Quick),
        (LoomBounded(2), Ci),
        (Dpor, Nightly),
        (LoomRmw, Nightly),
        (Loom, Nightly),
    ],
    reach: &["before the redo point", "behind the redo point"],
    outcomes: 6,
    run: scenario,
};

fn scenario() {
    let bed = EngineBed::new(2048, 2, &[&[0, 1], &[1]]);
    bed.fill_segments(1);
    bed.change(0).expect("a good disk");
    let theirs = bed.clone();
    let committer = thread::spawn(move || theirs.commit(1));
    let checkpoint = bed.engine.checkpoint(Urgency::Immediate).expect("a good disk");
    let end = committer.join().expect("the committer").expect("a good disk");
    bed.end();
    assert_eq!(checkpoint.segments.recycled, 1, "the segment before the redo point is recycled");
    let (before, behind) = ("before the redo point", "behind the redo point");
    let side = if end <= checkpoint.redo { before } else { behind };
    reach(side);
    outcome(side);
}
