//! Pages: their identity, their header, their checksum.
//!
//! # Page layout (little-endian)
//! ```text
//! offset  bytes  field
//!      0      4  checksum   CRC32C of bytes 4..page size
//!      4      4  zero       reserved, must be zero
//!      8      8  lsn        end of the last WAL record that changed the page
//!     16      8  page id    file number in the high, block in the low 32 bits
//!     24      …  body       the user's
//! ```
//! The id makes a page in the wrong place visible; the checksum makes a torn one visible. A page
//! of zeros is not a page: it says that nothing was ever written there.

use crate::error::{Error, PageFault, Result};
use crate::lsn::Lsn;
use bytes::{Buf, BytesMut};
use std::fmt;
use std::ops::{Deref, DerefMut};

/// Number of a data file, from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "file {}", self.0)
    }
}

/// Identity of a page: a file and a block in it. PostgreSQL: `BufferTag`.
///
/// 64 bits, so that a buffer's tag is one atomic word. The order is that of the files and, in a
/// file, that of the blocks: the order in which a checkpoint writes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageId(u64);

impl PageId {
    /// The page at `block` of `file`.
    pub const fn new(file: FileId, block: u32) -> Self {
        Self(((file.0 as u64) << 32) | block as u64)
    }

    /// The file that the page is in.
    pub const fn file(self) -> FileId {
        FileId((self.0 >> 32) as u32)
    }

    /// The block within the file, from 0.
    pub const fn block(self) -> u32 {
        self.0 as u32
    }

    /// So many neighbours, from this page on.
    pub(crate) fn run(self, pages: u32) -> impl Iterator<Item = Self> {
        (0..pages).map(move |n| Self::new(self.file(), self.block() + n))
    }

    /// The 64 bits as they stand in a page header and in a WAL record.
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// The inverse of [`PageId::to_bits`]; every value is an id.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

impl fmt::Display for PageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file().0, self.block())
    }
}

impl fmt::Debug for PageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "page {self}")
    }
}

const CHECKSUM_OFFSET: usize = 0;
const RESERVED_OFFSET: usize = 4;
const LSN_OFFSET: usize = 8;
const ID_OFFSET: usize = 16;

/// Bytes of a page before its body.
pub const PAGE_HEADER_BYTES: usize = 24;
const _: () = assert!(ID_OFFSET + 8 == PAGE_HEADER_BYTES);

/// Alignment of every buffer that is handed to a disk, so that direct I/O takes it.
pub const IO_ALIGNMENT: usize = 4096;

/// Heap bytes aligned to [`IO_ALIGNMENT`].
#[derive(Debug)]
pub struct AlignedBytes(BytesMut);

impl AlignedBytes {
    /// `len` zero bytes.
    pub fn zeroed(len: usize) -> Self {
        let mut bytes = BytesMut::zeroed(len + IO_ALIGNMENT);
        bytes.advance(bytes.as_ptr().align_offset(IO_ALIGNMENT));
        bytes.truncate(len);
        Self(bytes)
    }

    /// `count` times `len` zero bytes, one behind the other: aligned each on its own would cost up
    /// to [`IO_ALIGNMENT`] more for each. `len` is a multiple of it where alignment matters.
    fn zeroed_many(count: usize, len: usize) -> impl Iterator<Item = Self> {
        let Self(mut rest) = Self::zeroed(count * len);
        (0..count).map(move |_| Self(rest.split_to(len)))
    }
}

impl Clone for AlignedBytes {
    fn clone(&self) -> Self {
        let mut copy = Self::zeroed(self.len());
        copy.copy_from_slice(self);
        copy
    }
}

impl Deref for AlignedBytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for AlignedBytes {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

/// The bytes of one page, header included.
#[derive(Clone, Debug)]
pub struct Page(AlignedBytes);

impl Page {
    /// A page of zeros.
    pub fn zeroed(page_bytes: usize) -> Self {
        Self(AlignedBytes::zeroed(page_bytes))
    }

    /// `count` pages of zeros in one piece of memory.
    pub(crate) fn zeroed_many(count: usize, page_bytes: usize) -> impl Iterator<Item = Self> {
        AlignedBytes::zeroed_many(count, page_bytes).map(Self)
    }

    /// Turns the bytes into the empty page `id`: LSN zero, body zero.
    pub fn format(&mut self, id: PageId) {
        self.0.fill(0);
        self.put(ID_OFFSET, id.to_bits());
    }

    /// End of the last record that changed the page; zero if there is none.
    pub fn lsn(&self) -> Lsn {
        Lsn(self.get(LSN_OFFSET))
    }

    /// Notes the end of the record that describes the latest change.
    pub fn set_lsn(&mut self, lsn: Lsn) {
        self.put(LSN_OFFSET, lsn.0);
    }

    /// The id in the header.
    pub fn id(&self) -> PageId {
        PageId::from_bits(self.get(ID_OFFSET))
    }

    /// What follows the header.
    #[inline]
    pub fn body(&self) -> &[u8] {
        &self.0[PAGE_HEADER_BYTES..]
    }

