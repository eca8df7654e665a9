//! Records into the log. PostgreSQL: `XLogInsertRecord`.
//!
//! # Rules
//! * W11: whether a page needs an image was decided under some [`ImageRule`](super::ImageRule).
//!   The reservation tells, in the same atomic step that gives the position, whether it still held.
//!   If not, the range becomes a void record and the caller assembles again. (PostgreSQL re-checks
//!   the redo pointer under an insertion lock.)
//! * W8: an inserter holds no lock of the log while it waits for room.
//! * W12: a record has space in a segment before it has its place in the log (`space.rs`).
//! * No record ends at [`LSN_LIMIT`] or behind it: the ring has no bits for such a position.
//!
//! # Checked by
//! models `wal_insert`, `redo_image`, `image_toggle`.

use super::flush::Wal;
use super::record::{MAX_RECORD_BYTES, RecordBuf};
use super::ring::{Epoch, Reservation};
use crate::error::{Error, Result};
use crate::lsn::{LSN_LIMIT, Lsn, OPERATIONS_LIMIT};

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Inserted {
    /// It is in the log.
    At {
        /// Where it starts.
        start: Lsn,
        /// Where it ends: the position to wait for, and the LSN of the pages it changes.
        end: Lsn,
    },
    /// The redo point has moved since the record was assembled, or images were turned on:
    /// assemble it again.
    Stale,
}

impl Wal {
    /// Inserts a record that was assembled by the rule of `epoch`.
    ///
    /// # Errors
    /// [`Error::RecordTooLarge`]; [`Error::WalExhausted`]; [`Error::Io`] if there is no space for
    /// it, in the segments that are there or for new ones: nothing has happened.
    /// [`Error::Poisoned`].
    pub fn insert(&self, record: &mut RecordBuf, epoch: Epoch) -> Result<Inserted> {
        self.poison.check()?;
        if record.length() > MAX_RECORD_BYTES {
            let (bytes, max_bytes) = (record.length(), MAX_RECORD_BYTES);
            return Err(Error::RecordTooLarge { bytes, max_bytes });
        }
        record.close();
        let end = end_within(OPERATIONS_LIMIT, record, epoch)?;
        self.segments().find_space(end)?;
        self.insert_closed(record, epoch)
    }

    fn insert_closed(&self, record: &mut RecordBuf, epoch: Epoch) -> Result<Inserted> {
        let reservation = self.ring.reserve(record.padded_len());
        let (start, end) = (reservation.next(), reservation.end());
        if reservation.epoch() != epoch {
            self.copy(reservation, record.finish_void(start))?;
            self.counters.note_not_records(1);
            return Ok(Inserted::Stale);
        }
        self.copy(reservation, record.finish(start))?;
        self.counters.note_images(record);
        Ok(Inserted::At { start, end })
    }

    /// Inserts a record for which the redo point does not matter.
    ///
    /// # Errors
    /// As [`Wal::insert`].
    pub fn insert_any_time(&self, record: &mut RecordBuf) -> Result<(Lsn, Lsn)> {
        self.until_it_is_in(|epoch| self.insert(record, epoch))
    }

    /// Inserts the record of a checkpoint, for which there is space in any case.
    ///
    /// # Errors
    /// [`Error::Poisoned`], [`Error::WalExhausted`].
    pub fn insert_checkpoint(&self, record: &mut RecordBuf) -> Result<(Lsn, Lsn)> {
        self.poison.check()?;
        record.close();
        self.until_it_is_in(|epoch| {
            end_within(LSN_LIMIT - 1, record, epoch)?;
            self.insert_closed(record, epoch)
        })
    }

    fn until_it_is_in(
        &self,
        mut insert: impl FnMut(Epoch) -> Result<Inserted>,
    ) -> Result<(Lsn, Lsn)> {
        loop {
            let (epoch, _) = self.redo();
            if let Inserted::At { start, end } = insert(epoch)? {
                return Ok((start, end));
            }
        }
    }

    /// Copies a record that may be larger than the ring: each piece is published, and can be
    /// written, before the next has room.
    fn copy(&self, mut reservation: Reservation<'_>, record: &[u8]) -> Result<()> {
        let piece = (self.ring.capacity() / 2) as usize;
        let mut pieces = 0;
        for bytes in record.chunks(piece) {
            while !reservation.has_room(bytes.len()) {
                self.make_room(reservation.next().plus(bytes.len() as u64))?;
            }
            reservation.copy(bytes);
            pieces += 1;
        }
        self.counters.note_not_records(pieces - 1);
        Ok(())
    }
}

/// Where a closed record ends if nobody comes before it; an error if that is behind `limit`.
fn end_within(limit: u64, record: &RecordBuf, epoch: Epoch) -> Result<Lsn> {
    let (end, limit) = (epoch.seen_at().plus(record.padded_len()), Lsn(limit));
    if end <= limit { Ok(end) } else { Err(Error::WalExhausted { end, limit }) }
}
