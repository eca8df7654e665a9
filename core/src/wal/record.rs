//! The bytes of a WAL block header and of a record.
//!
//! # Block header (little-endian)
//! ```text
//! offset  bytes  field
//!      0      4  magic         0x4C41_5753, "SWAL"
//!      4      4  checksum      CRC32C of bytes 8..32
//!      8      8  system id     of the store: another store's WAL does not pass for ours
//!     16      8  address       LSN of the first payload byte: a recycled block does not pass
//!     24      8  flushed_upto  the WAL was durable up to here when the block was written
//! ```
//! # Record (little-endian), at a multiple of 8, crossing blocks where need be
//! ```text
//! offset  bytes  field
//!      0      4  length           of header and body; the record is padded with zeros to 8
//!      4      4  body checksum    CRC32C of bytes 24..length
//!      8      8  lsn              where the record starts: a stale record does not pass
//!     16      1  kind             1 pages, 2 checkpoint, 3 void, 4 truncate, 5 drop
//!     17      3  zero             reserved
//!     20      4  header checksum  CRC32C of bytes 0..20
//!     24      …  body
//! ```
//! The body is the longer part and is known before the position is: so it is summed apart. And a
//! header that can be trusted by itself says where a torn record would have ended: that tells a
//! torn tail from damage (`recovery.rs`).

use crate::lsn::Lsn;
use crate::page::{le_u32, le_u64};
use crate::wal::position::{BLOCK_HEADER_BYTES, RECORD_ALIGNMENT};

const BLOCK_MAGIC: u32 = 0x4C41_5753;

/// Bytes of a record before its body.
pub const RECORD_HEADER_BYTES: usize = 24;

/// The greatest record, header included: what bounds the memory that reading one takes.
pub const MAX_RECORD_BYTES: usize = 16 << 20;

const _: () = assert!((RECORD_HEADER_BYTES as u64).is_multiple_of(RECORD_ALIGNMENT));

/// What a block header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockHeader {
    /// Whose WAL it is.
    pub system_id: u64,
    /// The first position in the block.
    pub address: Lsn,
    /// The WAL was durable up to here when the block was written.
    pub flushed_upto: Lsn,
}

impl BlockHeader {
    /// Writes the header to the start of a block.
    pub fn encode(&self, block: &mut [u8]) {
        block[0..4].copy_from_slice(&BLOCK_MAGIC.to_le_bytes());
        block[8..16].copy_from_slice(&self.system_id.to_le_bytes());
        block[16..24].copy_from_slice(&self.address.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.flushed_upto.0.to_le_bytes());
        let checksum = crc32c::crc32c(&block[8..BLOCK_HEADER_BYTES as usize]);
        block[4..8].copy_from_slice(&checksum.to_le_bytes());
    }

    /// Reads the header of the block at `address` in the WAL of `system_id`.
    ///
    /// # Errors
    /// Why it is not that header.
    pub fn decode(block: &[u8], system_id: u64, address: Lsn) -> Result<Self, String> {
        let magic = le_u32(block, 0);
        if magic != BLOCK_MAGIC {
            return Err(format!("block magic is {magic:08x}, expected {BLOCK_MAGIC:08x}"));
        }
        let (stored, computed) =
            (le_u32(block, 4), crc32c::crc32c(&block[8..BLOCK_HEADER_BYTES as usize]));
        if stored != computed {
            return Err(format!("block header checksum is {stored:08x}, expected {computed:08x}"));
        }
        let found = Self {
            system_id: le_u64(block, 8),
            address: Lsn(le_u64(block, 16)),
            flushed_upto: Lsn(le_u64(block, 24)),
        };
        if found.system_id != system_id {
            return Err(format!(
                "block of store {:016x}, expected {system_id:016x}",
                found.system_id
            ));
        }
        if found.address != address {
            return Err(format!("block address is {}, expected {address}", found.address));
        }
        Ok(found)
    }
}

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordKind {
    /// Changes of pages: an atomic operation.
    Pages,
    /// A checkpoint is complete.
    Checkpoint,
    /// A file was cut: file number and blocks that are left, 4 bytes each.
    Truncate,
    /// A file was dropped: file number, 4 bytes.
    Drop,
    /// Nothing: what remains of a record that was assembled before the redo point moved.
    Void,
}

