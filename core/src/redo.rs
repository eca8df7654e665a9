//! What a pages record says: the changes of one atomic operation, and its notes.
//!
//! # Body of a pages record (little-endian), one entry for each page and each note
//! ```text
//! bytes  field
//!     8  page id    of file 0, which no file is: a note, and the block is its kind
//!     4  count      0: an image follows; else the number of steps; of a note: 0
//!  then, for an image:           see `redo/image.rs`
//!  or, for a note:               4  length L    then L bytes: what it says
//!  or, for each step:            2  offset in the body    2  length L    then L bytes
//!      with offset 0xFFFF, which no body has: a custom change; 1  its kind, before the L bytes
//! ```
//! An image is restored whatever is there; steps are taken, in their order, if the page's LSN is
//! before the end of the record (R4). The first change of a page after a redo point is an image
//! (R3), because the page on disk may be torn.

mod custom;
mod image;
mod steps;

pub use custom::Redo;
pub use image::Image;
pub use steps::{CUSTOM_DATA_BYTES_MAX, Step, Steps};
pub(crate) use steps::{FixedSteps, NO_REDO, put_steps};

use crate::lsn::Lsn;
use crate::page::{FileId, Page, PageId};
use crate::wal::record::RecordBuf;

/// Appends the image of a page, compressed where that is asked for and shorter.
pub(crate) fn put_image(record: &mut RecordBuf, id: PageId, page: &Page, compress: bool) {
    record.put(&id.to_bits().to_le_bytes());
    record.put(&0u32.to_le_bytes());
    image::put(record, page, compress);
}

/// Appends a note.
pub(crate) fn put_note(record: &mut RecordBuf, kind: u8, data: &[u8]) {
    record.put(&PageId::new(FileId(0), u32::from(kind)).to_bits().to_le_bytes());
    record.put(&0u32.to_le_bytes());
    record.put(&(data.len() as u32).to_le_bytes());
    record.put(data);
}

/// What an entry is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry<'r> {
    /// The change of a page.
    Page(PageRedo<'r>),
    /// A note: see [`Redo::note`].
    Note {
        /// What it is for the engine.
        kind: u8,
        /// What it says.
        data: &'r [u8],
    },
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
    /// The page is as before, but for this.
    Steps {
        /// Which page.
        page: PageId,
        /// One after the other.
        steps: Steps<'r>,
    },
}

impl PageRedo<'_> {
    /// The page that is changed.
    pub fn page(&self) -> PageId {
        match self {
            PageRedo::Image { page, .. } | PageRedo::Steps { page, .. } => *page,
        }
    }

    /// The kind of its first custom change, if it has one.
    pub fn custom_kind(&self) -> Option<u8> {
        match self {
            PageRedo::Image { .. } => None,
            PageRedo::Steps { steps, .. } => steps.custom_kind(),
        }
    }

    /// Whether a page lacks the change, described by a record that ends at `end`: an image is
    /// restored whatever is there.
    pub fn is_missing_in(&self, page: &Page, end: Lsn) -> bool {
        matches!(self, PageRedo::Image { .. }) || page.lsn() < end
    }

    /// Makes the change, described by a record that ends at `end`: all of it, or nothing if it is
    /// refused.
    ///
    /// # Errors
    /// What [`Redo::change`] says; that there is none to ask; that an image cannot be decompressed.
    pub fn apply(&self, bytes: &mut Page, end: Lsn, redo: Option<&dyn Redo>) -> Result<(), String> {
        match self {
            PageRedo::Image { page, image } => {
                let body = image.body()?;
                bytes.format(*page);
                bytes.body_mut()[..body.len()].copy_from_slice(&body);
            }
            PageRedo::Steps { page, steps } if steps.custom_kind().is_some() => {
                let mut body = bytes.body().to_vec();
                steps.apply(*page, &mut body, redo)?;
                bytes.body_mut().copy_from_slice(&body);
            }
            PageRedo::Steps { page, steps } => steps.apply(*page, bytes.body_mut(), redo)?,
        }
        bytes.set_lsn(end);
        Ok(())
    }
}

/// The entries in the body of a pages record, for pages whose body has `body_bytes`. Nothing in
/// `body` makes this panic, and nothing is allocated but for the reason of an error, which is the
/// last item.
pub fn entries(body: &[u8], body_bytes: usize) -> Entries<'_> {
    Entries { rest: Bytes(body), body_bytes }
}

