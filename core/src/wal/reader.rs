//! Records out of the segment files. PostgreSQL: `XLogReadRecord`.
//!
//! The reader goes from record to record until one is not valid, and says why. Nothing that it
//! finds makes it panic, and it holds one piece of blocks (256 KiB) and one record (16 MiB) at the
//! most. It takes what it finds for final: `tail.rs` reads what is still being written.
//!
//! # Rules
//! * W7: records tile the stream, each with its own position.

use super::blocks::{Blocks, Found};
use super::position::{Geometry, RECORD_ALIGNMENT};
use super::record::{MAX_RECORD_BYTES, RECORD_HEADER_BYTES, RecordHeader, RecordKind};
use crate::disk::Disk;
use crate::error::{Error, Result, WalFault};
use crate::lsn::Lsn;
use std::sync::Arc;

/// Bytes of what looks like records that are read in search of one.
const TRIED_BYTES_MAX: usize = 4 * MAX_RECORD_BYTES;

/// A valid record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Where it starts.
    pub start: Lsn,
    /// Where the next one starts.
    pub end: Lsn,
    /// What it is about.
    pub kind: RecordKind,
    /// What it says.
    pub body: Vec<u8>,
}

/// Why there is no further record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// Where it would start: the end of the valid WAL.
    pub at: Lsn,
    /// What is there instead.
    pub reason: String,
    /// The end of the record that would be there: by its header, if that is valid, else the
    /// least that a record takes. If the WAL was durable up to here, the record was complete, and
    /// has been damaged since; if not, it is a torn tail. (A record that crosses blocks may be
    /// durable in part.)
    pub complete_at: Lsn,
}

/// Reads records from a position on.
pub struct WalReader {
    blocks: Blocks,
    next: Lsn,
}

impl WalReader {
    /// A reader whose first record starts at `start`.
    pub fn new(disk: Arc<dyn Disk>, geometry: Geometry, system_id: u64, start: Lsn) -> Self {
        let blocks = Blocks::new(disk, geometry, system_id, Lsn(u64::MAX));
        Self { blocks, next: start }
    }

    /// The next record, or why there is none.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Wal`] for a valid record of unknown kind, which a later version may
    /// have written: it is not to be taken for the end.
    pub fn read(&mut self) -> Result<std::result::Result<Record, Stop>> {
        let at = self.next;
        let mut complete_at = at.plus(RECORD_HEADER_BYTES as u64);
        let found = match read_header(&mut self.blocks, at)? {
            Ok(header) => {
                complete_at = record_end(at, &header);
                read_body(&mut self.blocks, at, &header)?
            }
            Err(reason) => Err(reason),
        };
        if let Ok(record) = &found {
            self.next = record.end;
        }
        Ok(found.map_err(|reason| Stop { at, reason, complete_at }))
    }

    /// Where the next record would start.
    pub fn position(&self) -> Lsn {
        self.next
    }

    /// Moves on to the first place where a valid record starts, and returns it: here, or behind
    /// the rest of one that starts before.
    ///
    /// A record is known by its own position and checksums. Only bytes that were made to look like
    /// a record at this very place, within another record, could pass for one.
    ///
    /// # Errors
    /// As [`WalReader::read`].
    pub fn find_record(&mut self) -> Result<std::result::Result<Lsn, Stop>> {
        let first = self.next;
        let last = first.plus(MAX_RECORD_BYTES as u64);
        let mut header = [0; RECORD_HEADER_BYTES];
        let (mut at, mut tried) = (first, 0);
        let reason = loop {
            if let Err(reason) = self.blocks.read(at, &mut header)? {
                break reason;
            }
            if let Ok(header) = RecordHeader::decode(&header, at) {
                tried += header.length;
                if tried > TRIED_BYTES_MAX {
                    break format!("what looks like records has more than {TRIED_BYTES_MAX} bytes");
                }
                self.next = at;
                if self.read()?.is_ok() {
                    self.next = at;
                    return Ok(Ok(at));
                }
            }
            at = at.plus(RECORD_ALIGNMENT);
            if at > last {
                break format!("no record starts within {MAX_RECORD_BYTES} bytes");
            }
        };
        self.next = first;
        let complete_at = first.plus(RECORD_HEADER_BYTES as u64);
        Ok(Err(Stop { at: first, reason, complete_at }))
    }

    /// The payload of the block that `end` is in, up to it.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Wal`] if the block is not valid, though records in it were.
    pub fn last_block(&mut self, end: Lsn) -> Result<Vec<u8>> {
        let geometry = self.blocks.geometry();
        let start = geometry.block_start(geometry.block(end));
        let mut payload = vec![0; end.since(start) as usize];
        match self.blocks.read(start, &mut payload)? {
            Ok(()) => Ok(payload),
            Err(reason) => Err(Error::Wal(WalFault::BadContent { lsn: end, reason })),
        }
    }
}

/// Where a record ends, with its padding.
pub(super) fn record_end(start: Lsn, header: &RecordHeader) -> Lsn {
    start.plus((header.length as u64).next_multiple_of(RECORD_ALIGNMENT))
}

/// The header of the record that starts at `start`.
pub(super) fn read_header(blocks: &mut Blocks, start: Lsn) -> Result<Found<RecordHeader>> {
    let mut header = [0; RECORD_HEADER_BYTES];
    let read = blocks.read(start, &mut header)?;
    Ok(read.and_then(|()| RecordHeader::decode(&header, start)))
}

/// The record with this header.
pub(super) fn read_body(
    blocks: &mut Blocks,
    start: Lsn,
    header: &RecordHeader,
) -> Result<Found<Record>> {
    let mut body = vec![0; header.length - RECORD_HEADER_BYTES];
    let read = blocks.read(start.plus(RECORD_HEADER_BYTES as u64), &mut body)?;
    let kind = match read.and_then(|()| header.verify(&body)) {
        Ok(kind) => kind,
        Err(reason) => return Ok(Err(reason)),
    };
    let kind = kind.map_err(|byte| {
        let reason = format!("record kind {byte} is not known to this version");
        Error::Wal(WalFault::BadContent { lsn: start, reason })
    })?;
    Ok(Ok(Record { start, end: record_end(start, header), kind, body }))
}
