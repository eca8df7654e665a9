//! What a checkpoint tells. PostgreSQL: `CheckpointStats`, `log_checkpoints`.

use super::request::Urgency;
use crate::error::Result;
use crate::lsn::Lsn;
use crate::wal::segment::SegmentCounts;
use std::fmt;
use std::time::Duration;

/// The account of one complete checkpoint. Its `Display` is the log line, with the fields of
/// PostgreSQL's `log_checkpoints`.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckpointStats {
    /// Pages that the checkpoint itself wrote, neighbours that were taken along included.
    pub buffers_written: usize,
    /// Writes of the disk that this took.
    pub writes: usize,
    /// Pages of the pool.
    pub buffers: usize,
    /// WAL segments that were added since the last checkpoint, and retired by this one.
    pub segments: SegmentCounts,
    /// Waiting for what delays a redo point, and marking what is dirty.
    pub mark_time: Duration,
    /// Writing pages, with rests, early syncs and the rounds of method 1.
    pub write_time: Duration,
    /// Syncing files afterwards.
    pub sync_time: Duration,
    /// All of it.
    pub total_time: Duration,
    /// Syncs of segments, early and at the end.
    pub sync_files: usize,
    /// The longest sync.
    pub sync_longest: Duration,
    /// All of them.
    pub sync_sum: Duration,
    /// Method 1: pages that others have written, whose writeback was waited for.
    pub waited_pages: usize,
    /// In so many rounds.
    pub waited_rounds: u32,
    /// Pages that found the list full, and were left to the syncs.
    pub unnoted_pages: u64,
    /// WAL between the last redo point and this one, in bytes.
    pub distance_bytes: u64,
    /// What the distance is expected to be: rises at once, falls slowly.
    pub estimate_bytes: u64,
    /// Start of the checkpoint record.
    pub lsn: Lsn,
    /// End of it.
    pub end: Lsn,
    /// Where recovery would start.
    pub redo: Lsn,
}

impl CheckpointStats {
    /// Mean time of a sync.
    pub fn sync_average(&self) -> Duration {
        self.sync_sum.checked_div(self.sync_files as u32).unwrap_or_default()
    }
}

impl fmt::Display for CheckpointStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SegmentCounts { added, removed, recycled } = self.segments;
        let percent = 100.0 * self.buffers_written as f64 / self.buffers as f64;
        write!(f, "checkpoint complete: wrote {} buffers ({percent:.1}%); ", self.buffers_written)?;
        write!(f, "{added} WAL file(s) added, {removed} removed, {recycled} recycled; ")?;
        let (write, sync) = (self.write_time.as_secs_f64(), self.sync_time.as_secs_f64());
        write!(f, "mark={:.3} s, ", self.mark_time.as_secs_f64())?;
        write!(f, "write={write:.3} s, sync={sync:.3} s, ")?;
        write!(f, "total={:.3} s; writes={}, ", self.total_time.as_secs_f64(), self.writes)?;
        write!(f, "sync files={}, ", self.sync_files)?;
        write!(f, "longest={:.3} s, ", self.sync_longest.as_secs_f64())?;
        write!(f, "average={:.3} s; ", self.sync_average().as_secs_f64())?;
        if self.waited_rounds > 0 {
            let Self { waited_rounds, waited_pages, unnoted_pages, .. } = self;
            write!(f, "waited for {waited_pages} pages of others in {waited_rounds} round(s), ")?;
            write!(f, "{unnoted_pages} not noted; ")?;
        }
        let (distance, estimate) = (self.distance_bytes >> 10, self.estimate_bytes >> 10);
        write!(f, "distance={distance} kB, estimate={estimate} kB; ")?;
        write!(f, "lsn={}, redo lsn={}", self.lsn, self.redo)
    }
}

/// What a running checkpoint is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// None is running.
    #[default]
    None,
    /// Writing pages.
    Writing,
    /// Waiting for the writeback of what others have written (method 1).
    Waiting,
    /// Syncing files.
    Syncing,
    /// Record, control file, old log.
    Finishing,
}

/// Where a running checkpoint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CheckpointProgress {
    /// What it is about.
    pub phase: Phase,
    /// Pages written or found written; pages waited for; files synced.
    pub done: usize,
    /// Pages to be written; 0 in the other phases, which do not know.
    pub total: usize,
}

/// The checkpoints since the store was opened. PostgreSQL: `pg_stat_checkpointer`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CheckpointHistory {
    /// Begun.
    pub started: u64,
    /// Of these, begun because somebody was in a hurry: the others were due, by time or by log.
    pub immediate: u64,
    /// Complete.
    pub done: u64,
    /// Ended with an error.
    pub failed: u64,
    /// Pages that the complete ones have written.
    pub buffers_written: u64,
    /// Their `mark_time`.
    pub mark_time: Duration,
    /// Their `write_time`.
    pub write_time: Duration,
    /// Their `sync_time`.
    pub sync_time: Duration,
    /// The account of the last complete one.
    pub last: Option<CheckpointStats>,
    /// The last error, in words.
    pub last_error: Option<String>,
}

impl CheckpointHistory {
    pub(super) fn note_start(&mut self, urgency: Urgency) {
        self.started += 1;
        self.immediate += u64::from(urgency == Urgency::Immediate);
    }

    pub(super) fn note(&mut self, result: &Result<CheckpointStats>) {
        match result {
            Ok(stats) => {
                self.done += 1;
                self.buffers_written += stats.buffers_written as u64;
                self.mark_time += stats.mark_time;
                self.write_time += stats.write_time;
                self.sync_time += stats.sync_time;
                self.last = Some(stats.clone());
            }
            Err(error) => {
                self.failed += 1;
                self.last_error = Some(error.to_string());
            }
        }
    }
}
