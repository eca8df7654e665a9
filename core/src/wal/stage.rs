//! Blocks for the disk, made of bytes from the ring.
//!
//! The last, partial block is kept: it is written again, whole, when it has grown. The sectors that
//! are rewritten hold the same records as before, and more behind them; a sector is either old or
//! new after a crash, so nothing that was durable is lost.

use super::gather::Gather;
use super::position::{BLOCK_HEADER_BYTES, Geometry, segment_path};
use super::record::BlockHeader;
use super::ring::RingReader;
use super::segment::{Segments, SyncMethod};
use crate::disk::DiskFile;
use crate::error::Result;
use crate::lsn::Lsn;
use crate::page::AlignedBytes;
use crate::poison::Poison;
use std::sync::Arc;

/// Bytes that are written with one call at the most.
const GROUP_BYTES: u64 = 512 << 10;

/// What only the leader of a group uses: there is one for each log.
pub(super) struct Stager {
    reader: RingReader,
    geometry: Geometry,
    system_id: u64,
    /// Blocks to be written; the first is the one that the next group begins in, filled so far.
    blocks: AlignedBytes,
    segment: Option<Segment>,
    pub(super) gather: Gather,
}

/// The segment that is being written to.
#[derive(Clone)]
struct Segment {
    number: u64,
    file: Arc<dyn DiskFile>,
    method: SyncMethod,
}

/// What of a stager's blocks is to be written, and where.
pub(super) struct Group {
    segment: Segment,
    /// The first block, and how many bytes there are from its start.
    first: u64,
    bytes: usize,
    /// The end of the stream in them.
    pub(super) end: Lsn,
    /// Bytes of the stream that are new in them.
    pub(super) stream_bytes: u64,
    /// Whether they are to be durable.
    pub(super) is_durable: bool,
}

impl Stager {
    /// A stager that goes on behind the payload of a partial block.
    pub(super) fn new(
        reader: RingReader,
        geometry: Geometry,
        system_id: u64,
        partial: &[u8],
    ) -> Self {
        let group = (GROUP_BYTES / geometry.block_bytes).min(geometry.blocks_per_segment);
        let mut blocks = AlignedBytes::zeroed((group * geometry.block_bytes) as usize);
        blocks[BLOCK_HEADER_BYTES as usize..][..partial.len()].copy_from_slice(partial);
        Self { reader, geometry, system_id, blocks, segment: None, gather: Gather::default() }
    }

    /// The end of what has been staged.
    pub(super) fn staged(&self) -> Lsn {
        self.reader.taken()
    }

    /// Stages what is before `upto`, inserted, as far as it fits a group and the segment.
    ///
    /// # Errors
    /// [`Error::Io`](crate::error::Error::Io) if there is no space for a new segment: nothing was
    /// taken. [`Error::Poisoned`](crate::error::Error::Poisoned).
    pub(super) fn stage(
        &mut self,
        segments: &Segments,
        upto: Lsn,
        flushed_upto: Lsn,
        durably: bool,
    ) -> Result<Group> {
        let (geometry, staged) = (self.geometry, self.staged());
        let first = geometry.block(staged);
        let number = geometry.segment_of_block(first);
        let segment = self.segment(segments, number)?;
        let most = self.blocks.len() as u64 / geometry.block_bytes;
        let segment_end = geometry.segment_start(number + 1);
        let end = upto.min(geometry.block_start(first + most)).min(segment_end);
        self.fill(first, end, flushed_upto)?;
        // They are copied: the ring need not keep them for the write.
        self.reader.release();
        let blocks = match end == staged {
            true => 0,
            false => end.since(geometry.block_start(first)).div_ceil(geometry.payload_bytes),
        };
        let bytes = (blocks * geometry.block_bytes) as usize;
        let is_durable = durably || end == segment_end || segment.method.writes_durably();
        Ok(Group { segment, first, bytes, end, stream_bytes: end.since(staged), is_durable })
    }

    /// Fills the blocks from `first` on, up to `end`.
    fn fill(&mut self, first: u64, end: Lsn, flushed_upto: Lsn) -> Result<()> {
        let geometry = &self.geometry;
        let blocks = self.blocks.chunks_exact_mut(geometry.block_bytes as usize).zip(first..);
        for (bytes, block) in blocks {
            let address = geometry.block_start(block);
            if address >= end {
                break;
            }
            let from = self.reader.taken().since(address) as usize;
            let to = end.since(address).min(geometry.payload_bytes) as usize;
            let payload = &mut bytes[BLOCK_HEADER_BYTES as usize..];
            self.reader.take(&mut payload[from..to])?;
            payload[to..].fill(0);
            BlockHeader { system_id: self.system_id, address, flushed_upto }.encode(bytes);
        }
        Ok(())
    }

    /// Writes a group, and makes it durable if it is to be.
    ///
    /// # Errors
    /// [`Error::Poisoned`](crate::error::Error::Poisoned), after any failure.
    pub(super) fn write(&mut self, group: &Group, poison: &Poison) -> Result<()> {
        let Segment { number, file, method } = &group.segment;
        let failed = |op, error| poison.poison(op, &segment_path(*number), &error);
        if group.bytes > 0 {
            let offset = self.geometry.block_offset(group.first);
            file.write_at(&self.blocks[..group.bytes], offset).map_err(|e| failed("write", e))?;
        }
        if group.is_durable {
            method.sync(&**file).map_err(|error| failed("sync", error))?;
        }
        self.keep_last_block(group);
        Ok(())
    }

    /// Moves the block that the next group begins in to the front.
    fn keep_last_block(&mut self, group: &Group) {
        let block_bytes = self.geometry.block_bytes as usize;
        let from = (self.geometry.block(group.end) - group.first) as usize * block_bytes;
        if from > 0 && from < self.blocks.len() {
            self.blocks.copy_within(from..from + block_bytes, 0);
        }
    }

    fn segment(&mut self, segments: &Segments, number: u64) -> Result<Segment> {
        match &self.segment {
            Some(open) if open.number == number => Ok(open.clone()),
            _ => {
                let (file, method) = segments.take(number)?;
                Ok(self.segment.insert(Segment { number, file, method }).clone())
            }
        }
    }
}

#[cfg(test)]
mod tests;
