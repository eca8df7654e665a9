//! The bytes of a file as immutable sectors that disks and images share.
//!
//! # Invariants
//! * A sector of zeros is not stored, and no byte at or beyond `len` is other than zero once
//!   [`Content::resize`] has run: equal contents have equal maps, sums and digests.
//! * `sum` is the sum of `term(index, sector)` over the map. It follows every change, so the
//!   digest of a file costs nothing, however long the file is.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// A stored sector; `None` is one of zeros.
pub(super) type SectorRef = Option<Arc<Sector>>;

/// The bytes of one sector, not all zero.
#[derive(Debug)]
pub(super) struct Sector {
    bytes: Box<[u8]>,
    digest: u128,
}

impl Sector {
    /// What tells it from every other one.
    pub(super) fn digest(&self) -> u128 {
        self.digest
    }
}

/// The part of a byte range that lies in one sector.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    /// Number of the sector.
    pub(super) index: u64,
    /// Where in the sector the piece starts.
    pub(super) within: usize,
    /// Where in the range the piece starts.
    pub(super) at: usize,
    pub(super) len: usize,
}

/// A file's bytes and length; a clone shares the bytes.
#[derive(Debug, Clone)]
pub(super) struct Content {
    sector_bytes: usize,
    len: u64,
    sectors: Arc<BTreeMap<u64, Arc<Sector>>>,
    sum: u128,
}

impl Content {
    pub(super) fn empty(sector_bytes: usize) -> Self {
        Self { sector_bytes, len: 0, sectors: Arc::default(), sum: 0 }
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// What tells this content from every other one.
    pub(super) fn digest(&self) -> (u64, u128) {
        (self.len, self.sum)
    }

    /// All of it.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(self.len).expect("fits the memory")];
        self.read(&mut bytes, 0);
        bytes
    }

    /// Reads up to the file's end; returns the bytes read.
    pub(super) fn read(&self, buf: &mut [u8], offset: u64) -> usize {
        let left = self.len.saturating_sub(offset);
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
        for piece in pieces(self.sector_bytes, offset, len) {
            let target = &mut buf[piece.at..piece.at + piece.len];
            match self.sectors.get(&piece.index) {
                Some(sector) => {
                    target.copy_from_slice(&sector.bytes[piece.within..piece.within + piece.len]);
                }
                None => target.fill(0),
            }
        }
        len
    }

    /// A sector, if it is stored.
    pub(super) fn sector(&self, index: u64) -> SectorRef {
        self.sectors.get(&index).cloned()
    }

    /// The sector of `piece` as it would be after the piece has been written.
    pub(super) fn patched(&self, piece: Piece, bytes: &[u8]) -> SectorRef {
        let mut whole = match self.sectors.get(&piece.index) {
            Some(sector) => sector.bytes.clone(),
            None => vec![0; self.sector_bytes].into_boxed_slice(),
        };
        whole[piece.within..piece.within + piece.len]
            .copy_from_slice(&bytes[piece.at..piece.at + piece.len]);
        sector(whole)
    }

    /// Replaces a sector. The length stays: [`Content::resize`] must follow if it has to change.
    pub(super) fn put(&mut self, index: u64, sector: SectorRef) {
        let sectors = Arc::make_mut(&mut self.sectors);
        let old = match sector {
            Some(sector) => {
                self.sum = self.sum.wrapping_add(term(index, &sector));
                sectors.insert(index, sector)
            }
            None => sectors.remove(&index),
        };
        if let Some(old) = old {
            self.sum = self.sum.wrapping_sub(term(index, &old));
        }
    }

    /// Sets the length and drops whatever lies beyond it.
    pub(super) fn resize(&mut self, len: u64) {
        for (index, sector) in self.cut_off(len) {
            self.put(index, sector);
        }
        self.len = len;
    }

    /// The sectors that have bytes other than zero beyond `len`, in ascending order, as they are
    /// without these.
    pub(super) fn cut_off(&self, len: u64) -> Vec<(u64, SectorRef)> {
        let boundary = len / self.sector_bytes as u64;
        let used = (len % self.sector_bytes as u64) as usize;
        let mut cut = Vec::new();
        for (&index, stored) in self.sectors.range(boundary..) {
            if index > boundary || used == 0 {
                cut.push((index, None));
            } else if stored.bytes[used..].iter().any(|byte| *byte != 0) {
                let mut whole = stored.bytes.clone();
                whole[used..].fill(0);
                cut.push((index, sector(whole)));
            }
        }
        cut
    }

    /// Writes and extends at once, for tests that damage files.
    pub(super) fn overwrite(&mut self, offset: u64, bytes: &[u8]) {
        for piece in pieces(self.sector_bytes, offset, bytes.len()) {
            let patched = self.patched(piece, bytes);
            self.put(piece.index, patched);
        }
        self.resize(self.len.max(offset + bytes.len() as u64));
    }
}

/// The sectors that a byte range touches, in ascending order.
pub(super) fn pieces(
    sector_bytes: usize,
    offset: u64,
    len: usize,
) -> impl Iterator<Item = Piece> + Clone + use<> {
    let mut at = 0;
    std::iter::from_fn(move || {
        if at >= len {
            return None;
        }
        let position = offset.saturating_add(at as u64);
        let within = (position % sector_bytes as u64) as usize;
        let piece = Piece {
            index: position / sector_bytes as u64,
            within,
            at,
            len: (sector_bytes - within).min(len - at),
        };
        at += piece.len;
        Some(piece)
    })
}

/// 128 bits that tell values apart; the same in every run of one build.
pub(super) fn digest(value: &impl Hash) -> u128 {
    let half = |salt: u64| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        value.hash(&mut hasher);
        u128::from(hasher.finish())
    };
    (half(0) << 64) | half(1)
}

/// A sector of these bytes.
pub(super) fn sector(bytes: Box<[u8]>) -> SectorRef {
    if bytes.iter().all(|byte| *byte == 0) {
        return None;
    }
    let digest = digest(&bytes);
    Some(Arc::new(Sector { bytes, digest }))
}

fn term(index: u64, sector: &Sector) -> u128 {
    digest(&(index, sector.digest))
}
