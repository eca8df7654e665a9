//! One data file in memory.

use super::FileOptions;
use super::segment::Segment;
use crate::error::{Error, Result};
use crate::fsync::SyncTag;
use crate::page::{FileId, PageId};
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard};
use std::ops::Range;

/// One data file.
pub struct DataFile {
    pub(super) id: FileId,
    pub(super) options: FileOptions,
    /// Blocks that exist.
    blocks: AtomicU32,
    /// Blocks that were on disk when it was opened, of each segment.
    blocks_found: Vec<u32>,
    /// Pages outside of the file are still written if they are before this block: the file is
    /// being cut, and the cut may fail. 0 at all other times.
    undecided: AtomicU32,
    /// Held while the file is extended, truncated or dropped, over the insertion of the record.
    length: Mutex<()>,
    /// Held shared by who reads pages in, from the look at `blocks` to the end of the read.
    reading: RwLock<()>,
    pub(super) segments: Mutex<Vec<Segment>>,
}

impl DataFile {
    pub(super) fn new(
        id: FileId,
        options: FileOptions,
        blocks: u32,
        blocks_found: Vec<u32>,
        segments: Vec<Segment>,
    ) -> Self {
        Self {
            id,
            options,
            blocks: AtomicU32::new(blocks),
            blocks_found,
            undecided: AtomicU32::new(0),
            length: Mutex::new(()),
            reading: RwLock::new(()),
            segments: Mutex::new(segments),
        }
    }

    /// Its number.
    pub fn id(&self) -> FileId {
        self.id
    }

    /// What was fixed when it was created.
    pub fn options(&self) -> FileOptions {
        self.options
    }

    /// Blocks that exist.
    pub fn blocks(&self) -> u32 {
        // Acquire: pairs with the Release in grow_to, so that who sees a block finds its page in
        // the pool or on disk.
        self.blocks.load(Ordering::Acquire)
    }

    /// How many of its first `blocks` blocks were on disk when it was opened, with so many to a
    /// segment.
    pub(crate) fn blocks_found(&self, blocks: u32, segment_blocks: u32) -> u32 {
        let firsts = (0..blocks).step_by(segment_blocks as usize);
        firsts.zip(&self.blocks_found).map(|(first, found)| (blocks - first).min(*found)).sum()
    }

    /// Publishes that all blocks before `blocks` exist.
    pub fn grow_to(&self, blocks: u32) {
        // Release: pairs with the Acquire in blocks.
        self.blocks.fetch_max(blocks, Ordering::Release);
    }

    /// Excludes others that want to change the file's length.
    pub fn lock_length(&self) -> MutexGuard<'_, ()> {
        self.length.lock()
    }

    /// Forgets the blocks from `blocks` on, if there are any. Nobody else uses the file.
    pub(crate) fn shorten_to(&self, blocks: u32) {
        let old = self.blocks();
        if old > blocks {
            self.begin_cut(&(blocks..old));
            self.end_cut();
        }
    }

    /// Begins to cut the file: the blocks of `cut`, its last ones, exist no more, and nobody is
    /// reading one of them in when this returns. The caller has locked the length.
    pub(crate) fn begin_cut(&self, cut: &Range<u32>) {
        // Relaxed: who asks has found a page outside of the file, which comes after this.
        self.undecided.store(cut.end, Ordering::Relaxed);
        // Relaxed: what follows passes through the lock that every reader takes before he looks;
        // others see the old length a moment longer.
        self.blocks.store(cut.start, Ordering::Relaxed);
        drop(self.reading.write());
    }

    /// The cut is a fact, or not to be: pages outside of the file are not written any more.
    pub(crate) fn end_cut(&self) {
        // Relaxed: who still sees the old value, and writes the page, has begun that write before
        // the cutter pins the page to wait for it.
        self.undecided.store(0, Ordering::Relaxed);
    }

    /// Whether a page that is outside of the file will never be part of it as it is. The caller
    /// holds its content lock.
    pub(crate) fn has_lost(&self, block: u32) -> bool {
        // Relaxed: see begin_cut and end_cut.
        block >= self.undecided.load(Ordering::Relaxed)
    }

    /// Checks that a page exists, and keeps its existence while the caller reads it in.
    pub(super) fn lock_for_reading(&self, page: PageId) -> Result<RwLockReadGuard<'_, ()>> {
        let reading = self.reading.read();
        self.check_exists(page)?;
        Ok(reading)
    }

    pub(crate) fn check_exists(&self, page: PageId) -> Result<()> {
        let blocks = self.blocks();
        if page.block() < blocks { Ok(()) } else { Err(Error::BeyondEnd { page, blocks }) }
    }

    /// A segment, if it was created.
    pub(super) fn segment(&self, segment: u32) -> Option<Segment> {
        self.segments.lock().get(segment as usize).cloned()
    }

    /// Path of a segment, relative to the store's directory.
    pub(crate) fn path(&self, segment: u32) -> String {
        self.options.path(SyncTag { file: self.id, segment })
    }
}
