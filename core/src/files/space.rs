//! Space for pages, found before they are part of a file (R10): so what is part of it can be
//! written, and a checkpoint of a full disk finishes. PostgreSQL: `mdzeroextend`.
//!
//! A file's length on disk says how many pages it has, so the space is behind it. After a power cut
//! it may be gone.

use super::{DataFile, Files, failed};
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::page::PageId;
use std::ops::Range;

impl Files {
    /// Finds space for blocks that a file is to be extended by.
    ///
    /// # Errors
    /// [`Error::Io`] if there is none; [`Error::Poisoned`] if a new segment's entry cannot be
    /// synced.
    pub(crate) fn find_space(&self, file: &DataFile, blocks: Range<u32>) -> Result<()> {
        let mut start = blocks.start;
        while start < blocks.end {
            let (tag, offset) = self.place(PageId::new(file.id, start));
            let left = self.segment_blocks() - start % self.segment_blocks();
            let end = blocks.end.min(start.saturating_add(left));
            let bytes = u64::from(end - start) * self.page_bytes;
            let reserved = self.segment(file, tag.segment)?.io.reserve(offset, bytes);
            let path = || file.path(tag.segment);
            reserved.map_err(|source| failed("reserve", &path(), offset, source))?;
            start = end;
        }
        Ok(())
    }
}
