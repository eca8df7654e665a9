//! From what a crash left to a store that can be used. PostgreSQL: `StartupXLOG`.
//!
//! # Steps
//! 1. Read the WAL from the redo point of the control file to its last valid record.
//! 2. Refuse if it is known to have been durable further than that (`ahead.rs`), or if nobody
//!    knows what it says: unknown records, custom kinds without a [`Redo`].
//! 3. Sync what was read: it may be in the page cache alone, and what is built on it must not be
//!    more durable than it is. Where a sync has failed, the kernel may take what is in its cache
//!    alone for clean: so what is not known to have been durable is written again before.
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
mod fates;
mod rehearsal;
mod replay;
mod report;
mod salvage;
mod survey;

pub use ahead::Beyond;
pub use fates::Fate;
pub use rehearsal::Rehearsal;
pub use report::RecoveryReport;
pub use salvage::{Losses, Salvage, SalvageFault, Salvaged};
pub use survey::{LogCounts, Survey};

use crate::buffer::Pool;
use crate::config::Format;
use crate::control::{Control, StoreState};
use crate::disk::{Disk, DiskFile};
use crate::error::{Error, Result, WalFault};
use crate::files::{Files, KnownFiles, failed, list};
use crate::lsn::Lsn;
use crate::page::{AlignedBytes, PAGE_HEADER_BYTES};
use crate::poison::Poison;
use crate::redo::Redo;
use crate::wal::ResumeAt;
use crate::wal::position::{BLOCK_HEADER_BYTES, WAL_DIR, segment_path};
use crate::wal::reader::Record;
use crate::wal::record::BlockHeader;
use crate::wal::segment;
use crate::workers::Workers;
use batch::Batches;
use replay::Replay;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// Bytes that are cleared at once behind the end of the WAL.
const CLEAR_BYTES: usize = 1 << 20;

/// The WAL that a crash left.
pub struct Recovery {
    survey: Survey,
    last_block: Vec<u8>,
}

impl Recovery {
    /// Steps 1 and 2: reads the WAL and changes nothing. `has_redo` says whether its custom kinds
    /// have a meaning.
    ///
    /// # Errors
    /// [`Error::Wal`], [`Error::Io`].
    pub fn scan(disk: Arc<dyn Disk>, control: &Control, has_redo: bool) -> Result<Self> {
        let survey = Survey::read(disk, control, None)?;
        survey.refusal(has_redo).map_or(Ok(()), |fault| Err(Error::Wal(fault)))?;
        Self::of(survey)
    }

    /// Recovery of a log as far as it was read.
    fn of(survey: Survey) -> Result<Self> {
        let last_block = survey.reader(survey.control.redo).last_block(survey.end())?;
        Ok(Self { survey, last_block })
    }

    /// The end of the valid WAL.
    pub fn end(&self) -> Lsn {
        self.survey.end()
    }

