//! The ring of WAL bytes: where records are copied to in parallel and taken from in order.
//!
//! This is the one file with unsafe code: the cells of the ring are written and read without a
//! lock. It keeps its own soundness: every access goes through a [`Reservation`] or through the
//! only [`RingReader`].
//!
//! # Positions
//! `released <= inserted <= reserved <= released + capacity` for every byte that is touched. The
//! byte at position p is in cell `p / 8 % cells`.
//!
//! # Protocol
//! * **Reserve**: one `fetch_add` on the word `epoch | position`. Ranges are disjoint. The epoch
//!   that comes back with the position is the number of epochs begun before it.
//! * **Copy**: once `end <= released + capacity`, write the cells.
//! * **Publish**: store the end in the *link* of the start. A link of the last lap holds a
//!   position that is not after its start, so nothing has to be cleared.
//! * **Walk**: `inserted` moves from link to link, by whoever wants to know (W3: it stops at the
//!   first range that is not published; it never goes back).
//! * **Take**: the reader copies bytes before `inserted`; once they are written, it raises
//!   `released`.
//!
//! # Rules
//! * A cell belongs to the reservation that covers it from `released >= p + 8 - capacity` until
//!   its link is published; to the reader from there until `released > p`. (W2, W6)
//! * A reservation that is dropped unfinished poisons the store *before* it publishes its link: who
//!   finds it in `inserted` finds the poison too, and the reader takes no bytes from there on.
//!
//! # Checked by
//! model `wal_insert` (loom tracks the cells).
#![allow(unsafe_code)]

use crate::error::Result;
use crate::lsn::Lsn;
use crate::poison::Poison;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Counter, SpinWord, UnsafeCell};
use crate::wal::position::{RECORD_ALIGNMENT, WAL_DIR};
use crossbeam_utils::CachePadded;
use std::io;
use std::sync::Arc;

const EPOCH_SHIFT: u32 = 48;
const POSITION_MASK: u64 = (1 << EPOCH_SHIFT) - 1;

/// Number of redo points fixed so far, and of times that images were turned on, modulo 2^16. An
/// inserter whose record was assembled 2^16 epochs ago would be taken for a current one; but the
/// pages of its record are locked and dirty, so not even the first checkpoint of these can
/// complete, and images are turned on again only after one.
#[derive(Debug, Clone, Copy)]
pub struct Epoch {
    number: u16,
    seen_at: Lsn,
}

/// The ring.
pub struct Ring {
    /// Epoch in the high 16 bits, position / 8 in the low 48: who reserves sees that they suffice
    /// (`insert.rs`).
    reserved: CachePadded<AtomicU64>,
    inserted: CachePadded<AtomicU64>,
    released: CachePadded<AtomicU64>,
    /// Steps of the walk: pieces that were inserted, and seen.
    steps: Counter,
    cells: Box<[UnsafeCell<u64>]>,
    links: Box<[SpinWord]>,
    poison: Arc<Poison>,
}

// SAFETY: the cells are the only part that is not `Sync` by itself. A cell is written by one
// reservation and read by the one reader, never at the same time: see the first rule above.
unsafe impl Sync for Ring {}
// SAFETY: a cell holds plain bytes, which may be dropped by any thread.
unsafe impl Send for Ring {}

/// The right to take bytes out of a ring; there is one for each ring.
pub struct RingReader {
    ring: Arc<Ring>,
    /// The end of what was taken: `released <= taken <= inserted`.
    taken: u64,
}

/// A range of the ring that one thread fills, from its start.
#[must_use]
pub struct Reservation<'r> {
    ring: &'r Ring,
    epoch: Epoch,
    next: u64,
    end: u64,
}

