//! What recovery says.

use super::Beyond;
use crate::lsn::Lsn;
use std::fmt;
use std::time::Duration;

/// What recovery found and did. Its `Display` is the log line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Whether the store had been closed.
    pub was_closed: bool,
    /// Where replay started.
    pub redo: Lsn,
    /// The end of the valid WAL.
    pub end: Lsn,
    /// Segment file of the end.
    pub end_segment: String,
    /// Byte of that file.
    pub end_offset: u64,
    /// Why there is no further record.
    pub stop_reason: String,
    /// What lay behind the end, and was cleared.
    pub beyond: Beyond,
    /// Where [`Salvage`](super::Salvage) has cut the log, if what it put aside is still there.
    pub salvaged: Option<Lsn>,
    /// Pages that were on disk at the last checkpoint and are not any more, as far as the log does
    /// not cut them off: it may have images of some. The files are as long as they were, and who
    /// reads a page that is not there is told.
    pub lost_pages: u64,
    /// Records read.
    pub records: u64,
    /// Images restored.
    pub images: u64,
    /// Changes made to pages that were older.
    pub changes: u64,
    /// Notes passed on: see [`Redo::note`](crate::redo::Redo::note).
    pub notes: u64,
    /// How long it took to read the log for the first time.
    pub scan_time: Duration,
    /// How long replay took, which reads it again.
    pub replay_time: Duration,
    /// How long it took in all, the final checkpoint included.
    pub time: Duration,
}

impl fmt::Display for RecoveryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let closed = if self.was_closed { "was closed" } else { "was not closed" };
        write!(f, "the store {closed}; redo from {} to {}: ", self.redo, self.end)?;
        write!(f, "{} records, {} images, ", self.records, self.images)?;
        write!(f, "{} changes in {:.3} s; ", self.changes, self.time.as_secs_f64())?;
        write!(f, "stopped in {} at offset {}: ", self.end_segment, self.end_offset)?;
        write!(f, "{}; {}", self.stop_reason, self.beyond)?;
        if self.lost_pages > 0 {
            write!(f, "; {} PAGES ARE NOT ON DISK ANY MORE", self.lost_pages)?;
        }
        match self.salvaged {
            Some(lsn) => {
                write!(f, "; THE LOG WAS CUT AT {lsn} by salvage, which put aside what was behind")
            }
            None => Ok(()),
        }
    }
}
