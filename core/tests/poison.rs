//! After a failed sync: every public call is refused with the first cause, or is one of the few
//! that are named here; who waits is told, a drop does nothing (`poison/waiters.rs`); a panic
//! leaves nothing behind that nobody notices (`poison/panics.rs`).
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "threads of the test")]

#[path = "poison/calls.rs"]
mod calls;
mod common;
#[path = "poison/panics.rs"]
mod panics;
#[path = "poison/waiters.rs"]
mod waiters;

use common::engine_on;
use seawall_core::checkpoint::Urgency;
use seawall_core::config::Config;
use seawall_core::engine::Engine;
use seawall_core::error::{Error, Result};
use seawall_core::files::FileOptions;
use seawall_core::lsn::Lsn;
use seawall_core::page::{FileId, PageId};
use seawall_core::poison::PoisonCause;
use seawall_core::sim::{EIO, Fault, OpKind, SimDisk};
use seawall_core::wal::segment::WalSync;
use std::panic::resume_unwind;
use std::sync::{Arc, mpsc};
use std::time::Duration;

const FILE: FileId = FileId(1);

fn page(block: u32) -> PageId {
    PageId::new(FILE, block)
}

/// A store whose log is synced by a call of its own, so that it can be made to fail alone.
fn config() -> Config {
    Config { wal_sync: WalSync::Fdatasync, ..common::config() }
}

/// A store with one file of clean pages.
fn store(config: &Config, blocks: u32) -> (SimDisk, Engine) {
    let disk = SimDisk::new();
    let engine = engine_on(&disk, config);
    assert_eq!(engine.create_file(FileOptions::default()).unwrap(), FILE);
    engine.extend(FILE, blocks).unwrap();
    engine.checkpoint(Urgency::Immediate).unwrap();
    (disk, engine)
}

fn write(engine: &Engine, page: PageId, value: u8) -> Result<Lsn> {
    let mut operation = engine.operation();
    operation.page(page)?.write(0, &[value])?;
    engine.commit_async(operation)
}

fn commit(engine: &Engine, page: PageId, value: u8) -> Result<()> {
    engine.wait_durable(write(engine, page, value)?)
}

/// The cause with which a call was refused.
fn cause_of<T>(result: Result<T>) -> Arc<PoisonCause> {
    match result.map(drop).unwrap_err() {
        Error::Poisoned(cause) => cause,
        other => panic!("expected poison, got {other}"),
    }
}

/// What the next sync that fails makes of the store.
fn poison(disk: &SimDisk, engine: &Engine) -> Arc<PoisonCause> {
    disk.fail_at(1, Fault::once(EIO).only(OpKind::SyncData));
    let cause = cause_of(commit(engine, page(0), 99));
    assert_eq!((cause.op, cause.errno), ("sync", Some(EIO)));
    cause
}

/// Runs something on a thread of its own, and fails if that hangs.
fn within_a_minute<T: Send + 'static>(what: &str, run: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, wait) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let result = run();
        // Nobody listens any more if it took too long.
        let _ = done.send(());
        result
    });
    if wait.recv_timeout(Duration::from_secs(60)) == Err(mpsc::RecvTimeoutError::Timeout) {
        panic!("{what} hangs");
    }
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}
