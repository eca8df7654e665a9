//! A segment of a data file, open: one descriptor for its pages, and one for its syncs alone.
//!
//! Linux reports an error of writeback once for each descriptor that was open when it happened, and
//! a `sync_file_range` that waits takes the report away from the sync that follows on the same
//! descriptor. So there is a *witness*: opened before the first page is written, and used for
//! nothing but syncs, it has every error to itself.

use crate::disk::{Disk, DiskFile, OpenMode};
use std::io;
use std::sync::Arc;

/// An open segment.
#[derive(Clone)]
pub(super) struct Segment {
    /// For pages, lengths and writeback.
    pub(super) io: Arc<dyn DiskFile>,
    /// Whether they go past the page cache.
    pub(super) is_direct: bool,
    /// For syncs.
    pub(super) witness: Arc<dyn DiskFile>,
}

impl Segment {
    /// Opens an existing segment, through the page cache.
    pub(super) fn open(disk: &dyn Disk, path: &str) -> io::Result<Self> {
        let witness = disk.open(path)?;
        Ok(Self { io: disk.open(path)?, is_direct: false, witness })
    }

    /// Creates a segment, or opens one that was left by an attempt that failed before its entry was
    /// durable. If it fails the file may be there.
    pub(super) fn create(disk: &dyn Disk, path: &str, direct: bool) -> io::Result<Self> {
        let witness = match disk.create(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => disk.open(path)?,
            created => created?,
        };
        let (io, is_direct) = open_for_pages(disk, path, direct)?;
        Ok(Self { io, is_direct, witness })
    }

    /// Has the pages read and written past the page cache from now on, if the file system can.
    pub(super) fn go_direct(&mut self, disk: &dyn Disk, path: &str) -> io::Result<()> {
        (self.io, self.is_direct) = open_for_pages(disk, path, true)?;
        Ok(())
    }
}

/// A descriptor, and whether it is for direct I/O: if that is asked for and to be had.
fn open_for_pages(
    disk: &dyn Disk,
    path: &str,
    direct: bool,
) -> io::Result<(Arc<dyn DiskFile>, bool)> {
    match disk.open_with(path, OpenMode { direct, ..OpenMode::default() }) {
        Err(error) if direct && error.kind() == io::ErrorKind::Unsupported => {
            Ok((disk.open(path)?, false))
        }
        opened => Ok((opened?, direct)),
    }
}