impl RecordKind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::Pages, Self::Checkpoint, Self::Void, Self::Truncate, Self::Drop];

    /// The name that the tools use.
    pub fn name(self) -> &'static str {
        match self {
            RecordKind::Pages => "pages",
            RecordKind::Checkpoint => "checkpoint",
            RecordKind::Void => "void",
            RecordKind::Truncate => "truncate",
            RecordKind::Drop => "drop",
        }
    }

    fn to_byte(self) -> u8 {
        match self {
            RecordKind::Pages => 1,
            RecordKind::Checkpoint => 2,
            RecordKind::Void => 3,
            RecordKind::Truncate => 4,
            RecordKind::Drop => 5,
        }
    }

    fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.to_byte() == byte)
    }
}

/// Bytes that a record is given room for at first: those of a few small changes.
const USUAL_BYTES: usize = 256;

/// A record under assembly: room for the header, then the body.
#[derive(Debug, Clone)]
pub struct RecordBuf {
    kind: RecordKind,
    bytes: Vec<u8>,
    closed: Option<Closed>,
    images: u64,
    image_bytes: u64,
}

/// What is known of a record once its body is complete.
#[derive(Debug, Clone, Copy)]
struct Closed {
    /// Bytes of header and body, without the padding.
    length: usize,
    /// Of the body.
    checksum: u32,
}

impl RecordBuf {
    /// An empty record.
    pub fn new(kind: RecordKind) -> Self {
        let bytes = Vec::with_capacity(USUAL_BYTES);
        let mut record = Self { kind, bytes, closed: None, images: 0, image_bytes: 0 };
        record.clear(kind);
        record
    }

    /// Empties the record, to be used for another one.
    pub fn clear(&mut self, kind: RecordKind) {
        (self.kind, self.closed, self.images, self.image_bytes) = (kind, None, 0, 0);
        self.bytes.clear();
        self.bytes.extend_from_slice(&[0; RECORD_HEADER_BYTES]);
    }

    /// Appends to the body.
    pub fn put(&mut self, bytes: &[u8]) {
        debug_assert!(self.closed.is_none(), "the body is closed");
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends a page's image to the body.
    pub(crate) fn put_image(&mut self, image: &[u8]) {
        self.put(image);
        self.images += 1;
        self.image_bytes += image.len() as u64;
    }

    /// How many images there are, and their bytes.
    pub(super) fn images(&self) -> (u64, u64) {
        (self.images, self.image_bytes)
    }

    /// Bytes of header and body.
    pub fn length(&self) -> usize {
        self.closed.map_or(self.bytes.len(), |closed| closed.length)
    }

    /// Sums and pads the body, unless that is done: what can be done before the position is known.
    pub(crate) fn close(&mut self) {
        if self.closed.is_none() {
            let length = self.bytes.len();
            let checksum = crc32c::crc32c(&self.bytes[RECORD_HEADER_BYTES..]);
            self.bytes.resize(length.next_multiple_of(RECORD_ALIGNMENT as usize), 0);
            self.closed = Some(Closed { length, checksum });
        }
    }

    /// Bytes that the record, closed, takes in the stream.
    pub(super) fn padded_len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The complete record at `start`, closed before and padded.
    pub(crate) fn finish(&mut self, start: Lsn) -> &[u8] {
        self.finish_as(self.kind, start)
    }

    /// A record at `start` that says nothing, in the place of this one.
    pub(super) fn finish_void(&mut self, start: Lsn) -> &[u8] {
        self.finish_as(RecordKind::Void, start)
    }

    fn finish_as(&mut self, kind: RecordKind, start: Lsn) -> &[u8] {
        let Closed { length, checksum } = self.closed.expect("closed before");
        let header = &mut self.bytes[..RECORD_HEADER_BYTES];
        header[0..4].copy_from_slice(&(length as u32).to_le_bytes());
        header[4..8].copy_from_slice(&checksum.to_le_bytes());
        header[8..16].copy_from_slice(&start.0.to_le_bytes());
        header[16..20].copy_from_slice(&[kind.to_byte(), 0, 0, 0]);
        let checksum = crc32c::crc32c(&header[..20]);
        header[20..24].copy_from_slice(&checksum.to_le_bytes());
        &self.bytes
    }
}

/// What a record header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordHeader {
    /// Bytes of header and body.
    pub length: usize,
    body_checksum: u32,
    kind: u8,
    reserved: [u8; 3],
}

