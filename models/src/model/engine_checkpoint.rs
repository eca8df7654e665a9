//! A transaction, a checkpoint that recycles log, and the power cut at any moment.
//!
//! property   an acknowledged transaction is there after recovery, none is half there; no crash
//!            leaves a control file whose log is gone                  (C1, C2, F1, F3, R2, R5, R7)
//! code       checkpoint/run.rs, checkpoint/write.rs, buffer/flush.rs, wal/segment.rs, control.rs
//!            PostgreSQL: CreateCheckPoint, RemoveOldXlogFiles
//! threads    2 (committer, checkpointer)
//! bounds     three pages, of which two are written before and one is dirty; a segment of the log
//!            to be recycled; four frames; every crash
//! cost       not seen to end under dpor; 5,115 under loom with one preemption
//! broken by  a control file that is written before the pages are synced; log that is recycled
//!            before the control file is durable; a page written before its log

use super::engine_bed::EngineBed;
use super::seawall_core::checkpoint::Urgency;
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, Loom, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "engine_checkpoint",
    property: "an acknowledged transaction survives every crash in a checkpoint",
    threads: 2,
    bounds: "three pages in two segments, one of the log to be recycled",
    searches: &[(LoomBounded(1), Quick), (Dpor, Nightly), (LoomRmw, Nightly), (Loom, Nightly)],
    reach: &["before the redo point", "behind the redo point"],
    outcomes: 7,
    run: scenario,
};

fn scenario() {
    let bed = EngineBed::new(2048, 7, &[&[0, 2], &[1], &[0]]);
    bed.fill_log(1900);
    bed.change(0).expect("a good disk");
    // Clean, and not durable: only the phase that syncs knows of the second segment.
    bed.evict_before(3);
    bed.change(2).expect("a good disk");
    let theirs = bed.clone();
    let committer = thread::spawn(move || theirs.commit(1));
    let checkpoint = bed.engine.checkpoint(Urgency::Immediate).expect("a good disk");
    let end = committer.join().expect("the committer").expect("a good disk");
    bed.end();
    let segments = checkpoint.segments;
    assert!(segments.recycled + segments.removed > 0, "no log was let go: {segments:?}");
    let (before, behind) = ("before the redo point", "behind the redo point");
    let side = if end <= checkpoint.redo { before } else { behind };
    reach(side);
    outcome(side);
}
