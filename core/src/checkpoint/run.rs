//! One checkpoint, from its redo point to the recycling of WAL. PostgreSQL: `CreateCheckPoint`.
//!
//! # Steps
//! 1. List the files and fix the redo point, while nothing delays it (`delay.rs`, `record.rs`).
//! 2. Mark what is dirty.
//! 3. Write it (`plan.rs`, `pace.rs`), and sync each segment whose last page is out (`write.rs`);
//!    with method 1, wait for the writeback of what others have written meanwhile.
//! 4. Sync every file written since the last checkpoint and not synced since.
//! 5. Remove the segments of dropped files (S8).
//! 6. Insert the checkpoint record and flush the WAL to its end.
//! 7. Write the control file.
//! 8. Recycle or remove WAL before the redo point, and see that there are segments ahead.
//!
//! # Rules
//! * C1: a change whose record is before the redo point has set DIRTY before step 2 looks, and
//!   step 3 waits for its content lock: so it is in what step 3 writes.
//! * R2, R5: the control file follows step 4, recycling follows the durable control file.
//! * What fails leaves more work for the next one and nothing worse; the redo point stays
//!   advanced, which only costs images.
//!
//! # Checked by
//! models `mark_flush`, `sync_cycle`; the crash sweeps on the simulated disk.

use super::delay::Delays;
use super::distance::Distance;
use super::record::CheckpointRecord;
use super::request::{CheckpointRequest, Requests, Urgency};
use super::stats::{CheckpointHistory, CheckpointProgress, CheckpointStats, Phase};
use super::write::{Account, Work};
use crate::buffer::{Marked, Pool};
use crate::clock::Clock;
use crate::config::Config;
use crate::control::{Control, ControlFile, StoreState};
use crate::error::{Error, Result};
use crate::files::Files;
use crate::fsync::{SyncQueue, SyncTable};
use crate::lsn::Lsn;
use crate::poison::Poison;
use crate::probe::{event, span};
use crate::sync::{Mutex, Setting};
use crate::wal::Wal;
use crate::wal::segment::SegmentCounts;
use std::time::Duration;

/// What a checkpoint works on.
#[derive(Clone, Copy)]
pub struct Parts<'e> {
    /// Settings.
    pub config: &'e Setting<Config>,
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
    /// What a redo point waits for.
    pub delays: &'e Delays,
    /// Whether a sync has failed.
    pub poison: &'e Poison,
}

/// Runs one checkpoint at a time.
pub struct Checkpointer {
    requests: Requests<CheckpointStats>,
    state: Mutex<State>,
    history: Mutex<CheckpointHistory>,
    progress: Setting<CheckpointProgress>,
}

struct State {
    control: ControlFile,
    table: SyncTable,
    distance: Distance,
}

/// When a step was through.
struct Times {
    started: Duration,
    marked: Duration,
    written: Duration,
    synced: Duration,
}

impl Checkpointer {
    /// A checkpointer that continues after the checkpoint in the control file.
    pub fn new(control: ControlFile) -> Self {
        let (table, distance) = (SyncTable::new(), Distance::default());
        Self {
            requests: Requests::new(),
            state: Mutex::new(State { control, table, distance }),
            history: Mutex::new(CheckpointHistory::default()),
            progress: Setting::default(),
        }
    }

    /// Has a checkpoint made that starts from now on, here or by a thread that has asked as well.
    ///
    /// # Errors
    /// [`Error::Poisoned`], [`Error::WalExhausted`], or what a disk operation reports: the last
    /// complete checkpoint stays the valid one, or this one is, if its old segments could not be
    /// removed or new ones not be made.
    pub fn run(&self, parts: &Parts<'_>, request: CheckpointRequest) -> Result<CheckpointStats> {
        let run = |request| self.run_now(parts, request, StoreState::InProduction);
        self.requests.request(request, run)
    }

    /// The last checkpoint of a store that is closed: of all pages, without a rest.
    ///
    /// # Errors
    /// As [`Checkpointer::run`].
    pub fn shut_down(&self, parts: &Parts<'_>) -> Result<CheckpointStats> {
        let request = CheckpointRequest { urgency: Urgency::Immediate, flush_all: true };
        self.requests.request(request, |request| self.run_now(parts, request, StoreState::Closed))
    }

    /// The checkpoints since the store was opened.
    pub fn history(&self) -> CheckpointHistory {
        self.history.lock().clone()
    }

    /// Where the running checkpoint is.
    pub fn progress(&self) -> CheckpointProgress {
        self.progress.get()
    }

    /// Makes the running checkpoint, and those to come, stop resting.
    pub fn hurry(&self) {
        self.requests.close();
    }

    pub(super) fn is_hurried(&self) -> bool {
        self.requests.is_hurried()
    }

    pub(super) fn report(&self, phase: Phase, done: usize, total: usize) {
        self.progress.replace(CheckpointProgress { phase, done, total });
    }

