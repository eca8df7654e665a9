//! A page's way out: which frame is given up, and how. PostgreSQL: `GetVictimBuffer`.
//!
//! The sweep claims a frame that nobody has pinned; if it is dirty it is written; then, under the
//! table's lock, its page goes unless somebody came for it meanwhile.
//!
//! # Rules
//! * E2: nothing waits for the content lock of a frame that the sweep has claimed: its holder may
//!   be waiting for a page that we hold. Such a frame is passed over.
//!
//! # Checked by
//! models `pin_evict`, `evict_dirty`, `all_pinned`.

use super::flush::{Flush, Patience};
use super::guard::Pin;
use super::pool::Pool;
use crate::error::{Error, Result};

impl Pool {
    /// Claims a frame and sends its page away. PostgreSQL: `GetVictimBuffer`.
    pub(super) fn claim_free_frame(&self) -> Result<Pin<'_>> {
        let buffers = self.frames.len();
        // A claimed frame is lost again if its page is wanted or locked.
        for _ in 0..self.claim_attempts {
            let claimed = self.clock.claim(|id| &self.frame(id).header);
            let (id, word) = claimed.ok_or(Error::NoUnpinnedBuffers { buffers })?;
            let pin = Pin::adopt(self, id);
            if !word.has_tag() {
                return Ok(pin);
            }
            if word.is_dirty() && self.flush(&pin, Patience::Try)? == Flush::Contended {
                continue;
            }
            if self.table.remove_if(pin.page(), id, || pin.frame().header.retire()) {
                if !word.is_valid() {
                    self.failures.forget(id);
                }
                return Ok(pin);
            }
        }
        Err(Error::NoUnpinnedBuffers { buffers })
    }
}
