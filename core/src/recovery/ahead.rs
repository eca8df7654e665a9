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
//! log needed between two checkpoints), as far as their files go, and no more of one than a segment
//! has: damage may have left valid blocks behind any number of others.

use crate::control::Control;
use crate::disk::Disk;
#[cfg(doc)]
use crate::error::Error;
use crate::error::{Result, WalFault};
use crate::lsn::Lsn;
use crate::wal::blocks::Blocks;
use crate::wal::position::{Geometry, segment_path};
use crate::wal::reader::Stop;
use crate::wal::record::BlockHeader;
use crate::wal::segment;
use std::fmt;
use std::sync::Arc;

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
    pub fn look(
        disk: &Arc<dyn Disk>,
        geometry: &Geometry,
        control: &Control,
        at: Lsn,
    ) -> Result<Self> {
        let mut beyond = Self::default();
        if control.ends_closed(at) {
            return Ok(beyond);
        }
        let (first, all) = (geometry.block(at), Lsn(u64::MAX));
        let mut blocks = Blocks::new(Arc::clone(disk), *geometry, control.system_id, all);
        let present = segment::list(&**disk, geometry)?.into_iter();
        for number in present.filter(|number| *number >= geometry.segment(at)) {
            let whole = segment::len(&**disk, number)? / geometry.block_bytes;
            let ours = geometry.blocks_of_segment(number);
            for block in first.max(ours.start)..ours.end.min(ours.start + whole) {
                // A block that is not valid tells nothing.
                if let Ok(header) = blocks.load(block)? {
                    beyond.note(&header, geometry.payload_bytes, header.address > at);
                }
            }
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

    /// The position up to which the log is known to have been durable, and who tells.
    pub fn durable(&self, control: &Control) -> (Lsn, &'static str) {
        if control.checkpoint_end > self.flushed_upto {
            (control.checkpoint_end, "the control file")
        } else {
            (self.flushed_upto, "the headers of WAL blocks")
        }
    }

    /// The hole, if the record that is not there, or not valid, had been durable as a whole.
    pub(super) fn hole(
        self,
        geometry: &Geometry,
        control: &Control,
        stop: &Stop,
    ) -> Option<WalFault> {
        let (durable, witness) = self.durable(control);
        if durable < stop.complete_at {
            return None;
        }
        Some(WalFault::Hole {
            valid_end: stop.at,
            segment: segment_path(geometry.segment(stop.at)),
            offset: geometry.offset(stop.at),
            reason: stop.reason.clone(),
            durable,
            witness,
            beyond: self,
        })
    }
}