impl Ring {
    /// An empty ring of `capacity` bytes, a power of two, whose next record starts at `start`.
    pub fn new(capacity: usize, start: Lsn, poison: Arc<Poison>) -> (Arc<Self>, RingReader) {
        assert!(capacity.is_power_of_two() && capacity >= 16, "ring of {capacity} bytes");
        assert!(start.0.is_multiple_of(RECORD_ALIGNMENT), "ring starts at {start}");
        let cells = capacity / 8;
        let ring = Self {
            reserved: CachePadded::new(AtomicU64::new(start.0 / RECORD_ALIGNMENT)),
            inserted: CachePadded::new(AtomicU64::new(start.0)),
            released: CachePadded::new(AtomicU64::new(start.0)),
            steps: Counter::new(),
            cells: (0..cells).map(|_| UnsafeCell::new(0)).collect(),
            links: (0..cells).map(|_| SpinWord::new(0)).collect(),
            poison,
        };
        let ring = Arc::new(ring);
        (Arc::clone(&ring), RingReader { ring, taken: start.0 })
    }

    /// Bytes that fit.
    pub fn capacity(&self) -> u64 {
        self.cells.len() as u64 * 8
    }

    /// The end of all reservations.
    pub fn reserved(&self) -> Lsn {
        self.reserved_now().1
    }

    /// The end of all reservations, with the epoch of the next one.
    ///
    /// Who goes on to read the redo point finds at least that of the epoch.
    pub fn reserved_now(&self) -> (Epoch, Lsn) {
        // Acquire: pairs with the Release in begin_epoch (W11).
        split(self.reserved.load(Ordering::Acquire))
    }

    /// Takes the next `bytes` of the stream, a multiple of 8. Never waits.
    pub fn reserve(&self, bytes: u64) -> Reservation<'_> {
        debug_assert!(bytes > 0 && bytes.is_multiple_of(RECORD_ALIGNMENT));
        // Release: pairs with the Acquire in begin_epoch, which so comes after the DIRTY flags
        // that this thread has set, if its record lies before the redo point (C1).
        let before = self.reserved.fetch_add(bytes / RECORD_ALIGNMENT, Ordering::Release);
        let (epoch, start) = split(before);
        Reservation { ring: self, epoch, next: start.0, end: start.0 + bytes }
    }

    /// Begins the next epoch at the end of all reservations, and returns that. Calls `store` with
    /// it *before* it takes effect, perhaps several times, ascending: inserters of the old epoch
    /// may see a redo point too late for them, which only costs images.
    pub fn begin_epoch(&self, store: impl Fn(Lsn)) -> Lsn {
        // Relaxed: the exchange checks it.
        let mut word = self.reserved.load(Ordering::Relaxed);
        loop {
            let (epoch, end) = split(word);
            store(end);
            let next =
                u64::from(epoch.number.wrapping_add(1)) << EPOCH_SHIFT | (word & POSITION_MASK);
            // AcqRel: Acquire pairs with the Release in reserve, Release with the Acquire in
            // reserved_now.
            match self.reserved.compare_exchange(word, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return end,
                Err(found) => word = found,
            }
        }
    }

    /// The end of the contiguous insertions, as far as they are known without waiting.
    pub fn inserted(&self) -> Lsn {
        let mut steps = 0;
        loop {
            let (at, next) = self.step();
            if next <= at {
                self.steps.add(steps);
                return Lsn(at);
            }
            steps += self.advance(at, next);
        }
    }

    /// How many pieces have been inserted: those of a copy, and what became of an unfinished
    /// reservation.
    pub(super) fn pieces(&self) -> u64 {
        self.inserted();
        self.steps.sum()
    }

    /// Waits until everything before `upto` is inserted. `upto` must be reserved. The caller holds
    /// nothing that an inserter could wait for, the turn to write included (W8).
    pub fn wait_inserted(&self, upto: Lsn) {
        let mut steps = 0;
        loop {
            let (at, _) = self.step();
            if at >= upto.0 {
                self.steps.add(steps);
                return;
            }
            let next = self.link(at).wait(|link| link > at);
            steps += self.advance(at, next);
        }
    }

    /// The end of the insertions that have been walked over, and where its link leads.
    fn step(&self) -> (u64, u64) {
        // Acquire: pairs with the Release in advance: who takes the position over takes over the
        // bytes before it.
        let at = self.inserted.load(Ordering::Acquire);
        (at, self.link(at).load())
    }

    /// Moves the walk on, unless somebody else has. Returns the steps taken: one or none.
    fn advance(&self, at: u64, next: u64) -> u64 {
        // AcqRel: see step; Acquire keeps the chain of those who walked before.
        let moved = self.inserted.compare_exchange(at, next, Ordering::AcqRel, Ordering::Relaxed);
        u64::from(moved.is_ok())
    }

    fn link(&self, position: u64) -> &SpinWord {
        &self.links[self.index(position)]
    }

    /// The cells of `bytes` bytes, at most the capacity: up to the end of the ring, and on from its
    /// start.
    fn cells_from(&self, position: u64, bytes: usize) -> impl Iterator<Item = &UnsafeCell<u64>> {
        let (before, from) = self.cells.split_at(self.index(position));
        let words = bytes / 8;
        let first = &from[..words.min(from.len())];
        first.iter().chain(&before[..words - first.len()])
    }

    fn index(&self, position: u64) -> usize {
        (position / 8) as usize & (self.cells.len() - 1)
    }

    /// The end of the room for reservations.
    fn room(&self) -> u64 {
        // Acquire: pairs with the Release in release: the reader has finished with the cells.
        self.released.load(Ordering::Acquire) + self.capacity()
    }
}

