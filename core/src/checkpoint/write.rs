//! A checkpoint's writes and syncs. PostgreSQL: `BufferSync`, `ProcessSyncRequests`.
//!
//! # Rules
//! * C2: a marked page is written by somebody before the syncs, or the checkpoint fails.
//! * S3: the syncs absorb first: pages that others have written meanwhile count too.
//! * A segment is synced as soon as its last marked page is out, so that the syncs are spread over
//!   the schedule. It is synced again at the end if it was registered again: if somebody has
//!   written to it since.
//!
//! # Checked by
//! models `mark_flush`, `sync_cycle`, `sync_early`, `evicted_lists`.

use super::pace::{Pacer, Schedule, Standing};
use super::plan::Plan;
use super::run::{Checkpointer, Parts};
use super::stats::Phase;
use crate::buffer::{Flush, FrameId};
use crate::config::Config;
use crate::error::Result;
use crate::files::Writeback;
use crate::fsync::{SyncTable, SyncTag};
use crate::lsn::Lsn;
use crate::page::PageId;
use crate::probe::{event, span};
use crate::writeback::WritebackQueue;
use std::time::Duration;

/// Writes between two looks at the sync queue while there are no naps. PostgreSQL:
/// `WRITES_PER_ABSORB`.
const WRITES_PER_ABSORB: usize = 1000;

/// What was written and synced.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// Pages, those that were taken along included.
    pub(super) pages: usize,
    /// Writes of the disk.
    pub(super) writes: usize,
    pub(super) syncs: usize,
    pub(super) sync_longest: Duration,
    pub(super) sync_time: Duration,
    /// Method 1: pages whose writeback was waited for, in how many rounds, and not noted.
    pub(super) waited_pages: usize,
    pub(super) waited_rounds: u32,
    pub(super) unnoted_pages: u64,
}

/// The work of one checkpoint.
pub(super) struct Work<'c> {
    pub(super) parts: &'c Parts<'c>,
    pub(super) table: &'c mut SyncTable,
    pub(super) checkpointer: &'c Checkpointer,
    pub(super) redo: Lsn,
    /// Full-page images in the log at the redo point, in bytes.
    pub(super) image_bytes: u64,
    /// Marked pages that were written before the redo point.
    pub(super) marked_before: u64,
    pub(super) account: Account,
}

