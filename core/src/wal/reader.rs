//! Records out of the segment files. PostgreSQL: `XLogReadRecord`.
//!
//! The reader goes from record to record until one is not valid, and says why. Nothing that it
//! finds makes it panic, and it holds one block and one record at most.

use super::position::{BLOCK_HEADER_BYTES, Geometry, RECORD_ALIGNMENT, segment_path};
use super::record::{BlockHeader, RECORD_HEADER_BYTES, RecordHeader, RecordKind};
use crate::disk::{Disk, DiskFile};
use crate::error::{Error, Result, WalFault};
use crate::files::failed;
use crate::lsn::Lsn;
use crate::page::AlignedBytes;
use std::io;
use std::sync::Arc;

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
    disk: Arc<dyn Disk>,
    geometry: Geometry,
    system_id: u64,
    next: Lsn,
    segment: Option<(u64, Arc<dyn DiskFile>)>,
    block: AlignedBytes,
    loaded: Option<u64>,
    flushed_upto: Lsn,
}

/// Either what was asked for, or why it is not there.
type Found<T> = std::result::Result<T, String>;

impl WalReader {
    /// A reader whose first record starts at `start`.
    pub fn new(disk: Arc<dyn Disk>, geometry: Geometry, system_id: u64, start: Lsn) -> Self {
        let block = AlignedBytes::zeroed(geometry.block_bytes as usize);
        let (segment, loaded, flushed_upto) = (None, None, Lsn::ZERO);
        Self { disk, geometry, system_id, next: start, segment, block, loaded, flushed_upto }
    }

    /// The next record, or why there is none.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Wal`] for a valid record of unknown kind, which a later version may
    /// have written: it is not to be taken for the end.
    pub fn read(&mut self) -> Result<std::result::Result<Record, Stop>> {
        let at = self.next;
        let mut complete_at = at.plus(RECORD_HEADER_BYTES as u64);
        match self.record(at, &mut complete_at)? {
            Ok(record) => {
                self.next = record.end;
                Ok(Ok(record))
            }
            Err(reason) => Ok(Err(Stop { at, reason, complete_at })),
        }
    }

    /// Where the next record would start.
    pub fn position(&self) -> Lsn {
        self.next
    }

    /// The greatest durable position that any block tells of: those read so far, and those from the
    /// current one on in `segments`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn flushed_upto_ahead(&mut self, segments: &[u64]) -> Result<Lsn> {
        let per_segment = self.geometry.blocks_per_segment;
        let current = self.geometry.block(self.next);
        for segment in segments {
            let blocks = segment * per_segment..(segment + 1) * per_segment;
            for block in blocks.filter(|block| *block >= current) {
                // A block that is not valid tells nothing.
                let _ = self.load(block)?;
            }
        }
        Ok(self.flushed_upto)
    }

    /// The payload of the block that `end` is in, up to it.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Wal`] if the block is not valid, though records in it were.
    pub fn last_block(&mut self, end: Lsn) -> Result<Vec<u8>> {
        let block = self.geometry.block(end);
        let mut payload = vec![0; end.since(self.geometry.block_start(block)) as usize];
        match self.stream(self.geometry.block_start(block), &mut payload)? {
            Ok(()) => Ok(payload),
            Err(reason) => Err(Error::Wal(WalFault::BadContent { lsn: end, reason })),
        }
    }

    fn record(&mut self, start: Lsn, end: &mut Lsn) -> Result<Found<Record>> {
        let mut header = [0; RECORD_HEADER_BYTES];
        if let Err(reason) = self.stream(start, &mut header)? {
            return Ok(Err(reason));
        }
        let decoded = match RecordHeader::decode(&header, start) {
            Ok(decoded) => decoded,
            Err(reason) => return Ok(Err(reason)),
        };
        *end = start.plus((decoded.length as u64).next_multiple_of(RECORD_ALIGNMENT));
        let mut body = vec![0; decoded.length - RECORD_HEADER_BYTES];
        if let Err(reason) = self.stream(start.plus(RECORD_HEADER_BYTES as u64), &mut body)? {
            return Ok(Err(reason));
        }
        let kind = match decoded.verify(&body) {
            Ok(kind) => kind,
            Err(reason) => return Ok(Err(reason)),
        };
        let kind = kind.map_err(|byte| {
            let reason = format!("record kind {byte} is not known to this version");
            Error::Wal(WalFault::BadContent { lsn: start, reason })
        })?;
        Ok(Ok(Record { start, end: *end, kind, body }))
    }

    /// Reads bytes of the stream.
    fn stream(&mut self, start: Lsn, out: &mut [u8]) -> Result<Found<()>> {
        let payload_bytes = self.geometry.payload_bytes;
        let (mut at, mut rest) = (start, out);
        while !rest.is_empty() {
            if let Err(reason) = self.load(self.geometry.block(at))? {
                return Ok(Err(reason));
            }
            let skip = (at.0 % payload_bytes) as usize;
            let bytes = rest.len().min(payload_bytes as usize - skip);
            let from = BLOCK_HEADER_BYTES as usize + skip;
            rest[..bytes].copy_from_slice(&self.block[from..from + bytes]);
            (at, rest) = (at.plus(bytes as u64), &mut rest[bytes..]);
        }
        Ok(Ok(()))
    }

    /// Brings a block into memory and checks its header.
    fn load(&mut self, block: u64) -> Result<Found<()>> {
        if self.loaded == Some(block) {
            return Ok(Ok(()));
        }
        self.loaded = None;
        let number = self.geometry.segment_of_block(block);
        let Some(file) = self.open(number)? else {
            return Ok(Err(format!("there is no {}", segment_path(number))));
        };
        let offset = self.geometry.block_offset(block);
        let read = file
            .read_at(&mut self.block, offset)
            .map_err(|source| failed("read", &segment_path(number), offset, source))?;
        if read < self.block.len() {
            return Ok(Err(format!("{} ends inside the block", segment_path(number))));
        }
        let address = self.geometry.block_start(block);
        match BlockHeader::decode(&self.block, self.system_id, address) {
            Ok(header) => self.flushed_upto = self.flushed_upto.max(header.flushed_upto),
            Err(reason) => return Ok(Err(reason)),
        }
        self.loaded = Some(block);
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
