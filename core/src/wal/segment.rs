//! WAL segment files: created ahead, recycled, removed. PostgreSQL: `XLogFileInit`,
//! `PreallocXlogFiles`, `RemoveOldXlogFiles`.
//!
//! # Rules
//! * A segment is full of zeros and durable before it gets its name; recycling gives an old one a
//!   new name, with stale bytes that no reader takes for new (addresses, record LSNs). One that is
//!   not whole, of those that were there at the opening, is removed: behind the end of the log it
//!   would look like one that has lost bytes.
//! * R5: a segment that recovery or a slot needs is neither removed nor recycled.
//! * Names are given under the lock of the state: creating and recycling do not pick the same one.
//! * A segment is filled under a lock of its own: who finds the segment that he needs does not
//!   wait for that.
//!
//! # Checked by
//! model `segment_fill`.

use super::position::{Geometry, WAL_DIR, parse_segment, segment_path};
use super::slot::Slots;
use super::space::Space;
use crate::disk::{Disk, DiskFile, OnWrite, OpenMode};
use crate::error::Result;
use crate::files::{failed, remove_if_present};
use crate::lsn::{LSN_LIMIT, Lsn};
use crate::page::AlignedBytes;
use crate::poison::Poison;
use crate::sync::Mutex;
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

/// A segment that is being filled, until it gets its name.
const NEW_SEGMENT: &str = "wal/new";

/// How the bytes of the log become durable. PostgreSQL: `wal_sync_method`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalSync {
    /// A sync of bytes and length after the write.
    Fdatasync,
    /// A sync of bytes and all metadata after the write.
    Fsync,
    /// Each write makes bytes and length durable (`O_DSYNC`).
    OpenDatasync,
    /// Each write makes bytes and all metadata durable (`O_SYNC`).
    OpenSync,
}

/// How a segment is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncMethod {
    /// What makes durable.
    pub sync: WalSync,
    /// Whether writes go past the page cache: with the two that write durably, where the file
    /// system can.
    pub direct: bool,
}

impl SyncMethod {
    /// Whether a write that returns is durable.
    pub(super) fn writes_durably(self) -> bool {
        self.on_write() != OnWrite::Nothing
    }

    /// How a file is opened for it.
    pub fn open_mode(self) -> OpenMode {
        OpenMode { on_write: self.on_write(), direct: self.direct }
    }

    /// Makes what is written durable, unless it is.
    ///
    /// # Errors
    /// As [`DiskFile::sync_data`].
    pub fn sync(self, file: &dyn DiskFile) -> io::Result<()> {
        match self.sync {
            WalSync::Fdatasync => file.sync_data(),
            WalSync::Fsync => file.sync_all(),
            WalSync::OpenDatasync | WalSync::OpenSync => Ok(()),
        }
    }

    fn on_write(self) -> OnWrite {
        match self.sync {
            WalSync::Fdatasync | WalSync::Fsync => OnWrite::Nothing,
            WalSync::OpenDatasync => OnWrite::SyncData,
            WalSync::OpenSync => OnWrite::SyncAll,
        }
    }
}

/// Bytes of zeros written at once to a new segment.
const ZEROS_BYTES: u64 = 1 << 20;

/// The segment files of a store.
pub struct Segments {
    pub(super) disk: Arc<dyn Disk>,
    poison: Arc<Poison>,
    pub(super) geometry: Geometry,
    pub(super) method: SyncMethod,
    state: Mutex<State>,
    /// Held by whoever fills a new segment.
    filling: Mutex<()>,
    pub(super) space: Space,
    slots: Arc<Slots>,
}

struct State {
    /// Those that have a file. Nobody else makes or removes any while the store is open.
    present: BTreeSet<u64>,
    /// Those of them that are shorter or longer than a segment.
    misfits: BTreeSet<u64>,
    counts: SegmentCounts,
}

