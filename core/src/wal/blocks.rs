//! Blocks of the record stream out of the segment files, read in pieces.
//!
//! # Rules
//! * A piece is whole blocks of one segment, 256 KiB or a segment at most. Each block is checked
//!   before a byte of it is given.
//! * Blocks that start at or behind the limit are not read. When the limit rises, the block that
//!   it was in is read again: somebody may have written more to it since.

use super::position::{BLOCK_HEADER_BYTES, Geometry, segment_path};
use super::record::BlockHeader;
use crate::disk::{Disk, DiskFile};
use crate::error::Result;
use crate::files::failed;
use crate::lsn::Lsn;
use crate::page::AlignedBytes;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// Bytes that are read at once at the most: no block is larger.
const PIECE_BYTES: u64 = 256 << 10;

/// Either what was asked for, or why it is not there.
pub(crate) type Found<T> = std::result::Result<T, String>;

/// The blocks of a store's WAL.
pub(crate) struct Blocks {
    disk: Arc<dyn Disk>,
    geometry: Geometry,
    system_id: u64,
    segment: Option<(u64, Arc<dyn DiskFile>)>,
    piece: AlignedBytes,
    /// The blocks in the piece, from its start.
    held: Range<u64>,
    /// The one of them that was found valid last.
    valid: Option<(u64, BlockHeader)>,
    limit: Lsn,
}

impl Blocks {
    /// The blocks that start before `limit`.
    pub(crate) fn new(disk: Arc<dyn Disk>, geometry: Geometry, system_id: u64, limit: Lsn) -> Self {
        let piece = AlignedBytes::zeroed(geometry.segment_bytes().min(PIECE_BYTES) as usize);
        let (segment, held, valid) = (None, 0..0, None);
        Self { disk, geometry, system_id, segment, piece, held, valid, limit }
    }

    pub(super) fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    pub(super) fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    /// Nothing at or behind it is asked for.
    pub(super) fn limit(&self) -> Lsn {
        self.limit
    }

    /// From now on what is before `limit` is final. It never falls.
    pub(super) fn raise_limit(&mut self, limit: Lsn) {
        if limit > self.limit {
            let partial = self.geometry.block(self.limit);
            self.held.end = self.held.end.min(partial);
            self.valid = self.valid.filter(|(block, _)| *block < partial);
            self.limit = limit;
        }
    }

    /// Has everything read anew, through a new descriptor.
    pub(super) fn forget(&mut self) {
        (self.segment, self.held, self.valid) = (None, 0..0, None);
    }

    /// Reads bytes of the stream.
    pub(super) fn read(&mut self, start: Lsn, out: &mut [u8]) -> Result<Found<()>> {
        let payload_bytes = self.geometry.payload_bytes;
        let (mut at, mut rest) = (start, out);
        while !rest.is_empty() {
            let block = self.geometry.block(at);
            if let Err(reason) = self.load(block)? {
                return Ok(Err(reason));
            }
            let skip = (at.0 % payload_bytes) as usize;
            let bytes = rest.len().min(payload_bytes as usize - skip);
            let from = BLOCK_HEADER_BYTES as usize + skip;
            rest[..bytes].copy_from_slice(&self.held_block(block)[from..from + bytes]);
            (at, rest) = (at.plus(bytes as u64), &mut rest[bytes..]);
        }
        Ok(Ok(()))
    }

    /// Brings a block into memory and checks its header, which it returns.
    pub(crate) fn load(&mut self, block: u64) -> Result<Found<BlockHeader>> {
        if let Some((_, header)) = self.valid.filter(|(valid, _)| *valid == block) {
            return Ok(Ok(header));
        }
        self.valid = None;
        if !self.held.contains(&block)
            && let Err(reason) = self.read_piece(block)?
        {
            return Ok(Err(reason));
        }
        let address = self.geometry.block_start(block);
        let found = BlockHeader::decode(self.held_block(block), self.system_id, address);
        self.valid = found.as_ref().ok().map(|header| (block, *header));
        Ok(found)
    }

    /// The bytes of a block in the piece.
    fn held_block(&self, block: u64) -> &[u8] {
        let block_bytes = self.geometry.block_bytes as usize;
        &self.piece[(block - self.held.start) as usize * block_bytes..][..block_bytes]
    }

