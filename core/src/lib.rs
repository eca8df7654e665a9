//! The protocols of a durable storage engine: buffer pool, write-ahead log, checkpointer,
//! recovery, after PostgreSQL's design.
//!
//! This crate makes no system call, has no clock and starts no thread; the crate `seawall` brings
//! those and is what an application uses. What is here can be run on any [`disk::Disk`], the
//! simulated one included, and every concurrent protocol can be explored by a checker, because all
//! of them go through [`sync`].
//!
//! # Reading path
//! [`lsn`], [`page`], [`sync`] and the way to wait, [`event`]; then
//! [`buffer`], [`wal`], [`fsync`]; then what binds them: [`operation`], [`redo`], [`checkpoint`],
//! [`recovery`], [`engine`]. What looks at a store that nobody has open is in [`check`].
//!
//! # Invariants
//! Ids such as `W3` or `B4` are those of `docs/protocols.md`.
#![deny(unsafe_code)]

pub mod buffer;
pub mod check;
pub mod checkpoint;
pub mod clock;
pub mod config;
pub mod control;
pub mod disk;
pub mod engine;
pub mod error;
pub mod event;
pub mod files;
pub mod fsync;
pub mod length;
pub mod lsn;
pub mod operation;
pub mod page;
pub mod poison;
mod probe;
pub mod recovery;
pub mod redo;
#[cfg(feature = "sim")]
pub mod sim;
pub mod sync;
pub mod wal;
pub mod workers;
pub mod writeback;
