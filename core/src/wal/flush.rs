//! From the ring to the disk: writing blocks, syncing, group commit.
//! PostgreSQL: `XLogWrite`, `XLogFlush`.
//!
//! There is one [`Writer`]; whoever wants something written or synced takes it for a turn. Who
//! syncs takes everybody who has inserted; who waits for the turn leaves when somebody has done
//! his work (group commit). No lock is held meanwhile: insertions go on.
//!
//! The writer keeps the last, partial block: it is written again, whole, when it has grown. The
//! sectors that are rewritten hold the same records as before, and more behind them; a sector is
//! either old or new after a crash, so nothing that was durable is lost.
//!
//! # Rules
//! * W4: only bytes before `inserted` are taken from the ring. W6: the ring gets them back after
//!   they are written.
//! * W5: `flushed` is raised after a sync that began after all bytes before it were written; the
//!   sync of a segment's end comes before the first write to the next.
//! * W8: nobody waits for an insertion while he has the turn. An inserter may need it, for room.
//! * A failed write or sync poisons before the turn is given back.
//!
//! # Checked by
//! models `wal_insert`, `group_flush`.

use super::position::{BLOCK_HEADER_BYTES, Geometry, segment_path};
use super::record::BlockHeader;
use super::ring::{Epoch, Ring, RingReader};
use super::segment::Segments;
use crate::buffer::DurableLog;
use crate::disk::DiskFile;
use crate::error::{Error, Result};
use crate::lsn::Lsn;
use crate::page::AlignedBytes;
use crate::poison::Poison;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::turn::Turn;
use std::sync::Arc;

/// Blocks that are written with one call at the most: 512 KiB of 8 KiB blocks.
const GROUP_BLOCKS: usize = 64;

/// The write-ahead log.
pub struct Wal {
    pub(super) ring: Arc<Ring>,
    pub(super) poison: Arc<Poison>,
    pub(super) geometry: Geometry,
    segments: Segments,
    system_id: u64,
    redo: AtomicU64,
    written: AtomicU64,
    flushed: AtomicU64,
    pub(super) async_commit: AtomicU64,
    writer: Turn<Writer>,
}

/// What only the thread that has the turn uses.
struct Writer {
    reader: RingReader,
    /// Blocks to be written; the first is the one that `written` is in, filled so far.
    staging: AlignedBytes,
    segment: Option<(u64, Arc<dyn DiskFile>)>,
}

/// Where a log goes on.
pub struct ResumeAt {
    /// The end of the last record, durable.
    pub end: Lsn,
    /// The payload of the block that `end` is in, up to it.
    pub last_block: Vec<u8>,
    /// The redo point until the next checkpoint fixes one.
    pub redo: Lsn,
}

impl Wal {
    /// A log that goes on at `at`, over a ring of `ring_bytes` (a power of two).
    pub fn resume(
        at: &ResumeAt,
        system_id: u64,
        geometry: Geometry,
        ring_bytes: usize,
        segments: Segments,
        poison: Arc<Poison>,
    ) -> Self {
        let (ring, reader) = Ring::new(ring_bytes, at.end, Arc::clone(&poison));
        let group = GROUP_BLOCKS.min(geometry.blocks_per_segment as usize);
        let mut staging = AlignedBytes::zeroed(group * geometry.block_bytes as usize);
        let header = BLOCK_HEADER_BYTES as usize;
        staging[header..header + at.last_block.len()].copy_from_slice(&at.last_block);
        Self {
            ring,
            poison,
            geometry,
            segments,
            system_id,
            redo: AtomicU64::new(at.redo.0),
            written: AtomicU64::new(at.end.0),
            flushed: AtomicU64::new(at.end.0),
            async_commit: AtomicU64::new(at.end.0),
            writer: Turn::new(Writer { reader, staging, segment: None }),
        }
    }

    /// The end of everything that has a place in the log.
    pub fn reserved(&self) -> Lsn {
        self.ring.reserved()
    }

