//! What recovery of a damaged WAL may end in, found without recovery.

use crate::base::{Base, records, segments};
use seawall_core::lsn::Lsn;
use seawall_core::sim::SimDisk;
use seawall_core::wal::position::BLOCK_HEADER_BYTES;
use seawall_core::wal::record::{BlockHeader, RecordHeader};
use std::collections::BTreeMap;

/// What became of the WAL.
pub(crate) struct Verdict {
    /// The damage has right checksums: anything in it may be believed.
    pub(crate) is_forged: bool,
    /// No byte has changed.
    pub(crate) is_whole: bool,
    /// Commits that must be there if the store opens.
    pub(crate) commits_min: usize,
}

impl Verdict {
    /// Compares the WAL on `disk`, which has all segments, with the undamaged one.
    pub(crate) fn of(base: &Base, disk: &SimDisk) -> Self {
        let damaged_at = first_damage(base, disk);
        let commits_min = commits_min(base, disk, base.control.checkpoint_end);
        Self { is_forged: is_forged(base, disk), is_whole: damaged_at.is_none(), commits_min }
    }
}

/// Commits that must be there if the store opens: those before the damage to the WAL, and those of
/// which any valid block, or the control file, says that they were durable.
pub(crate) fn commits_min(base: &Base, disk: &SimDisk, checkpoint_end: Lsn) -> usize {
    let headers = headers(base, &segments(disk));
    let durable = headers.values().map(|header| header.flushed_upto).max();
    let durable = durable.unwrap_or(Lsn::ZERO).max(checkpoint_end);
    let present = durable.max(first_damage(base, disk).unwrap_or(Lsn(u64::MAX)));
    base.ends.iter().filter(|end| **end <= present).count()
}

/// The first position of the stream that the damage concerns: for a byte of a block header, or one
/// that is cut off, the first of the block.
pub(crate) fn first_damage(base: &Base, disk: &SimDisk) -> Option<Lsn> {
    let geometry = &base.geometry;
    let position = |number: u64, byte: usize| {
        let block = number * geometry.blocks_per_segment + byte as u64 / geometry.block_bytes;
        let within = (byte as u64 % geometry.block_bytes).saturating_sub(BLOCK_HEADER_BYTES);
        geometry.block_start(block).plus(within)
    };
    let found: BTreeMap<_, _> = segments(disk).into_iter().collect();
    let damage = base.segments.iter().filter_map(|(number, old)| {
        let new = found.get(number).map_or(&[][..], |bytes| bytes);
        let changed = (0..old.len()).find(|byte| new.get(*byte) != old.get(*byte));
        changed.map(|byte| match byte < new.len() {
            true => position(*number, byte),
            false => position(*number, byte - byte % geometry.block_bytes as usize),
        })
    });
    damage.min()
}

/// The valid headers of all blocks.
fn headers(base: &Base, segments: &[(u64, Vec<u8>)]) -> BTreeMap<u64, BlockHeader> {
    let geometry = &base.geometry;
    let blocks = segments.iter().flat_map(|(number, bytes)| {
        let first = number.saturating_mul(geometry.blocks_per_segment);
        (first..).zip(bytes.chunks_exact(geometry.block_bytes as usize))
    });
    let valid = blocks.filter_map(|(block, bytes)| {
        let address = geometry.block_start(block);
        Some((block, BlockHeader::decode(bytes, base.control.system_id, address).ok()?))
    });
    valid.collect()
}

/// Whether anything is valid that is not as it was: a block header, a record, or the header of the
/// first record that is not valid.
fn is_forged(base: &Base, disk: &SimDisk) -> bool {
    let original = headers(base, &base.segments);
    let found = headers(base, &segments(disk));
    let block_is_forged = found.iter().any(|(block, found)| original.get(block) != Some(found));
    let Ok(found) = records(disk, base.geometry, &base.control) else { return true };
    let stop = found.last().map_or(base.control.redo, |record| record.end);
    let header_at_stop = |segments: &[(u64, Vec<u8>)]| {
        let (origin, stream) = stream(base, segments);
        let bytes = stream.get(stop.since(origin) as usize..).and_then(|rest| rest.first_chunk());
        bytes.and_then(|bytes| RecordHeader::decode(bytes, stop).ok())
    };
    let header = header_at_stop(&segments(disk));
    let header_is_forged = header.is_some() && header != header_at_stop(&base.segments);
    block_is_forged || header_is_forged || !base.records.starts_with(&found)
}

/// The payloads of all blocks, with the position of the first byte.
pub(crate) fn stream(base: &Base, segments: &[(u64, Vec<u8>)]) -> (Lsn, Vec<u8>) {
    let geometry = &base.geometry;
    let blocks =
        segments.iter().flat_map(|(_, bytes)| bytes.chunks_exact(geometry.block_bytes as usize));
    let payloads = blocks.flat_map(|block| &block[BLOCK_HEADER_BYTES as usize..]);
    (geometry.segment_start(segments[0].0), payloads.copied().collect())
}