    /// Reads a block and those behind it.
    fn read_piece(&mut self, first: u64) -> Result<Found<()>> {
        self.held = 0..0;
        let geometry = self.geometry;
        let number = geometry.segment_of_block(first);
        let Some(file) = self.open(number)? else {
            return Ok(Err(format!("there is no {}", segment_path(number))));
        };
        let segment_end = geometry.blocks_of_segment(number).end;
        let limit = self.limit.0.div_ceil(geometry.payload_bytes).max(first + 1);
        let most = self.piece.len() as u64 / geometry.block_bytes;
        let blocks = segment_end.min(limit).min(first + most) - first;
        let piece = &mut self.piece[..(blocks * geometry.block_bytes) as usize];
        let offset = geometry.block_offset(first);
        let read = file
            .read_at(piece, offset)
            .map_err(|source| failed("read", &segment_path(number), offset, source))?;
        let whole = read as u64 / geometry.block_bytes;
        if whole == 0 {
            return Ok(Err(format!("{} ends inside the block", segment_path(number))));
        }
        self.held = first..first + whole;
        Ok(Ok(()))
    }

    fn open(&mut self, number: u64) -> Result<Option<Arc<dyn DiskFile>>> {
        if let Some((open, file)) = &self.segment
            && *open == number
        {
            return Ok(Some(Arc::clone(file)));
        }
        let path = segment_path(number);
        match self.disk.open(&path) {
            Ok(file) => {
                self.segment = Some((number, Arc::clone(&file)));
                Ok(Some(file))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("open", &path, 0, error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Format;
    use crate::sim::SimDisk;

    const SYSTEM_ID: u64 = 7;

    fn geometry() -> Geometry {
        let format = Format { wal_block_bytes: 1024, wal_segment_bytes: 4096, ..Format::default() };
        Geometry::new(&format)
    }

    /// A segment full of blocks whose payloads are this byte.
    fn write_segment(disk: &SimDisk, fill: u8) {
        let mut bytes = vec![fill; 4096];
        for (block, bytes) in (4..).zip(bytes.chunks_exact_mut(1024)) {
            let address = geometry().block_start(block);
            BlockHeader { system_id: SYSTEM_ID, address, flushed_upto: Lsn(8) }.encode(bytes);
        }
        disk.create_dir("wal").unwrap();
        disk.write_file(&segment_path(1), &bytes);
    }

    fn first_bytes(blocks: &mut Blocks) -> Vec<u8> {
        let mut read = |block| {
            let mut byte = [0];
            blocks.read(geometry().block_start(block), &mut byte).unwrap().unwrap();
            byte[0]
        };
        [4, 5].map(&mut read).to_vec()
    }

    #[test]
    fn whole_blocks_are_kept_and_the_one_at_the_limit_is_read_again_once_that_rises() {
        let disk = SimDisk::new();
        write_segment(&disk, 1);
        let limit = geometry().block_start(5).plus(16);
        let mut blocks = Blocks::new(Arc::new(disk.clone()), geometry(), SYSTEM_ID, limit);
        assert_eq!(first_bytes(&mut blocks), [1, 1]);
        disk.overwrite(&segment_path(1), 32, &[2; 992]);
        disk.overwrite(&segment_path(1), 1024 + 32, &[2; 992]);
        blocks.raise_limit(limit);
        assert_eq!(first_bytes(&mut blocks), [1, 1], "the limit has not risen");
        blocks.raise_limit(limit.plus(8));
        assert_eq!(first_bytes(&mut blocks), [1, 2]);
        blocks.forget();
        assert_eq!(first_bytes(&mut blocks), [2, 2]);
    }

    #[test]
    fn a_block_that_is_cut_off_or_in_the_wrong_place_is_no_block() {
        let disk = SimDisk::new();
        write_segment(&disk, 1);
        let mut blocks = Blocks::new(Arc::new(disk.clone()), geometry(), SYSTEM_ID, Lsn(u64::MAX));
        disk.truncate(&segment_path(1), 2048 + 100);
        let loaded: Vec<_> = (4..9).map(|block| blocks.load(block).unwrap()).collect();
        assert!(loaded[..2].iter().all(Result::is_ok));
        let reason = |block: usize| loaded[block].clone().unwrap_err();
        assert_eq!(reason(2), "wal/0000000000000001 ends inside the block");
        assert_eq!(reason(4), "there is no wal/0000000000000002");
        let bytes = disk.read_file(&segment_path(1));
        disk.write_file(&segment_path(2), &bytes);
        let reason = blocks.load(8).unwrap().unwrap_err();
        assert!(reason.starts_with("block address is"), "{reason}");
    }
}
