//! One checkpoint, from its redo point to the recycling of WAL. PostgreSQL: `CreateCheckPoint`,
//! `BufferSync`.
//!
//! # Steps
//! 1. Fix the redo point, between cuts of files (`crate::length`).
//! 2. Mark what is dirty.
//! 3. Sort and write it, paced.
//! 4. Sync every file written since the last checkpoint.
//! 5. Remove the segments of dropped files (S8).
//! 6. Insert the checkpoint record and flush the WAL to its end.
//! 7. Write the control file.
//! 8. Recycle or remove WAL before the redo point, and see that there is a segment ahead.
//!
//! # Rules
//! * C1: a change whose record is before the redo point has set DIRTY before step 2 looks, and
//!   step 3 waits for its content lock: so it is in what step 3 writes.
//! * C2: a marked page is written by somebody before step 4, or the checkpoint fails.
//! * S3: step 4 absorbs first: pages that were written by an eviction in step 3 count too.
//! * R2, R5: the control file follows step 4, recycling follows the durable control file.
//! * What fails leaves more work for the next one and nothing worse; the redo point stays
//!   advanced, which only costs images.
//!
//! # Checked by
//! models `mark_flush`, `sync_cycle`; the crash sweeps on the simulated disk.

use super::distance::Distance;
use super::pace::Schedule;
use super::stats::{CheckpointHistory, CheckpointStats};
use crate::buffer::{Flush, FrameId, Marked, Pool};
use crate::clock::Clock;
use crate::config::Config;
use crate::control::{Control, ControlFile, StoreState};
use crate::error::{Error, Result};
use crate::files::Files;
use crate::fsync::{SyncQueue, SyncTable};
use crate::lsn::Lsn;
use crate::page::PageId;
use crate::poison::Poison;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, MutexGuard};
use crate::wal::Wal;
use crate::wal::record::{RECORD_HEADER_BYTES, RecordBuf, RecordKind};
use crate::writeback::WritebackQueue;
use std::time::Duration;

/// Writes between two looks at the sync queue while there are no naps. PostgreSQL:
/// `WRITES_PER_ABSORB`.
const WRITES_PER_ABSORB: usize = 1000;

/// Whether a checkpoint rests between its writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// Spread the writes over the time until the next checkpoint.
    Spread,
    /// As fast as possible.
    Immediate,
}

/// What a checkpoint works on.
#[derive(Clone, Copy)]
pub struct Parts<'e> {
    /// Settings.
    pub config: &'e Config,
    /// Time.
    pub clock: &'e dyn Clock,
    /// Pages in memory.
    pub pool: &'e Pool,
    /// Pages on disk.
    pub files: &'e Files,
    /// The log.
    pub wal: &'e Wal,
    /// Files written since the last checkpoint.
    pub syncs: &'e SyncQueue,
    /// Whether a sync has failed.
    pub poison: &'e Poison,
}

/// Runs one checkpoint at a time.
pub struct Checkpointer {
    state: Mutex<State>,
    /// Immediate checkpoints that wait for the running one, which stops resting.
    impatient: AtomicU64,
    history: Mutex<CheckpointHistory>,
}

struct State {
    control: ControlFile,
    table: SyncTable,
    distance: Distance,
}

impl Checkpointer {
    /// A checkpointer that continues after the checkpoint in the control file.
    pub fn new(control: ControlFile) -> Self {
        Self {
            state: Mutex::new(State {
                control,
                table: SyncTable::new(),
                distance: Distance::default(),
            }),
            impatient: AtomicU64::new(0),
            history: Mutex::new(CheckpointHistory::default()),
        }
    }

    /// Runs a checkpoint, after the one that is running. `state` is what the control file says
    /// from then on.
    ///
    /// # Errors
    /// [`Error::Poisoned`](crate::error::Error::Poisoned), or what a disk operation reports: the
    /// last complete checkpoint stays the valid one.
    pub fn run(
        &self,
        parts: &Parts<'_>,
        urgency: Urgency,
        state: StoreState,
    ) -> Result<CheckpointStats> {
        let mut running = self.take_turn(urgency);
        self.history.lock().started += 1;
        let result = self.checkpoint(&mut running, parts, urgency, state);
        let mut history = self.history.lock();
        match &result {
            Ok(stats) => {
                history.done += 1;
                history.last = Some(stats.clone());
            }
            Err(error) => {
                history.failed += 1;
                history.last_error = Some(error.to_string());
            }
        }
        result
    }

    /// The checkpoints since the store was opened.
    pub fn history(&self) -> CheckpointHistory {
        self.history.lock().clone()
    }

