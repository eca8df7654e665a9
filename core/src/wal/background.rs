//! One round of the WAL writer. PostgreSQL: `XLogBackgroundFlush`.
//!
//! Whole blocks are written as they fill up, and synced when enough of them, or enough time, has
//! come together. With no whole block to write, it is the asynchronous commits' turn: so such a
//! commit is durable after at most three rounds (W10): one that ends before it, one that finds
//! whole blocks, one that finds none. While there is nothing to do it sleeps.
//!
//! # Checked by
//! model `wal_writer_sleep`.

use super::flush::Wal;
use crate::error::Result;
use crate::lsn::Lsn;
use std::time::Duration;

/// When the WAL writer syncs.
#[derive(Debug, Clone, Copy)]
pub struct BackgroundSettings {
    /// Sync at least this often while there is anything to sync.
    pub delay: Duration,
    /// Sync once this much is unsynced; 0: in every round.
    pub flush_after_bytes: u64,
}

/// What the WAL writer keeps between its rounds.
#[derive(Debug, Default)]
pub struct WalWriter {
    last_sync: Option<Duration>,
    /// The asynchronous commit that the last round knew of.
    known: Lsn,
}

impl WalWriter {
    /// Writes, and perhaps syncs. Returns whether there was anything to do.
    ///
    /// # Errors
    /// As [`Wal::flush`].
    pub fn round(
        &mut self,
        wal: &Wal,
        now: Duration,
        settings: BackgroundSettings,
    ) -> Result<bool> {
        wal.check_poison()?;
        let whole_blocks = wal.geometry.block_start(wal.geometry.block(wal.reserved()));
        let flushed = wal.flushed();
        if whole_blocks > flushed {
            let sync = self.sync_is_due(now, whole_blocks.since(flushed), settings);
            wal.write_upto(whole_blocks, sync)?;
            if sync {
                self.last_sync = Some(now);
            }
            return Ok(true);
        }
        self.known = wal.async_commits.position();
        if self.known > flushed {
            wal.write_upto(self.known, true)?;
            self.last_sync = Some(now);
            return Ok(true);
        }
        Ok(false)
    }

    /// Sleeps until somebody commits asynchronously, or the store is poisoned: for use after a
    /// round that found nothing to do. PostgreSQL: the WAL writer hibernates.
    pub fn sleep(&self, wal: &Wal) {
        wal.async_commits.wait_beyond(self.known);
    }

    fn sync_is_due(&self, now: Duration, unsynced: u64, settings: BackgroundSettings) -> bool {
        let waited = self.last_sync.map(|last| now.saturating_sub(last));
        waited.is_none_or(|waited| waited > settings.delay)
            || unsynced >= settings.flush_after_bytes
    }
}

impl Wal {
    /// Notes that somebody has committed without waiting, for the WAL writer to make it durable.
    pub fn note_async_commit(&self, end: Lsn) {
        self.async_commits.ask(end);
    }
}

#[cfg(test)]
mod tests;