    /// What follows the header.
    pub fn body_mut(&mut self) -> &mut [u8] {
        &mut self.0[PAGE_HEADER_BYTES..]
    }

    /// Header and body.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Header and body.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// The reserved bytes of the header: 0.
    pub fn reserved(&self) -> u32 {
        le_u32(&self.0, RESERVED_OFFSET)
    }

    /// Computes and stores the checksum: the last step before a write (F2).
    pub fn seal(&mut self) {
        let checksum = self.computed_checksum();
        self.0[CHECKSUM_OFFSET..CHECKSUM_OFFSET + 4].copy_from_slice(&checksum.to_le_bytes());
    }

    /// Checks bytes that were read as the page `expected`.
    ///
    /// # Errors
    /// [`Error::Page`] with a zero page, a checksum that differs, another page's id, or reserved
    /// bytes that are not zero.
    pub fn verify(&self, expected: PageId) -> Result<()> {
        let fault = |fault| Err(Error::Page { page: expected, fault });
        let stored = self.stored_checksum();
        let computed = self.computed_checksum();
        if stored != computed {
            if self.0.iter().all(|byte| *byte == 0) {
                return fault(PageFault::Zero);
            }
            return fault(PageFault::Checksum { stored, computed });
        }
        if self.id() != expected {
            return fault(PageFault::WrongPage { found: self.id() });
        }
        if self.reserved() != 0 {
            return fault(PageFault::Reserved { found: self.reserved() });
        }
        Ok(())
    }

    /// The checksum in the header.
    pub fn stored_checksum(&self) -> u32 {
        le_u32(&self.0, CHECKSUM_OFFSET)
    }

    /// The checksum that its bytes have.
    pub fn computed_checksum(&self) -> u32 {
        crc32c::crc32c(&self.0[CHECKSUM_OFFSET + 4..])
    }

    fn get(&self, offset: usize) -> u64 {
        le_u64(&self.0, offset)
    }

    fn put(&mut self, offset: usize, value: u64) {
        self.0[offset..offset + 8].copy_from_slice(&value.to_le_bytes());
    }
}

/// The little-endian `u32` at `offset`. Panics if it is not inside.
pub(crate) fn le_u32(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(bytes[offset..offset + 4].try_into().expect("4 bytes"))
}

/// The little-endian `u64` at `offset`. Panics if it is not inside.
pub(crate) fn le_u64(bytes: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(bytes[offset..offset + 8].try_into().expect("8 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: PageId = PageId::new(FileId(7), 42);

    fn sealed() -> Page {
        let mut page = Page::zeroed(4096);
        page.format(ID);
        page.body_mut()[100] = 9;
        page.set_lsn(Lsn(0x1234));
        page.seal();
        page
    }

    fn fault(page: &Page, id: PageId) -> PageFault {
        match page.verify(id) {
            Err(Error::Page { fault, .. }) => fault,
            other => panic!("expected a page fault, got {other:?}"),
        }
    }

    #[test]
    fn pages_in_one_piece_are_zero_aligned_and_apart() {
        let mut pages: Vec<Page> = Page::zeroed_many(3, 8192).collect();
        pages[1].bytes_mut().fill(1);
        for (page, expected) in pages.iter().zip([0, 1, 0]) {
            assert!(page.bytes().as_ptr().addr().is_multiple_of(IO_ALIGNMENT));
            assert!(page.bytes().len() == 8192 && page.bytes().iter().all(|b| *b == expected));
        }
        let one_behind_the_other = pages[1].bytes().as_ptr().addr() - 8192;
        assert_eq!(pages[0].bytes().as_ptr().addr(), one_behind_the_other);
    }

    #[test]
    fn a_sealed_page_verifies_and_keeps_its_fields() {
        let page = sealed();
        page.verify(ID).unwrap();
        assert_eq!((page.lsn(), page.id()), (Lsn(0x1234), ID));
        assert_eq!(page.bytes().as_ptr() as usize % IO_ALIGNMENT, 0);
    }

    #[test]
    fn the_header_stands_where_the_byte_map_says() {
        let page = sealed();
        assert_eq!(&page.bytes()[8..16], &[0x34, 0x12, 0, 0, 0, 0, 0, 0]);
        assert_eq!(&page.bytes()[16..24], &[42, 0, 0, 0, 7, 0, 0, 0]);
        assert_eq!(page.bytes()[24 + 100], 9);
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let good = sealed();
        for bit in 0..4096 * 8 {
            let mut page = good.clone();
            page.bytes_mut()[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(fault(&page, ID), PageFault::Checksum { .. }), "bit {bit}");
        }
    }

    #[test]
    fn a_zero_page_and_a_page_in_the_wrong_place_have_their_own_faults() {
        assert_eq!(fault(&Page::zeroed(4096), ID), PageFault::Zero);
        let elsewhere = PageId::new(FileId(7), 43);
        assert_eq!(fault(&sealed(), elsewhere), PageFault::WrongPage { found: ID });
    }
}
