//! Durable records as they come: for replication and change capture. PostgreSQL: walsender.
//!
//! # Rules
//! * A record is given once all of it is durable, in order, each once (W7).
//! * The reader holds nothing back. A segment may be recycled or removed under it: that is an
//!   error, for its bytes have other positions then, and do not pass.
//! * A name is given to a segment once. So what was read from a segment whose name is there
//!   afterwards was read from that segment.
//! * What is durable is never changed, but the header of the last block is written anew with each
//!   group, and may be read half: what is not valid is read again before it is damage.

use super::blocks::{Blocks, Found};
use super::position::{Geometry, RECORD_ALIGNMENT, segment_path};
use super::reader::{Record, read_body, read_header, record_end};
use super::record::{RECORD_HEADER_BYTES, RecordHeader};
use super::segment;
use crate::disk::Disk;
use crate::error::{Error, Result, WalFault};
use crate::lsn::{LSN_LIMIT, Lsn};
use std::sync::Arc;

/// How often something is read that should be valid. A header is half written for some
/// nanoseconds in each group.
const READS_MAX: u32 = 10;

/// Reads records up to the durable position, which moves.
pub struct TailReader {
    blocks: Blocks,
    next: Lsn,
    durable_upto: Box<dyn Fn() -> Lsn + Send>,
    /// Whether a record is known to start at `next`.
    is_at_record: bool,
}

impl TailReader {
    /// A reader whose first record starts at `from`, of a WAL that is durable up to what
    /// `durable_upto` tells.
    ///
    /// # Errors
    /// [`Error::Wal`] with [`WalFault::NotARecord`] if no record starts there (if `from` is not
    /// durable yet, the first read that could find one says so), or with
    /// [`WalFault::Recycled`] if it is too long ago; [`Error::Io`].
    pub fn new(
        disk: Arc<dyn Disk>,
        geometry: Geometry,
        system_id: u64,
        from: Lsn,
        durable_upto: impl Fn() -> Lsn + Send + 'static,
    ) -> Result<Self> {
        let possible = geometry.start().0..LSN_LIMIT;
        if !possible.contains(&from.0) || !from.0.is_multiple_of(RECORD_ALIGNMENT) {
            let reason = format!(
                "expected a multiple of {RECORD_ALIGNMENT} from {} on, below {}",
                geometry.start(),
                Lsn(LSN_LIMIT)
            );
            return Err(Error::Wal(WalFault::NotARecord { lsn: from, reason }));
        }
        let blocks = Blocks::new(disk, geometry, system_id, Lsn::ZERO);
        let durable_upto = Box::new(durable_upto);
        let mut reader = Self { blocks, next: from, durable_upto, is_at_record: false };
        reader.is_at_record = reader.valid(Self::header)?.is_some();
        Ok(reader)
    }

    /// The next record, or `None` if not all of it is durable yet.
    ///
    /// # Errors
    /// [`Error::Wal`] with [`WalFault::Recycled`] if the reader was too slow, with
    /// [`WalFault::BadContent`] if the record is damaged or of unknown kind; [`Error::Io`]. The
    /// next call tries the same record.
    #[expect(clippy::should_implement_trait, reason = "it goes on after `None`, and may fail")]
    pub fn next(&mut self) -> Result<Option<Record>> {
        let Some(record) = self.valid(Self::record)? else { return Ok(None) };
        self.next = record.end;
        self.is_at_record = true;
        Ok(Some(record))
    }

    /// Where the next record starts.
    pub fn position(&self) -> Lsn {
        self.next
    }

    /// What `read` gives, once that is valid.
    fn valid<T>(
        &mut self,
        read: impl Fn(&mut Self) -> Result<Found<Option<T>>>,
    ) -> Result<Option<T>> {
        self.blocks.raise_limit((self.durable_upto)());
        let mut reads = 1;
        loop {
            let reason = match read(self)? {
                Ok(found) => return Ok(found),
                Err(reason) => reason,
            };
            self.check_present()?;
            if reads == READS_MAX {
                return Err(self.invalid(reason));
            }
            reads += 1;
            self.blocks.forget();
        }
    }

    /// The header of the next record, if it is durable.
    fn header(&mut self) -> Result<Found<Option<RecordHeader>>> {
        if self.next.plus(RECORD_HEADER_BYTES as u64) > self.blocks.limit() {
            return Ok(Ok(None));
        }
        Ok(read_header(&mut self.blocks, self.next)?.map(Some))
    }

    /// The next record, if all of it is durable.
    fn record(&mut self) -> Result<Found<Option<Record>>> {
        match self.header()? {
            Ok(Some(header)) if record_end(self.next, &header) <= self.blocks.limit() => {
                Ok(read_body(&mut self.blocks, self.next, &header)?.map(Some))
            }
            Ok(_) => Ok(Ok(None)),
            Err(reason) => Ok(Err(reason)),
        }
    }

    /// Segments go in their order: if the one that the record starts in is there, so are those
    /// behind it.
    fn check_present(&self) -> Result<()> {
        let needed = self.blocks.geometry().segment(self.next);
        if segment::list(self.blocks.disk(), self.blocks.geometry())?.contains(&needed) {
            return Ok(());
        }
        let segment = segment_path(needed);
        Err(Error::Wal(WalFault::Recycled { lsn: self.next, segment }))
    }

    fn invalid(&self, reason: String) -> Error {
        let lsn = self.next;
        Error::Wal(match self.is_at_record {
            true => WalFault::BadContent { lsn, reason: format!("durable, but damaged: {reason}") },
            false => WalFault::NotARecord { lsn, reason },
        })
    }
}
