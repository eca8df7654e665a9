//! What a pages record says: the changes of one atomic operation.
//!
//! # Body of a pages record (little-endian), one entry for each page
//! ```text
//! bytes  field
//!     8  page id
//!     4  count      0: an image follows; else the number of ranges
//!  then, for an image:        see `redo/image.rs`
//!  or, for each range:        2  offset in the body    2  length L    then L bytes
//! ```
//! An image is restored whatever is there; ranges are applied if the page's LSN is before the end
//! of the record (R4). The first change of a page after a redo point is an image (R3), because the
//! page on disk may be torn.

mod image;

pub use image::Image;

use crate::lsn::Lsn;
use crate::page::{Page, PageId};
use crate::wal::record::RecordBuf;
use std::ops::Range;

/// Appends the image of a page, compressed where that is asked for and shorter.
pub(crate) fn put_image(record: &mut RecordBuf, id: PageId, page: &Page, compress: bool) {
    record.put(&id.to_bits().to_le_bytes());
    record.put(&0u32.to_le_bytes());
    image::put(record, page, compress);
}

/// Appends ranges of a page's body, of which there is at least one.
pub(crate) fn put_ranges(record: &mut RecordBuf, id: PageId, page: &Page, ranges: &[Range<usize>]) {
    record.put(&id.to_bits().to_le_bytes());
    record.put(&(ranges.len() as u32).to_le_bytes());
    for range in ranges {
        record.put(&(range.start as u16).to_le_bytes());
        record.put(&(range.len() as u16).to_le_bytes());
        record.put(&page.body()[range.clone()]);
    }
}

/// The change of one page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageRedo<'r> {
    /// The page is this, then zeros.
    Image {
        /// Which page.
        page: PageId,
        /// Its body.
        image: Image<'r>,
    },
    /// Parts of the page are this.
    Ranges {
        /// Which page.
        page: PageId,
        /// Offset in the body, and the bytes there.
        ranges: Vec<(usize, &'r [u8])>,
    },
}

impl PageRedo<'_> {
    /// The page that is changed.
    pub fn page(&self) -> PageId {
        match self {
            PageRedo::Image { page, .. } | PageRedo::Ranges { page, .. } => *page,
        }
    }

    /// Whether a page lacks the change, described by a record that ends at `end`: an image is
    /// restored whatever is there.
    pub fn is_missing_in(&self, page: &Page, end: Lsn) -> bool {
        matches!(self, PageRedo::Image { .. }) || page.lsn() < end
    }

    /// Makes the change, described by a record that ends at `end`.
    ///
    /// # Errors
    /// The image cannot be decompressed: the page holds parts of it.
    pub fn apply(&self, bytes: &mut Page, end: Lsn) -> Result<(), String> {
        match self {
            PageRedo::Image { page, image } => {
                bytes.format(*page);
                image.restore(bytes.body_mut())?;
            }
            PageRedo::Ranges { ranges, .. } => {
                for (offset, new) in ranges {
                    bytes.body_mut()[*offset..*offset + new.len()].copy_from_slice(new);
                }
            }
        }
        bytes.set_lsn(end);
        Ok(())
    }
}

/// The changes in the body of a pages record, for pages whose body has `body_bytes`.
///
/// # Errors
/// What makes no sense. Nothing in `body` makes this panic, and it allocates no more than a few
/// times the length of `body`.
pub fn decode(body: &[u8], body_bytes: usize) -> Result<Vec<PageRedo<'_>>, String> {
    let mut rest = Bytes(body);
    let mut changes = Vec::new();
    while !rest.0.is_empty() {
        let page = PageId::from_bits(u64::from_le_bytes(rest.array("page id")?));
        let count = u32::from_le_bytes(rest.array("range count")?);
        changes.push(match count {
            0 => PageRedo::Image { page, image: Image::take(&mut rest, page, body_bytes)? },
            _ => PageRedo::Ranges { page, ranges: rest.ranges(page, count, body_bytes)? },
        });
    }
    Ok(changes)
}

