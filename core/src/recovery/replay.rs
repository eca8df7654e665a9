//! Step 6: makes the changes that the pages lack, at once where they are of different pages.
//! PostgreSQL: `PerformWalRecovery`, `XLogReadBufferForRedo`.
//!
//! The log is replayed in batches. Of each, one thread alone decides, in the order of the log,
//! which changes are made and how long the files are; then the changes are made in shares, each
//! page in one of them, while the next batch is read; then notes are passed on, and a truncation,
//! which is the last record of its batch, is carried out. So what comes out is what one thread
//! would make.
//!
//! # Rules
//! * R4: the changes of a page are made in the order of the log: a page is in one share only, and
//!   a batch is through before the next begins.
//! * The error that is reported is the first one by position, and no note behind it is passed on.
//! * A share has one page at a time, and at most one frame more while it waits for it: with half as
//!   many shares as there are frames nobody is left without.

use super::batch::{Batch, Batches, Change, Place};
use super::cuts::{Cut, Cuts};
use super::{RecoveryReport, bad};
use crate::buffer::Pool;
use crate::error::{Error, Result};
use crate::files::{DataFile, Files};
use crate::page::PageId;
use crate::redo::{Entry, NO_REDO, PageRedo, Redo};
use crate::workers::{Task, Workers};
use std::sync::Arc;

/// What replay works with.
pub(super) struct Replay<'r> {
    pub(super) pool: &'r Pool,
    pub(super) files: &'r Files,
    pub(super) cuts: &'r Cuts,
    pub(super) redo: Option<&'r dyn Redo>,
    pub(super) body_bytes: usize,
}

/// An error, and the entry that it came with.
type Refused = (Place, Error);

/// What became of a share.
#[derive(Default)]
struct Made {
    images: u64,
    changes: u64,
    refused: Option<Refused>,
}

