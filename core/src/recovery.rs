//! From what a crash left to a store that can be used. PostgreSQL: `StartupXLOG`.
//!
//! # Steps
//! 1. Read the WAL from the redo point of the control file to its last valid record.
//! 2. Refuse if it is known to have been durable further than that.
//! 3. Sync what was read: it may be in the page cache alone, and what is built on it must not be
//!    more durable than it is.
//! 4. Clear what is behind the end, so that discarded records never come back to life.
//! 5. Empty the unlogged files, unless the store was closed.
//! 6. Replay, but for the changes of blocks and files that a later record cuts off (`cuts.rs`).
//! 7. Checkpoint; it removes the files that were dropped.
//!
//! # Rules
//! * R1, R4: replay gives the same from any mix of old and new pages, also when it is cut short
//!   and starts again: nothing that step 1 depends on changes before the checkpoint is complete.
//! * W7: the records tile the stream; each carries its own position.
//! * What is behind the last valid record was never acknowledged: the WAL carries how far it was
//!   durable (`flushed_upto`, the control file).

mod cuts;

use crate::buffer::Pool;
use crate::config::Format;
use crate::control::{Control, StoreState};
use crate::disk::{Disk, DiskFile};
use crate::error::{Error, Result, WalFault};
use crate::files::{Files, failed};
use crate::lsn::Lsn;
use crate::page::{AlignedBytes, FileId, PAGE_HEADER_BYTES};
use crate::poison::Poison;
use crate::redo::{self, PageRedo};
use crate::wal::ResumeAt;
use crate::wal::position::{BLOCK_HEADER_BYTES, Geometry, WAL_DIR, segment_path};
use crate::wal::reader::{Record, Stop, WalReader};
use crate::wal::record::{BlockHeader, RecordKind};
use crate::wal::segment;
use cuts::{Cut, Cuts};
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// Bytes that are looked at and cleared at once behind the end of the WAL.
const CLEAR_BYTES: usize = 1 << 20;

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
    /// Records read.
    pub records: u64,
    /// Images restored.
    pub images: u64,
    /// Changes made to pages that were older.
    pub changes: u64,
    /// How long it took, the final checkpoint included.
    pub time: Duration,
}

impl fmt::Display for RecoveryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let closed = if self.was_closed { "was closed" } else { "was not closed" };
        write!(f, "the store {closed}; redo from {} to {}: ", self.redo, self.end)?;
        write!(f, "{} records, {} images, ", self.records, self.images)?;
        write!(f, "{} changes in {:.3} s; ", self.changes, self.time.as_secs_f64())?;
        write!(f, "stopped in {} at offset {}: ", self.end_segment, self.end_offset)?;
        write!(f, "{}", self.stop_reason)
    }
}

/// The WAL that a crash left.
pub struct Recovery {
    disk: Arc<dyn Disk>,
    geometry: Geometry,
    control: Control,
    stop: Stop,
    last_block: Vec<u8>,
    cuts: Cuts,
}

impl Recovery {
    /// Steps 1 and 2: reads the WAL and changes nothing.
    ///
    /// # Errors
    /// [`Error::Wal`], [`Error::Io`].
    pub fn scan(disk: Arc<dyn Disk>, control: &Control) -> Result<Self> {
        let geometry = Geometry::new(&control.format);
        let first = geometry.segment(control.redo);
        if !segment::list(&*disk, &geometry)?.contains(&first) {
            let (segment, redo) = (segment_path(first), control.redo);
            return Err(Error::Wal(WalFault::MissingSegment { segment, redo }));
        }
        let mut reader =
            WalReader::new(Arc::clone(&disk), geometry, control.system_id, control.redo);
        // A new store has no checkpoint record; the first that it gets may stand in that place.
        let mut checkpoint_found = control.checkpoint == control.checkpoint_end;
        let mut cuts = Cuts::default();
        let stop = loop {
            let record = match reader.read()? {
                Ok(record) => record,
                Err(stop) => break stop,
            };
            if !checkpoint_found && record.start == control.checkpoint {
                check_checkpoint(&record, control)?;
                checkpoint_found = true;
            }
            if let Some(cut) = decode_cut(&record)? {
                cuts.push(record.start, cut);
            }
        };
        check_durable(&*disk, &geometry, &mut reader, control, &stop)?;
        if !checkpoint_found {
            let (lsn, found) = (control.checkpoint, "the middle of another record".to_owned());
            return Err(Error::Wal(WalFault::NoCheckpoint { lsn, found }));
        }
        let last_block = reader.last_block(stop.at)?;
        Ok(Self { disk, geometry, control: *control, stop, last_block, cuts })
    }

    /// The end of the valid WAL.
    pub fn end(&self) -> Lsn {
        self.stop.at
    }

    /// Files that were dropped.
    pub fn dropped(&self) -> &BTreeSet<FileId> {
        self.cuts.dropped()
    }

