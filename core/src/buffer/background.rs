//! The background writer: cleans what the clock sweep will come to, so that who needs a frame
//! need not write a page first. PostgreSQL: `BgBufferSync`.
//!
//! # Rules
//! * It only helps. A page that it passes over is written by whoever evicts it.
//! * E2: it waits for no content lock, and for nobody else's I/O; for the log it does (F1).
//! * A page is cleaned if nobody has it pinned and its usage is 0: one that is used would be dirty
//!   again before it is evicted.
//! * I3: a failed write leaves its page dirty. The round ends with the error, the next one goes on
//!   behind that page.
//!
//! # Checked by
//! models `background_checkpoint`, `background_sleep`; for where it looks, `forecast.rs`.

use super::flush::{Flush, Writer};
use super::forecast::{Forecast, Found, Position, Round, Scan};
use super::guard::Pin;
use super::pool::Pool;
use super::state::Ahead;
use crate::error::Result;
use crate::files::Writeback;
use crate::writeback::WritebackQueue;

/// What the background writer keeps between its rounds.
#[derive(Debug)]
pub struct BackgroundWriter {
    forecast: Forecast,
    writeback: WritebackQueue,
}

impl BackgroundWriter {
    /// A writer that begins with the pool as it is.
    pub fn new(pool: &Pool) -> Self {
        Self {
            forecast: Forecast::new(&pool.config.get(), pool.buffers(), pool.position()),
            writeback: WritebackQueue::new(),
        }
    }

    /// Cleans as much as will be needed until the next round.
    ///
    /// # Errors
    /// What the WAL, the disk or the registration for sync report.
    pub fn round(&mut self, pool: &Pool) -> Result<Round> {
        pool.files.check_poison()?;
        self.forecast.configure(&pool.config.get());
        let mut scan = self.forecast.begin(pool.position());
        let cleaned = self.clean(pool, &mut scan);
        let round = self.forecast.end(&scan);
        if round.written == pool.config.get().background_writer_max_pages {
            pool.counters.note_cut_round();
        }
        cleaned?;
        if round.is_idle {
            self.writeback.drain(Writeback::Started, &pool.files)?;
        }
        Ok(round)
    }

    /// Blocks until a frame is allocated that the last round did not count, the store is poisoned,
    /// or [`Pool::wake_background_writer`] is called.
    pub fn sleep(&self, pool: &Pool) {
        // If it is poisoned after this look, that counts as an allocation.
        if pool.files.check_poison().is_err() {
            return;
        }
        pool.allocations.wait_for_more(self.forecast.allocations());
    }

    fn clean(&mut self, pool: &Pool, scan: &mut Scan) -> Result<()> {
        while let Some(step) = scan.advance() {
            let frame = pool.clock.frame(step);
            let found = match pool.frame(frame).header.claim_to_clean() {
                Ahead::InUse => Found::InUse,
                Ahead::Clean => Found::Reusable,
                Ahead::Claimed => self.write(pool, Pin::adopt(pool, frame))?,
            };
            scan.note(found);
        }
        Ok(())
    }

    fn write(&mut self, pool: &Pool, pin: Pin<'_>) -> Result<Found> {
        let flushed = pool.flush(&pin, Writer::Background)?;
        drop(pin);
        Ok(match flushed {
            Flush::Contended => Found::InUse,
            Flush::NotNeeded => Found::Reusable,
            Flush::Written { first, pages } => {
                let limit = pool.config.get().background_writer_flush_after_bytes;
                let (started, files) = (Writeback::Started, &pool.files);
                self.writeback.schedule(first, pages, limit, started, files)?;
                Found::Cleaned
            }
        })
    }
}

impl Pool {
    /// Ends the sleep of the background writer, and its next one if it is awake.
    pub fn wake_background_writer(&self) {
        self.allocations.note();
    }

    fn position(&self) -> Position {
        Position { hand: self.clock.position(), allocations: self.allocations.count() }
    }
}

#[cfg(test)]
mod tests;