    /// The end of what is in the page cache.
    pub fn written(&self) -> Lsn {
        // Acquire: pairs with the Release in write_group: who loads flushed, then this, then
        // reserved, sees them ascending (W1).
        Lsn(self.written.load(Ordering::Acquire))
    }

    /// The end of what is durable.
    pub fn flushed(&self) -> Lsn {
        // Acquire: pairs with the Release in sync (W1, and W9 for whoever acts on it).
        Lsn(self.flushed.load(Ordering::Acquire))
    }

    /// The redo point that new records go by, with its epoch. PostgreSQL: `GetRedoRecPtr`.
    pub fn redo(&self) -> (Epoch, Lsn) {
        let (epoch, _) = self.ring.reserved_now();
        // Relaxed: ordered by the acquiring load of the epoch. It may be newer than the epoch,
        // then the record gets more images than it needs, and becomes void.
        (epoch, Lsn(self.redo.load(Ordering::Relaxed)))
    }

    /// Fixes the redo point of a checkpoint at the end of everything reserved. Every record from
    /// there on is assembled in the knowledge of it (W11), and every change before it has set
    /// DIRTY (C1).
    pub fn fix_redo(&self) -> Lsn {
        // Relaxed: published by the exchange in Ring::fix_redo.
        self.ring.fix_redo(|redo| self.redo.store(redo.0, Ordering::Relaxed))
    }

    /// The segment files.
    pub fn segments(&self) -> &Segments {
        &self.segments
    }

    /// The sizes of the log's files.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Returns once everything before `lsn` is durable. PostgreSQL: `XLogFlush`.
    ///
    /// # Errors
    /// [`Error::Poisoned`]; [`Error::BeyondWal`]; [`Error::Io`] if there is no space for a new
    /// segment: the log can go on once there is.
    pub fn flush(&self, lsn: Lsn) -> Result<()> {
        if self.flushed() >= lsn {
            return Ok(());
        }
        let end = self.reserved();
        if lsn > end {
            return Err(Error::BeyondWal { lsn, end });
        }
        self.ring.wait_inserted(lsn);
        let done = || self.flushed() >= lsn || self.poison.is_set();
        if let Some(mut writer) = self.writer.take_unless(done) {
            self.write(&mut writer, self.ring.inserted())?;
            self.sync(&writer)?;
        }
        // Durable before the failure is durable all the same.
        if self.flushed() >= lsn { Ok(()) } else { self.poison.check() }
    }

    /// Returns once everything before `lsn` is in the page cache; makes it durable too if `sync`
    /// says so.
    pub(super) fn write_upto(&self, lsn: Lsn, sync: bool) -> Result<()> {
        self.ring.wait_inserted(lsn);
        let done = || {
            let reached = if sync { self.flushed() } else { self.written() };
            reached >= lsn || self.poison.is_set()
        };
        if let Some(mut writer) = self.writer.take_unless(done) {
            self.write(&mut writer, lsn)?;
            if sync {
                self.sync(&writer)?;
            }
        }
        self.poison.check()
    }

    /// Writes what is inserted, so that the ring has room before `end`. PostgreSQL:
    /// `AdvanceXLInsertBuffer`.
    ///
    /// The caller's own bytes there are not inserted. He waits for those one lap earlier, whose
    /// inserters have room or are here as well; the earliest of all has it or makes it (W8).
    pub(super) fn make_room(&self, end: Lsn) -> Result<()> {
        let needed = Lsn(end.0.saturating_sub(self.ring.capacity()));
        self.ring.wait_inserted(needed);
        let done = || self.written() >= needed || self.poison.is_set();
        if let Some(mut writer) = self.writer.take_unless(done) {
            self.write(&mut writer, self.ring.inserted())?;
        }
        self.poison.check()
    }

    /// Writes everything before `upto`, which is inserted.
    fn write(&self, writer: &mut Writer, upto: Lsn) -> Result<()> {
        while writer.reader.taken() < upto {
            self.write_group(writer, upto)?;
        }
        Ok(())
    }

