//! From record to record of a log that somebody may be writing to.
//!
//! # How it ends
//! * Where the log ends: behind the last valid record nothing is known to have been durable.
//! * At a hole: more is known to have been durable. That is a finding, as it is for recovery.
//! * Before the redo point: what is there is not needed any more, and goes when it likes.

use super::content::Content;
use super::{From, WalArgs};
use crate::exit::Failure;
use crate::open;
use seawall::seawall_core::control::Control;
use seawall::seawall_core::disk::Disk;
use seawall::seawall_core::page::PAGE_HEADER_BYTES;
use seawall::seawall_core::recovery::Beyond;
use seawall::seawall_core::wal::position::{Geometry, segment_path};
use seawall::seawall_core::wal::reader::{Stop, WalReader};
use seawall::seawall_core::wal::segment;
use seawall::{FileId, LinuxDisk, Lsn, Record, WalFault};
use serde_json::{Value, json};
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

/// How often a record is read that should be valid, of a store that may be open.
const READS_MAX: u32 = 4;

/// Why there are no more records, and where.
pub(super) struct End {
    at: Lsn,
    segment: String,
    offset_bytes: u64,
    reason: String,
    /// What is known to have been there as well.
    hole: Option<String>,
}

/// A log to be read.
pub(super) struct Walk<'a> {
    args: &'a WalArgs,
    disk: Arc<dyn Disk>,
    control: Control,
    geometry: Geometry,
}

impl<'a> Walk<'a> {
    pub(super) fn new(args: &'a WalArgs) -> Result<Self, Failure> {
        let disk = Arc::new(LinuxDisk::read_only(&args.dir));
        let control = open::control(&*disk)?;
        Ok(Self { args, geometry: Geometry::new(&control.format), disk, control })
    }

    /// Shows the records that are asked for. Gives `None` if `visit` has enough.
    pub(super) fn run(
        &self,
        mut visit: impl FnMut(&Record, &Content<'_>) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<Option<End>, Failure> {
        let body_bytes = self.control.format.page_bytes as usize - PAGE_HEADER_BYTES;
        let mut reader = match self.begin()? {
            Ok(reader) => reader,
            Err(stop) => return Ok(Some(self.end(&stop))),
        };
        let (mut read, mut visited) = (0, 0);
        loop {
            if let Some(reason) = self.enough(reader.position(), visited) {
                let at = reader.position();
                return Ok(Some(self.end(&Stop { at, reason, complete_at: at })));
            }
            let record = match reader.read()? {
                Ok(record) => record,
                Err(stop) => return self.judge(stop, read == 0).map(Some),
            };
            read += 1;
            let content = Content::of(&record, body_bytes, &self.geometry);
            if self.is_asked_for(&record, &content) {
                visited += 1;
                if visit(&record, &content)?.is_break() {
                    return Ok(None);
                }
            }
        }
    }

    /// A reader at the first record.
    fn begin(&self) -> Result<Result<WalReader, Stop>, Failure> {
        let at = match self.args.from {
            None => self.control.redo,
            Some(From::Lsn(lsn)) => lsn,
            Some(From::Start) => {
                let segments = segment::list(&*self.disk, &self.geometry)?;
                let Some(oldest) = segments.first().copied() else {
                    return Ok(Ok(self.reader(self.control.redo)));
                };
                let mut reader = self.reader(self.geometry.segment_start(oldest));
                return Ok(reader.find_record()?.map(|_| reader));
            }
        };
        Ok(Ok(self.reader(at)))
    }

    fn reader(&self, at: Lsn) -> WalReader {
        WalReader::new(Arc::clone(&self.disk), self.geometry, self.control.system_id, at)
    }

    fn enough(&self, position: Lsn, visited: u64) -> Option<String> {
        if self.args.limit.is_some_and(|limit| visited >= limit) {
            return Some(format!("--limit {visited}"));
        }
        self.args.to.filter(|to| position >= *to).map(|to| format!("--to {to}"))
    }

    fn is_asked_for(&self, record: &Record, content: &Content<'_>) -> bool {
        self.args.kind.is_none_or(|kind| kind == record.kind)
            && self.args.file.is_none_or(|file| content.is_about(FileId(file)))
    }

    /// Tells an end from a hole, and from a place where no record starts.
    fn judge(&self, stop: Stop, is_first: bool) -> Result<End, Failure> {
        // Anew: a store that is open has gone on since.
        let control = open::control(&*self.disk)?;
        let beyond = Beyond::look(&self.disk, &self.geometry, &control, stop.at)?;
        let (durable, _) = beyond.durable(&control);
        let mut end = self.end(&stop);
        if stop.at >= control.redo && durable < stop.complete_at {
            return Ok(end);
        }
        if self.is_valid_now(stop.at)? {
            end.reason = "what is behind was written while this was read".to_owned();
            return Ok(end);
        }
        if is_first && matches!(self.args.from, Some(From::Lsn(_))) {
            let fault = WalFault::NotARecord { lsn: stop.at, reason: stop.reason };
            return Err(Failure::Usage(fault.to_string()));
        }
        if stop.at >= control.redo {
            let bytes = durable.since(stop.at);
            end.hole =
                Some(format!("{end}; the log was durable to {durable}: {bytes} bytes are lost"));
        }
        Ok(end)
    }

    /// Whether a record is there by now. Read again if not: a block that is being written may be
    /// seen half.
    fn is_valid_now(&self, at: Lsn) -> Result<bool, Failure> {
        for _ in 0..READS_MAX {
            if self.reader(at).read()?.is_ok() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn end(&self, stop: &Stop) -> End {
        End {
            at: stop.at,
            segment: segment_path(self.geometry.segment(stop.at)),
            offset_bytes: self.geometry.offset(stop.at),
            reason: stop.reason.clone(),
            hole: None,
        }
    }
}

impl End {
    pub(super) fn json(&self) -> Value {
        json!({
            "lsn": self.at.to_string(),
            "segment": self.segment,
            "offset_bytes": self.offset_bytes,
            "reason": self.reason,
            "is_hole": self.hole.is_some(),
        })
    }

    /// A finding, if the log ends where it must not.
    pub(super) fn verdict(self) -> Result<(), Failure> {
        self.hole.map_or(Ok(()), |hole| Err(Failure::Finding(hole)))
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stopped at {} ({} offset ", self.at, self.segment)?;
        write!(f, "{}): {}", self.offset_bytes, self.reason)
    }
}
