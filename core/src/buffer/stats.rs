//! What the pool has done, counted. PostgreSQL: `pg_stat_bgwriter`, `pg_stat_io`.

use super::flush::Writer;
use super::pool::Pool;
use crate::sync::Counter;

/// What a pool has done since the store was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolStats {
    /// Frames given to another page by the sweep.
    pub allocated: u64,
    /// Pages written by checkpoints, neighbours that were taken along included, as below.
    pub written_by_checkpoints: u64,
    /// By the background writer.
    pub written_by_background: u64,
    /// By those who needed the frame of a dirty page, who so waited for a write.
    pub written_by_evictions: u64,
    /// Rounds of the background writer that ended at `background_writer_max_pages`, with more to
    /// clean.
    pub background_rounds_cut: u64,
    /// Pages among all these that were taken along: writes that were saved.
    pub taken_along: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    checkpoint: Counter,
    background: Counter,
    eviction: Counter,
    taken_along: Counter,
    rounds_cut: Counter,
    marks: Counter,
}

impl Counters {
    pub(super) fn note(&self, by: Writer, pages: u32) {
        let counter = match by {
            Writer::Checkpoint => &self.checkpoint,
            Writer::Background => &self.background,
            Writer::Eviction => &self.eviction,
        };
        counter.add(u64::from(pages));
        self.taken_along.add(u64::from(pages - 1));
    }

    /// A round of the background writer has written as much as it may.
    pub(super) fn note_cut_round(&self) {
        self.rounds_cut.add(1);
    }

    /// Marked pages were written.
    pub(super) fn note_marks(&self, pages: u64) {
        self.marks.add(pages);
    }
}

impl Pool {
    /// What it has done so far.
    pub fn stats(&self) -> PoolStats {
        let Counters { checkpoint, background, eviction, taken_along, rounds_cut, marks: _ } =
            &self.counters;
        PoolStats {
            allocated: self.allocations.count(),
            written_by_checkpoints: checkpoint.sum(),
            written_by_background: background.sum(),
            written_by_evictions: eviction.sum(),
            background_rounds_cut: rounds_cut.sum(),
            taken_along: taken_along.sum(),
        }
    }
    /// Pages that a checkpoint had marked and that were written since the store was opened, by
    /// whomever: as many as marks have gone. Who has emptied a frame otherwise is not counted.
    pub(crate) fn marked_written(&self) -> u64 {
        self.counters.marks.sum()
    }
}
