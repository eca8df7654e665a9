//! Combined writes of two: neighbours who each take the other along wait for nobody in a circle.
//!
//! property   each page is written, once or twice, never by two at a time           (I1, E2, C2)
//! code       buffer/combine.rs, buffer/flush.rs write_out         PostgreSQL: has no such thing
//! threads    2 (a checkpointer that writes the first page, one that writes the second)
//! bounds     two dirty neighbours in eight frames; two flushes
//! cost       1,176 executions under dpor
//! broken by  a neighbour whose I/O is waited for; one that is written without its I/O

use super::fixture::Bed;
use super::seawall_core::buffer::{Flush, Marked};
use super::seawall_core::sync::thread;
use crate::engine::Engine::{Dpor, Loom, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;

pub(super) const MODEL: Model = Model {
    name: "combine_both",
    property: "two who take each other's page along write both, and neither waits for ever",
    threads: 2,
    bounds: "two dirty neighbours, two flushes",
    searches: &[(Dpor, Quick), (LoomBounded(2), Quick), (LoomRmw, Nightly), (Loom, Nightly)],
    reach: &["each his own", "one for both"],
    outcomes: 3,
    run: scenario,
};

fn scenario() {
    let bed = Bed::new(8, 2);
    bed.configure(|config| config.write_combine_bytes = 1 << 20);
    assert!(bed.change(0, 8) && bed.change(1, 9));
    let marked = bed.pool.mark_dirty_pages(Marked::All);
    let [(_, first), (_, second)] = marked[..] else { panic!("{} are marked", marked.len()) };
    let theirs = bed.clone();
    let other = thread::spawn(move || theirs.pool.flush_marked(second).expect("a good disk"));
    let mine = bed.pool.flush_marked(first).expect("a good disk");
    // What this thread was told is written, or was never its own to write, is on disk.
    assert_eq!(bed.on_disk(0).body()[1], 8, "a marked page was not written");
    let theirs = other.join().expect("the other");

    assert_eq!(bed.on_disk(1).body()[1], 9, "a marked page was not written");
    assert!(bed.pool.mark_dirty_pages(Marked::All).is_empty(), "a page stays dirty");
    let pages = |flush| if let Flush::Written { pages, .. } = flush { pages } else { 0 };
    assert_eq!(pages(mine) + pages(theirs), 2, "a page was written twice, or by nobody");
    reach(if pages(mine) == 1 { "each his own" } else { "one for both" });
    outcome(format_args!("{mine:?}, {theirs:?}"));
}
