//! Positions in the write-ahead log.
//!
//! An [`Lsn`] counts the bytes of the record stream; block headers take no part in it. So every
//! position has one meaning, the end of a record is the start of the next, and the place in a
//! segment file follows by division (`wal/position.rs`).

use std::fmt;

/// A byte position in the record stream of the WAL. PostgreSQL: `XLogRecPtr`, which counts page
/// headers too.
///
/// Zero is before every record; it is the LSN of a page that no record describes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Lsn(pub u64);

/// A position that no store reaches (2 PiB): keeps arithmetic on what files say from overflowing.
pub(crate) const LSN_LIMIT: u64 = 1 << 51;

impl Lsn {
    /// Before every record.
    pub const ZERO: Lsn = Lsn(0);

    /// The position `bytes` further on.
    #[must_use]
    pub fn plus(self, bytes: u64) -> Lsn {
        Lsn(self.0 + bytes)
    }

    /// Bytes from `earlier` to here; 0 if `earlier` is later.
    pub fn since(self, earlier: Lsn) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:08X}", self.0 >> 32, self.0 & 0xFFFF_FFFF)
    }
}

impl fmt::Debug for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
