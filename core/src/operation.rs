//! Atomic operations over several pages: the unit of change.
//!
//! Pages are locked exclusively when an operation first touches them and stay locked until it
//! ends. Bytes are changed in place, through a door that notes which; commit writes one WAL record
//! of them. A change can also be one of the engine's own kinds ([`Redo`]), which goes into the
//! record instead of bytes, and notes of the engine can go with it. An operation that is dropped
//! puts the old bytes back.
//!
//! # Rules
//! * B5: every page is marked dirty when it is first changed, before the record is inserted, and
//!   stays locked until it carries the record's end as its LSN. So a checkpoint whose redo point
//!   is after the record finds the page dirty, and waits for the lock before it copies the page
//!   (C1).
//! * Pages of unlogged files take part, but not in the record: they are never put back after a
//!   crash, which empties their files, and keep the LSN zero.
//! * Changes of a page by bytes and by custom kinds are done again in the order in which they were
//!   done: what ranges hold is fixed when a custom change follows them.
//! * W11: a page whose LSN is not after the redo point goes into the record as an image, if
//!   images are on.
//!
//! # Checked by
//! models `redo_image`, `image_toggle`, `mark_flush`.

use crate::buffer::{PageWrite, Pool, Ring};
use crate::error::{Error, Result};
use crate::lsn::Lsn;
use crate::page::PageId;
use crate::redo::{self, CUSTOM_DATA_BYTES_MAX, FixedSteps, NO_REDO, Redo};
use crate::wal::record::{RecordBuf, RecordKind};
use crate::wal::{Inserted, Wal};
use std::ops::Range;

/// An atomic operation under way.
///
/// Two operations that lock the same pages in different orders wait for each other for ever: lock
/// in ascending order of [`PageId`], or in another order that all your operations share. A thread
/// that holds a [`PageRead`](crate::buffer::PageRead) of a page must not touch that page here.
#[must_use = "an operation that is dropped undoes its changes"]
pub struct Operation<'e> {
    pool: &'e Pool,
    wal: &'e Wal,
    redo: Option<&'e dyn Redo>,
    pages: Vec<Held<'e>>,
    notes: Vec<(u8, Vec<u8>)>,
}

/// A page that the operation has locked.
struct Held<'e> {
    id: PageId,
    page: PageWrite<'e>,
    is_new: bool,
    /// Offset in the body and the bytes that were there, oldest first.
    undo: Vec<(usize, Vec<u8>)>,
    /// The changes up to the last custom one.
    fixed: FixedSteps,
    /// How many of `undo` they are.
    fixed_count: usize,
}

/// A page within an operation.
pub struct OperationPage<'o, 'e> {
    held: &'o mut Held<'e>,
    redo: Option<&'e dyn Redo>,
}

impl<'e> Operation<'e> {
    /// An operation that has touched nothing yet.
    pub fn new(pool: &'e Pool, wal: &'e Wal) -> Self {
        Self { pool, wal, redo: None, pages: Vec::new(), notes: Vec::new() }
    }

    /// The same, with custom changes.
    pub fn with_redo(mut self, redo: Option<&'e dyn Redo>) -> Self {
        self.redo = redo;
        self
    }

    /// Locks a page exclusively, unless this operation has, and gives access to it.
    ///
    /// # Errors
    /// [`Error::NoSuchFile`], [`Error::BeyondEnd`], [`Error::NoUnpinnedBuffers`], and what reading
    /// the page reports. The operation goes on without the page.
    pub fn page(&mut self, id: PageId) -> Result<OperationPage<'_, 'e>> {
        self.page_in(id, None)
    }

    /// As [`Operation::page`], with the frames of a ring.
    ///
    /// # Errors
    /// As [`Operation::page`].
    pub fn page_through(&mut self, id: PageId, ring: &mut Ring) -> Result<OperationPage<'_, 'e>> {
        self.page_in(id, Some(ring))
    }

    fn page_in(&mut self, id: PageId, ring: Option<&mut Ring>) -> Result<OperationPage<'_, 'e>> {
        let index = match self.pages.iter().position(|held| held.id == id) {
            Some(index) => index,
            None => self.hold(id, false, ring)?,
        };
        Ok(OperationPage { held: &mut self.pages[index], redo: self.redo })
    }

    /// Adds a note, which is in the log if the operation is, and in the order of the notes: see
    /// [`Redo::note`]. An operation may consist of notes alone.
    pub fn note(&mut self, kind: u8, data: &[u8]) {
        self.notes.push((kind, data.to_vec()));
    }

    /// Locks a page that does not exist yet and goes into the record as it is.
    pub(crate) fn new_page(&mut self, id: PageId, ring: Option<&mut Ring>) -> Result<()> {
        self.hold(id, true, ring).map(|_| ())
    }

    fn hold(&mut self, id: PageId, is_new: bool, ring: Option<&mut Ring>) -> Result<usize> {
        let pin = match is_new {
            true => self.pool.pin_new_through(id, ring)?,
            false => self.pool.pin_through(id, ring)?,
        };
        let mut page = pin.write();
        if is_new {
            // It may be in the pool, left there by a cut or by an extension that failed.
            page.change().format(id);
        } else {
            page.check_inside()?;
        }
        let (undo, fixed) = (Vec::new(), FixedSteps::default());
        self.pages.push(Held { id, page, is_new, undo, fixed, fixed_count: 0 });
        Ok(self.pages.len() - 1)
    }

