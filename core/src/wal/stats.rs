//! What has gone into the log, counted. PostgreSQL: `pg_stat_wal`.

use super::flush::Wal;
use super::record::RecordBuf;
use crate::lsn::Lsn;
use crate::sync::Counter;
use std::fmt;

/// What has gone into the log since the store was opened. The names are those of `pg_stat_wal`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WalStats {
    /// Records, void ones left out.
    pub records: u64,
    /// Full-page images in them.
    pub fpi: u64,
    /// Bytes of the record stream.
    pub bytes: u64,
    /// Bytes of the images among them, as they stand there.
    pub fpi_bytes: u64,
}

impl WalStats {
    /// What was added after `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            records: self.records.saturating_sub(earlier.records),
            fpi: self.fpi.saturating_sub(earlier.fpi),
            bytes: self.bytes.saturating_sub(earlier.bytes),
            fpi_bytes: self.fpi_bytes.saturating_sub(earlier.fpi_bytes),
        }
    }
}

impl fmt::Display for WalStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { records, fpi, bytes, fpi_bytes } = self;
        write!(f, "{records} records, {bytes} bytes; {fpi} full-page images, {fpi_bytes} bytes")
    }
}

/// The counts behind [`WalStats`].
pub(super) struct Counters {
    start: Lsn,
    /// Pieces in the ring that are no records: the further ones of long records, and void ones.
    /// So that an insertion counts nothing, the walk over what is inserted does.
    not_records: Counter,
    fpi: Counter,
    fpi_bytes: Counter,
}

impl Counters {
    /// Nothing yet in a log that goes on at `start`.
    pub(super) fn new(start: Lsn) -> Self {
        let (not_records, fpi, fpi_bytes) = (Counter::new(), Counter::new(), Counter::new());
        Self { start, not_records, fpi, fpi_bytes }
    }

    /// Notes that as many pieces are none, or no further, records.
    pub(super) fn note_not_records(&self, pieces: u64) {
        self.not_records.add(pieces);
    }

    /// Counts the images of a record that is in the log.
    #[inline]
    pub(super) fn note_images(&self, record: &RecordBuf) {
        let (images, bytes) = record.images();
        self.fpi.add(images);
        self.fpi_bytes.add(bytes);
    }
}

impl Wal {
    /// Bytes of the full-page images so far.
    pub fn image_bytes(&self) -> u64 {
        self.counters.fpi_bytes.sum()
    }

    /// What has gone into the log so far. The counts are read one after the other.
    pub fn stats(&self) -> WalStats {
        let Counters { start, not_records, fpi, fpi_bytes } = &self.counters;
        let not_records = not_records.sum();
        WalStats {
            records: self.ring.pieces().saturating_sub(not_records),
            fpi: fpi.sum(),
            bytes: self.reserved().since(*start),
            fpi_bytes: fpi_bytes.sum(),
        }
    }
}