/// Iterator: see [`entries`].
#[derive(Debug, Clone)]
pub struct Entries<'r> {
    rest: Bytes<'r>,
    body_bytes: usize,
}

impl<'r> Entries<'r> {
    /// Bytes that are left.
    pub(crate) fn rest_len(&self) -> usize {
        self.rest.0.len()
    }

    fn entry(&mut self) -> Result<Entry<'r>, String> {
        let rest = &mut self.rest;
        let page = PageId::from_bits(u64::from_le_bytes(rest.array("page id")?));
        let count = u32::from_le_bytes(rest.array("step count")?);
        if page.file() == FileId(0) {
            return rest.note(page.block(), count);
        }
        Ok(Entry::Page(match count {
            0 => PageRedo::Image { page, image: Image::take(rest, page, self.body_bytes)? },
            _ => PageRedo::Steps { page, steps: rest.steps(page, count, self.body_bytes)? },
        }))
    }
}

impl<'r> Iterator for Entries<'r> {
    type Item = Result<Entry<'r>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.0.is_empty() {
            return None;
        }
        let entry = self.entry();
        if entry.is_err() {
            self.rest = Bytes(&[]);
        }
        Some(entry)
    }
}

/// What is left of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

    fn note(&mut self, kind: u32, count: u32) -> Result<Entry<'r>, String> {
        let found = |what| format!("a note with {what}, expected a kind below 256 and count 0");
        let kind = u8::try_from(kind).map_err(|_| found(format!("kind {kind}")))?;
        if count != 0 {
            return Err(found(format!("count {count}")));
        }
        let len = u32::from_le_bytes(self.array("note length")?) as usize;
        Ok(Entry::Note { kind, data: self.take(len, "note")? })
    }
}

#[cfg(test)]
mod round_trip;

#[cfg(test)]
mod tests {
    use super::*;
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
        let len = record.length();
        record.finish(Lsn(8))[RECORD_HEADER_BYTES..len].to_vec()
    }

    fn pages(body: &[u8]) -> Vec<PageRedo<'_>> {
        let page = |entry| match entry {
            Ok(Entry::Page(page)) => page,
            other => panic!("{other:?}"),
        };
        entries(body, 4096 - 24).map(page).collect()
    }

    fn refused(body: &[u8], body_bytes: usize) -> String {
        entries(body, body_bytes).find_map(Result::err).expect("an error")
    }

    #[test]
    fn an_image_leaves_out_the_zeros_at_the_end_and_restores_the_page() {
        let body = body(|record| put_image(record, ID, &page(), false));
        assert_eq!(body.len(), 8 + 4 + 4 + 15);
        let mut other = Page::zeroed(4096);
        other.body_mut().fill(0xFF);
        other.set_lsn(Lsn(900));
        let changes = pages(&body);
        assert!(changes[0].is_missing_in(&other, Lsn(100)));
        changes[0].apply(&mut other, Lsn(100), None).unwrap();
        let mut expected = page();
        expected.set_lsn(Lsn(100));
        assert_eq!(other.bytes(), expected.bytes());
    }

    #[test]
    fn ranges_are_applied_to_an_older_page_only() {
        let body = body(|record| {
            put_steps(record, ID, &FixedSteps::default(), &page(), &[10..12, 14..15])
        });
        let changes = pages(&body);
        let mut older = Page::zeroed(4096);
        older.format(ID);
        assert!(changes[0].is_missing_in(&older, Lsn(100)));
        changes[0].apply(&mut older, Lsn(100), None).unwrap();
        assert_eq!(&older.body()[10..15], b"he\0\0o");
        assert_eq!(older.lsn(), Lsn(100));
        let mut newer = Page::zeroed(4096);
        newer.set_lsn(Lsn(100));
        assert!(!changes[0].is_missing_in(&newer, Lsn(100)));
    }

    #[test]
    fn cut_off_and_oversized_changes_are_refused_with_a_reason() {
        let good = body(|record| {
            put_steps(record, ID, &FixedSteps::default(), &page(), &[10..12, 12..15])
        });
        for len in 1..good.len() {
            let error = refused(&good[..len], 4096 - 24);
            assert!(error.contains("expected"), "{error}");
        }
        assert_eq!(refused(&good, 14), "bytes 12..15 of page 1:2, its body has 14");
        let many = [&ID.to_bits().to_le_bytes()[..], &u32::MAX.to_le_bytes()].concat();
        assert!(refused(&many, 4072).contains("step offset"));
    }
}
