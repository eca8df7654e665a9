//! What the store's directories hold, for those who look without opening the files.

use super::{FileOptions, TablespaceId, failed};
use crate::config::Format;
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::page::PageId;
use std::collections::BTreeSet;

/// The names in a directory.
pub(crate) fn list(disk: &dyn Disk, dir: &str) -> Result<Vec<String>> {
    disk.list(dir).map_err(|source| failed("list", in_words(dir), 0, source))
}

/// Makes the entries of a directory durable.
pub(crate) fn sync_dir(disk: &dyn Disk, dir: &str) -> Result<()> {
    disk.sync_dir(dir).map_err(|source| failed("sync", in_words(dir), 0, source))
}

/// What errors call a directory.
fn in_words(dir: &str) -> &str {
    if dir.is_empty() { "the store's directory" } else { dir }
}

/// The tablespaces of a store.
pub(crate) fn tablespaces(disk: &dyn Disk) -> Result<BTreeSet<TablespaceId>> {
    Ok(list(disk, "")?.iter().filter_map(|name| TablespaceId::parse(name)).collect())
}

/// Path of the segment that a page is in, and the page's offset there, whatever its content.
///
/// # Errors
/// [`Error::NoSuchFile`]; [`Error::BeyondEnd`] if there is no such segment; [`Error::Io`].
pub fn place_of(disk: &dyn Disk, format: &Format, page: PageId) -> Result<(String, u64)> {
    let per_segment = format.data_segment_bytes / format.page_bytes;
    let wanted = page.block() / per_segment;
    let mut segments = 0;
    for tablespace in tablespaces(disk)? {
        for name in list(disk, &tablespace.dir())? {
            match FileOptions::parse(tablespace, &name) {
                Some((options, tag)) if tag.file == page.file() => {
                    if tag.segment == wanted {
                        let block = u64::from(page.block() % per_segment);
                        return Ok((options.path(tag), block * u64::from(format.page_bytes)));
                    }
                    segments += 1;
                }
                _ => {}
            }
        }
    }
    match segments {
        0 => Err(Error::NoSuchFile { file: page.file() }),
        segments => Err(Error::BeyondEnd { page, blocks: per_segment.saturating_mul(segments) }),
    }
}
