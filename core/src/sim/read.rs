//! What a read may give instead of what is there.

use super::SimDisk;
use super::content::{Content, pieces};
use super::fault::{Effect, Failure};
use super::state::{Ino, State};
use std::io;
use std::sync::Arc;

/// What is wrong with what a read gives. The seed of the [`Fault`](super::Fault) says where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadFault {
    /// The file ends earlier. (A read that is merely short is retried by who implements the disk.)
    Short,
    /// One bit is another one.
    FlippedBit,
    /// One sector is zeros.
    ZeroSector,
    /// All is zeros.
    Zeros,
    /// What was there when [`SimDisk::remember`] was called; without a call, what is durable. So
    /// does a device that has lost a write which it has acknowledged.
    Stale,
    /// As many bytes of another place: of the same file if it is long enough, else of another one.
    Elsewhere,
}

impl ReadFault {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Short,
        Self::FlippedBit,
        Self::ZeroSector,
        Self::Zeros,
        Self::Stale,
        Self::Elsewhere,
    ];
}

impl SimDisk {
    /// Keeps what files hold now, for reads that are to be stale later.
    pub fn remember(&self) {
        let mut state = self.state();
        let remembered = state.inodes.iter().map(|(ino, inode)| (*ino, inode.cached.clone()));
        state.remembered = Some(Arc::new(remembered.collect()));
    }
}

impl State {
    /// Fills the buffers, one after the other, with what is there; returns the bytes read.
    pub(super) fn read(&mut self, ino: Ino, bufs: &mut [&mut [u8]], offset: u64) -> usize {
        let cached = &self.inode(ino).cached;
        // A buffer that stays short is at the end of the file: those after it get nothing.
        bufs.iter_mut().fold(0, |done, buf| {
            let offset = offset.saturating_add(done as u64);
            done + cached.read(buf, offset)
        })
    }

    /// The same with what is not there.
    pub(super) fn read_wrong(
        &mut self,
        ino: Ino,
        bufs: &mut [&mut [u8]],
        offset: u64,
        failure: &mut Failure,
    ) -> io::Result<usize> {
        let Effect::ReadsWrong(fault) = failure.effect else { return failure.error() };
        let mut bytes = vec![0; bufs.iter().map(|buf| buf.len()).sum()];
        let read = self.read(ino, &mut [&mut bytes], offset);
        bytes.truncate(read);
        let random = &mut failure.random;
        match fault {
            ReadFault::Short => bytes.truncate(random.below(read)),
            ReadFault::FlippedBit if read > 0 => {
                bytes[random.below(read)] ^= 1 << random.below(8);
            }
            ReadFault::ZeroSector if read > 0 => {
                let mut sectors = pieces(self.medium.sector_bytes, offset, read);
                let struck = random.below(sectors.clone().count());
                let piece = sectors.nth(struck).expect("one of them");
                bytes[piece.at..piece.at + piece.len].fill(0);
            }
            ReadFault::FlippedBit | ReadFault::ZeroSector => {}
            ReadFault::Zeros => bytes.fill(0),
            ReadFault::Stale => self.read_stale(ino, &mut bytes, offset),
            ReadFault::Elsewhere => {
                let places = self.places(ino, offset, read);
                bytes.fill(0);
                if let Some((content, offset)) = places.get(random.below(places.len())) {
                    content.read(&mut bytes, *offset);
                }
            }
        }
        let mut rest = &bytes[..];
        for buf in bufs {
            let (these, others) = rest.split_at(rest.len().min(buf.len()));
            buf[..these.len()].copy_from_slice(these);
            rest = others;
        }
        Ok(bytes.len())
    }

    fn read_stale(&self, ino: Ino, bytes: &mut [u8], offset: u64) {
        bytes.fill(0);
        let durable = &self.inodes[&ino].durable;
        let old = match &self.remembered {
            Some(remembered) => remembered.get(&ino),
            None => Some(durable),
        };
        if let Some(old) = old {
            old.read(bytes, offset);
        }
    }

    /// Where else `len` bytes are to be had: in the same file, or else in others.
    fn places(&self, ino: Ino, offset: u64, len: usize) -> Vec<(&Content, u64)> {
        let step = (len as u64).max(1);
        let places = |of: Ino| {
            let content = &self.inodes[&of].cached;
            let whole = (0..content.len() / step).map(move |n| n * step);
            whole
                .map(move |place| (content, place))
                .filter(move |place| (of, place.1) != (ino, offset))
        };
        let same: Vec<_> = places(ino).collect();
        if !same.is_empty() {
            return same;
        }
        self.names.seen.values().flat_map(|of| places(*of)).collect()
    }
}