impl State {
    /// The greatest segment that has a file; 0 if there is none.
    fn last(&self) -> u64 {
        self.present.last().copied().unwrap_or(0)
    }
}

/// What happened to segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SegmentCounts {
    /// Created.
    pub added: u64,
    /// Removed.
    pub removed: u64,
    /// Given a new name.
    pub recycled: u64,
}

impl Segments {
    /// The segments in the store's directory.
    ///
    /// # Errors
    /// [`Error::Io`](crate::error::Error::Io).
    pub fn open(
        disk: Arc<dyn Disk>,
        geometry: Geometry,
        poison: Arc<Poison>,
        mut method: SyncMethod,
    ) -> Result<Self> {
        let present = list(&*disk, &geometry)?;
        let slots = Arc::new(Slots::new(geometry, first_of_the_last_run(&present)));
        let mut misfits = BTreeSet::new();
        for number in &present {
            if len(&*disk, *number)? != geometry.segment_bytes() {
                misfits.insert(*number);
            }
        }
        let present = present.into_iter().collect();
        let state = Mutex::new(State { present, misfits, counts: SegmentCounts::default() });
        method.direct &=
            method.writes_durably() && geometry.block_bytes.is_multiple_of(disk.direct_alignment());
        let (filling, space) = (Mutex::new(()), Space::default());
        Ok(Self { disk, poison, geometry, method, state, filling, space, slots })
    }

    /// Creates the segments up to this one that are missing at the end.
    ///
    /// # Errors
    /// [`Error::Io`](crate::error::Error::Io) if there is no space for a new one;
    /// [`Error::Poisoned`](crate::error::Error::Poisoned) if a sync fails.
    pub fn create_upto(&self, segment: u64) -> Result<()> {
        while self.state.lock().last() < segment {
            let _filling = self.filling.lock();
            // Somebody may have done it, or recycled one, in the meantime.
            if self.state.lock().last() < segment {
                fill_new(&*self.disk, &self.geometry, &self.poison)?;
                self.name_new()?;
            }
        }
        Ok(())
    }

    /// Recycles or removes the segments before `first_needed`, as far as no slot needs them.
    /// They are recycled as long as their new numbers are not after `last_kept`.
    ///
    /// # Errors
    /// [`Error::Io`](crate::error::Error::Io), [`Error::Poisoned`](crate::error::Error::Poisoned).
    pub fn retire_before(&self, first_needed: u64, last_kept: u64) -> Result<()> {
        let first_needed = self.slots.let_go_before(first_needed);
        let mut state = self.state.lock();
        let old: Vec<u64> = state.present.range(..first_needed).copied().collect();
        let retired = !old.is_empty();
        for segment in old {
            let (path, next) = (segment_path(segment), state.last() + 1);
            if next <= last_kept && !state.misfits.contains(&segment) {
                let renamed = self.disk.rename(&path, &segment_path(next));
                renamed.map_err(|e| failed("rename", &path, 0, e))?;
                state.present.insert(next);
                state.counts.recycled += 1;
            } else {
                self.disk.remove(&path).map_err(|e| failed("remove", &path, 0, e))?;
                state.counts.removed += 1;
            }
            state.present.remove(&segment);
        }
        if retired { self.sync_dir() } else { Ok(()) }
    }

    /// What holds segments back.
    pub(super) fn slots(&self) -> &Arc<Slots> {
        &self.slots
    }

    /// What has happened since the last call.
    pub fn take_counts(&self) -> SegmentCounts {
        std::mem::take(&mut self.state.lock().counts)
    }

    /// Makes the new segment the last one.
    fn name_new(&self) -> Result<()> {
        let mut state = self.state.lock();
        let next = state.last() + 1;
        let renamed = self.disk.rename(NEW_SEGMENT, &segment_path(next));
        renamed.map_err(|e| failed("rename", NEW_SEGMENT, 0, e))?;
        state.present.insert(next);
        state.counts.added += 1;
        self.sync_dir()
    }

