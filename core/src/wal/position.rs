//! Where in the segment files a position of the record stream is.
//!
//! # Layout
//! ```text
//! segment file wal/<number as 16 hex digits>:   block | block | … | block
//! block:   header (32 bytes) | payload (block size - 32 bytes)
//! ```
//! The stream is the payloads in order; an [`Lsn`] counts its bytes. Block `b` of the stream holds
//! the positions `b * payload ..`; segment `s` holds the blocks `s * blocks per segment ..`.
//! Segment 0 does not exist, so that position 0 is before every record.

use crate::config::Format;
use crate::lsn::Lsn;
use std::ops::Range;

/// Bytes before the payload of a WAL block.
pub const BLOCK_HEADER_BYTES: u64 = 32;

/// Records start at multiples of this many bytes.
pub const RECORD_ALIGNMENT: u64 = 8;

/// The directory of the WAL segments.
pub const WAL_DIR: &str = "wal";

/// Sizes of the WAL files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Bytes of a block.
    pub block_bytes: u64,
    /// Bytes of the stream in a block.
    pub payload_bytes: u64,
    /// Blocks of a segment file.
    pub blocks_per_segment: u64,
}

impl Geometry {
    /// The geometry of a store.
    pub fn new(format: &Format) -> Self {
        let block_bytes = u64::from(format.wal_block_bytes);
        Self {
            block_bytes,
            payload_bytes: block_bytes - BLOCK_HEADER_BYTES,
            blocks_per_segment: u64::from(format.wal_segment_bytes) / block_bytes,
        }
    }

    /// Bytes of a segment file.
    pub fn segment_bytes(&self) -> u64 {
        self.block_bytes * self.blocks_per_segment
    }

    /// Bytes of the stream in a segment.
    pub fn stream_bytes_per_segment(&self) -> u64 {
        self.payload_bytes * self.blocks_per_segment
    }

    /// The first position of all.
    pub fn start(&self) -> Lsn {
        self.segment_start(1)
    }

    /// The block that holds the byte at `lsn`, counted from the start of the stream.
    pub fn block(&self, lsn: Lsn) -> u64 {
        lsn.0 / self.payload_bytes
    }

    /// The first position in a block: its address.
    pub fn block_start(&self, block: u64) -> Lsn {
        Lsn(block * self.payload_bytes)
    }

    /// The segment that holds a block.
    pub fn segment_of_block(&self, block: u64) -> u64 {
        block / self.blocks_per_segment
    }

    /// The blocks of a segment.
    pub fn blocks_of_segment(&self, segment: u64) -> Range<u64> {
        segment * self.blocks_per_segment..(segment + 1) * self.blocks_per_segment
    }

    /// The segment that holds the byte at `lsn`.
    pub fn segment(&self, lsn: Lsn) -> u64 {
        self.segment_of_block(self.block(lsn))
    }

    /// The first position in a segment.
    pub fn segment_start(&self, segment: u64) -> Lsn {
        Lsn(segment * self.stream_bytes_per_segment())
    }

    /// Where a block begins in its segment file.
    pub fn block_offset(&self, block: u64) -> u64 {
        block % self.blocks_per_segment * self.block_bytes
    }

    /// Where the byte at `lsn` is in its segment file.
    pub fn offset(&self, lsn: Lsn) -> u64 {
        self.block_offset(self.block(lsn)) + BLOCK_HEADER_BYTES + lsn.0 % self.payload_bytes
    }
}

/// Path of a segment file.
pub fn segment_path(segment: u64) -> String {
    format!("{WAL_DIR}/{segment:016x}")
}

/// The inverse of [`segment_path`] for a name in the WAL's directory.
pub fn parse_segment(name: &str) -> Option<u64> {
    let segment = u64::from_str_radix(name, 16).ok()?;
    (segment_path(segment) == format!("{WAL_DIR}/{name}")).then_some(segment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_map_to_files_as_the_layout_says() {
        let format = Format { wal_block_bytes: 1024, wal_segment_bytes: 4096, ..Format::default() };
        let geometry = Geometry::new(&format);
        let start = geometry.start();
        assert_eq!(start, Lsn(4 * 992));
        assert_eq!((geometry.segment(start), geometry.offset(start)), (1, 32));
        let in_third_block = start.plus(2 * 992 + 5);
        assert_eq!(geometry.offset(in_third_block), 2 * 1024 + 32 + 5);
        assert_eq!(geometry.segment(start.plus(4 * 992 - 1)), 1);
        assert_eq!(geometry.segment(start.plus(4 * 992)), 2);
    }

    #[test]
    fn segment_names_round_trip_and_others_are_refused() {
        assert_eq!(segment_path(0x1f), "wal/000000000000001f");
        assert_eq!(parse_segment("000000000000001f"), Some(0x1f));
        for name in ["1f", "new", "000000000000001F", "+00000000000001f"] {
            assert_eq!(parse_segment(name), None, "{name}");
        }
    }
}
