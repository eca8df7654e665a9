//! Positions in the write-ahead log.
//!
//! An [`Lsn`] counts the bytes of the record stream; block headers take no part in it. So every
//! position has one meaning, the end of a record is the start of the next, and the place in a
//! segment file follows by division (`wal/position.rs`).

use std::fmt;
use std::str::FromStr;

/// A byte position in the record stream of the WAL. PostgreSQL: `XLogRecPtr`, which counts page
/// headers too.
///
/// Zero is before every record; it is the LSN of a page that no record describes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Lsn(pub u64);

/// A position that no store reaches (2 PiB): keeps arithmetic on what files say from overflowing,
/// and the positions of the ring within their bits.
pub(crate) const LSN_LIMIT: u64 = 1 << 51;

/// Up to here are the records of operations and cuts; what follows is for checkpoints, and for what
/// others reserve between the look at the end of the log and a reservation: one record each.
pub(crate) const OPERATIONS_LIMIT: u64 = LSN_LIMIT - (1 << 40);

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

/// The inverse of `Display`; digits may be lower case, and leading zeros missing.
impl FromStr for Lsn {
    type Err = ParseLsnError;

    fn from_str(text: &str) -> Result<Self, ParseLsnError> {
        let word = |digits: &str| {
            let is_word = digits.len() <= 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            u64::from_str_radix(digits, 16).ok().filter(|_| is_word)
        };
        let lsn = text.split_once('/').and_then(|(high, low)| Some(word(high)? << 32 | word(low)?));
        let lsn = lsn.filter(|lsn| *lsn < LSN_LIMIT);
        lsn.map(Lsn).ok_or_else(|| ParseLsnError { found: text.to_owned() })
    }
}

/// A text that is no [`Lsn`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseLsnError {
    /// The text.
    pub found: String,
}

impl fmt::Display for ParseLsnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (found, limit) = (&self.found, Lsn(LSN_LIMIT));
        write!(f, "{found:?} is no LSN: expected one as 0/01A2B3C8, below {limit}")
    }
}

impl std::error::Error for ParseLsnError {}

impl fmt::Debug for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_parsed_and_what_is_no_position_is_not() {
        for lsn in [Lsn(0), Lsn(0x0123_4567), Lsn(0x1_0000_0000), Lsn(LSN_LIMIT - 1)] {
            assert_eq!(lsn.to_string().parse(), Ok(lsn));
        }
        assert_eq!("a/b8".parse(), Ok(Lsn(0xA_0000_00B8)));
        let over = Lsn(LSN_LIMIT).to_string();
        for bad in ["", "/", "12", "0/", "/8", "+1/0", "0/-8", "0/123456789", "0/0/0", &over] {
            let error = bad.parse::<Lsn>().unwrap_err();
            assert_eq!(error, ParseLsnError { found: bad.to_owned() });
        }
    }
}
