//! What a checkpoint tells. PostgreSQL: `CheckpointStats`, `log_checkpoints`.

use crate::lsn::Lsn;
use crate::wal::segment::SegmentCounts;
use std::fmt;
use std::time::Duration;

/// The account of one complete checkpoint. Its `Display` is the log line, with the fields of
/// PostgreSQL's `log_checkpoints`.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckpointStats {
    /// Pages that the checkpoint itself wrote.
    pub buffers_written: usize,
    /// Pages of the pool.
    pub buffers: usize,
    /// WAL segments that were added since the last checkpoint, and retired by this one.
    pub segments: SegmentCounts,
    /// Writing pages, naps included.
    pub write_time: Duration,
    /// Syncing files.
    pub sync_time: Duration,
    /// All of it.
    pub total_time: Duration,
    /// Segments synced.
    pub sync_files: usize,
    /// The longest sync.
    pub sync_longest: Duration,
    /// WAL between the last redo point and this one, in bytes.
    pub distance_bytes: u64,
    /// What the distance is expected to be: rises at once, falls slowly.
    pub estimate_bytes: u64,
    /// Start of the checkpoint record.
    pub lsn: Lsn,
    /// Where recovery would start.
    pub redo: Lsn,
}

impl CheckpointStats {
    /// Mean time of a sync.
    pub fn sync_average(&self) -> Duration {
        self.sync_time.checked_div(self.sync_files as u32).unwrap_or_default()
    }
}

impl fmt::Display for CheckpointStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SegmentCounts { added, removed, recycled } = self.segments;
        let percent = 100.0 * self.buffers_written as f64 / self.buffers as f64;
        write!(f, "checkpoint complete: wrote {} buffers ({percent:.1}%); ", self.buffers_written)?;
        write!(f, "{added} WAL file(s) added, {removed} removed, {recycled} recycled; ")?;
        let (write, sync) = (self.write_time.as_secs_f64(), self.sync_time.as_secs_f64());
        write!(f, "write={write:.3} s, sync={sync:.3} s, ")?;
        write!(f, "total={:.3} s; ", self.total_time.as_secs_f64())?;
        write!(f, "sync files={}, ", self.sync_files)?;
        write!(f, "longest={:.3} s, ", self.sync_longest.as_secs_f64())?;
        write!(f, "average={:.3} s; ", self.sync_average().as_secs_f64())?;
        let (distance, estimate) = (self.distance_bytes >> 10, self.estimate_bytes >> 10);
        write!(f, "distance={distance} kB, estimate={estimate} kB; ")?;
        write!(f, "lsn={}, redo lsn={}", self.lsn, self.redo)
    }
}

/// The checkpoints since the store was opened.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CheckpointHistory {
    /// Begun.
    pub started: u64,
    /// Complete.
    pub done: u64,
    /// Ended with an error.
    pub failed: u64,
    /// The account of the last complete one.
    pub last: Option<CheckpointStats>,
    /// The last error, in words.
    pub last_error: Option<String>,
}