    /// Step 5.
    ///
    /// # Errors
    /// [`Error::Poisoned`].
    pub fn reset_unlogged(&self, files: &Files) -> Result<()> {
        match self.control.state {
            StoreState::Closed => Ok(()),
            StoreState::InProduction => files.reset_unlogged(),
        }
    }

    /// Where the log goes on.
    pub fn resume_at(&self) -> ResumeAt {
        ResumeAt { end: self.end(), last_block: self.last_block.clone(), redo: self.control.redo }
    }

    /// Step 3: makes the WAL that was read durable.
    ///
    /// # Errors
    /// [`Error::Poisoned`], [`Error::Io`].
    pub fn sync_wal(&self, poison: &Poison) -> Result<()> {
        let needed = self.geometry.segment(self.control.redo)..=self.geometry.segment(self.end());
        for number in
            segment::list(&*self.disk, &self.geometry)?.into_iter().filter(|n| needed.contains(n))
        {
            let path = segment_path(number);
            let file = self.disk.open(&path).map_err(|e| failed("open", &path, 0, e))?;
            file.sync_data().map_err(|e| poison.poison("sync", &path, &e))?;
        }
        self.disk.sync_dir(WAL_DIR).map_err(|e| poison.poison("sync", WAL_DIR, &e))
    }

    /// Step 4: clears the WAL behind its end, durably. Without this, a discarded record could fit
    /// again behind the records to come: it has its right position.
    ///
    /// A torn record may be durable in part, up to a position that later blocks tell of. They go
    /// first, while the record's header (which may reach into the next block) still says that this
    /// was not the whole of it; otherwise a crash in between would leave what looks like damage.
    ///
    /// # Errors
    /// [`Error::Poisoned`], [`Error::Io`].
    pub fn clear_tail(&self, poison: &Poison) -> Result<()> {
        let (geometry, end) = (&self.geometry, self.end());
        let last = geometry.segment(end);
        for number in
            segment::list(&*self.disk, &self.geometry)?.into_iter().filter(|number| *number > last)
        {
            let path = segment_path(number);
            self.disk.remove(&path).map_err(|e| failed("remove", &path, 0, e))?;
        }
        self.disk.sync_dir(WAL_DIR).map_err(|e| poison.poison("sync", WAL_DIR, &e))?;
        if !segment::list(&*self.disk, &self.geometry)?.contains(&last) {
            return Ok(());
        }
        let path = segment_path(last);
        let file = self.disk.open(&path).map_err(|e| failed("open", &path, 0, e))?;
        let sync = || file.sync_data().map_err(|e| poison.poison("sync", &path, &e));
        let block = geometry.block(end);
        let segment_end = geometry.segment_bytes();
        let block_end = geometry.block_offset(block) + geometry.block_bytes;
        let next_end = segment_end.min(block_end + geometry.block_bytes);
        clear(&*file, &path, next_end..segment_end)?;
        sync()?;
        clear(&*file, &path, block_end..next_end)?;
        self.lower_flushed_upto(&*file, &path, block)?;
        sync()?;
        let is_empty = end == geometry.block_start(block);
        let from = if is_empty { geometry.block_offset(block) } else { geometry.offset(end) };
        clear(&*file, &path, from..block_end)?;
        sync()
    }

    /// Takes back what the last block says about records that are not there.
    fn lower_flushed_upto(&self, file: &dyn DiskFile, path: &str, block: u64) -> Result<()> {
        let (address, offset) =
            (self.geometry.block_start(block), self.geometry.block_offset(block));
        let mut bytes = [0; BLOCK_HEADER_BYTES as usize];
        file.read_at(&mut bytes, offset).map_err(|e| failed("read", path, offset, e))?;
        match BlockHeader::decode(&bytes, self.control.system_id, address) {
            Ok(header) if header.flushed_upto > self.end() => {
                BlockHeader { flushed_upto: self.end(), ..header }.encode(&mut bytes);
                file.write_at(&bytes, offset).map_err(|e| failed("write", path, offset, e))
            }
            _ => Ok(()),
        }
    }

    /// Step 6: makes the changes that the pages lack.
    ///
    /// # Errors
    /// [`Error::Wal`] for a record that makes no sense; [`Error::Page`], [`Error::Io`] and the
    /// like for a page that cannot be read or written back.
    pub fn replay(&self, pool: &Pool, files: &Files) -> Result<RecoveryReport> {
        let mut report = self.report();
        let disk = Arc::clone(&self.disk);
        let Control { system_id, redo, format, .. } = self.control;
        let mut reader = WalReader::new(disk, self.geometry, system_id, redo);
        while reader.position() < self.end() {
            let record = reader.read()?.map_err(|stop| {
                let reason = format!("was valid, and is not when read again: {}", stop.reason);
                Error::Wal(WalFault::BadContent { lsn: stop.at, reason })
            })?;
            report.records += 1;
            match (record.kind, decode_cut(&record)?) {
                (RecordKind::Pages, _) => {
                    self.replay_pages(&record, &format, pool, files, &mut report)?;
                }
                (_, Some(Cut::Truncate(file, blocks))) if !self.dropped().contains(&file) => {
                    let file = files.get(file).map_err(|error| bad(&record, &error))?;
                    files.cut(&file, blocks)?;
                }
                _ => {}
            }
        }
        Ok(report)
    }

