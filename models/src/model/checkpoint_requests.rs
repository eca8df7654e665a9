//! Requests for checkpoints: who asks is answered by one that started after he asked.
//!
//! property   what was done before a request is in the checkpoint that meets it; one at a time; an
//!            immediate request does not wait for one that rests
//! code       checkpoint/request.rs            PostgreSQL: RequestCheckpoint, CheckpointerMain
//! threads    3 (three who ask, one of them for an immediate one, one for all pages)
//! bounds     one request each
//! cost       1,062 executions under dpor
//! broken by  a request that is met by the checkpoint that runs already; wishes that are not
//!            merged; a wake-up left out

use super::seawall_core::checkpoint::{CheckpointRequest, Requests, Urgency};
use super::seawall_core::sync::atomic::{AtomicU64, Ordering};
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, Loom, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;
use std::sync::Arc;

pub(super) const MODEL: Model = Model {
    name: "checkpoint_requests",
    property: "a request is met by a checkpoint that starts after it, as it was wanted",
    threads: 3,
    bounds: "three requests: one immediate, one of all pages",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Nightly), (Loom, Nightly)],
    reach: &["each made his own", "one for two"],
    outcomes: 2,
    run: scenario,
};

/// A store whose changes are counted.
struct Store {
    requests: Requests<Made>,
    changes: AtomicU64,
    made: AtomicU64,
    running: AtomicU64,
}

/// What a checkpoint was like.
#[derive(Clone)]
struct Made {
    number: u64,
    changes: u64,
    like: CheckpointRequest,
}

fn scenario() {
    let zero = || AtomicU64::new(0);
    let (changes, made, running) = (zero(), zero(), zero());
    let store = Arc::new(Store { requests: Requests::new(), changes, made, running });
    let spread = CheckpointRequest::from(Urgency::Spread);
    let wishes = [Urgency::Immediate.into(), CheckpointRequest { flush_all: true, ..spread }];
    let others: Vec<_> = wishes
        .into_iter()
        .map(|wish| {
            let theirs = store.clone();
            thread::spawn(move || theirs.change_and_ask(wish))
        })
        .collect();
    let mut met = vec![store.change_and_ask(spread)];
    met.extend(others.into_iter().map(|other| other.join().expect("who asked")));

    let made = store.made.load(Ordering::Acquire);
    assert!((2..=3).contains(&made), "{made} checkpoints for three requests");
    reach(if made == 2 { "one for two" } else { "each made his own" });
    met.sort_unstable();
    outcome(format_args!("met by {met:?} of {made}"));
}

impl Store {
    /// Changes something and has it checkpointed; the number of the checkpoint.
    fn change_and_ask(&self, wish: CheckpointRequest) -> u64 {
        let changed = self.changes.fetch_add(1, Ordering::AcqRel) + 1;
        let made = self.requests.request(wish, |like| Ok(self.checkpoint(like)));
        let Made { number, changes, like } = made.expect("it does not fail");
        assert!(changes >= changed, "met by a checkpoint that began before the request");
        assert_eq!(like, like | wish, "less than was wished for");
        number
    }

    fn checkpoint(&self, like: CheckpointRequest) -> Made {
        let others = self.running.fetch_add(1, Ordering::AcqRel);
        assert_eq!(others, 0, "two checkpoints at a time");
        let rests = like.urgency == Urgency::Spread || !self.requests.is_hurried();
        assert!(like.urgency == Urgency::Spread || !rests, "an immediate one rests");
        let changes = self.changes.load(Ordering::Acquire);
        let number = self.made.fetch_add(1, Ordering::AcqRel) + 1;
        self.running.fetch_sub(1, Ordering::AcqRel);
        Made { number, changes, like }
    }
}
