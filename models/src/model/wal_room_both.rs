//! Room for two: who needs the room of bytes that another has not inserted yet sleeps until he has.
//!
//! property   nobody writes the log again and again while he waits, and all is there     (W6, W8)
//! code       wal/flush.rs make_room, wal/insert.rs copy, wal/ring.rs wait_inserted
//!            PostgreSQL: AdvanceXLInsertBuffer
//! threads    2 (inserters)
//! bounds     three records of 40 bytes over blocks of 32, in a ring of 64, one inserted before
//! cost       4,020 executions under dpor
//! broken by  room that is asked for before it can be made

use super::fixture::Store;
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "wal_room_both",
    property: "who needs room of what is not inserted yet waits for that, and all is there",
    threads: 2,
    bounds: "three records of 40 bytes, blocks of 32, ring of 64",
    searches: &[(Dpor, Quick), (LoomBounded(1), Quick), (LoomRmw, Nightly)],
    reach: &["ours before theirs", "theirs before ours"],
    outcomes: 2,
    run: scenario,
};

fn scenario() {
    let store = Store::new(1, 1, 64);
    store.insert(&[1; 16]);
    let theirs = store.clone();
    let other = thread::spawn(move || theirs.insert(&[2; 16]).0);
    let ours = store.insert(&[3; 16]).0;
    let theirs = other.join().expect("the other inserter");

    let order = if ours < theirs { "ours before theirs" } else { "theirs before ours" };
    reach(order);
    store.wal.flush(store.wal.reserved()).expect("a good disk");
    let all = store.records(store.wal.flushed());
    let mut values: Vec<u8> = all.iter().map(|record| record.body[0]).collect();
    assert!(all.iter().all(|record| record.body == [record.body[0]; 16]), "torn: {all:?}");
    assert_eq!(values.remove(0), 1);
    assert_eq!(values, if ours < theirs { [3, 2] } else { [2, 3] });
    outcome(order);
}
