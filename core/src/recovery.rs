//! From what a crash left to a store that can be used. PostgreSQL: `StartupXLOG`.
//!
//! # Steps
//! 1. Read the WAL from the redo point of the control file to its last valid record.
//! 2. Refuse if it is known to have been durable further than that (`ahead.rs`), or if nobody
//!    knows what it says: unknown records, custom kinds without a [`Redo`].
//! 3. Sync what was read: it may be in the page cache alone, and what is built on it must not be
//!    more durable than it is.
//! 4. Clear what is behind the end, so that discarded records never come back to life.
//! 5. Empty the unlogged files, unless the store was closed.
//! 6. Replay (`replay.rs`), but for the changes of blocks and files that a later record cuts off
//!    (`cuts.rs`).
//! 7. Checkpoint; it removes the files that were dropped.
//!
//! # Rules
//! * R1, R4: replay gives the same from any mix of old and new pages, also when it is cut short
//!   and starts again: nothing that step 1 depends on changes before the checkpoint is complete.
//! * R7, R9: what is refused in step 2 is as it was.
//! * W7: the records tile the stream; each carries its own position.
//! * What is behind the last valid record was never acknowledged: the WAL carries how far it was
//!   durable (`flushed_upto`, the control file).

mod ahead;
mod batch;
mod cuts;
mod replay;
mod report;

pub use ahead::Beyond;
pub use report::RecoveryReport;

use crate::buffer::Pool;
use crate::config::Format;
use crate::control::{Control, StoreState};
use crate::disk::{Disk, DiskFile};
use crate::error::{Error, Result, WalFault};
use crate::files::{Files, failed};
use crate::lsn::Lsn;
use crate::page::{AlignedBytes, FileId, PAGE_HEADER_BYTES};
use crate::poison::Poison;
use crate::redo::{self, Entry, Redo};
use crate::wal::ResumeAt;
use crate::wal::position::{BLOCK_HEADER_BYTES, Geometry, WAL_DIR, segment_path};
use crate::wal::reader::{Record, Stop, WalReader};
use crate::wal::record::{BlockHeader, RecordKind};
use crate::wal::segment;
use crate::workers::Workers;
use batch::Batches;
use cuts::{Cut, Cuts};
use replay::Replay;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// Bytes that are looked at and cleared at once behind the end of the WAL.
const CLEAR_BYTES: usize = 1 << 20;

/// The WAL that a crash left.
pub struct Recovery {
    disk: Arc<dyn Disk>,
    geometry: Geometry,
    control: Control,
    stop: Stop,
    last_block: Vec<u8>,
    cuts: Cuts,
    beyond: Beyond,
}

impl Recovery {
    /// Steps 1 and 2: reads the WAL and changes nothing. `has_redo` says whether its custom kinds
    /// have a meaning.
    ///
    /// # Errors
    /// [`Error::Wal`], [`Error::Io`].
    pub fn scan(disk: Arc<dyn Disk>, control: &Control, has_redo: bool) -> Result<Self> {
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
            check_pages(&record, body_bytes(&control.format), has_redo)?;
        };
        let beyond = Beyond::look(&disk, &geometry, control, stop.at)?;
        beyond.check(&geometry, control, &stop)?;
        if !checkpoint_found {
            let (lsn, found) = (control.checkpoint, "the middle of another record".to_owned());
            return Err(Error::Wal(WalFault::NoCheckpoint { lsn, found }));
        }
        let last_block = reader.last_block(stop.at)?;
        Ok(Self { disk, geometry, control: *control, stop, last_block, cuts, beyond })
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

    /// Step 6: makes the changes that the pages lack, and passes the notes on. Takes about
    /// `batch_bytes` (4 MiB at most) of log at a time, which with the next batch is up to 12 MiB of
    /// memory with a usual log, and less than 256 MiB whatever the log says.
    ///
    /// # Errors
    /// [`Error::Wal`] for a record that makes no sense; [`Error::Page`], [`Error::Io`] and the
    /// like for a page that cannot be read or written back.
    pub fn replay(
        &self,
        pool: &Pool,
        files: &Files,
        redo: Option<&dyn Redo>,
        workers: &dyn Workers,
        batch_bytes: usize,
    ) -> Result<RecoveryReport> {
        let mut report = self.report();
        let Control { system_id, redo: start, format, .. } = self.control;
        let reader = WalReader::new(Arc::clone(&self.disk), self.geometry, system_id, start);
        let body_bytes = body_bytes(&format);
        let batches = Batches::new(reader, self.end(), batch_bytes, body_bytes);
        let replay = Replay { pool, files, cuts: &self.cuts, redo, body_bytes };
        replay.run(batches, workers, &mut report)?;
        Ok(report)
    }

    fn report(&self) -> RecoveryReport {
        RecoveryReport {
            was_closed: self.control.state == StoreState::Closed,
            redo: self.control.redo,
            end: self.end(),
            end_segment: segment_path(self.geometry.segment(self.end())),
            end_offset: self.geometry.offset(self.end()),
            stop_reason: self.stop.reason.clone(),
            beyond: self.beyond,
            records: 0,
            images: 0,
            changes: 0,
            notes: 0,
            scan_time: Duration::ZERO,
            replay_time: Duration::ZERO,
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

fn body_bytes(format: &Format) -> usize {
    format.page_bytes as usize - PAGE_HEADER_BYTES
}

/// Checks what a pages record says, before anything is changed: that it can be decoded, and that
/// somebody knows what its custom kinds are.
fn check_pages(record: &Record, body_bytes: usize, has_redo: bool) -> Result<()> {
    if record.kind != RecordKind::Pages {
        return Ok(());
    }
    for entry in redo::entries(&record.body, body_bytes) {
        let custom = match entry.map_err(|reason| bad(record, &reason))? {
            _ if has_redo => None,
            Entry::Note { kind, .. } => Some(format!("note of kind {kind}")),
            Entry::Page(page) => page
                .custom_kind()
                .map(|kind| format!("custom change of kind {kind} of page {}", page.page())),
        };
        if let Some(custom) = custom {
            return Err(bad(record, &format_args!("{custom}: {}", redo::NO_REDO)));
        }
    }
    Ok(())
}

fn decode_cut(record: &Record) -> Result<Option<Cut>> {
    Cut::decode(record).map_err(|reason| bad(record, &reason))
}

fn bad(record: &Record, reason: &dyn fmt::Display) -> Error {
    let (lsn, reason) = (record.start, reason.to_string());
    Error::Wal(WalFault::BadContent { lsn, reason })
}