impl Replay<'_> {
    /// Replays all batches.
    ///
    /// # Errors
    /// See [`Recovery::replay`](super::Recovery::replay).
    pub(super) fn run(
        &self,
        mut batches: Batches,
        workers: &dyn Workers,
        report: &mut RecoveryReport,
    ) -> Result<()> {
        let mut batch = batches.read(self.pool);
        while !batch.is_behind_last() {
            let (shares, refused) = self.plan(&batch, workers.count());
            let (made, next) = self.fork(&batch, &shares, &mut batches, workers);
            report.records += batch.records.len() as u64;
            report.images += made.iter().map(|made| made.images).sum::<u64>();
            report.changes += made.iter().map(|made| made.changes).sum::<u64>();
            let refused = made.into_iter().filter_map(|made| made.refused).chain(refused);
            let refused = refused.min_by_key(|(place, _)| *place);
            let before = refused.as_ref().map(|(place, _)| *place);
            report.notes += self.pass_notes(&batch, before)?;
            refused.map_or(Ok(()), |(_, error)| Err(error))?;
            self.truncate(&batch)?;
            if let Some(error) = batch.error.take() {
                return Err(error);
            }
            batch = next;
        }
        Ok(())
    }

    /// Makes the changes of all shares and reads the next batch.
    fn fork(
        &self,
        batch: &Batch,
        shares: &[Vec<Change>],
        batches: &mut Batches,
        workers: &dyn Workers,
    ) -> (Vec<Made>, Batch) {
        let (mut made, mut next) = (Vec::new(), Batch::default());
        made.resize_with(shares.len(), Made::default);
        let read = || next = batches.read(self.pool);
        let make = shares
            .iter()
            .zip(&mut made)
            .map(|(share, made)| -> Task<'_> { Box::new(move || *made = self.make(batch, share)) });
        workers.run([Box::new(read) as Task<'_>].into_iter().chain(make).collect());
        (made, next)
    }

    /// Decides which changes are made, and by whom; makes the files as long as they become. Ends
    /// before the first change that makes no sense.
    fn plan(&self, batch: &Batch, workers: usize) -> (Vec<Vec<Change>>, Option<Refused>) {
        let count = workers.min(self.pool.buffers() / 2).max(1);
        let mut shares = vec![Vec::with_capacity(batch.changes.len() / count); count];
        let mut last = None;
        for change in &batch.changes {
            let record = batch.record(change.place);
            if self.cuts.covers(change.page, record.start) {
                continue;
            }
            match admit(self.files, change.page, change.is_image, &mut last) {
                Ok(()) => shares[share_of(change.page, count)].push(*change),
                Err(error) => return (shares, Some((change.place, bad(record, &error)))),
            }
        }
        (shares, None)
    }

    /// Makes the changes of a share, up to the first that cannot be made.
    fn make(&self, batch: &Batch, share: &[Change]) -> Made {
        let mut made = Made::default();
        for change in share {
            if let Err(error) = self.make_one(batch, change, &mut made) {
                made.refused = Some((change.place, error));
                break;
            }
        }
        made
    }

    fn make_one(&self, batch: &Batch, change: &Change, made: &mut Made) -> Result<()> {
        let record = batch.record(change.place);
        let Entry::Page(redo) = batch.entry(change.place, self.body_bytes)? else {
            return Err(bad(record, &"a note in a page's place"));
        };
        let mut page = match redo {
            PageRedo::Image { .. } => {
                made.images += 1;
                let page = self.pool.pin_new(change.page)?.write();
                page.put_inside();
                page
            }
            PageRedo::Steps { .. } => self.pool.pin(change.page)?.write(),
        };
        let is_missing = redo.is_missing_in(page.page(), record.end);
        // A page that has the change may have it in the page cache alone: where a sync has failed,
        // the kernel takes it for clean. So it is written again, whatever it has.
        let bytes = page.change();
        if is_missing {
            redo.apply(bytes, record.end, self.redo).map_err(|e| bad(record, &e))?;
            made.changes += 1;
        }
        Ok(())
    }

    /// Passes the notes before a position on, or all. Returns how many.
    fn pass_notes(&self, batch: &Batch, before: Option<Place>) -> Result<u64> {
        let mut passed = 0;
        let is_before = |place: &&Place| before.is_none_or(|before| **place < before);
        for place in batch.notes.iter().take_while(is_before) {
            let record = batch.record(*place);
            if let Entry::Note { kind, data } = batch.entry(*place, self.body_bytes)? {
                let taken = match self.redo {
                    Some(redo) => redo.note(record.end, kind, data),
                    None => Err(NO_REDO.to_owned()),
                };
                taken.map_err(|e| bad(record, &format_args!("note of kind {kind}: {e}")))?;
                passed += 1;
            }
        }
        Ok(passed)
    }

    /// Carries out the truncation that the batch ends with, if it does.
    fn truncate(&self, batch: &Batch) -> Result<()> {
        let Some(record) = batch.records.last() else { return Ok(()) };
        match Cut::decode(record).map_err(|reason| bad(record, &reason))? {
            Some(Cut::Truncate(file, blocks)) if !self.cuts.dropped().contains(&file) => {
                let file = self.files.get(file).map_err(|error| bad(record, &error))?;
                self.files.cut(&file, blocks).map(drop)
            }
            _ => Ok(()),
        }
    }
}

/// Checks that a page is there to be changed, or is the next to be added to its file; adds it.
/// `last` is the file that was looked up last.
pub(super) fn admit(
    files: &Files,
    page: PageId,
    is_image: bool,
    last: &mut Option<Arc<DataFile>>,
) -> Result<()> {
    let file = match last {
        Some(file) if file.id() == page.file() => file,
        _ => last.insert(files.get(page.file())?),
    };
    if !is_image {
        return file.check_exists(page);
    }
    // A file grows page by page, and what it had at the redo point is on disk.
    let blocks = file.blocks();
    if page.block() > blocks || page.block() == u32::MAX {
        return Err(Error::BeyondEnd { page, blocks });
    }
    file.grow_to(page.block() + 1);
    Ok(())
}

/// The share that all changes of a page are in.
fn share_of(page: PageId, count: usize) -> usize {
    // Fibonacci hashing: neighbours come into different shares.
    let hash = page.to_bits().wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((hash >> 32) as usize) % count
}
