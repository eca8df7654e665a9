//! Consumers of the log that hold its removal back. PostgreSQL: `KeepLogSeg`,
//! `ReplicationSlotsComputeRequiredLSN`.
//!
//! A [`WalSlot`] lives as long as the process that reads the log wants it to. To go on after a
//! restart, a consumer stores its position and asks for it again.
//!
//! # Rules
//! * R5: a segment that a slot needs is neither removed nor recycled. Whoever removes decides and
//!   notes what goes in one step; whoever takes a slot looks and holds in one step: so a slot is
//!   refused, or its segments stay.
//! * The lock is a leaf, and not held over system calls: to advance a slot waits for no disk.
//!
//! # Checked by
//! model `slot_removal`.

use super::flush::Wal;
use super::position::Geometry;
use crate::error::{Error, Result};
use crate::lsn::Lsn;
use crate::sync::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What holds the log back.
pub(super) struct Slots {
    geometry: Geometry,
    state: Mutex<State>,
}

struct State {
    /// The first segment that is not gone, nor going.
    first: u64,
    taken: u64,
    held: BTreeMap<u64, SlotInfo>,
}

/// A slot as others see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotInfo {
    /// What its owner calls it.
    pub name: String,
    /// The log is kept from here on.
    pub lsn: Lsn,
}

/// Holds the log back while it lives.
#[must_use = "what is dropped holds nothing back"]
pub struct WalSlot {
    slots: Arc<Slots>,
    id: u64,
}

impl Slots {
    /// No slots over a log whose first segment is `first`.
    pub(super) fn new(geometry: Geometry, first: u64) -> Self {
        let state = State { first, taken: 0, held: BTreeMap::new() };
        Self { geometry, state: Mutex::new(state) }
    }

    /// The first segment that somebody needs, if the redo point needs `first_needed`; those before
    /// it are to be had no more.
    pub(super) fn let_go_before(&self, first_needed: u64) -> u64 {
        let mut state = self.state.lock();
        let held = state.held.values().map(|slot| self.geometry.segment(slot.lsn)).min();
        let first = held.map_or(first_needed, |held| held.min(first_needed));
        state.first = state.first.max(first);
        state.first
    }

    /// The first position that is to be had.
    pub(super) fn oldest(&self) -> Lsn {
        self.geometry.segment_start(self.state.lock().first)
    }

    /// Holds the log back from `lsn` on.
    ///
    /// # Errors
    /// [`Error::WalGone`].
    pub(super) fn take(self: &Arc<Self>, name: &str, lsn: Lsn) -> Result<WalSlot> {
        let mut state = self.state.lock();
        if self.geometry.segment(lsn) < state.first {
            let oldest = self.geometry.segment_start(state.first);
            return Err(Error::WalGone { lsn, oldest });
        }
        let id = state.taken;
        state.taken += 1;
        state.held.insert(id, SlotInfo { name: name.to_owned(), lsn });
        Ok(WalSlot { slots: Arc::clone(self), id })
    }

    /// All slots, in the order in which they were taken.
    pub(super) fn list(&self) -> Vec<SlotInfo> {
        self.state.lock().held.values().cloned().collect()
    }
}

impl WalSlot {
    /// The owner needs nothing before `lsn` any more. A slot never goes back.
    pub fn advance(&self, lsn: Lsn) {
        let mut state = self.slots.state.lock();
        if let Some(slot) = state.held.get_mut(&self.id) {
            slot.lsn = slot.lsn.max(lsn);
        }
    }
}

impl Drop for WalSlot {
    fn drop(&mut self) {
        self.slots.state.lock().held.remove(&self.id);
    }
}

impl Wal {
    /// Holds the log back from `from` on, for a consumer that calls itself `name`, until the slot
    /// is dropped.
    ///
    /// # Errors
    /// [`Error::WalGone`] if the log does not go back that far any more; [`Error::BeyondWal`].
    pub fn slot(&self, name: &str, from: Lsn) -> Result<WalSlot> {
        let end = self.reserved();
        if from > end {
            return Err(Error::BeyondWal { lsn: from, end });
        }
        self.segments().slots().take(name, from)
    }

    /// The slots there are.
    pub fn slots(&self) -> Vec<SlotInfo> {
        self.segments().slots().list()
    }

    /// The first position of the log that is still there.
    pub fn oldest(&self) -> Lsn {
        self.segments().slots().oldest()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Format;

    fn slots() -> Arc<Slots> {
        Arc::new(Slots::new(Geometry::new(&Format::default()), 3))
    }

    fn start(slots: &Slots, segment: u64) -> Lsn {
        slots.geometry.segment_start(segment)
    }

    #[test]
    fn the_slot_that_is_furthest_behind_holds_the_log_back_until_it_advances_or_goes() {
        let slots = slots();
        let behind = slots.take("behind", start(&slots, 4).plus(8)).unwrap();
        let ahead = slots.take("ahead", start(&slots, 6)).unwrap();
        assert_eq!(slots.let_go_before(9), 4);
        behind.advance(start(&slots, 5));
        behind.advance(start(&slots, 4));
        assert_eq!(slots.let_go_before(9), 5, "a slot never goes back");
        drop(behind);
        assert_eq!(slots.let_go_before(9), 6);
        let left = SlotInfo { name: "ahead".to_owned(), lsn: start(&slots, 6) };
        assert_eq!(slots.list(), [left]);
        drop(ahead);
        assert_eq!(slots.let_go_before(9), 9);
    }

    #[test]
    fn a_position_that_is_gone_is_refused_and_the_oldest_named() {
        let slots = slots();
        let error = slots.take("late", Lsn(start(&slots, 3).0 - 1)).map(drop).unwrap_err();
        let oldest = slots.oldest();
        assert!(matches!(error, Error::WalGone { oldest: named, .. } if named == oldest));
        assert_eq!(oldest, start(&slots, 3));
        let slot = slots.take("in time", oldest).unwrap();
        assert_eq!((slots.let_go_before(7), slots.oldest()), (3, oldest));
        drop(slot);
        assert_eq!((slots.let_go_before(7), slots.oldest()), (7, start(&slots, 7)));
    }
}
