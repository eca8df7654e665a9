//! A page's way out: which frame is given up, and how. PostgreSQL: `GetVictimBuffer`.
//!
//! The sweep claims a frame that nobody has pinned, or a ring names one; if it is dirty it is
//! written; then, under the table's lock, its page goes unless somebody came for it meanwhile.
//!
//! # Rules
//! * E2: nothing waits for the content lock of a frame that was claimed so: its holder may be
//!   waiting for a page that we hold. Such a frame is passed over.
//!
//! # Checked by
//! models `pin_evict`, `evict_dirty`, `all_pinned`.

use super::flush::{Flush, Writer};
use super::guard::Pin;
use super::pool::Pool;
use super::ring::Ring;
use super::state::{Snapshot, Sweep};
use crate::error::{Error, Result};

impl Pool {
    /// Claims a frame and sends its page away: the next one of the ring, if there is a ring and it
    /// is to be had, else a victim of the sweep. PostgreSQL: `GetVictimBuffer`.
    pub(super) fn claim_free_frame(&self, ring: Option<&mut Ring>) -> Result<Pin<'_>> {
        let Some(ring) = ring else { return self.claim_by_sweep() };
        if let Some(pin) = self.claim_from(ring)? {
            return Ok(pin);
        }
        let pin = self.claim_by_sweep()?;
        ring.replace(pin.id());
        Ok(pin)
    }

    fn claim_by_sweep(&self) -> Result<Pin<'_>> {
        let buffers = self.frames.len();
        // A claimed frame is lost again if its page is wanted or locked.
        for _ in 0..self.claim_attempts {
            let claimed = self.clock.claim(|id| &self.frame(id).header);
            let (id, word) = claimed.ok_or(Error::NoUnpinnedBuffers { buffers })?;
            if let Some(pin) = self.vacate(Pin::adopt(self, id), word)? {
                self.allocations.note();
                return Ok(pin);
            }
        }
        Err(Error::NoUnpinnedBuffers { buffers })
    }

    /// The ring's next frame, empty, if it is to be had. PostgreSQL: `GetBufferFromRing`,
    /// `StrategyRejectBuffer`.
    fn claim_from(&self, ring: &mut Ring) -> Result<Option<Pin<'_>>> {
        // A ring that was made for a larger pool may name a frame that there is not.
        let named = ring.advance().filter(|id| (id.0 as usize) < self.frames.len());
        let Some(id) = named else { return Ok(None) };
        let Sweep::Claimed(word) = self.frame(id).header.claim_again() else { return Ok(None) };
        let pin = Pin::adopt(self, id);
        if word.is_dirty() && !ring.may_sync_log() && self.needs_log_sync(&pin) {
            return Ok(None);
        }
        self.vacate(pin, word)
    }

    /// Sends the page away from a frame that was claimed with this word. `None`, and the frame is
    /// given back, if the page is wanted or locked.
    fn vacate<'p>(&'p self, pin: Pin<'p>, word: Snapshot) -> Result<Option<Pin<'p>>> {
        if !word.has_tag() {
            return Ok(Some(pin));
        }
        if word.is_dirty() && self.flush(&pin, Writer::Eviction)? == Flush::Contended {
            return Ok(None);
        }
        // B9: nobody reads the page. Who comes for the lock from now on finds it retired.
        let unread = pin.frame().content.try_write();
        let retire = || pin.frame().header.retire();
        if unread.is_none() || !self.table.remove_if(pin.page(), pin.id(), retire) {
            return Ok(None);
        }
        if !word.is_valid() {
            self.failures.forget(pin.id());
        }
        Ok(Some(pin))
    }

    /// Whether the log would have to be synced before the page is written (F1), as far as can be
    /// told without a wait.
    fn needs_log_sync(&self, pin: &Pin<'_>) -> bool {
        let page = pin.frame().content.try_read();
        page.is_none_or(|page| !self.log.is_durable(page.lsn()))
    }
}
