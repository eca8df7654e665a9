//! The image of a page, as it stands in a record.
//!
//! ```text
//! bytes  field
//!     2  length L   of the page's body up to its last byte that is not zero
//!     2  stored S   at most L
//!     S  bytes      if S is L: those of the body; if it is less: an LZ4 block that becomes them
//! ```

use super::Bytes;
use crate::page::{PAGE_HEADER_BYTES, Page, PageId};
use crate::wal::record::RecordBuf;
use std::borrow::Cow;

/// The body of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Image<'r> {
    len: usize,
    stored: &'r [u8],
}

/// Appends the image of a page, compressed where that is asked for and shorter.
pub(super) fn put(record: &mut RecordBuf, page: &Page, compress: bool) {
    let body = page.body();
    let used = body.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let image = &body[..used];
    let compressed = compress.then(|| lz4_flex::block::compress(image));
    let shorter = compressed.as_deref().filter(|compressed| compressed.len() < used);
    let stored = shorter.unwrap_or(image);
    record.put(&(used as u16).to_le_bytes());
    record.put(&(stored.len() as u16).to_le_bytes());
    record.put_image(stored);
}

impl<'r> Image<'r> {
    /// Takes the image of a page whose body has `body_bytes`.
    pub(super) fn take(
        rest: &mut Bytes<'r>,
        page: PageId,
        body_bytes: usize,
    ) -> Result<Self, String> {
        let len = usize::from(u16::from_le_bytes(rest.array("image length")?));
        let stored = usize::from(u16::from_le_bytes(rest.array("stored length")?));
        if len > body_bytes {
            return Err(format!("image of page {page} has {len} bytes, expected {body_bytes}"));
        }
        if stored > len {
            return Err(format!("{stored} bytes stored of an image of {len} of page {page}"));
        }
        Ok(Self { len, stored: rest.take(stored, "page image")? })
    }

    /// Bytes of the record that it takes.
    pub fn stored_bytes(&self) -> usize {
        self.stored.len()
    }

    /// The body up to its last byte that is not zero, of at most the size that it was taken for.
    ///
    /// # Errors
    /// It is no LZ4 block, or one of another length.
    pub(crate) fn body(&self) -> Result<Cow<'r, [u8]>, String> {
        let Self { len, stored } = *self;
        if stored.len() == len {
            return Ok(Cow::Borrowed(stored));
        }
        match lz4_flex::block::decompress(stored, len) {
            Ok(body) if body.len() == len => Ok(Cow::Owned(body)),
            Ok(body) => Err(format!("the image has {} bytes, expected {len}", body.len())),
            Err(error) => Err(format!("the image of {len} bytes: {error}")),
        }
    }
}

// The largest page there is.
const _: () = assert!((64 << 10) - PAGE_HEADER_BYTES <= u16::MAX as usize);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::FileId;
    use crate::wal::record::{RECORD_HEADER_BYTES, RecordKind};
    use proptest::prelude::*;

    const ID: PageId = PageId::new(FileId(1), 2);
    const BODY_BYTES: usize = 4096 - 24;

    fn encoded(body: &[u8], compress: bool) -> Vec<u8> {
        let mut page = Page::zeroed(4096);
        page.body_mut()[..body.len()].copy_from_slice(body);
        let mut record = RecordBuf::new(RecordKind::Pages);
        put(&mut record, &page, compress);
        record.close();
        let len = record.length();
        record.finish(crate::lsn::Lsn(8))[RECORD_HEADER_BYTES..len].to_vec()
    }

    fn restored(encoded: &[u8]) -> Result<Vec<u8>, String> {
        let mut rest = Bytes(encoded);
        let image = Image::take(&mut rest, ID, BODY_BYTES)?;
        assert!(rest.0.is_empty());
        let mut body = image.body()?.into_owned();
        body.resize(BODY_BYTES, 0);
        Ok(body)
    }

    #[test]
    fn an_image_is_compressed_only_where_that_is_asked_for_and_shorter() {
        let rows = b"row 17, the same text; ".repeat(50);
        assert_eq!(encoded(&rows, false).len(), 4 + rows.len());
        assert!(encoded(&rows, true).len() < 100);
        let random: Vec<u8> = (1..=255).collect();
        assert_eq!(encoded(&random, true), encoded(&random, false));
        assert_eq!(encoded(&[], true), [0; 4]);
    }

    #[test]
    fn an_image_of_another_length_than_it_says_is_refused() {
        let good = encoded(&[7; 1000], true);
        restored(&good).unwrap();
        for wrong in [999_u16, 1001, 4072] {
            let forged = [&wrong.to_le_bytes(), &good[2..]].concat();
            assert!(restored(&forged).unwrap_err().contains("image"), "{wrong}");
        }
        let beyond = [&4073_u16.to_le_bytes(), &good[2..]].concat();
        assert_eq!(
            restored(&beyond).unwrap_err(),
            "image of page 1:2 has 4073 bytes, expected 4072"
        );
        let longer = [5, 0, 6, 0, 1, 2, 3, 4, 5, 6];
        assert_eq!(restored(&longer).unwrap_err(), "6 bytes stored of an image of 5 of page 1:2");
    }

    proptest! {
        #[test]
        fn whatever_a_page_holds_is_restored(
            body in prop::collection::vec(prop_oneof![Just(0), any::<u8>()], 0..=BODY_BYTES),
            compress: bool,
        ) {
            let restored = restored(&encoded(&body, compress)).unwrap();
            prop_assert_eq!(&restored[..body.len()], &body[..]);
            prop_assert!(restored[body.len()..].iter().all(|byte| *byte == 0));
        }

        #[test]
        fn nothing_that_is_stored_makes_restoring_panic(
            stored in prop::collection::vec(any::<u8>(), 0..200),
            more in 0..=(BODY_BYTES - 200) as u16,
        ) {
            let lens = [stored.len() as u16 + more, stored.len() as u16].map(u16::to_le_bytes);
            let _ = restored(&[lens.concat(), stored].concat());
        }
    }
}
