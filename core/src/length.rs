//! Changing the length of a file: extending it, truncating it, dropping it.
//! PostgreSQL: `ExtendBufferedRel`, `RelationTruncate`, `smgrDoPendingDeletes`.
//!
//! # Steps of an extension
//! 1. Lock the file's length, and find space on disk for the pages.
//! 2. Format the new pages in the pool, exclusively locked and outside of the file: who comes for
//!    one of them waits for its lock and is refused if the extension fails. A page there that is
//!    part of the file is never formatted, since its block is before the end.
//! 3. Insert the record, put them inside, unlock them, publish the length.
//!
//! # Steps of a cut, which takes the last blocks of a file, or all and the file as well
//! 1. Lock the file's length.
//! 2. Lower the length: from now on nobody reads these blocks in, and who was about it is through.
//! 3. Put each of their pages that is in the pool outside of the file, under its content lock: who
//!    had it has committed or given up, who gets it from now on is refused.
//! 4. Insert the record and flush the log. If there is no room for it, undo 3 and 2.
//! 5. Let nobody write these pages any more, and wait for who does.
//! 6. Cut the segments on disk, or leave them to the next checkpoint to remove.
//!
//! # Rules
//! * E6: no page that is part of a file is formatted.
//! * No record of a change to these blocks follows that of the cut, up to the next extension: so
//!   recovery can leave out the changes that a later cut takes away.
//! * R2: no redo point is fixed between 4 and 6. So the log is replayed from before the record
//!   unless its effect is on disk, where the checkpoint makes it durable before it is complete.
//! * What is on disk is cut only after the record is durable. A panic in 4 to 6 poisons: memory,
//!   log and disk may not agree.
//! * An unlogged file is cut without a record, since a crash empties it; dropped with one.
//!
//! # Checked by
//! models `lengths`, `extend_read`, `truncate_commit`, `truncate_extend`, `truncate_flush`,
//! `truncate_redo`, `drop_flush`, `drop_redo`, `drop_twice`; the crash sweep.

use crate::buffer::{Pool, Ring};
use crate::checkpoint::Parts;
use crate::error::{Error, Result};
use crate::files::DataFile;
use crate::fsync::Registered;
use crate::operation::Operation;
use crate::page::{FileId, PageId};
use crate::wal::record::{RecordBuf, RecordKind};
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// Pages that one operation adds to a file: each is pinned until it ends.
const EXTENDED_AT_ONCE: u32 = 16;

/// Adds empty pages to the end of a file and returns the first one's block. They are added by
/// operations of several pages each, with frames of a ring if there is one: after a crash some may
/// be there, the first ones.
///
/// # Errors
/// [`Error::NoSuchFile`]; [`Error::Config`] if it would have too many blocks; [`Error::Io`] if
/// there is no space for them: nothing has changed; as [`Operation::page`] and
/// [`Operation::commit`]: some pages may have been added.
pub fn extend(
    parts: &Parts<'_>,
    id: FileId,
    blocks: u32,
    mut ring: Option<&mut Ring>,
) -> Result<u32> {
    parts.poison.check()?;
    let file = parts.files.get(id)?;
    let _length = file.lock_length();
    // Again: it may have been dropped.
    parts.files.get(id)?;
    let first = file.blocks();
    let last = first.checked_add(blocks).ok_or(Error::Config {
        setting: "blocks of a file",
        found: format!("{first} and {blocks} more"),
        expected: format!("{} in all", u32::MAX),
    })?;
    parts.files.find_space(&file, first..last)?;
    let at_once = EXTENDED_AT_ONCE.min(parts.pool.buffers() as u32 / 4).max(1);
    for start in (first..last).step_by(at_once as usize) {
        let end = last.min(start.saturating_add(at_once));
        let mut operation = Operation::new(parts.pool, parts.wal);
        for block in start..end {
            operation.new_page(PageId::new(id, block), ring.as_deref_mut())?;
        }
        parts.wal.note_async_commit(operation.commit()?);
        file.grow_to(end);
    }
    Ok(first)
}