impl Work<'_> {
    /// Step 3.
    pub(super) fn write_pages(&mut self, marked: Vec<(PageId, FrameId)>) -> Result<()> {
        let (parts, total) = (self.parts, marked.len());
        let (started, buffers) = (parts.clock.now(), parts.pool.buffers());
        let _span = span!("buffer_sync");
        event!(buffer__sync__start, buffers = buffers, to_write = total);
        let mut pacer = Pacer::new(schedule(&parts.config.get()));
        let mut writeback = WritebackQueue::new();
        for (index, step) in Plan::new(marked, parts.files).enumerate() {
            self.write_page(step.frame, &mut writeback, &mut pacer)?;
            if let Some(tag) = step.completes {
                // The last page completes one as well: so nothing is left in there.
                self.drain(&mut writeback)?;
                self.sync_early(tag)?;
            }
            if index % WRITES_PER_ABSORB == 0 {
                self.table.absorb(parts.syncs);
            }
            self.rest(index + 1, total, started, &mut pacer);
        }
        let written = self.account.pages;
        event!(buffer__sync__done, buffers = buffers, written = written, to_write = total);
        Ok(())
    }

    fn write_page(
        &mut self,
        frame: FrameId,
        writeback: &mut WritebackQueue,
        pacer: &mut Pacer,
    ) -> Result<()> {
        let parts = self.parts;
        let started = parts.clock.now();
        let Flush::Written { first, pages } = parts.pool.flush_marked(frame)? else {
            return Ok(());
        };
        pacer.note_write(parts.clock.now().saturating_sub(started));
        event!(buffer__sync__written, frame = frame.0);
        self.account.pages += pages as usize;
        self.account.writes += 1;
        let config = parts.config.get();
        let limit = config.checkpoint_flush_after_bytes;
        writeback.schedule(first, pages, limit, kind(&config), parts.files)
    }

    fn drain(&self, writeback: &mut WritebackQueue) -> Result<()> {
        writeback.drain(kind(&self.parts.config.get()), self.parts.files)
    }

    /// Rests until the next page is due.
    fn rest(&mut self, looked_at: usize, total: usize, started: Duration, pacer: &mut Pacer) {
        let parts = self.parts;
        loop {
            // What others have written ahead counts as well.
            let written = parts.pool.marked_written() - self.marked_before;
            let written = looked_at.max(written as usize).min(total);
            self.checkpointer.report(Phase::Writing, written, total);
            if self.checkpointer.is_hurried() || parts.poison.is_set() {
                return;
            }
            let standing = Standing {
                total,
                written,
                own: self.account.pages,
                elapsed: parts.clock.now().saturating_sub(started),
                wal_bytes: parts.wal.reserved().since(self.redo),
                image_bytes: parts.wal.image_bytes().saturating_sub(self.image_bytes),
            };
            let Some(rest) = pacer.rest(&standing) else { return };
            self.table.absorb(parts.syncs);
            parts.clock.nap(rest);
        }
    }

    fn sync_early(&mut self, tag: SyncTag) -> Result<()> {
        let (parts, account) = (self.parts, &mut self.account);
        self.table.sync_early(parts.syncs, tag, |tag| sync(parts, account, tag))
    }

    /// Method 1: waits for the writeback of what others have written since the checkpoint began.
    pub(super) fn wait_for_evicted(&mut self) -> Result<()> {
        let parts = self.parts;
        let _span = span!("wait_for_evicted");
        let started = parts.clock.now();
        loop {
            self.checkpointer.report(Phase::Waiting, self.account.waited_pages, 0);
            let config = parts.config.get();
            let is_late = parts.clock.now().saturating_sub(started) > config.evict_sync_time;
            if self.account.waited_rounds >= config.evict_sync_rounds || is_late {
                break;
            }
            let pages = parts.pool.evicted().drain(parts.files)?;
            self.account.waited_pages += pages;
            self.account.waited_rounds += 1;
            self.table.absorb(parts.syncs);
            if pages < config.evict_sync_threshold_pages as usize {
                break;
            }
        }
        self.account.unnoted_pages = parts.pool.evicted().end();
        Ok(())
    }

    /// Step 4.
    pub(super) fn sync_files(&mut self) -> Result<()> {
        let (parts, checkpointer) = (self.parts, self.checkpointer);
        let account = &mut self.account;
        let _span = span!("sync_files");
        event!(buffer__checkpoint__sync__start);
        let mut synced = 0;
        self.table.sync_all(parts.syncs, |tag| {
            sync(parts, account, tag)?;
            synced += 1;
            checkpointer.report(Phase::Syncing, synced, 0);
            Ok(())
        })
    }
}

fn sync(parts: &Parts<'_>, account: &mut Account, tag: SyncTag) -> Result<()> {
    let started = parts.clock.now();
    parts.files.sync(tag)?;
    let took = parts.clock.now().saturating_sub(started);
    account.syncs += 1;
    account.sync_time += took;
    account.sync_longest = account.sync_longest.max(took);
    Ok(())
}

fn schedule(config: &Config) -> Schedule {
    let target = config.checkpoint_completion_target;
    Schedule {
        spread: config.checkpoint_timeout.mul_f64(target),
        wal_bytes: (config.checkpoint_wal_bytes() as f64 * target) as u64,
    }
}

fn kind(config: &Config) -> Writeback {
    if config.checkpoint_flush_waits { Writeback::Waited } else { Writeback::Started }
}
