//! The log of a store: positions, durability, images, and what holds it back.

use super::Engine;
use crate::error::{Error, Result};
use crate::lsn::Lsn;
use crate::wal::durable::{FlushedFollower, WhenDurable};
use crate::wal::tail::TailReader;
use crate::wal::{SlotInfo, WalSlot, WalStats};
use std::sync::Arc;

impl Engine {
    /// The log's positions: reserved, written, flushed.
    pub fn wal_positions(&self) -> (Lsn, Lsn, Lsn) {
        let flushed = self.wal.flushed();
        let written = self.wal.written();
        (self.wal.reserved(), written, flushed)
    }

    /// What has gone into the log since the store was opened.
    pub fn wal_stats(&self) -> WalStats {
        self.wal.stats()
    }

    /// Keeps the log from `from` on, for a consumer that calls itself `name`, until the slot is
    /// dropped. Consumers that go on after a restart take theirs right after opening: until the
    /// next checkpoint all of the log that was there is there.
    ///
    /// # Errors
    /// [`Error::WalGone`] if the log does not go back that far any more; [`Error::BeyondWal`].
    pub fn wal_slot(&self, name: &str, from: Lsn) -> Result<WalSlot> {
        self.wal.slot(name, from)
    }

    /// What holds the log back, besides the redo point.
    pub fn wal_slots(&self) -> Vec<SlotInfo> {
        self.wal.slots()
    }

    /// The first position of the log that is still there.
    pub fn wal_oldest(&self) -> Lsn {
        self.wal.oldest()
    }

    /// Returns once everything before `lsn` is durable.
    ///
    /// # Errors
    /// [`Error::Poisoned`]; [`Error::BeyondWal`]; [`Error::Io`] if there is no space for the log.
    pub fn wait_durable(&self, lsn: Lsn) -> Result<()> {
        self.wal.flush(lsn)
    }

    /// A future that is ready once everything before `lsn` is durable, with the errors of
    /// [`Engine::wait_durable`]. Needs no particular executor, but a thread that calls
    /// [`Engine::flusher_serve`].
    pub fn when_durable(&self, lsn: Lsn) -> WhenDurable<'_> {
        self.wal.when_durable(lsn)
    }

    /// Follows the position up to which the log is durable, from where it is now.
    pub fn follow_flushed(&self) -> FlushedFollower<'_> {
        self.wal.follow_flushed()
    }

    /// Reads the records of the log from one on, as they become durable: for replication and
    /// change capture. `from` is where a record starts: the end of an operation that was
    /// committed, the position of a reader.
    ///
    /// The reader holds no segment back: without a [slot](Engine::wal_slot) it fails if it is
    /// slower than checkpoints recycle them. [`Engine::follow_flushed`] tells when there may be
    /// more. It outlives the engine, with nothing new to read then.
    ///
    /// # Errors
    /// [`Error::BeyondWal`]; [`Error::Wal`] if no record starts there, or it is gone;
    /// [`Error::Io`].
    pub fn wal_reader(&self, from: Lsn) -> Result<TailReader> {
        let end = self.wal.reserved();
        if from > end {
            return Err(Error::BeyondWal { lsn: from, end });
        }
        let (disk, wal) = (Arc::clone(&self.disk), Arc::clone(&self.wal));
        let geometry = *self.wal.geometry();
        TailReader::new(disk, geometry, self.system_id, from, move || wal.flushed())
    }

    /// WAL inserted since the last redo point, in bytes.
    pub fn wal_since_redo(&self) -> u64 {
        let (_, redo) = self.wal.redo();
        self.wal.reserved().since(redo)
    }
}