    /// Makes the changes part of the log, all or none, and unlocks the pages. They are durable
    /// once the returned position is. With no notes and no changes to logged files that is
    /// [`Lsn::ZERO`].
    ///
    /// # Errors
    /// [`Error::Poisoned`], [`Error::RecordTooLarge`], [`Error::WalExhausted`], [`Error::Io`]: the
    /// changes are undone.
    pub fn commit(mut self) -> Result<Lsn> {
        let is_logged = |held: &&Held<'_>| held.has_changed() && held.page.is_permanent();
        let logged: Vec<&Held<'_>> = self.pages.iter().filter(is_logged).collect();
        let end = if logged.is_empty() && self.notes.is_empty() {
            self.wal.check_poison()?;
            Lsn::ZERO
        } else {
            insert(self.wal, &logged, &self.notes)?
        };
        for held in self.pages.iter_mut().filter(|held| held.has_changed()) {
            held.finish(end);
        }
        Ok(end)
    }
}

/// Inserts the record of the changes, assembled by a rule that still holds.
fn insert(wal: &Wal, changed: &[&Held<'_>], notes: &[(u8, Vec<u8>)]) -> Result<Lsn> {
    loop {
        let rule = wal.image_rule();
        let mut record = RecordBuf::new(RecordKind::Pages);
        for held in changed {
            let page = held.page.page();
            if page.lsn() <= rule.upto {
                redo::put_image(&mut record, held.id, page, rule.is_compressed);
            } else {
                redo::put_steps(&mut record, held.id, &held.fixed, page, &held.ranges());
            }
        }
        for (kind, data) in notes {
            redo::put_note(&mut record, *kind, data);
        }
        if let Inserted::At { end, .. } = wal.insert(&mut record, rule.epoch)? {
            return Ok(end);
        }
    }
}

impl Held<'_> {
    fn has_changed(&self) -> bool {
        self.is_new || !self.undo.is_empty()
    }

    /// The ranges of the body that were changed since the last custom change, ascending, merged
    /// where they touch.
    fn ranges(&self) -> Vec<Range<usize>> {
        let changed = self.undo[self.fixed_count..].iter();
        let mut ranges: Vec<_> = changed.map(|(start, old)| *start..start + old.len()).collect();
        ranges.sort_unstable_by_key(|range| range.start);
        let mut merged: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match merged.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        merged
    }

    /// Makes a custom change, whole or not at all.
    fn apply(&mut self, redo: &dyn Redo, kind: u8, data: &[u8]) -> Result<(), String> {
        let max = CUSTOM_DATA_BYTES_MAX;
        if data.len() > max {
            return Err(format!("it has {} bytes, expected {max} at the most", data.len()));
        }
        let mut body = self.page.page().body().to_vec();
        redo.change(kind, self.id, data, &mut body)?;
        self.fixed.add_ranges(self.page.page(), &self.ranges());
        self.fixed.add_custom(kind, data);
        self.page.change().body_mut().swap_with_slice(&mut body);
        self.undo.push((0, body));
        self.fixed_count = self.undo.len();
        Ok(())
    }

    /// The change is in the log up to `end`, if it goes there.
    fn finish(&mut self, end: Lsn) {
        if self.page.is_permanent() {
            self.page.change().set_lsn(end);
        }
        if self.is_new {
            self.page.put_inside();
        }
        self.undo.clear();
    }

    fn roll_back(&mut self) {
        while let Some((start, old)) = self.undo.pop() {
            self.page.change().body_mut()[start..start + old.len()].copy_from_slice(&old);
        }
    }
}

impl Drop for Operation<'_> {
    fn drop(&mut self) {
        self.pages.iter_mut().for_each(Held::roll_back);
    }
}

impl OperationPage<'_, '_> {
    /// The page's body as this operation sees it.
    pub fn body(&self) -> &[u8] {
        self.held.page.page().body()
    }

    /// End of the last record that changed the page before this operation.
    pub fn lsn(&self) -> Lsn {
        self.held.page.page().lsn()
    }

    /// Bytes of the body, to be changed. They count as changed whatever is done with them; none
    /// are no change.
    ///
    /// # Errors
    /// [`Error::OutsideBody`].
    pub fn change(&mut self, range: Range<usize>) -> Result<&mut [u8]> {
        let body = self.held.page.page().body();
        let Some(old) = body.get(range.clone()) else {
            let (page, Range { start, end }, body_bytes) = (self.held.id, range, body.len());
            return Err(Error::OutsideBody { page, start, end, body_bytes });
        };
        if old.is_empty() {
            return Ok(&mut []);
        }
        self.held.undo.push((range.start, old.to_vec()));
        Ok(&mut self.held.page.change().body_mut()[range])
    }

    /// Replaces bytes of the body.
    ///
    /// # Errors
    /// [`Error::OutsideBody`].
    pub fn write(&mut self, offset: usize, bytes: &[u8]) -> Result<()> {
        let end = offset.saturating_add(bytes.len());
        self.change(offset..end)?.copy_from_slice(bytes);
        Ok(())
    }

    /// Makes a change of one of the engine's own kinds, by [`Redo::change`]; `data`, up to
    /// 65,535 bytes, goes into the log instead of bytes of the page.
    ///
    /// # Errors
    /// [`Error::CustomChange`]: the page is as it was.
    pub fn apply(&mut self, kind: u8, data: &[u8]) -> Result<()> {
        let made = match self.redo {
            Some(redo) => self.held.apply(redo, kind, data),
            None => Err(NO_REDO.to_owned()),
        };
        let page = self.held.id;
        made.map_err(|reason| Error::CustomChange { page, kind, reason })
    }
}
