//! What the threads do that keep a store moving: one round, one sleep, and how to end it.

use super::Engine;
use crate::buffer::{BackgroundWriter, Round};
use crate::config::Config;
use crate::error::Result;
use crate::poison::OnPanic;
use crate::wal::background::{BackgroundSettings, WalWriter};
use crate::wal::durable::Flusher;

impl Engine {
    /// Poisons the store, for a failed `op` of `thread`, if a panic unwinds through the scope of
    /// what this returns: for the threads that others rely on.
    pub fn on_panic<'e>(&'e self, op: &'static str, thread: &'e str) -> OnPanic<'e> {
        self.poison.on_panic(op, thread)
    }

    /// One round of the WAL writer. Returns whether there was anything to do.
    ///
    /// # Errors
    /// As [`Engine::wait_durable`].
    pub fn wal_writer_round(&self, writer: &mut WalWriter) -> Result<bool> {
        let Config { wal_writer_delay: delay, wal_writer_flush_after_bytes, .. } = self.config();
        let settings =
            BackgroundSettings { delay, flush_after_bytes: wal_writer_flush_after_bytes };
        writer.round(&self.wal, self.clock.now(), settings)
    }

    /// Blocks until somebody commits asynchronously, or the store is poisoned: for use after a
    /// round of the WAL writer that had nothing to do.
    pub fn wal_writer_sleep(&self, writer: &WalWriter) {
        writer.sleep(&self.wal);
    }

    /// A flusher for this store; one at a time is enough.
    pub fn flusher(&self) -> Flusher {
        self.wal.flusher()
    }

    /// Blocks until a future asks for a position to become durable, and makes it so.
    ///
    /// # Errors
    /// As [`Engine::wait_durable`]; the futures get them as well.
    pub fn flusher_serve(&self, flusher: &mut Flusher) -> Result<()> {
        flusher.serve(&self.wal)
    }

    /// Ends the sleeps of flusher and WAL writer, now and from now on.
    pub fn wake_wal_threads(&self) {
        self.wal.close_requests();
    }

    /// A background writer for this store; one at a time is enough.
    pub fn background_writer(&self) -> BackgroundWriter {
        BackgroundWriter::new(&self.pool)
    }

    /// One round of the background writer: cleans pages that are about to be evicted.
    ///
    /// # Errors
    /// As [`BackgroundWriter::round`]. The next round may succeed, unless the store is poisoned.
    pub fn background_writer_round(&self, writer: &mut BackgroundWriter) -> Result<Round> {
        writer.round(&self.pool)
    }

    /// Blocks until a frame is allocated that the writer's last round did not count, the store is
    /// poisoned, or [`Engine::wake_background_writer`] is called: for use after a round that was
    /// idle.
    pub fn background_writer_sleep(&self, writer: &BackgroundWriter) {
        writer.sleep(&self.pool);
    }

    /// Ends the sleep of the background writer, and its next one if it is awake.
    pub fn wake_background_writer(&self) {
        self.pool.wake_background_writer();
    }
}
