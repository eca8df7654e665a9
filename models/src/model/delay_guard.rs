//! Delay: an effect that is not in a page lies on the same side of a redo point as its record.
//!
//! property   a record before the redo point has its effect when the checkpoint looks for it  (R2)
//! code       checkpoint/delay.rs, wal/ring.rs begin_epoch         PostgreSQL: DELAY_CHKPT_START
//! threads    3 (two who insert a record and have an effect, a checkpointer)
//! bounds     one record each, one redo point
//! cost       24 executions under dpor
//! broken by  a redo point that is fixed without a look at the delays

use super::fixture::Store;
use super::seawall_core::sync::atomic::{AtomicU64, Ordering};
use super::seawall_core::sync::thread;
use super::seawall_core::wal::record::{RecordBuf, RecordKind};
use crate::engine::Engine::{Dpor, Loom, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;
use std::sync::Arc;

pub(super) const MODEL: Model = Model {
    name: "delay_guard",
    property: "an effect outside of the pool is there if its record is before the redo point",
    threads: 3,
    bounds: "two records with an effect each, one redo point",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Nightly), (Loom, Nightly)],
    reach: &["none before", "one before", "both before"],
    outcomes: 3,
    run: scenario,
};

fn scenario() {
    let store = Store::new(1, 1, 1024);
    let effects = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
    let actors: Vec<_> = (0..2)
        .map(|number: usize| {
            let (theirs, effects) = (store.clone(), effects.clone());
            thread::spawn(move || {
                let _delay = theirs.delays.delay();
                let mut record = RecordBuf::new(RecordKind::Drop);
                let (_, end) = theirs.wal.insert_any_time(&mut record).expect("there is room");
                effects[number].store(1, Ordering::Release);
                end
            })
        })
        .collect();
    let redo = store.delays.between(|| store.wal.fix_redo());
    let seen: Vec<u64> = effects.iter().map(|effect| effect.load(Ordering::Acquire)).collect();
    let ends = actors.into_iter().map(|actor| actor.join().expect("an actor"));
    let mut before = 0;
    for (end, seen) in ends.zip(seen) {
        assert!(end > redo || seen == 1, "a record before the redo point has no effect yet");
        before += usize::from(end <= redo);
    }
    reach(["none before", "one before", "both before"][before]);
    outcome(format_args!("{before} before the redo point"));
}