    fn run_now(
        &self,
        parts: &Parts<'_>,
        request: CheckpointRequest,
        state: StoreState,
    ) -> Result<CheckpointStats> {
        let mut running = self.state.lock();
        let kind = if request.flush_all { Marked::All } else { Marked::Permanent };
        let _span = span!("checkpoint");
        event!(checkpoint__start, all = kind == Marked::All);
        self.history.lock().note_start(request.urgency);
        let result = self.checkpoint(&mut running, parts, kind, state);
        parts.pool.evicted().end();
        self.report(Phase::None, 0, 0);
        self.history.lock().note(&result);
        result
    }

    fn checkpoint(
        &self,
        running: &mut State,
        parts: &Parts<'_>,
        kind: Marked,
        state: StoreState,
    ) -> Result<CheckpointStats> {
        parts.poison.check()?;
        let started = parts.clock.now();
        let record = CheckpointRecord::begin(parts);
        let redo = record.redo;
        let image_bytes = parts.wal.image_bytes();
        if parts.config.get().evict_sync_rounds > 0 {
            parts.pool.evicted().begin();
        }
        event!(buffer__checkpoint__start, all = kind == Marked::All);
        let marked_before = parts.pool.marked_written();
        let pages = parts.pool.mark_dirty_pages(kind);
        let marked = parts.clock.now();
        let mut work = Work {
            parts,
            table: &mut running.table,
            checkpointer: self,
            redo,
            image_bytes,
            marked_before,
            account: Account::default(),
        };
        work.write_pages(pages)?;
        work.wait_for_evicted()?;
        let written = parts.clock.now();
        work.sync_files()?;
        let synced = parts.clock.now();
        let account = work.account;
        event!(buffer__checkpoint__done);
        self.report(Phase::Finishing, 0, 0);
        parts.files.remove_dropped()?;
        let last_redo = running.control.latest().redo;
        let (lsn, end) = conclude(running, parts, &record, state)?;
        let times = Times { started, marked, written, synced };
        let stats = stats(running, parts, &account, &times, (lsn, end, redo, last_redo));
        let SegmentCounts { added, removed, recycled } = stats.segments;
        event!(
            checkpoint__done,
            written = stats.buffers_written,
            buffers = stats.buffers,
            added = added,
            removed = removed,
            recycled = recycled
        );
        Ok(stats)
    }
}

/// Steps 6 to 8. Returns where the checkpoint record starts and ends.
fn conclude(
    running: &mut State,
    parts: &Parts<'_>,
    record: &CheckpointRecord,
    state: StoreState,
) -> Result<(Lsn, Lsn)> {
    let redo = record.redo;
    let (lsn, end) = parts.wal.insert_checkpoint(&mut record.encode(parts.wal.geometry()))?;
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
    running.distance.update(redo.since(last.redo));
    retire_segments(&running.distance, parts, redo)?;
    if state == StoreState::InProduction {
        preallocate_segments(parts)?;
    }
    Ok((lsn, end))
}

fn stats(
    running: &State,
    parts: &Parts<'_>,
    account: &Account,
    times: &Times,
    (lsn, end, redo, last_redo): (Lsn, Lsn, Lsn, Lsn),
) -> CheckpointStats {
    let between = |from: Duration, to: Duration| to.saturating_sub(from);
    CheckpointStats {
        buffers_written: account.pages,
        writes: account.writes,
        buffers: parts.pool.buffers(),
        segments: parts.wal.segments().take_counts(),
        mark_time: between(times.started, times.marked),
        write_time: between(times.marked, times.written),
        sync_time: between(times.written, times.synced),
        total_time: between(times.started, parts.clock.now()),
        sync_files: account.syncs,
        sync_longest: account.sync_longest,
        sync_sum: account.sync_time,
        waited_pages: account.waited_pages,
        waited_rounds: account.waited_rounds,
        unnoted_pages: account.unnoted_pages,
        distance_bytes: redo.since(last_redo),
        estimate_bytes: running.distance.estimate_bytes(),
        lsn,
        end,
        redo,
    }
}

/// Step 8. PostgreSQL: `RemoveOldXlogFiles`.
fn retire_segments(distance: &Distance, parts: &Parts<'_>, redo: Lsn) -> Result<()> {
    let geometry = parts.wal.geometry();
    let last_kept = distance.last_kept(redo, &parts.config.get(), geometry);
    parts.wal.segments().retire_before(geometry.segment(redo), last_kept)
}

/// Step 8: a commit that enters the next segment finds it, and the one behind it that is kept for
/// checkpoints. PostgreSQL: `PreallocXlogFiles`.
fn preallocate_segments(parts: &Parts<'_>) -> Result<()> {
    let current = parts.wal.geometry().segment(parts.wal.reserved());
    match parts.wal.segments().open_upto(current + 2) {
        // The checkpoint is complete all the same; who needs the segment is told.
        Err(Error::Io { .. }) => Ok(()),
        result => result,
    }
}