    /// What there should be in the directories.
    pub fn known_files(&self) -> KnownFiles<'_> {
        self.survey.known_files()
    }

    /// Step 5.
    ///
    /// # Errors
    /// [`Error::Poisoned`].
    pub fn reset_unlogged(&self, files: &Files) -> Result<()> {
        match self.survey.control.state {
            StoreState::Closed => Ok(()),
            StoreState::InProduction => files.reset_unlogged(),
        }
    }

    /// Where the log goes on.
    pub fn resume_at(&self) -> ResumeAt {
        ResumeAt {
            end: self.end(),
            last_block: self.last_block.clone(),
            redo: self.survey.control.redo,
        }
    }

    /// Step 3: makes the WAL that was read durable; its directory with the next step. What was in
    /// no group that is known to be is written again: the last group, as a rule.
    ///
    /// # Errors
    /// [`Error::Poisoned`], [`Error::Io`].
    pub fn sync_wal(&self, poison: &Poison) -> Result<()> {
        let needed = self.survey.geometry.segment(self.survey.control.redo)
            ..=self.survey.geometry.segment(self.end());
        for number in segment::list(&*self.survey.disk, &self.survey.geometry)?
            .into_iter()
            .filter(|n| needed.contains(n))
        {
            let path = segment_path(number);
            let file = self.survey.disk.open(&path).map_err(|e| failed("open", &path, 0, e))?;
            self.write_again(&*file, &path, number)?;
            file.sync_data().map_err(|e| poison.poison("sync", &path, &e))?;
        }
        Ok(())
    }

    /// Writes the blocks of a segment again that nobody knows to be durable.
    fn write_again(&self, file: &dyn DiskFile, path: &str, number: u64) -> Result<()> {
        let Survey { geometry, control, beyond, .. } = &self.survey;
        let (durable, _) = beyond.durable(control);
        if durable >= self.end() {
            return Ok(());
        }
        let (first, last) = (geometry.block(durable), geometry.block(self.end()));
        let ours = geometry.blocks_of_segment(number);
        let mut bytes = AlignedBytes::zeroed(geometry.block_bytes as usize);
        for block in first.max(ours.start)..(last + 1).min(ours.end) {
            let offset = geometry.block_offset(block);
            let read = file.read_at(&mut bytes, offset);
            let read = read.map_err(|e| failed("read", path, offset, e))?;
            file.write_at(&bytes[..read], offset).map_err(|e| failed("write", path, offset, e))?;
        }
        Ok(())
    }

    /// Step 4: clears the WAL behind its end, durably. Without this, a discarded record could fit
    /// again behind the records to come: it has its right position.
    ///
    /// It is written whatever it looks like: zeros may be in the page cache alone, of an opening
    /// whose sync failed. Behind a log that was closed there is nothing to discard.
    ///
    /// A torn record may be durable in part, up to a position that later blocks tell of. They go
    /// first, while the record's header (which may reach into the next block) still says that this
    /// was not the whole of it; otherwise a crash in between would leave what looks like damage.
    ///
    /// # Errors
    /// [`Error::Poisoned`], [`Error::Io`].
    pub fn clear_tail(&self, poison: &Poison) -> Result<()> {
        let (geometry, end) = (&self.survey.geometry, self.end());
        let last = geometry.segment(end);
        for number in segment::list(&*self.survey.disk, &self.survey.geometry)?
            .into_iter()
            .filter(|number| *number > last)
        {
            let path = segment_path(number);
            self.survey.disk.remove(&path).map_err(|e| failed("remove", &path, 0, e))?;
        }
        self.survey.disk.sync_dir(WAL_DIR).map_err(|e| poison.poison("sync", WAL_DIR, &e))?;
        if !segment::list(&*self.survey.disk, &self.survey.geometry)?.contains(&last) {
            return Ok(());
        }
        let path = segment_path(last);
        let file = self.survey.disk.open(&path).map_err(|e| failed("open", &path, 0, e))?;
        let sync = || file.sync_data().map_err(|e| poison.poison("sync", &path, &e));
        let block = geometry.block(end);
        let segment_end = geometry.segment_bytes();
        if file.len().map_err(|e| failed("measure", &path, 0, e))? < segment_end {
            // After a salvage, or closed: what was cut off is given up.
            file.set_len(segment_end).map_err(|e| failed("extend", &path, 0, e))?;
        } else if self.survey.control.ends_closed(end) {
            return Ok(());
        }
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
            (self.survey.geometry.block_start(block), self.survey.geometry.block_offset(block));
        let mut bytes = [0; BLOCK_HEADER_BYTES as usize];
        file.read_at(&mut bytes, offset).map_err(|e| failed("read", path, offset, e))?;
        match BlockHeader::decode(&bytes, self.survey.control.system_id, address) {
            Ok(header) => {
                let flushed_upto = header.flushed_upto.min(self.end());
                BlockHeader { flushed_upto, ..header }.encode(&mut bytes);
                file.write_at(&bytes, offset).map_err(|e| failed("write", path, offset, e))
            }
            Err(_) => Ok(()),
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
        let mut report = self.report(files)?;
        let Survey { control, cuts, .. } = &self.survey;
        let reader = self.survey.reader(control.redo);
        let body_bytes = body_bytes(&control.format);
        let batches = Batches::new(reader, self.end(), batch_bytes, body_bytes);
        let replay = Replay { pool, files, cuts, redo, body_bytes };
        replay.run(batches, workers, &mut report)?;
        Ok(report)
    }

    fn report(&self, files: &Files) -> Result<RecoveryReport> {
        let names = list(&*self.survey.disk, "")?;
        Ok(RecoveryReport {
            salvaged: names.iter().filter_map(|name| Salvage::parse_dir(name)).max(),
            was_closed: self.survey.control.state == StoreState::Closed,
            redo: self.survey.control.redo,
            end: self.end(),
            end_segment: segment_path(self.survey.geometry.segment(self.end())),
            end_offset: self.survey.geometry.offset(self.end()),
            stop_reason: self.survey.stop.reason.clone(),
            beyond: self.survey.beyond,
            lost_pages: self.survey.lost_pages(files),
            records: 0,
            images: 0,
            changes: 0,
            notes: 0,
            scan_time: Duration::ZERO,
            replay_time: Duration::ZERO,
            time: Duration::ZERO,
        })
    }
}

/// Overwrites a range of a file with zeros.
fn clear(file: &dyn DiskFile, path: &str, range: Range<u64>) -> Result<()> {
    let zeros = AlignedBytes::zeroed(CLEAR_BYTES.min((range.end - range.start) as usize));
    for offset in range.clone().step_by(CLEAR_BYTES) {
        let bytes = zeros.len().min((range.end - offset) as usize);
        let written = file.write_at(&zeros[..bytes], offset);
        written.map_err(|e| failed("write", path, offset, e))?;
    }
    Ok(())
}

fn body_bytes(format: &Format) -> usize {
    format.page_bytes as usize - PAGE_HEADER_BYTES
}

fn bad(record: &Record, reason: &dyn fmt::Display) -> Error {
    Error::Wal(senseless(record, reason))
}

/// What a record with right checksums says makes no sense.
fn senseless(record: &Record, reason: &dyn fmt::Display) -> WalFault {
    WalFault::BadContent { lsn: record.start, reason: reason.to_string() }
}

#[cfg(test)]
mod tests;
