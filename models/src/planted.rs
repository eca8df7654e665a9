//! Planted bugs, small and on the facade alone: one for the strength of each engine.
//!
//! The audit runs them under every engine and shows who finds which. `run` and `replay` know them
//! by their names, too, so that everybody can see what a failing execution looks like.

use super::seawall_core::sync::atomic::{AtomicU64, Ordering};
use super::seawall_core::sync::{Mutex, thread};
use crate::engine::Engine::{Dfs, Dpor, Loom, LoomBounded, LoomRmw, Pct, Random, Urw};
use crate::profile::Profile::{Ci, Quick};
use crate::record::outcome;
use crate::spec::Model;
use std::sync::Arc;

/// All of them.
pub(super) const PLANTED: &[Model] = &[
    Model {
        run: lost_update,
        searches: &[
            (LoomRmw, Quick),
            (Loom, Ci),
            (LoomBounded(2), Ci),
            (Dpor, Ci),
            (Dfs, Ci),
            (Pct(3), Ci),
            (Random, Ci),
            (Urw, Ci),
        ],
        ..model("lost_update", LOST_UPDATE)
    },
    Model {
        run: relaxed_publish,
        searches: &[(Loom, Quick), (LoomBounded(2), Ci)],
        ..model("relaxed_publish", PUBLISH)
    },
    Model {
        run: early_ack,
        searches: &[
            (LoomRmw, Quick),
            (LoomBounded(2), Ci),
            (Dpor, Ci),
            (Dfs, Ci),
            (Pct(3), Ci),
            (Random, Ci),
            (Urw, Ci),
        ],
        ..model("early_ack", EARLY_ACK)
    },
];

const LOST_UPDATE: &str = "two increments by load and store add up: only another order shows it";
const PUBLISH: &str = "a Relaxed flag publishes a word: only loom, which knows orderings, shows it";
const EARLY_ACK: &str = "a commit waits for written, not for flushed: plain loom skips the order";

const fn model(name: &'static str, property: &'static str) -> Model {
    Model {
        name,
        property,
        threads: 2,
        bounds: "planted bug",
        searches: &[],
        reach: &[],
        outcomes: 1,
        run: || (),
    }
}

fn lost_update() {
    let count = Arc::new(AtomicU64::new(0));
    let theirs = count.clone();
    let increment = |count: &AtomicU64| {
        let value = count.load(Ordering::Acquire);
        count.store(value + 1, Ordering::Release);
    };
    let other = thread::spawn(move || increment(&theirs));
    increment(&count);
    other.join().expect("the other thread");
    assert_eq!(count.load(Ordering::Acquire), 2, "an update is lost");
    outcome("both are there");
}

fn relaxed_publish() {
    let data = Arc::new(AtomicU64::new(0));
    let flag = Arc::new(AtomicU64::new(0));
    let (their_data, their_flag) = (data.clone(), flag.clone());
    let publisher = thread::spawn(move || {
        their_data.store(7, Ordering::Relaxed);
        their_flag.store(1, Ordering::Relaxed);
    });
    if flag.load(Ordering::Acquire) == 1 {
        assert_eq!(data.load(Ordering::Relaxed), 7, "published before it is there");
    }
    publisher.join().expect("the publisher");
    outcome("in order");
}

/// A log of numbered commits on a disk that knows what is durable.
struct Log {
    written: AtomicU64,
    flushed: AtomicU64,
    durable: Mutex<u64>,
}

fn early_ack() {
    let log = Arc::new(Log {
        written: AtomicU64::new(0),
        flushed: AtomicU64::new(0),
        durable: Mutex::new(0),
    });
    let theirs = log.clone();
    let writer = thread::spawn(move || flush(&theirs, 1));
    // The bug: it should ask for `flushed`.
    let is_acknowledged = log.written.load(Ordering::Acquire) >= 1;
    let is_durable = *log.durable.lock() >= 1;
    assert!(is_durable || !is_acknowledged, "acknowledged and not durable");
    writer.join().expect("the WAL writer");
    outcome("acknowledged when durable");
}

fn flush(log: &Log, end: u64) {
    if log.written.load(Ordering::Acquire) < end {
        log.written.store(end, Ordering::Release);
    }
    if log.flushed.load(Ordering::Acquire) < end {
        *log.durable.lock() = end;
        log.flushed.store(end, Ordering::Release);
    }
}
