//! Space for the log, found before a record has its place in it. PostgreSQL has none of this: there
//! a full disk is a PANIC.
//!
//! What has a place in the log must be written. So the segments that records reach, and one more,
//! are created and opened for writing before: whoever finds no space, or no descriptor, is refused
//! while nothing has happened, and the log stays as it is.
//!
//! # Rules
//! * W12: records end before the last segment that is open. That one is kept for checkpoints, whose
//!   records alone go on into it: so a checkpoint can always finish, and what it retires is space
//!   again. Each takes a sixteenth of it at most (`checkpoint/record.rs`), and the first that
//!   begins in it retires all before it.
//! * Those who have looked and not reserved yet do not see each other. Together they may end in the
//!   last segment as well; if they do not fit it, they wait for one more, and fail like any write
//!   of the log if there is none.
//! * Whoever opens a segment for writing syncs the directory first: the file may have got its name
//!   by a rename that is not durable yet.

use super::position::segment_path;
use super::segment::{Segments, SyncMethod};
use crate::disk::DiskFile;
use crate::error::Result;
use crate::files::failed;
use crate::lsn::Lsn;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// A segment that is open for writing, and how it is to be written.
pub(super) type Opened = (Arc<dyn DiskFile>, SyncMethod);

/// The segments that are open before they are written to.
pub(super) struct Space {
    /// Records may end here: where the last one of them begins.
    end: AtomicU64,
    /// The first segment that is not open. Held by whoever opens more.
    next: Mutex<u64>,
    open: Mutex<BTreeMap<u64, Opened>>,
}

impl Default for Space {
    fn default() -> Self {
        Self { end: AtomicU64::new(0), next: Mutex::new(1), open: Mutex::new(BTreeMap::new()) }
    }
}

impl Segments {
    /// The log goes on in this segment.
    pub(super) fn resume_in(&self, segment: u64) {
        *self.space.next.lock() = segment;
    }

    /// Returns once there is space for a record that ends here.
    ///
    /// # Errors
    /// [`Error::Io`](crate::error::Error::Io) if there is none;
    /// [`Error::Poisoned`](crate::error::Error::Poisoned) if a sync fails.
    pub fn find_space(&self, end: Lsn) -> Result<()> {
        // Relaxed: it only grows, and an old value costs a look under the lock.
        if end.0 <= self.space.end.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.open_upto(end.0.div_ceil(self.geometry.stream_bytes_per_segment()))
    }

    /// Opens the segments up to this one, creating those that are missing.
    ///
    /// # Errors
    /// As [`Segments::find_space`].
    pub fn open_upto(&self, last: u64) -> Result<()> {
        self.create_upto(last)?;
        let mut next = self.space.next.lock();
        if *next <= last {
            self.sync_dir()?;
        }
        while *next <= last {
            let path = segment_path(*next);
            let opened = self.open_as(&path, self.method);
            let opened = opened.map_err(|e| failed("open", &path, 0, e))?;
            self.space.open.lock().insert(*next, opened);
            // Relaxed: who reads it takes the segment from behind the lock.
            self.space.end.store(self.geometry.segment_start(*next).0, Ordering::Relaxed);
            *next += 1;
        }
        Ok(())
    }

    /// Takes a segment to write to it: each one once.
    ///
    /// # Errors
    /// As [`Segments::find_space`], for one that was not open.
    pub(super) fn take(&self, segment: u64) -> Result<Opened> {
        let open = || self.space.open.lock().remove(&segment);
        if let Some(opened) = open() {
            return Ok(opened);
        }
        self.open_upto(segment)?;
        Ok(open().expect("each segment is taken once"))
    }

    fn open_as(&self, path: &str, method: SyncMethod) -> io::Result<Opened> {
        match self.disk.open_with(path, method.open_mode()) {
            Err(error) if method.direct && error.kind() == io::ErrorKind::Unsupported => {
                self.open_as(path, SyncMethod { direct: false, ..method })
            }
            opened => Ok((opened?, method)),
        }
    }
}