/// What is left of a body.
struct Bytes<'r>(&'r [u8]);

impl<'r> Bytes<'r> {
    fn take(&mut self, len: usize, what: &str) -> Result<&'r [u8], String> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or_else(|| {
            format!("{} bytes are left, expected {len} of a {what}", self.0.len())
        })?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], String> {
        Ok(self.take(N, what)?.try_into().expect("as many as asked for"))
    }

    fn ranges(
        &mut self,
        page: PageId,
        count: u32,
        body_bytes: usize,
    ) -> Result<Vec<(usize, &'r [u8])>, String> {
        let mut ranges = Vec::new();
        for _ in 0..count {
            let start = usize::from(u16::from_le_bytes(self.array("range offset")?));
            let len = usize::from(u16::from_le_bytes(self.array("range length")?));
            if start + len > body_bytes {
                return Err(format!(
                    "bytes {start}..{} of page {page}, its body has {body_bytes}",
                    start + len
                ));
            }
            ranges.push((start, self.take(len, "page range")?));
        }
        Ok(ranges)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::FileId;
    use crate::wal::record::{RECORD_HEADER_BYTES, RecordKind};

    const ID: PageId = PageId::new(FileId(1), 2);

    fn page() -> Page {
        let mut page = Page::zeroed(4096);
        page.format(ID);
        page.body_mut()[10..15].copy_from_slice(b"hello");
        page
    }

    fn body(put: impl FnOnce(&mut RecordBuf)) -> Vec<u8> {
        let mut record = RecordBuf::new(RecordKind::Pages);
        put(&mut record);
        record.close();
        let len = record.len();
        record.finish(Lsn(8))[RECORD_HEADER_BYTES..len].to_vec()
    }

    #[test]
    fn an_image_leaves_out_the_zeros_at_the_end_and_restores_the_page() {
        let body = body(|record| put_image(record, ID, &page(), false));
        assert_eq!(body.len(), 8 + 4 + 4 + 15);
        let mut other = Page::zeroed(4096);
        other.body_mut().fill(0xFF);
        other.set_lsn(Lsn(900));
        let changes = decode(&body, 4096 - 24).unwrap();
        assert!(changes[0].is_missing_in(&other, Lsn(100)));
        changes[0].apply(&mut other, Lsn(100)).unwrap();
        let mut expected = page();
        expected.set_lsn(Lsn(100));
        assert_eq!(other.bytes(), expected.bytes());
    }

    #[test]
    fn ranges_are_applied_to_an_older_page_only() {
        let body = body(|record| put_ranges(record, ID, &page(), &[10..12, 14..15]));
        let changes = decode(&body, 4096 - 24).unwrap();
        let mut older = Page::zeroed(4096);
        older.format(ID);
        assert!(changes[0].is_missing_in(&older, Lsn(100)));
        changes[0].apply(&mut older, Lsn(100)).unwrap();
        assert_eq!(&older.body()[10..15], b"he\0\0o");
        assert_eq!(older.lsn(), Lsn(100));
        let mut newer = Page::zeroed(4096);
        newer.set_lsn(Lsn(100));
        assert!(!changes[0].is_missing_in(&newer, Lsn(100)));
    }

    #[test]
    fn cut_off_and_oversized_changes_are_refused_with_a_reason() {
        let good = body(|record| put_ranges(record, ID, &page(), &[10..12, 12..15]));
        for len in 1..good.len() {
            let error = decode(&good[..len], 4096 - 24).unwrap_err();
            assert!(error.contains("expected"), "{error}");
        }
        assert_eq!(decode(&good, 14).unwrap_err(), "bytes 12..15 of page 1:2, its body has 14");
        let many = [&ID.to_bits().to_le_bytes()[..], &u32::MAX.to_le_bytes()].concat();
        assert!(decode(&many, 4072).unwrap_err().contains("range offset"));
    }
}
