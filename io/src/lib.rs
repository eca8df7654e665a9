//! A durable page store on Linux files: buffer pool, write-ahead log, checkpoints, recovery.
//!
//! The protocols are those of [`seawall_core`], which a checker can explore; this crate brings the
//! files ([`LinuxDisk`]), the clock and the threads ([`Store`]).
//!
//! ```
//! use seawall::{Config, FileOptions, PageId, Store};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let parent = tempfile::tempdir()?;
//! # let dir = parent.path().join("store");
//! let store = Store::create(&dir, Config::default())?;
//! let file = store.create_file(FileOptions::default())?;
//! let first = store.extend(file, 2)?;
//! let (from, to) = (PageId::new(file, first), PageId::new(file, first + 1));
//!
//! let mut transfer = store.operation(); // all or nothing, also after a power cut
//! transfer.page(from)?.write(0, b"balance 90")?;
//! transfer.page(to)?.write(0, b"balance 10")?;
//! store.commit(transfer)?; // durable when this returns
//!
//! assert_eq!(&store.read(to)?[..10], b"balance 10");
//! store.close()?;
//! # Ok(())
//! # }
//! ```
#![deny(unsafe_code)]

mod background;
mod clock;
mod linux;
mod measured;
mod store;
mod traced;
mod workers;

pub use clock::SystemClock;
pub use linux::LinuxDisk;
pub use measured::{IoKind, IoObject, IoStats};
pub use store::Store;
pub use traced::{Trace, TracedDisk};
pub use workers::Threads;

pub use seawall_core;
pub use seawall_core::buffer::{Access, PageRead, PoolStats, Ring};
pub use seawall_core::checkpoint::{
    CheckpointDelay, CheckpointHistory, CheckpointProgress, CheckpointStats, Phase,
};
pub use seawall_core::config::{Config, Format, FullPageImages};
pub use seawall_core::error::{ControlFault, Error, PageFault, Result, WalFault};
pub use seawall_core::files::{FileOptions, TablespaceId};
pub use seawall_core::lsn::Lsn;
pub use seawall_core::operation::{Operation, OperationPage};
pub use seawall_core::page::{FileId, PageId};
pub use seawall_core::poison::PoisonCause;
pub use seawall_core::recovery::RecoveryReport;
pub use seawall_core::redo::Redo;
#[cfg(feature = "sim")]
pub use seawall_core::sim;
pub use seawall_core::wal::durable::{FlushedFollower, WhenDurable};
pub use seawall_core::wal::reader::Record;
pub use seawall_core::wal::record::RecordKind;
pub use seawall_core::wal::segment::WalSync;
pub use seawall_core::wal::tail::TailReader;
pub use seawall_core::wal::{SlotInfo, WalSlot, WalStats};

/// The example of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