    fn take_turn(&self, urgency: Urgency) -> MutexGuard<'_, State> {
        if urgency == Urgency::Spread {
            return self.state.lock();
        }
        // Relaxed: a checkpoint that rests once more before it sees this is only slower.
        self.impatient.fetch_add(1, Ordering::Relaxed);
        let running = self.state.lock();
        self.impatient.fetch_sub(1, Ordering::Relaxed);
        running
    }

    fn checkpoint(
        &self,
        running: &mut State,
        parts: &Parts<'_>,
        urgency: Urgency,
        state: StoreState,
    ) -> Result<CheckpointStats> {
        parts.poison.check()?;
        let started = parts.clock.now();
        let redo = parts.files.between_cuts(|| parts.wal.fix_redo());
        let kind = match state {
            StoreState::InProduction => Marked::Permanent,
            StoreState::Closed => Marked::All,
        };
        let marked = parts.pool.mark_dirty_pages(kind);
        let buffers_written = self.write_pages(running, parts, urgency, redo, marked)?;
        let written = parts.clock.now();
        let syncs = sync_files(&mut running.table, parts)?;
        let synced = parts.clock.now();
        parts.files.remove_dropped()?;
        let (lsn, end) = parts.wal.insert_any_time(&checkpoint_record(redo))?;
        parts.wal.flush(end)?;
        let last = *running.control.latest();
        running.control.write(Control {
            checkpoint: lsn,
            checkpoint_end: end,
            redo,
            state,
            // After the redo point: who was dropped before it is in no log to be read.
            last_file: parts.files.last_number(),
            ..last
        })?;
        let distance_bytes = redo.since(last.redo);
        running.distance.update(distance_bytes);
        retire_segments(&running.distance, parts, redo)?;
        if state == StoreState::InProduction {
            preallocate_segment(parts)?;
        }
        Ok(CheckpointStats {
            buffers_written,
            buffers: parts.pool.buffers(),
            segments: parts.wal.segments().take_counts(),
            write_time: written.saturating_sub(started),
            sync_time: synced.saturating_sub(written),
            total_time: parts.clock.now().saturating_sub(started),
            sync_files: syncs.files,
            sync_longest: syncs.longest,
            distance_bytes,
            estimate_bytes: running.distance.estimate_bytes(),
            lsn,
            redo,
        })
    }

    /// Step 3. PostgreSQL: `BufferSync`.
    fn write_pages(
        &self,
        running: &mut State,
        parts: &Parts<'_>,
        urgency: Urgency,
        redo: Lsn,
        mut marked: Vec<(PageId, FrameId)>,
    ) -> Result<usize> {
        let config = parts.config;
        marked.sort_unstable();
        let schedule = Schedule {
            spread: config.checkpoint_timeout.mul_f64(config.checkpoint_completion_target),
            wal_bytes: config.checkpoint_wal_bytes(),
        };
        let started = parts.clock.now();
        let mut writeback =
            WritebackQueue::new(config.checkpoint_flush_after_bytes, config.format.page_bytes);
        let mut written = 0;
        for (done, (_, frame)) in marked.iter().enumerate() {
            if let Flush::Written(page) = parts.pool.flush_marked(*frame)? {
                written += 1;
                writeback.schedule(page, parts.files)?;
            }
            if done % WRITES_PER_ABSORB == 0 {
                running.table.absorb(parts.syncs);
            }
            while urgency == Urgency::Spread && !self.is_hurried() && !parts.poison.is_set() {
                let elapsed = parts.clock.now().saturating_sub(started);
                let wal = parts.wal.reserved().since(redo);
                let Some(nap) = schedule.nap(done + 1, marked.len(), elapsed, wal) else { break };
                running.table.absorb(parts.syncs);
                parts.clock.nap(nap);
            }
        }
        writeback.drain(parts.files)?;
        Ok(written)
    }

    /// Makes the running checkpoint, and those to come, stop resting.
    pub fn hurry(&self) {
        // Relaxed: see take_turn.
        self.impatient.fetch_add(1, Ordering::Relaxed);
    }

    fn is_hurried(&self) -> bool {
        // Relaxed: see take_turn.
        self.impatient.load(Ordering::Relaxed) > 0
    }
}

#[derive(Default)]
struct Syncs {
    files: usize,
    longest: Duration,
}

/// Step 4. PostgreSQL: `ProcessSyncRequests`.
fn sync_files(table: &mut SyncTable, parts: &Parts<'_>) -> Result<Syncs> {
    let mut syncs = Syncs::default();
    table.sync_all(parts.syncs, |tag| {
        let started = parts.clock.now();
        parts.files.sync(tag)?;
        syncs.files += 1;
        syncs.longest = syncs.longest.max(parts.clock.now().saturating_sub(started));
        Ok(())
    })?;
    Ok(syncs)
}

/// What a checkpoint record takes in the stream. Less WAL than that after a redo point is none.
pub(crate) const CHECKPOINT_RECORD_BYTES: u64 = RECORD_HEADER_BYTES as u64 + 8;

fn checkpoint_record(redo: Lsn) -> RecordBuf {
    let mut record = RecordBuf::new(RecordKind::Checkpoint);
    record.put(&redo.0.to_le_bytes());
    record
}

/// Step 8. PostgreSQL: `RemoveOldXlogFiles`.
fn retire_segments(distance: &Distance, parts: &Parts<'_>, redo: Lsn) -> Result<()> {
    let geometry = parts.wal.geometry();
    let last_kept = distance.last_kept(redo, parts.config, geometry);
    parts.wal.segments().retire_before(geometry.segment(redo), last_kept)
}

/// Step 8: a commit that enters the next segment finds it. PostgreSQL: `PreallocXlogFiles`.
fn preallocate_segment(parts: &Parts<'_>) -> Result<()> {
    let current = parts.wal.geometry().segment(parts.wal.reserved());
    match parts.wal.segments().create_upto(current + 1) {
        // The checkpoint is complete all the same; who needs the segment is told.
        Err(Error::Io { .. }) => Ok(()),
        result => result,
    }
}