    /// Writes as many blocks as fit the staging buffer and the segment.
    fn write_group(&self, writer: &mut Writer, upto: Lsn) -> Result<()> {
        let geometry = &self.geometry;
        let start = writer.reader.taken();
        let first = geometry.block(start);
        let number = geometry.segment_of_block(first);
        let group = (writer.staging.len() as u64) / geometry.block_bytes;
        let end =
            upto.min(geometry.block_start(first + group)).min(geometry.segment_start(number + 1));
        let file = self.segment_file(writer, number)?;
        self.stage(writer, first, end)?;

        let blocks = (end.since(geometry.block_start(first))).div_ceil(geometry.payload_bytes);
        let bytes = (blocks * geometry.block_bytes) as usize;
        file.write_at(&writer.staging[..bytes], geometry.block_offset(first))
            .map_err(|error| self.poison.poison("write", &segment_path(number), &error))?;
        writer.keep_last_block(geometry, first, end);
        // The room first: who waits for it waits for `written`, and would find none.
        writer.reader.release();
        // Release: pairs with the Acquire in written.
        self.written.store(end.0, Ordering::Release);
        if end == geometry.segment_start(number + 1) {
            self.sync(writer)?;
            writer.segment = None;
        }
        Ok(())
    }

    /// Fills the staging buffer with the blocks from `first` on, up to `end`.
    fn stage(&self, writer: &mut Writer, first: u64, end: Lsn) -> Result<()> {
        let geometry = &self.geometry;
        let flushed_upto = self.flushed();
        let Writer { reader, staging, .. } = writer;
        let blocks = staging.chunks_exact_mut(geometry.block_bytes as usize).zip(first..);
        for (bytes, block) in blocks {
            let address = geometry.block_start(block);
            if address >= end {
                break;
            }
            let from = reader.taken().since(address) as usize;
            let to = end.since(address).min(geometry.payload_bytes) as usize;
            let payload = &mut bytes[BLOCK_HEADER_BYTES as usize..];
            reader.take(&mut payload[from..to])?;
            payload[to..].fill(0);
            BlockHeader { system_id: self.system_id, address, flushed_upto }.encode(bytes);
        }
        Ok(())
    }

    /// Makes durable what is written.
    fn sync(&self, writer: &Writer) -> Result<()> {
        let written = self.written();
        if self.flushed() == written {
            return Ok(());
        }
        let (number, file) = writer.segment.as_ref().expect("written to it");
        file.sync_data()
            .map_err(|error| self.poison.poison("sync", &segment_path(*number), &error))?;
        // Release: pairs with the Acquire in flushed.
        self.flushed.store(written.0, Ordering::Release);
        Ok(())
    }

    fn segment_file(&self, writer: &mut Writer, number: u64) -> Result<Arc<dyn DiskFile>> {
        match &writer.segment {
            Some((open, file)) if *open == number => Ok(Arc::clone(file)),
            _ => {
                let file = self.segments.open_for_writing(number)?;
                writer.segment = Some((number, Arc::clone(&file)));
                Ok(file)
            }
        }
    }
}

impl Writer {
    /// Moves the block that `end` is in to the front of the staging buffer, after the blocks from
    /// `first` on were written.
    fn keep_last_block(&mut self, geometry: &Geometry, first: u64, end: Lsn) {
        let (last, block_bytes) = (geometry.block(end), geometry.block_bytes as usize);
        let from = (last - first) as usize * block_bytes;
        if from > 0 && from < self.staging.len() {
            self.staging.copy_within(from..from + block_bytes, 0);
        }
    }
}

impl DurableLog for Wal {
    fn flush(&self, lsn: Lsn) -> Result<()> {
        Wal::flush(self, lsn)
    }

    fn is_durable(&self, lsn: Lsn) -> bool {
        self.flushed() >= lsn
    }

    fn end(&self) -> Lsn {
        self.reserved()
    }
}
