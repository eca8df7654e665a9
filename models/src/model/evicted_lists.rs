//! Method 1's lists: what others write while a checkpoint runs is waited for, or left to its sync.
//!
//! property   every page that was noted is in one drain, or in what is left at the end; none is in
//!            two; nothing is noted when no checkpoint runs                               (K2, K3)
//! code       writeback/evicted.rs                        PostgreSQL: method 1 of the post
//! threads    3 (two who evict pages, a checkpointer)
//! bounds     two pages of each; three drains
//! cost       1,980 executions under dpor
//! broken by  a list that is drained and left in place; pages noted behind the end

use super::fixture::{Bed, page};
use super::seawall_core::sim::OpKind;
use super::seawall_core::sync::thread;
use super::seawall_core::writeback::EvictedPages;
use crate::engine::Engine::{Dpor, Loom, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;
use std::sync::{Arc, Mutex};

pub(super) const MODEL: Model = Model {
    name: "evicted_lists",
    property: "pages that are noted are drained once, or left at the end",
    threads: 3,
    bounds: "two who note two pages each, three drains",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Nightly), (Loom, Nightly)],
    reach: &["in one", "in two", "left"],
    outcomes: 35,
    run: scenario,
};

fn scenario() {
    let bed = Bed::new(1, 4);
    let waited = Arc::new(Mutex::new(Vec::new()));
    let theirs = waited.clone();
    bed.disk.set_observer(Some(Box::new(move |_, op| {
        assert_eq!(op.kind, OpKind::WaitWriteback);
        theirs.lock().expect("no panic").push((op.offset / 64, op.len / 64));
    })));
    let lists = Arc::new(EvictedPages::new());
    lists.note(page(0), 1);
    lists.begin();
    let evictors: Vec<_> = [0, 2]
        .into_iter()
        .map(|first| {
            let theirs = lists.clone();
            thread::spawn(move || {
                theirs.note(page(first), 1);
                theirs.note(page(first + 1), 1);
            })
        })
        .collect();
    let drained = [(); 3].map(|()| lists.drain(&bed.files).expect("a good disk"));
    let unnoted = lists.end();
    evictors.into_iter().for_each(|evictor| evictor.join().expect("who evicts"));

    let mut pages: Vec<u64> = Vec::new();
    for (first, count) in waited.lock().expect("no panic").iter() {
        pages.extend(*first..first + count);
    }
    pages.sort_unstable();
    let count = pages.len();
    pages.dedup();
    assert_eq!(
        (pages.len(), drained.iter().sum::<usize>()),
        (count, count),
        "a page twice, or none"
    );
    assert_eq!(unnoted, 0, "there was room");
    lists.begin();
    assert_eq!(lists.drain(&bed.files).expect("a good disk"), 0, "of the last checkpoint");
    match drained.iter().filter(|pages| **pages > 0).count() {
        1 => reach("in one"),
        2 => reach("in two"),
        _ => {}
    }
    if count < 4 {
        reach("left");
    }
    outcome(format_args!("{drained:?}"));
}
