//! A disk that can be full.
//!
//! # Rules
//! * A file takes a sector for itself, and one for each sector that was written or allocated: none
//!   for a hole, so a write into a hole may find no space, and one into space that the file has
//!   never does.
//! * A write that finds too little writes what there is space for; an allocation takes nothing.
//! * A cut gives back at once. A file that has no name gives back when nobody has it open.
//! * Nothing is counted before a limit is set, and what tests do behind the holders' backs is not.

use super::SimDisk;
use super::fault::ENOSPC;
use super::state::{Ino, Inode, State, errno};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;

/// What there is, and who has how much of it.
#[derive(Debug)]
pub(super) struct Space {
    sectors: u64,
    files: BTreeMap<Ino, BTreeSet<u64>>,
}

impl Space {
    fn used(&self) -> u64 {
        self.files.values().map(|taken| 1 + taken.len() as u64).sum()
    }

    fn left(&self) -> u64 {
        self.sectors.saturating_sub(self.used())
    }
}

impl SimDisk {
    /// Leaves so many bytes of space from now on, rounded down to sectors; `None` is any number.
    /// Images have no limit.
    pub fn set_space_left(&self, bytes: Option<u64>) {
        let mut state = self.state();
        let sector_bytes = state.medium.sector_bytes as u64;
        state.space = bytes.map(|bytes| {
            let taken = |len: u64| (0..len.div_ceil(sector_bytes)).collect();
            let inodes = state.inodes.iter();
            let files = inodes.map(|(ino, inode)| (*ino, taken(inode.cached.len()))).collect();
            Space { sectors: bytes / sector_bytes, files }
        });
        state.reclaim();
        if let Some(space) = &mut state.space {
            space.sectors += space.used();
        }
    }

    /// How much is left, if there is a limit.
    pub fn space_left(&self) -> Option<u64> {
        let mut state = self.state();
        state.reclaim();
        let sector_bytes = state.medium.sector_bytes as u64;
        state.space.as_ref().map(|space| space.left() * sector_bytes)
    }
}

impl State {
    /// Takes space for a new file.
    pub(super) fn take_file(&mut self, ino: Ino) -> io::Result<()> {
        self.reclaim();
        let Some(space) = &mut self.space else { return Ok(()) };
        if space.left() == 0 {
            return Err(errno(ENOSPC));
        }
        space.files.insert(ino, BTreeSet::new());
        Ok(())
    }

    /// Takes space for the sectors of a file, one after the other; returns for how many there is.
    pub(super) fn take(&mut self, ino: Ino, sectors: Range<u64>) -> usize {
        self.reclaim();
        let Some(space) = &mut self.space else { return usize::MAX };
        let mut left = space.left();
        let taken = space.files.entry(ino).or_default();
        let has_room = |sector: &u64| {
            let is_new = !taken.contains(sector);
            if is_new && left > 0 {
                left -= 1;
                taken.insert(*sector);
                return true;
            }
            !is_new
        };
        sectors.take_while(has_room).count()
    }

    /// Takes space for all the sectors, or for none.
    pub(super) fn take_all(&mut self, ino: Ino, sectors: Range<u64>) -> io::Result<()> {
        self.reclaim();
        let Some(space) = &mut self.space else { return Ok(()) };
        let left = space.left();
        let taken = space.files.entry(ino).or_default();
        if sectors.end.saturating_sub(sectors.start) > left + taken.len() as u64 {
            return Err(errno(ENOSPC));
        }
        let new: Vec<_> = sectors.filter(|sector| !taken.contains(sector)).collect();
        if new.len() as u64 > left {
            return Err(errno(ENOSPC));
        }
        taken.extend(new);
        Ok(())
    }

    /// Gives back what a file has from this sector on.
    pub(super) fn give_back(&mut self, ino: Ino, first: u64) {
        let Some(space) = &mut self.space else { return };
        if let Some(taken) = space.files.get_mut(&ino) {
            taken.split_off(&first);
        }
    }

    /// Takes space back from files that have no name and are not open.
    fn reclaim(&mut self) {
        let Some(space) = &mut self.space else { return };
        let named: BTreeSet<_> = self.names.seen.values().collect();
        let inodes = &self.inodes;
        space
            .files
            .retain(|ino, _| named.contains(ino) || inodes.get(ino).is_some_and(Inode::is_open));
    }
}