impl RecordHeader {
    /// Reads the header of the record that starts at `expected`.
    ///
    /// # Errors
    /// Why there is no record.
    pub fn decode(bytes: &[u8; RECORD_HEADER_BYTES], expected: Lsn) -> Result<Self, String> {
        if bytes.iter().all(|byte| *byte == 0) {
            return Err("zeros, no record was written here".to_owned());
        }
        let (stored, computed) = (le_u32(bytes, 20), crc32c::crc32c(&bytes[..20]));
        if stored != computed {
            return Err(format!("record header checksum is {stored:08x}, expected {computed:08x}"));
        }
        let length = le_u32(bytes, 0) as usize;
        if !(RECORD_HEADER_BYTES..=MAX_RECORD_BYTES).contains(&length) {
            return Err(format!(
                "record length is {length}, expected {RECORD_HEADER_BYTES} to {MAX_RECORD_BYTES}"
            ));
        }
        let lsn = Lsn(le_u64(bytes, 8));
        if lsn != expected {
            return Err(format!("record says it starts at {lsn}, expected {expected}"));
        }
        let reserved = bytes[17..20].try_into().expect("3 bytes");
        Ok(Self { length, body_checksum: le_u32(bytes, 4), kind: bytes[16], reserved })
    }

    /// Checks the body and returns the record's kind, or the unknown byte.
    ///
    /// # Errors
    /// Which checksum was found and which expected.
    pub fn verify(&self, body: &[u8]) -> Result<Result<RecordKind, u8>, String> {
        let computed = crc32c::crc32c(body);
        if computed != self.body_checksum {
            let stored = self.body_checksum;
            return Err(format!("record body checksum is {stored:08x}, expected {computed:08x}"));
        }
        let known = RecordKind::from_byte(self.kind).filter(|_| self.reserved == [0; 3]);
        Ok(known.ok_or(self.kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(body: &[u8], start: Lsn) -> Vec<u8> {
        let mut record = RecordBuf::new(RecordKind::Pages);
        record.put(body);
        record.close();
        record.finish(start).to_vec()
    }

    fn header(bytes: &[u8]) -> &[u8; RECORD_HEADER_BYTES] {
        bytes[..RECORD_HEADER_BYTES].try_into().unwrap()
    }

    #[test]
    fn a_record_round_trips_and_is_padded() {
        let bytes = record(b"hello", Lsn(1000));
        assert_eq!(bytes.len(), 32);
        let decoded = RecordHeader::decode(header(&bytes), Lsn(1000)).unwrap();
        assert_eq!(decoded.length, 29);
        assert_eq!(decoded.verify(&bytes[24..29]), Ok(Ok(RecordKind::Pages)));
    }

    #[test]
    fn a_record_in_another_place_is_not_this_one() {
        let bytes = record(b"hello", Lsn(1000));
        let error = RecordHeader::decode(header(&bytes), Lsn(1008)).unwrap_err();
        assert_eq!(error, "record says it starts at 0/000003E8, expected 0/000003F0");
    }

    #[test]
    fn zeros_are_no_record() {
        let error = RecordHeader::decode(&[0; RECORD_HEADER_BYTES], Lsn(64)).unwrap_err();
        assert_eq!(error, "zeros, no record was written here");
    }

    #[test]
    fn every_flipped_bit_of_a_record_is_noticed() {
        let good = record(b"some body", Lsn(64));
        let length = 33;
        for bit in 0..length * 8 {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let verdict = RecordHeader::decode(header(&bytes), Lsn(64))
                .and_then(|found| found.verify(&bytes[24..found.length]));
            assert!(verdict.is_err(), "bit {bit}: {verdict:?}");
        }
    }

    #[test]
    fn forged_lengths_are_refused_before_anything_is_allocated() {
        let good = record(b"", Lsn(64));
        for length in [0u32, 23, 1 << 31, u32::MAX] {
            let mut bytes = good.clone();
            bytes[0..4].copy_from_slice(&length.to_le_bytes());
            let checksum = crc32c::crc32c(&bytes[..20]);
            bytes[20..24].copy_from_slice(&checksum.to_le_bytes());
            let error = RecordHeader::decode(header(&bytes), Lsn(64)).unwrap_err();
            assert!(error.contains("record length is"), "{error}");
        }
    }

    #[test]
    fn a_block_header_round_trips_and_names_what_differs() {
        let header = BlockHeader { system_id: 5, address: Lsn(992), flushed_upto: Lsn(900) };
        let mut block = [0u8; 64];
        header.encode(&mut block);
        assert_eq!(BlockHeader::decode(&block, 5, Lsn(992)), Ok(header));
        let other = BlockHeader::decode(&block, 6, Lsn(992)).unwrap_err();
        assert_eq!(other, "block of store 0000000000000005, expected 0000000000000006");
        let elsewhere = BlockHeader::decode(&block, 5, Lsn(0)).unwrap_err();
        assert_eq!(elsewhere, "block address is 0/000003E0, expected 0/00000000");
        block[30] ^= 1;
        assert!(BlockHeader::decode(&block, 5, Lsn(992)).unwrap_err().contains("checksum"));
    }
}
