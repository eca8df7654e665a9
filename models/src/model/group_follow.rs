//! Followers: of three who want the same record durable one writes, and wakes those who sleep.
//!
//! property   all return, and the record is on the disk that a power cut leaves          (W5, W8)
//! code       wal/flush.rs flush, release, wal/pipeline.rs    PostgreSQL: XLogFlush, group commit
//! threads    3 (committers)    bounds  one record, inserted before
//! cost       41,353 executions under dpor
//! broken by  a group that ends and wakes its followers not, or not all

use super::fixture::Store;
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, LoomBounded, LoomRmw};
use crate::profile::Profile::{Ci, Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "group_follow",
    property: "of three who want the same, all return once it is durable",
    threads: 3,
    bounds: "one record, inserted before",
    searches: &[(LoomBounded(2), Quick), (Dpor, Ci), (LoomRmw, Nightly)],
    reach: &["one sync for all"],
    outcomes: 1,
    run: scenario,
};

fn scenario() {
    let store = Store::new(1, 1, 128);
    let (start, end) = store.insert(&[1; 8]);
    let before = store.bed.disk.operations();
    let others = [(); 2].map(|()| {
        let theirs = store.clone();
        thread::spawn(move || theirs.wal.flush(end).expect("a good disk"))
    });
    store.wal.flush(end).expect("a good disk");
    assert!(store.is_durable(start, 1), "acknowledged and not durable");
    others.into_iter().for_each(|other| other.join().expect("another committer"));

    // A write and a sync.
    let rounds = (store.bed.disk.operations() - before) / 2;
    assert_eq!(rounds, 1, "what is durable is not written again");
    reach("one sync for all");
    outcome(format_args!("{}", store.bed.history()));
}