fn split(word: u64) -> (Epoch, Lsn) {
    let position = Lsn((word & POSITION_MASK) * RECORD_ALIGNMENT);
    (Epoch { number: (word >> EPOCH_SHIFT) as u16, seen_at: position }, position)
}

impl Epoch {
    /// The end of all reservations when it was looked at.
    pub(super) fn seen_at(self) -> Lsn {
        self.seen_at
    }
}

/// Whenever they were looked at.
impl PartialEq for Epoch {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Epoch {}

impl Reservation<'_> {
    /// The epoch in which the range was reserved.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The first byte that is not copied yet.
    pub fn next(&self) -> Lsn {
        Lsn(self.next)
    }

    /// The end of the range.
    pub fn end(&self) -> Lsn {
        Lsn(self.end)
    }

    /// Whether the next `bytes` of the range have room in the ring.
    pub fn has_room(&self, bytes: usize) -> bool {
        self.next + bytes as u64 <= self.ring.room()
    }

    /// Copies the next bytes of the range, a multiple of 8 of them, and publishes them. Panics if
    /// they exceed the range or have no room.
    pub fn copy(&mut self, bytes: &[u8]) {
        let end = self.next + bytes.len() as u64;
        assert!(!bytes.is_empty() && bytes.len().is_multiple_of(8) && end <= self.end);
        assert!(end <= self.ring.room(), "no room in the ring");
        let cells = self.ring.cells_from(self.next, bytes.len());
        cells.zip(bytes.chunks_exact(8)).for_each(|(cell, word)| {
            let word = u64::from_ne_bytes(word.try_into().expect("8 bytes"));
            // SAFETY: the cell belongs to this reservation: its range is disjoint from all others
            // (fetch_add), and the assertion says that the reader has released the last lap.
            cell.with_mut(|cell| unsafe { *cell = word });
        });
        self.ring.link(self.next).publish(end);
        self.next = end;
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        if self.next < self.end {
            let error = io::Error::other("a record was reserved and not inserted");
            self.ring.poison.poison("insert", WAL_DIR, &error);
            self.ring.link(self.next).publish(self.end);
        }
    }
}

