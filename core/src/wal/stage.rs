//! Blocks for the disk, made of bytes from the ring.
//!
//! The last, partial block is kept: it is written again, whole, when it has grown. The sectors that
//! are rewritten hold the same records as before, and more behind them; a sector is either old or
//! new after a crash, so nothing that was durable is lost.

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
    /// The payload of the block that the next group begins in, as far as it has been staged.
    partial: Vec<u8>,
    segment: Option<Segment>,
}

/// The segment that is being written to.
#[derive(Clone)]
struct Segment {
    number: u64,
    file: Arc<dyn DiskFile>,
    method: SyncMethod,
}

/// Blocks that are ready to be written.
pub(super) struct Staged {
    segment: Segment,
    offset: u64,
    blocks: AlignedBytes,
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
        partial: Vec<u8>,
    ) -> Self {
        Self { reader, geometry, system_id, partial, segment: None }
    }

    /// Whether the next group may be written while this one is.
    pub(super) fn overlaps(&self) -> bool {
        self.segment.as_ref().is_some_and(|segment| segment.method.direct)
    }

    /// The end of what has been staged.
    pub(super) fn staged(&self) -> Lsn {
        self.reader.taken()
    }

    /// The end of the whole blocks before `upto`, with I/O that may overlap.
    pub(super) fn whole_blocks(&self, upto: Lsn) -> Option<Lsn> {
        let end = self.geometry.block_start(self.geometry.block(upto));
        (self.overlaps() && end > self.staged()).then_some(end)
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
    ) -> Result<Staged> {
        let geometry = self.geometry;
        let first = geometry.block(self.staged());
        let number = geometry.segment_of_block(first);
        let segment = self.segment(segments, number)?;
        let most = (GROUP_BYTES / geometry.block_bytes).max(1);
        let segment_end = geometry.segment_start(number + 1);
        let end = upto.min(geometry.block_start(first + most)).min(segment_end);
        let stream_bytes = end.since(self.staged());
        let blocks = self.blocks(first, end, flushed_upto)?;
        // They are copied: the ring need not keep them for the write.
        self.reader.release();
        let is_durable = durably || end == segment_end || segment.method.writes_durably();
        if end == segment_end {
            self.segment = None;
        }
        let offset = geometry.block_offset(first);
        Ok(Staged { segment, offset, blocks, end, stream_bytes, is_durable })
    }

    /// The blocks from `first` on, up to `end`; none if `end` is staged.
    fn blocks(&mut self, first: u64, end: Lsn, flushed_upto: Lsn) -> Result<AlignedBytes> {
        let geometry = self.geometry;
        let count = match end == self.staged() {
            true => 0,
            false => end.since(geometry.block_start(first)).div_ceil(geometry.payload_bytes),
        };
        let mut blocks = AlignedBytes::zeroed((count * geometry.block_bytes) as usize);
        for (bytes, block) in blocks.chunks_exact_mut(geometry.block_bytes as usize).zip(first..) {
            let address = geometry.block_start(block);
            BlockHeader { system_id: self.system_id, address, flushed_upto }.encode(bytes);
            let payload = &mut bytes[BLOCK_HEADER_BYTES as usize..];
            let from = self.partial.len();
            let to = end.since(address).min(geometry.payload_bytes) as usize;
            payload[..from].copy_from_slice(&self.partial);
            self.reader.take(&mut payload[from..to])?;
            self.partial.clear();
            if to < payload.len() {
                self.partial.extend_from_slice(&payload[..to]);
            }
        }
        Ok(blocks)
    }

    fn segment(&mut self, segments: &Segments, number: u64) -> Result<Segment> {
        match &self.segment {
            Some(open) if open.number == number => Ok(open.clone()),
            _ => {
                let (file, method) = segments.open_for_writing(number)?;
                Ok(self.segment.insert(Segment { number, file, method }).clone())
            }
        }
    }
}

impl Staged {
    /// Writes the blocks, and makes them durable if they are to be.
    ///
    /// # Errors
    /// [`Error::Poisoned`](crate::error::Error::Poisoned): after any failure.
    pub(super) fn write(&self, poison: &Poison) -> Result<()> {
        let Segment { number, file, method } = &self.segment;
        let failed = |op, error| poison.poison(op, &segment_path(*number), &error);
        if !self.blocks.is_empty() {
            file.write_at(&self.blocks, self.offset).map_err(|error| failed("write", error))?;
        }
        if self.is_durable {
            method.sync(&**file).map_err(|error| failed("sync", error))?;
        }
        Ok(())
    }
}