    pub(super) fn sync_dir(&self) -> Result<()> {
        self.disk.sync_dir(WAL_DIR).map_err(|error| self.poison.poison("sync", WAL_DIR, &error))
    }
}

/// Makes a segment of zeros, durable, that has no name yet.
fn fill_new(disk: &dyn Disk, geometry: &Geometry, poison: &Poison) -> Result<()> {
    remove_if_present(disk, NEW_SEGMENT)?;
    let file = disk.create(NEW_SEGMENT).map_err(|e| failed("create", NEW_SEGMENT, 0, e))?;
    fill(&*file, geometry.segment_bytes(), poison).inspect_err(|_| {
        // The space is missed elsewhere. Where this fails too, the next attempt removes it.
        let _ = disk.remove(NEW_SEGMENT);
    })
}

fn fill(file: &dyn DiskFile, bytes: u64, poison: &Poison) -> Result<()> {
    file.allocate(0, bytes).map_err(|e| failed("allocate", NEW_SEGMENT, 0, e))?;
    // Real zeros: a sync of a write into space that is only reserved has to change the file
    // system's metadata as well, at every commit.
    let zeros = AlignedBytes::zeroed(bytes.min(ZEROS_BYTES) as usize);
    for offset in (0..bytes).step_by(zeros.len()) {
        file.write_at(&zeros, offset).map_err(|e| failed("write", NEW_SEGMENT, offset, e))?;
    }
    file.sync_all().map_err(|e| poison.poison("sync", NEW_SEGMENT, &e))
}

/// Creates a segment of zeros, durably, unless it is there: for a store that nobody has open.
///
/// # Errors
/// [`Error::Io`](crate::error::Error::Io), [`Error::Poisoned`](crate::error::Error::Poisoned).
pub(crate) fn create_if_missing(
    disk: &dyn Disk,
    geometry: &Geometry,
    poison: &Poison,
    segment: u64,
) -> Result<()> {
    if list(disk, geometry)?.contains(&segment) {
        return Ok(());
    }
    fill_new(disk, geometry, poison)?;
    let path = segment_path(segment);
    disk.rename(NEW_SEGMENT, &path).map_err(|e| failed("rename", NEW_SEGMENT, 0, e))?;
    disk.sync_dir(WAL_DIR).map_err(|error| poison.poison("sync", WAL_DIR, &error))
}

/// The numbers of all segments, ascending. Other names are left alone, and so are numbers whose
/// positions no store reaches.
///
/// # Errors
/// [`Error::Io`](crate::error::Error::Io).
pub fn list(disk: &dyn Disk, geometry: &Geometry) -> Result<Vec<u64>> {
    let names = disk.list(WAL_DIR).map_err(|source| failed("list", WAL_DIR, 0, source))?;
    let last = geometry.segment(Lsn(LSN_LIMIT));
    let segments = names.iter().filter_map(|name| parse_segment(name));
    Ok(segments.filter(|segment| *segment <= last).collect())
}

/// Bytes of a segment's file.
///
/// # Errors
/// [`Error::Io`](crate::error::Error::Io).
pub(crate) fn len(disk: &dyn Disk, number: u64) -> Result<u64> {
    let path = segment_path(number);
    let file = disk.open(&path).map_err(|e| failed("open", &path, 0, e))?;
    file.len().map_err(|e| failed("measure", &path, 0, e))
}

/// The first of the segments that follow each other up to the last one. A crash while segments
/// were retired may have left others before them.
fn first_of_the_last_run(ascending: &[u64]) -> u64 {
    let Some(last) = ascending.last() else { return 1 };
    let run =
        ascending.iter().rev().zip((0..=*last).rev()).take_while(|(found, next)| *found == next);
    run.last().map_or(1, |(first, _)| *first)
}

#[cfg(test)]
mod tests;
