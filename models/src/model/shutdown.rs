//! Shutdown: whoever sleeps is woken and ends, and what was committed is durable, whoever made it
//! so.
//!
//! property   the WAL writer and the flusher end when they are told to; the close makes durable
//!            what they have left; no crash before it loses what it promises          (B3, R7, W10)
//! code       engine/threads.rs, wal/request.rs, wal/background.rs, wal/durable.rs,
//!            checkpoint/run.rs                            PostgreSQL: ShutdownXLOG
//! threads    3 (WAL writer, flusher, who closes)
//! bounds     one asynchronous commit
//! cost       1,970 executions under dpor
//! broken by  a request that is closed and wakes nobody; a close without its last checkpoint

use super::engine_bed::EngineBed;
use super::seawall_core::sync::{Mutex, thread};
use super::seawall_core::wal::background::WalWriter;
use crate::engine::Engine::{Dpor, Loom, LoomBounded, LoomRmw};
use crate::profile::Profile::{Nightly, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;
use std::sync::Arc;

pub(super) const MODEL: Model = Model {
    name: "shutdown",
    property: "threads that are told to stop end, and a closed store has lost nothing",
    threads: 3,
    bounds: "one asynchronous commit",
    searches: &[(Dpor, Quick), (LoomBounded(1), Quick), (LoomRmw, Nightly), (Loom, Nightly)],
    reach: &["durable before the close", "durable by the close"],
    outcomes: 5,
    run: scenario,
};

fn scenario() {
    let bed = EngineBed::new(512, 1, &[&[0]]);
    // A lock: of a word, loom would let a thread read the old value for ever.
    let stop = Arc::new(Mutex::new(false));
    let (theirs, told) = (bed.clone(), stop.clone());
    let wal_writer = thread::spawn(move || {
        let mut writer = WalWriter::default();
        while !*told.lock() {
            if !theirs.engine.wal_writer_round(&mut writer).expect("a good disk") {
                theirs.engine.wal_writer_sleep(&writer);
            }
        }
    });
    let (theirs, told) = (bed.clone(), stop.clone());
    let flusher = thread::spawn(move || {
        let mut flusher = theirs.engine.flusher();
        while !*told.lock() {
            theirs.engine.flusher_serve(&mut flusher).expect("a good disk");
        }
    });

    let end = bed.change(0).expect("a good disk");
    *stop.lock() = true;
    bed.engine.wake_wal_threads();
    wal_writer.join().expect("the WAL writer");
    flusher.join().expect("the flusher");
    let (_, _, flushed) = bed.engine.wal_positions();
    let was_durable = flushed >= end;
    bed.engine.close().expect("a good disk");
    bed.acknowledge(0);
    bed.end();
    reach(if was_durable { "durable before the close" } else { "durable by the close" });
    outcome(format_args!("durable before the close: {was_durable}"));
}
