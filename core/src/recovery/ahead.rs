//! What lies behind the last valid record, and whether any of it had been durable.
//!
//! # Rules
//! * R7: a log that ends before a position that is known to have been durable has lost commits.
//! * Behind the end of an undamaged log are zeros or older blocks, but for the block that the end
//!   is in and the blocks of a torn record. A valid block says up to where the log was durable when
//!   it was written: no further than its own end, so what comes before the end tells nothing.
//! * A store that was closed, and whose log ends there, has nothing behind that: it could not be
//!   used before the checkpoint that ends an opening.
//!
//! Otherwise all blocks from the end on are read, of the segments that there are (as many as the
//! log needed between two checkpoints), and no more of a file than a segment has: damage may have
//! left valid blocks behind any number of others.

use crate::control::{Control, StoreState};
use crate::disk::Disk;
use crate::error::{Error, Result, WalFault};
use crate::files::failed;
use crate::lsn::Lsn;
use crate::page::AlignedBytes;
use crate::wal::position::{Geometry, segment_path};
use crate::wal::reader::Stop;
use crate::wal::record::BlockHeader;
use crate::wal::segment;
use std::fmt;

/// Bytes of blocks that are read at once.
const READ_BYTES: u64 = 256 << 10;

/// The valid blocks of the log from the one on that a position is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Beyond {
    /// How many begin behind the position.
    pub blocks: u64,
    /// The end of the last of them.
    pub end: Lsn,
    /// The greatest position that any says was durable.
    pub flushed_upto: Lsn,
}

impl fmt::Display for Beyond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.blocks {
            0 => write!(f, "no valid block is behind it"),
            blocks => {
                let (plural, verb) = if blocks == 1 { ("", "is") } else { ("s", "are") };
                write!(f, "{blocks} valid block{plural}, up to {}, {verb} behind it; ", self.end)?;
                write!(f, "durable according to blocks: up to {}", self.flushed_upto)
            }
        }
    }
}

impl Beyond {
    /// Looks behind a position.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn look(
        disk: &dyn Disk,
        geometry: &Geometry,
        control: &Control,
        at: Lsn,
    ) -> Result<Self> {
        let mut beyond = Self::default();
        if control.state == StoreState::Closed && at == control.checkpoint_end {
            return Ok(beyond);
        }
        let first = geometry.block(at);
        let mut headers = Headers::new(geometry, control.system_id);
        for number in segment::list(disk, geometry)? {
            headers.read(disk, number, first, |header| {
                beyond.note(header, geometry.payload_bytes, header.address > at);
            })?;
        }
        Ok(beyond)
    }

    fn note(&mut self, header: &BlockHeader, payload_bytes: u64, is_behind: bool) {
        self.flushed_upto = self.flushed_upto.max(header.flushed_upto);
        if is_behind {
            self.blocks += 1;
            self.end = header.address.plus(payload_bytes);
        }
    }

    /// Fails if the record that is not there, or not valid, had been durable as a whole.
    ///
    /// # Errors
    /// [`Error::Wal`].
    pub(super) fn check(self, geometry: &Geometry, control: &Control, stop: &Stop) -> Result<()> {
        let (durable, witness) = if control.checkpoint_end > self.flushed_upto {
            (control.checkpoint_end, "the control file")
        } else {
            (self.flushed_upto, "the headers of WAL blocks")
        };
        if durable < stop.complete_at {
            return Ok(());
        }
        Err(Error::Wal(WalFault::Hole {
            valid_end: stop.at,
            segment: segment_path(geometry.segment(stop.at)),
            offset: geometry.offset(stop.at),
            reason: stop.reason.clone(),
            durable,
            witness,
            beyond: self,
        }))
    }
}

/// Reads blocks for their headers.
struct Headers<'g> {
    geometry: &'g Geometry,
    system_id: u64,
    buffer: AlignedBytes,
}

impl<'g> Headers<'g> {
    fn new(geometry: &'g Geometry, system_id: u64) -> Self {
        let bytes = READ_BYTES.min(geometry.segment_bytes());
        Self { geometry, system_id, buffer: AlignedBytes::zeroed(bytes as usize) }
    }

    /// The valid headers of the blocks of a segment from block `first` on.
    fn read(
        &mut self,
        disk: &dyn Disk,
        number: u64,
        first: u64,
        mut found: impl FnMut(&BlockHeader),
    ) -> Result<()> {
        let Geometry { block_bytes, blocks_per_segment, .. } = *self.geometry;
        let blocks = first.max(number * blocks_per_segment)..(number + 1) * blocks_per_segment;
        if blocks.is_empty() {
            return Ok(());
        }
        let path = segment_path(number);
        let file = disk.open(&path).map_err(|e| failed("open", &path, 0, e))?;
        let at_once = self.buffer.len() as u64 / block_bytes;
        for start in blocks.clone().step_by(at_once as usize) {
            let offset = self.geometry.block_offset(start);
            let bytes = at_once.min(blocks.end - start) * block_bytes;
            let piece = &mut self.buffer[..bytes as usize];
            let read = file.read_at(piece, offset).map_err(|e| failed("read", &path, offset, e))?;
            for (bytes, block) in piece[..read].chunks_exact(block_bytes as usize).zip(start..) {
                let address = self.geometry.block_start(block);
                // A block that is not valid tells nothing.
                if let Ok(header) = BlockHeader::decode(bytes, self.system_id, address) {
                    found(&header);
                }
            }
        }
        Ok(())
    }
}
