//! Where the segments of a file are.
//!
//! ```text
//! data/0000000a.0             file 10, segment 0, in the store's own directory
//! data.2/0000000a.unlogged.1  an unlogged file's segment 1, in tablespace 2
//! ```
//! Files are numbered from 1: 0 stands for a note in the log.

use crate::fsync::SyncTag;
use crate::page::FileId;
use std::fmt;

/// The directory of the files that are in no other tablespace.
pub const DATA_DIR: &str = "data";

const UNLOGGED: &str = ".unlogged";

/// A directory that files are kept in, perhaps on a device of its own; 0 is the store's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TablespaceId(pub u32);

impl TablespaceId {
    /// Path of the directory.
    pub fn dir(self) -> String {
        self.to_string()
    }

    /// The tablespace whose directory has this path.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let number = match path.strip_prefix(DATA_DIR)?.strip_prefix('.') {
            Some(number) => number.parse().ok()?,
            None => 0,
        };
        (Self(number).dir() == path).then_some(Self(number))
    }
}

impl fmt::Display for TablespaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str(DATA_DIR),
            number => write!(f, "{DATA_DIR}.{number}"),
        }
    }
}

/// What is fixed when a file is created.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileOptions {
    /// Where it is kept. Default: the store's own directory.
    pub tablespace: TablespaceId,
    /// Whether its changes stay out of the log: it is empty after a crash, and intact after a
    /// close. Default: no.
    pub unlogged: bool,
}

impl FileOptions {
    /// Path of a segment.
    pub(crate) fn path(self, tag: SyncTag) -> String {
        let kind = if self.unlogged { UNLOGGED } else { "" };
        format!("{}/{:08x}{kind}.{}", self.tablespace, tag.file.0, tag.segment)
    }

    /// The segment with this name in the directory of a tablespace.
    pub(crate) fn parse(tablespace: TablespaceId, name: &str) -> Option<(Self, SyncTag)> {
        let (file, segment) = name.rsplit_once('.')?;
        let logged = file.strip_suffix(UNLOGGED);
        let options = Self { tablespace, unlogged: logged.is_some() };
        let tag = SyncTag {
            file: FileId(u32::from_str_radix(logged.unwrap_or(file), 16).ok()?),
            segment: segment.parse().ok()?,
        };
        if tag.file == FileId(0) {
            return None;
        }
        (options.path(tag) == format!("{tablespace}/{name}")).then_some((options, tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_found_by_its_name_and_by_no_other() {
        for (tablespace, unlogged) in [(0, false), (0, true), (7, false), (7, true)] {
            let options = FileOptions { tablespace: TablespaceId(tablespace), unlogged };
            let tag = SyncTag { file: FileId(0xab), segment: 12 };
            let path = options.path(tag);
            let (dir, name) = path.split_once('/').unwrap();
            assert_eq!(TablespaceId::parse(dir), Some(options.tablespace));
            assert_eq!(FileOptions::parse(options.tablespace, name), Some((options, tag)));
        }
        for name in [
            "ab.0",
            "000000ab",
            "000000AB.0",
            "000000ab.00",
            "000000ab.-1",
            ".unlogged.0",
            "00000000.0",
        ] {
            assert_eq!(FileOptions::parse(TablespaceId(0), name), None, "{name}");
        }
        for dir in ["data.0", "data.01", "data.", "dat", "data.x", "wal"] {
            assert_eq!(TablespaceId::parse(dir), None, "{dir}");
        }
    }
}
