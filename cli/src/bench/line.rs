//! What `bench --json` says, a line each. The laboratory reads the same.

use super::timeline::{Second, Summary};
use seawall::CheckpointStats;
use serde::{Deserialize, Serialize};

/// A line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Line {
    /// The rows are there.
    Loaded { rows: u64, load_ms: u64 },
    /// The first second begins.
    Measuring { epoch_ms: u64 },
    /// A second is over.
    Second(Second),
    /// A checkpoint is complete, or was running at the end.
    Checkpoint(Checkpoint),
    /// All seconds are over.
    Summary(Summary),
}

/// A checkpoint: one phase after the other from its start.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    pub(crate) start_epoch_ms: u64,
    /// `None` while it runs.
    pub(crate) phases: Option<Phases>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Phases {
    pub(crate) buffers_written: u64,
    pub(crate) write_ms: u64,
    pub(crate) sync_ms: u64,
    pub(crate) sync_longest_ms: u64,
    /// Write, sync, and what comes after.
    pub(crate) total_ms: u64,
}

impl From<&CheckpointStats> for Phases {
    fn from(stats: &CheckpointStats) -> Self {
        Self {
            buffers_written: stats.buffers_written as u64,
            write_ms: stats.write_time.as_millis() as u64,
            sync_ms: stats.sync_time.as_millis() as u64,
            sync_longest_ms: stats.sync_longest.as_millis() as u64,
            total_ms: stats.total_time.as_millis() as u64,
        }
    }
}
