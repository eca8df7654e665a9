//! What `commit` measures: records made durable by 1 to 64 committers, each a thread that hands in
//! a record of [`RECORD_BYTES`] pseudo-random bytes, waits until it is durable, and goes on.
//!
//! # The entrants
//! Each commits in its own way; its settings are its defaults but for what is said here.
//!
//! | entrant | a commit | settings | syncs are shared |
//! |---|---|---|---|
//! | `ideal` | one write of everybody's records, one sync | fdatasync | by all |
//! | `ideal direct` | the same, in whole blocks of 4 KiB | `O_DIRECT`, `O_DSYNC` | by all |
//! | `raw` | each thread writes and syncs for itself | fdatasync | no |
//! | `seawall wal` | `Wal::insert`, `Wal::flush` | | yes |
//! | `seawall fdatasync` | the same | `WalSync::Fdatasync` | yes |
//! | `seawall store` | a change of a page, `Store::commit` | no timed checkpoints | yes |
//! | `raft-engine` | `Engine::write` of one `put`, `sync` true | | yes |
//! | `raft-engine filled` | the same | `prefill_for_recycle` | yes |
//! | `okaywal` | an entry of one chunk | `LogVoid` | yes |
//! | `redb` | an insert | `Durability::Immediate` | no: one writer at a time |
//! | `fjall` | an insert, `Database::persist(SyncData)` | | no: done under the journal's lock |
//! | `sqlite` | an insert by itself | WAL, `synchronous=FULL` | no: one writer at a time |
//! | `rocksdb` | a `put` | `WriteOptions::sync`; no compression | yes |
//! | `postgresql` | a prepared insert by itself | `synchronous_commit=on` | yes |
//!
//! The files of the three limits are full of zeros; a thread of `raw` has a region of its own. No
//! two threads of `seawall store` change the same page. SQLite and PostgreSQL have a connection for
//! each thread: SQLite's wait with the handler of `busy_timeout` and sync with fsync, PostgreSQL's
//! are Unix sockets.
//!
//! # The same for everybody
//! * One file system, that of `SEAWALL_BENCH_DIR` or else of the system's temporary directory.
//! * All take turns in rounds of [`rounds::ROUND`], each of which begins with another one. A
//!   committer has committed a few times before the clock starts.
//! * Commits count that end within the round; every commit that begins within it has its latency.
//!   The records of an ideal batch are as many commits, each as late as the batch.
//!
//! # Not the same
//! * What else a commit does: the logs append; the stores and databases keep an index, or pages;
//!   PostgreSQL is a server, whose processes and the committers share the processors.
//! * Space: the files of the limits are full of zeros. Between its rounds, off the clock,
//!   seawall's log recycles its segments, and `seawall store` runs a checkpoint, which does that,
//!   and changes each page once, so that no page goes into the log as an image: that is how a log
//!   is that has been used for a while. `raft-engine filled` is like that too: its files are
//!   filled with zeros, and the first one, which it does not fill, has been written full. The
//!   others make room as they go.
//! * Background work (checkpoints, compaction) is done when its owner likes, in a round of
//!   somebody else too. That is what the medians are for.

mod databases;
mod limits;
mod logs;
mod postgresql;
#[cfg(feature = "rocksdb")]
mod rocks;
pub mod rounds;
mod seawall;
pub mod tables;

use seawall_benches::{Random, temp_dir};
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

/// Bytes of a record, without what an entrant adds to it.
pub const RECORD_BYTES: usize = 192;

/// What is committed.
pub type Record = [u8; RECORD_BYTES];

/// A thread's way to commit: returns when the record is durable.
pub type Committer<'a> = Box<dyn FnMut(&Record) + Send + 'a>;

/// Somebody who commits records. What fails, panics.
pub trait Entrant {
    /// Readies it for a round, off the clock.
    fn prepare(&self) {}

    /// As many committers, each for a thread of its own.
    fn committers(&self, count: usize) -> Vec<Committer<'_>>;

    /// Records that a call of one of `count` committers makes durable.
    fn records_per_call(&self, _count: usize) -> u64 {
        1
    }
}

/// An entrant, or why it cannot take part.
pub type Entered = Result<Box<dyn Entrant>, String>;

/// Makes an entrant ready.
pub type Enter = fn() -> Entered;

/// Everybody, in the order of the tables; the first one is what the others are compared to.
pub const ENTRANTS: [(&str, Enter); 14] = [
    ("ideal", limits::ideal),
    ("ideal direct", limits::ideal_direct),
    ("raw", limits::raw),
    (SEAWALL_WAL, seawall::wal),
    ("seawall fdatasync", seawall::wal_fdatasync),
    ("seawall store", seawall::store),
    ("raft-engine", logs::raft_engine),
    ("raft-engine filled", logs::raft_engine_filled),
    ("okaywal", logs::okaywal),
    ("redb", databases::redb),
    ("fjall", databases::fjall),
    ("sqlite", databases::sqlite),
    ("rocksdb", rocksdb),
    ("postgresql", postgresql::postgresql),
];

/// Whom the last table compares with the others.
pub const SEAWALL_WAL: &str = "seawall wal";

#[cfg(feature = "rocksdb")]
use rocks::rocksdb;

#[cfg(not(feature = "rocksdb"))]
fn rocksdb() -> Entered {
    Err("built without the feature rocksdb".to_owned())
}

/// Keys that grow: those of all threads of an entrant.
#[derive(Default)]
struct Keys(AtomicU64);

impl Keys {
    fn next(&self) -> u64 {
        // Relaxed: only that each is another one matters.
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// The records of a thread: pseudo-random, made before, each at another place of a pool of bytes.
pub struct Records {
    bytes: Vec<u8>,
    next: usize,
}

impl Records {
    const POOL_BYTES: usize = 64 << 10;

    /// Those of one seed.
    pub fn new(seed: u64) -> Self {
        Self { bytes: Random::new(seed).bytes(Self::POOL_BYTES), next: 0 }
    }

    /// The next one. They come again after a while.
    pub fn next_record(&mut self) -> &Record {
        let at = self.next;
        // Odd, so that all offsets come by.
        self.next = (at + RECORD_BYTES + 1) % (Self::POOL_BYTES - RECORD_BYTES);
        self.bytes[at..at + RECORD_BYTES].try_into().expect("its length")
    }
}

/// One committer that is made anew for each thread.
fn each<'a, C: FnMut(&Record) + Send + 'a>(
    count: usize,
    committer: impl Fn(usize) -> C,
) -> Vec<Committer<'a>> {
    (0..count).map(|thread| Box::new(committer(thread)) as Committer<'a>).collect()
}
