//! What kind of medium a disk is, and what it may show after a crash where nothing was ever meant
//! to be.

use super::SimDisk;
use super::content::{Content, SectorRef, sector};
use super::random::SplitMix64;
use super::state::Ino;
use std::collections::BTreeMap;
use std::ops::Range;

/// What a disk and its images have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Medium {
    pub(super) sector_bytes: usize,
    stale_tails: bool,
    garbage: bool,
}

/// Bytes that a sector has after a crash though nobody has written them there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Junk {
    /// Of a file that had the sector before.
    Stale,
    /// Power went while the sector was written.
    Garbage,
}

impl Medium {
    pub(super) fn new(sector_bytes: usize) -> Self {
        assert!(sector_bytes.is_power_of_two(), "sectors of {sector_bytes} bytes");
        Self { sector_bytes, stale_tails: false, garbage: false }
    }

    /// The sectors that a range touches.
    pub(super) fn sectors(&self, bytes: Range<u64>) -> Range<u64> {
        let sector_bytes = self.sector_bytes as u64;
        bytes.start / sector_bytes..bytes.end.div_ceil(sector_bytes)
    }

    /// What may be in a sector that is written and not synced, in a file that is `durable` bytes
    /// long if the crash takes all away.
    pub(super) fn junk(&self, start: u64, durable: u64) -> impl Iterator<Item = Junk> + use<> {
        let stale = (self.stale_tails && start >= durable).then_some(Junk::Stale);
        stale.into_iter().chain(self.garbage.then_some(Junk::Garbage))
    }
}

impl Junk {
    /// The bytes. Stale ones are those of another file where there is one that long: they may look
    /// like what is expected.
    pub(super) fn sector(
        self,
        medium: Medium,
        files: &BTreeMap<Ino, Content>,
        ino: Ino,
        index: u64,
    ) -> SectorRef {
        let others = files.iter().filter(|(other, _)| **other != ino);
        let old = others.rev().find_map(|(_, content)| content.sector(index));
        match (self, old) {
            (Self::Stale, Some(old)) => Some(old),
            _ => noise(medium.sector_bytes, ino ^ index.rotate_left(32)),
        }
    }
}

fn noise(bytes: usize, seed: u64) -> SectorRef {
    let mut random = SplitMix64::new(seed);
    sector((0..bytes).map(|_| random.next() as u8).collect())
}

impl SimDisk {
    /// After a crash a sector of an extension that did not survive may also hold what another file
    /// had there, as on a file system that does not order data before lengths. Images are of the
    /// same kind. To be called before files are used.
    #[must_use]
    pub fn with_stale_tails(self) -> Self {
        self.state().medium.stale_tails = true;
        self
    }

    /// After a crash a sector that is written and not synced may also hold garbage: no *powersafe
    /// overwrite*. Images are of the same kind. To be called before files are used.
    #[must_use]
    pub fn with_garbage(self) -> Self {
        self.state().medium.garbage = true;
        self
    }
}