impl RingReader {
    /// Takes the next bytes of the stream, a multiple of 8. Panics if they are not all inserted.
    ///
    /// # Errors
    /// [`Error::Poisoned`](crate::error::Error::Poisoned): there may be a hole in them.
    pub fn take(&mut self, out: &mut [u8]) -> Result<()> {
        let end = self.taken + out.len() as u64;
        // Acquire: pairs with the Release in advance.
        let inserted = self.ring.inserted.load(Ordering::Acquire);
        assert!(end <= inserted && out.len().is_multiple_of(8), "taking what is not inserted");
        // After the load: a hole that it covers has set the poison before.
        self.ring.poison.check()?;
        let cells = self.ring.cells_from(self.taken, out.len());
        cells.zip(out.chunks_exact_mut(8)).for_each(|(cell, word)| {
            // SAFETY: the cell belongs to the reader: its range is published and walked over, and
            // nobody may write to it before release, which takes this reader too.
            let value = cell.with(|cell| unsafe { *cell });
            word.copy_from_slice(&value.to_ne_bytes());
        });
        self.taken = end;
        Ok(())
    }

    /// The end of what was taken.
    pub fn taken(&self) -> Lsn {
        Lsn(self.taken)
    }

    /// Gives what was taken back to the inserters.
    pub fn release(&mut self) {
        // Release: pairs with the Acquire in room.
        self.ring.released.store(self.taken, Ordering::Release);
    }
}

#[cfg(all(test, not(any(seawall_loom, seawall_shuttle))))]
mod tests {
    use super::*;

    fn ring(capacity: usize) -> (Arc<Ring>, RingReader, Arc<Poison>) {
        let poison = Arc::new(Poison::new());
        let (ring, reader) = Ring::new(capacity, Lsn(64), Arc::clone(&poison));
        (ring, reader, poison)
    }

    #[test]
    fn insertions_become_visible_in_order_whatever_order_they_finish_in() {
        let (ring, mut reader, _) = ring(64);
        let (mut first, mut second) = (ring.reserve(16), ring.reserve(8));
        second.copy(&[2; 8]);
        assert_eq!(ring.inserted(), Lsn(64));
        first.copy(&[0; 8]);
        assert_eq!(ring.inserted(), Lsn(72));
        first.copy(&[1; 8]);
        assert_eq!(ring.inserted(), Lsn(88));
        let mut out = [9; 24];
        reader.take(&mut out).unwrap();
        assert_eq!((out[0], out[8], out[16]), (0, 1, 2));
    }

    #[test]
    fn a_slot_has_room_only_after_its_last_lap_is_released() {
        let (ring, mut reader, _) = ring(16);
        ring.reserve(16).copy(&[1; 16]);
        let mut next = ring.reserve(8);
        assert!(!next.has_room(8));
        assert_eq!(ring.inserted(), Lsn(80));
        reader.take(&mut [0; 8]).unwrap();
        assert!(!next.has_room(8));
        reader.release();
        assert!(next.has_room(8));
        next.copy(&[2; 8]);
        assert_eq!(ring.inserted(), Lsn(88));
    }

    #[test]
    fn an_unfinished_reservation_poisons_and_keeps_nobody_waiting() {
        let (ring, mut reader, poison) = ring(64);
        drop(ring.reserve(16));
        assert!(poison.is_set());
        ring.wait_inserted(Lsn(80));
        assert!(reader.take(&mut [0; 8]).is_err());
    }

    #[test]
    fn an_epoch_begins_at_the_end_of_the_reservations_of_the_last() {
        let (ring, _reader, poison) = ring(64);
        let before = ring.reserve(8);
        let redo = ring.begin_epoch(|_| ());
        let after = ring.reserve(8);
        assert_eq!((before.end(), redo, after.next()), (Lsn(72), Lsn(72), Lsn(72)));
        assert_ne!(before.epoch(), after.epoch());
        assert_eq!(ring.reserved_now(), (after.epoch(), Lsn(80)));
        drop((before, after));
        assert!(poison.is_set());
    }
}