    fn replay_pages(
        &self,
        record: &Record,
        format: &Format,
        pool: &Pool,
        files: &Files,
        report: &mut RecoveryReport,
    ) -> Result<()> {
        let body_bytes = format.page_bytes as usize - PAGE_HEADER_BYTES;
        for change in redo::decode(&record.body, body_bytes).map_err(|e| bad(record, &e))? {
            let id = change.page();
            if self.cuts.covers(id, record.start) {
                continue;
            }
            let file = files.get(id.file()).map_err(|error| bad(record, &error))?;
            let mut page = match change {
                PageRedo::Image { .. } => {
                    // A file grows page by page, and what it had at the redo point is on disk.
                    if id.block() > file.blocks() || id.block() == u32::MAX {
                        let blocks = file.blocks();
                        return Err(bad(record, &Error::BeyondEnd { page: id, blocks }));
                    }
                    file.grow_to(id.block() + 1);
                    report.images += 1;
                    let page = pool.pin_new(id)?.write();
                    page.put_inside();
                    page
                }
                PageRedo::Ranges { .. } => {
                    files.check_exists(id).map_err(|error| bad(record, &error))?;
                    pool.pin(id)?.write()
                }
            };
            if change.is_missing_in(page.page(), record.end) {
                change.apply(page.change(), record.end).map_err(|e| bad(record, &e))?;
                report.changes += 1;
            }
        }
        Ok(())
    }

    fn report(&self) -> RecoveryReport {
        RecoveryReport {
            was_closed: self.control.state == StoreState::Closed,
            redo: self.control.redo,
            end: self.end(),
            end_segment: segment_path(self.geometry.segment(self.end())),
            end_offset: self.geometry.offset(self.end()),
            stop_reason: self.stop.reason.clone(),
            records: 0,
            images: 0,
            changes: 0,
            time: Duration::ZERO,
        }
    }
}

/// Overwrites what is not zero in a range of a file.
fn clear(file: &dyn DiskFile, path: &str, range: Range<u64>) -> Result<()> {
    let mut bytes = AlignedBytes::zeroed(CLEAR_BYTES.min((range.end - range.start) as usize));
    let mut offset = range.start;
    while offset < range.end {
        let rest = (range.end - offset).min(bytes.len() as u64) as usize;
        let piece = &mut bytes[..rest];
        let read = file.read_at(piece, offset).map_err(|e| failed("read", path, offset, e))?;
        if piece[..read].iter().any(|byte| *byte != 0) {
            piece.fill(0);
            file.write_at(piece, offset).map_err(|e| failed("write", path, offset, e))?;
        }
        offset += rest as u64;
    }
    Ok(())
}

fn check_checkpoint(record: &Record, control: &Control) -> Result<()> {
    let expected = control.redo.0.to_le_bytes();
    let is_it = record.kind == RecordKind::Checkpoint
        && record.body == expected
        && record.end == control.checkpoint_end;
    if is_it {
        return Ok(());
    }
    let found = format!("a record of kind {:?} to {}", record.kind, record.end);
    Err(Error::Wal(WalFault::NoCheckpoint { lsn: record.start, found }))
}

/// Step 2. The record after the last valid one must not have been durable as a whole.
fn check_durable(
    disk: &dyn Disk,
    geometry: &Geometry,
    reader: &mut WalReader,
    control: &Control,
    stop: &Stop,
) -> Result<()> {
    let last = geometry.segment(stop.at);
    let ahead: Vec<u64> =
        segment::list(disk, geometry)?.into_iter().filter(|number| *number >= last).collect();
    let in_wal = reader.flushed_upto_ahead(&ahead)?;
    let (durable, witness) = if control.checkpoint_end > in_wal {
        (control.checkpoint_end, "the control file")
    } else {
        (in_wal, "the headers of WAL blocks")
    };
    if durable < stop.complete_at {
        return Ok(());
    }
    Err(Error::Wal(WalFault::Hole {
        valid_end: stop.at,
        segment: segment_path(last),
        offset: geometry.offset(stop.at),
        reason: stop.reason.clone(),
        durable,
        witness,
    }))
}

fn decode_cut(record: &Record) -> Result<Option<Cut>> {
    Cut::decode(record).map_err(|reason| bad(record, &reason))
}

fn bad(record: &Record, reason: &dyn fmt::Display) -> Error {
    let (lsn, reason) = (record.start, reason.to_string());
    Error::Wal(WalFault::BadContent { lsn, reason })
}