/// Cuts a file to its first `blocks` blocks, durably.
///
/// # Errors
/// [`Error::NoSuchFile`]; [`Error::BeyondEnd`] if it is shorter than that; [`Error::Io`],
/// [`Error::WalExhausted`]: nothing has changed; [`Error::Poisoned`].
pub fn truncate(parts: &Parts<'_>, id: FileId, blocks: u32) -> Result<()> {
    let file = prepare(parts, id)?;
    let _length = file.lock_length();
    // Again: it may have been dropped.
    parts.files.get(id)?;
    let old = file.blocks();
    if blocks > old {
        return Err(Error::BeyondEnd { page: PageId::new(id, blocks), blocks: old });
    }
    let cut = Cut::begin(parts.pool, &file, blocks..old);
    let path = file.path(0);
    let _no_redo_point = parts.delays.delay();
    let _whole = parts.poison.on_panic("truncate", &path);
    if !file.options().unlogged {
        let mut record = RecordBuf::new(RecordKind::Truncate);
        record.put(&id.0.to_le_bytes());
        record.put(&blocks.to_le_bytes());
        log(parts, &mut record)?;
    }
    cut.carry_out();
    for tag in parts.files.cut(&file, blocks)? {
        if parts.syncs.register(tag) == Registered::Full {
            parts.files.sync(tag)?;
        }
    }
    Ok(())
}

/// Drops a file, durably. Its number is not used again, and its space is free after the next
/// checkpoint.
///
/// # Errors
/// [`Error::NoSuchFile`]; [`Error::Io`], [`Error::WalExhausted`]: nothing has changed;
/// [`Error::Poisoned`].
pub fn drop_file(parts: &Parts<'_>, id: FileId) -> Result<()> {
    let file = prepare(parts, id)?;
    let _length = file.lock_length();
    parts.files.get(id)?;
    let cut = Cut::begin(parts.pool, &file, 0..file.blocks());
    let path = file.path(0);
    let _no_redo_point = parts.delays.delay();
    let _whole = parts.poison.on_panic("drop", &path);
    let mut record = RecordBuf::new(RecordKind::Drop);
    record.put(&id.0.to_le_bytes());
    log(parts, &mut record)?;
    parts.files.forget(&file);
    cut.carry_out();
    parts.files.remove_later(&file);
    Ok(())
}

/// Finds the file. What is in the log already is made durable here, when nothing has changed: so in
/// step 4 there is little that can fail.
fn prepare(parts: &Parts<'_>, id: FileId) -> Result<Arc<DataFile>> {
    parts.poison.check()?;
    let file = parts.files.get(id)?;
    parts.wal.flush(parts.wal.reserved())?;
    Ok(file)
}

/// Step 4. Once the record is in the log, the cut is to be: the store is poisoned if it cannot be
/// made durable, since memory and disk would not agree.
fn log(parts: &Parts<'_>, record: &mut RecordBuf) -> Result<()> {
    let (_, end) = parts.wal.insert_any_time(record)?;
    parts.wal.flush(end).map_err(|error| match error {
        Error::Poisoned(_) => error,
        other => parts.poison.poison("flush", "the log", &io::Error::other(other.to_string())),
    })
}

/// A cut between its steps 2 and 5; undone if it is dropped before it is carried out.
struct Cut<'p> {
    pool: &'p Pool,
    file: Arc<DataFile>,
    blocks: Range<u32>,
}

impl<'p> Cut<'p> {
    /// Steps 2 and 3. The caller has locked the file's length.
    fn begin(pool: &'p Pool, file: &Arc<DataFile>, blocks: Range<u32>) -> Self {
        let cut = Self { pool, file: Arc::clone(file), blocks };
        cut.file.begin_cut(&cut.blocks);
        pool.put_outside(cut.file.id(), &cut.blocks);
        cut
    }

    /// Step 5.
    fn carry_out(mut self) {
        self.file.end_cut();
        self.pool.wait_for_writes(self.file.id(), &self.blocks);
        self.blocks.end = self.blocks.start;
    }
}

impl Drop for Cut<'_> {
    fn drop(&mut self) {
        if !self.blocks.is_empty() {
            self.pool.put_inside(self.file.id(), &self.blocks);
            self.file.grow_to(self.blocks.end);
            self.file.end_cut();
        }
    }
}

#[cfg(test)]
mod tests;
