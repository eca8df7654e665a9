//! A sync of pages that fails in a checkpoint, a transaction, and the power cut at any moment.
//!
//! property   the checkpoint is refused and changes nothing that recovery needs; a transaction is
//!            acknowledged and survives, or is refused                      (F3, R2, S5, W9, M24)
//! code       checkpoint/run.rs, fsync/table.rs, poison.rs, wal/flush.rs
//!            PostgreSQL: ProcessSyncRequests, PANIC under data_sync_retry = off
//! threads    2 (committer, checkpointer)
//! bounds     two pages, of which one is dirty before; the sync of their file fails
//! cost       not seen to end under dpor; 554 under loom with one preemption
//! broken by  a failed sync that is tried again; a control file written all the same

use super::engine_bed::{EngineBed, unless_poisoned};
use super::seawall_core::checkpoint::Urgency;
use super::seawall_core::sim::{EIO, Fault, OpKind};
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, Loom, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "engine_sync_fails",
    property: "a checkpoint whose sync fails publishes nothing, and no commit is lost by it",
    threads: 2,
    bounds: "two pages, of which one is dirty before; their sync fails",
    searches: &[(LoomBounded(1), Quick), (Dpor, Nightly), (LoomRmw, Nightly), (Loom, Nightly)],
    reach: &["acknowledged", "refused"],
    outcomes: 6,
    run: scenario,
};

fn scenario() {
    let bed = EngineBed::new(2048, 2, &[&[0, 1], &[1]]);
    bed.fill_log(1900);
    bed.change(0).expect("a good disk");
    bed.disk.fail_at(1, Fault::once(EIO).only(OpKind::SyncData));
    let theirs = bed.clone();
    let committer = thread::spawn(move || theirs.commit(1));
    for attempt in 1..=2 {
        let complete = unless_poisoned(bed.engine.checkpoint(Urgency::Immediate));
        assert!(complete.is_none(), "checkpoint {attempt} is complete after a failed sync");
    }
    let is_acknowledged = committer.join().expect("the committer").is_some();
    bed.end();
    assert!(unless_poisoned(bed.change(0)).is_none(), "a poisoned store takes a change");
    reach(if is_acknowledged { "acknowledged" } else { "refused" });
    outcome(format_args!("acknowledged: {is_acknowledged}"));
}
