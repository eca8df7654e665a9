//! Who has been told of a writeback that failed: Linux's `errseq_t`.
//!
//! # Rules
//! * A failure is noted at the file, and each descriptor that was open then is told once: by its
//!   next wait for writeback, or its next sync, whichever comes first. Starting writeback tells
//!   nothing, and uses nothing up.
//! * A descriptor that is opened later is told as well, unless somebody has been told before.
//! * Failures that a descriptor has not been told of are one, the last.

use super::state::errno;
use std::io;

/// The failures of a file.
#[derive(Debug, Default)]
pub(super) struct Errors {
    count: u64,
    errno: i32,
    /// Whether any descriptor has been told of the last one.
    seen: bool,
}

/// How many failures of its file a descriptor need not be told of any more.
#[derive(Debug, Default)]
pub(super) struct Cursor(u64);

impl Errors {
    pub(super) fn note(&mut self, errno: i32) {
        self.count += 1;
        self.errno = errno;
        self.seen = false;
    }

    /// The cursor of a descriptor that is opened now.
    pub(super) fn cursor(&self) -> Cursor {
        Cursor(if self.seen { self.count } else { 0 })
    }

    /// Tells a descriptor what it has not been told.
    pub(super) fn tell(&mut self, cursor: &mut Cursor) -> io::Result<()> {
        if cursor.0 == self.count {
            return Ok(());
        }
        cursor.0 = self.count;
        self.seen = true;
        Err(errno(self.errno))
    }
}
