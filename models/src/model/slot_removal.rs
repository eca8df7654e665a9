//! Slots: a segment that a slot needs is there; a slot is refused only if its segment is gone.
//!
//! property   while a slot is held, no segment from its position on is removed or recycled; who is
//!            refused is told the first position that is there                             (R5)
//! code       wal/slot.rs, wal/segment.rs retire_before
//!            PostgreSQL: KeepLogSeg, ReplicationSlotReserveWal
//! threads    2 (a consumer, a checkpointer)
//! bounds     three segments, of which recovery needs the last; the slot advances by one
//! cost       16 executions under dpor
//! broken by  a slot taken without a look at what is gone; what goes decided in one step and noted
//!            in another; a removal that asks the slots and does not listen

use super::fixture::Store;
use super::seawall_core::disk::Disk;
use super::seawall_core::error::Error;
use super::seawall_core::sync::thread;
use super::seawall_core::wal::position::segment_path;
use crate::engine::Engine::{Dfs, Dpor, Loom, LoomRmw};
use crate::profile::Profile::{Ci, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "slot_removal",
    property: "no segment that a slot needs is removed",
    threads: 2,
    bounds: "three segments, one slot that advances, one removal",
    searches: &[(Dpor, Quick), (Dfs, Ci), (Loom, Quick), (LoomRmw, Ci)],
    reach: &["refused", "held both", "let the first go"],
    outcomes: 4,
    run: scenario,
};

fn scenario() {
    let store = Store::new(1, 1, 1024);
    // A segment has 512 bytes of the stream.
    for _ in 0..3 {
        let (_, end) = store.insert(&[1; 400]);
        store.wal.flush(end).expect("a good disk");
    }
    let theirs = store.clone();
    let consumer = thread::spawn(move || consume(&theirs));
    store.wal.segments().retire_before(3, 0).expect("a good disk");
    let first_left = (1..=3).find(|segment| is_there(&store, *segment)).expect("the last");
    let was_held = consumer.join().expect("the consumer");

    reach(match (was_held, first_left) {
        (false, _) => "refused",
        (true, 1) => "held both",
        (true, _) => "let the first go",
    });
    assert!(was_held || first_left == 3, "refused, but segment {first_left} is there");
    store.wal.segments().retire_before(3, 0).expect("a good disk");
    let left: Vec<u64> = (1..=3).filter(|segment| is_there(&store, *segment)).collect();
    assert_eq!(left, [3], "what nobody needs any more is removed");
    outcome(format_args!("held {was_held}, then {first_left}"));
}

/// Takes a slot of everything, and goes on to the second segment; whether that was to be had.
fn consume(store: &Store) -> bool {
    let start = |segment| store.wal.geometry().segment_start(segment);
    let slot = match store.wal.slot("consumer", start(1)) {
        Ok(slot) => slot,
        Err(Error::WalGone { oldest, .. }) => {
            assert_eq!(oldest, start(3), "what is there");
            assert!(is_there(store, 3), "the position that was named is gone");
            return false;
        }
        Err(error) => panic!("{error}"),
    };
    assert!(is_there(store, 1), "a segment was removed that a slot needs");
    slot.advance(start(2));
    assert!(is_there(store, 2), "a segment was removed that a slot still needs");
    true
}

fn is_there(store: &Store, segment: u64) -> bool {
    store.bed.disk.open(&segment_path(segment)).is_ok()
}
