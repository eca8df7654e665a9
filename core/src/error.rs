//! What can go wrong, and what each report names.

use crate::files::TablespaceId;
use crate::lsn::Lsn;
use crate::page::{FileId, PageId};
use crate::poison::PoisonCause;
use crate::recovery::{Beyond, SalvageFault};
use std::fmt;
use std::io;
use std::sync::Arc;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that a store reports.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Error {
    /// A disk operation failed and nothing durable is in doubt. The caller may try again, unless it
    /// was a commit that waits: that may be in the log already. Who has to know commits with
    /// [`Engine::commit_async`](crate::engine::Engine::commit_async), and waits.
    Io {
        /// What was attempted, as a verb.
        op: &'static str,
        /// For which page, where it is a read or write of one.
        page: Option<PageId>,
        /// On which file, relative to the store's directory.
        file: String,
        /// At which byte of the file; 0 where the operation has no offset.
        offset: u64,
        /// What the operating system said. Shared: everybody who waited for a read gets its error.
        source: Arc<io::Error>,
    },
    /// What was to be durable is in doubt, now or since earlier: a sync, writeback, a write of the
    /// log or a cut has failed, or a thread has panicked. Commits and checkpoints are refused until
    /// the store is opened again.
    Poisoned(Arc<PoisonCause>),
    /// A page was read that is not the page that was written.
    Page {
        /// Which page was asked for.
        page: PageId,
        /// What was found instead.
        fault: PageFault,
    },
    /// All buffers are pinned. The pool is too small for the operations that run at once.
    NoUnpinnedBuffers {
        /// Buffers of the pool.
        buffers: usize,
    },
    /// There is no such data file.
    NoSuchFile {
        /// The file asked for.
        file: FileId,
    },
    /// There is no such tablespace.
    NoSuchTablespace {
        /// The tablespace asked for.
        tablespace: TablespaceId,
    },
    /// The page is beyond the end of its file.
    BeyondEnd {
        /// The page asked for.
        page: PageId,
        /// Blocks of the file.
        blocks: u32,
    },
    /// Bytes outside the page's body were asked for.
    OutsideBody {
        /// The page.
        page: PageId,
        /// First byte asked for.
        start: usize,
        /// Byte after the last.
        end: usize,
        /// Bytes of a page's body.
        body_bytes: usize,
    },
    /// A change of an engine's own kind was refused: the page is as it was.
    CustomChange {
        /// The page.
        page: PageId,
        /// The kind.
        kind: u8,
        /// What is wrong with it.
        reason: String,
    },
    /// A WAL record that would be larger than a record may be.
    RecordTooLarge {
        /// Bytes of the record.
        bytes: usize,
        /// The greatest record.
        max_bytes: usize,
    },
    /// A position beyond the end of the WAL was to be made durable: a page carries an LSN that no
    /// record has.
    BeyondWal {
        /// The position asked for.
        lsn: Lsn,
        /// The end of the WAL.
        end: Lsn,
    },
    /// The log has reached the last position that there is: 2 PiB in the life of a store, less
    /// 1 TiB that is kept for checkpoints. What is in the store can be read.
    WalExhausted {
        /// Where the record would have ended.
        end: Lsn,
        /// Where it may end at the latest.
        limit: Lsn,
    },
    /// The WAL from this position on was asked for, and its beginning is removed.
    WalGone {
        /// The position asked for.
        lsn: Lsn,
        /// The first position that is still there.
        oldest: Lsn,
    },
    /// The WAL cannot be replayed, or not be read from where it was asked for: it is damaged before
    /// a position that was durable, needs a [`Redo`](crate::redo::Redo) that is not there or
    /// refuses, or no record starts at that position.
    Wal(WalFault),
    /// The log is not to be cut like this.
    Salvage(SalvageFault),
    /// The control file cannot be used.
    Control(ControlFault),
    /// The directory holds no store, or one whose data files do not fit together.
    NotAStore {
        /// What was missing or found.
        found: String,
    },
    /// The directory is in use already.
    AlreadyExists {
        /// What was found.
        found: String,
    },
    /// The store is in use: it is open, in this process or another one, or somebody looks at it
    /// (`seawall check`).
    Locked {
        /// The process that opened it last, if it could be read: the holder, unless that only
        /// looks.
        holder_pid: Option<u32>,
    },
    /// A setting that is out of range or contradicts the store.
    Config {
        /// The setting.
        setting: &'static str,
        /// What was given.
        found: String,
        /// What is possible.
        expected: String,
    },
}

/// How a page that was read differs from one that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PageFault {
    /// Nothing was ever written there, or it was lost.
    Zero,
    /// Torn or damaged.
    Checksum {
        /// In the page's header.
        stored: u32,
        /// Of the bytes read.
        computed: u32,
    },
    /// Another page's bytes.
    WrongPage {
        /// Whose they are.
        found: PageId,
    },
    /// Reserved bytes are in use: a later format.
    Reserved {
        /// The reserved bytes.
        found: u32,
    },
    /// The page carries an LSN that the log has not reached: a part of the log is lost.
    NewerThanWal {
        /// The page's LSN.
        lsn: Lsn,
        /// The end of the log.
        end: Lsn,
    },
    /// The file ends inside the page.
    Short {
        /// Bytes that could be read.
        bytes: usize,
    },
}

impl fmt::Display for PageFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PageFault::Zero => write!(f, "found zeros, expected a page"),
            PageFault::Checksum { stored, computed } => {
                write!(f, "checksum in the page {stored:08x}, of its bytes {computed:08x}")
            }
            PageFault::WrongPage { found } => write!(f, "found page {found} in its place"),
            PageFault::Reserved { found } => {
                write!(f, "reserved header bytes are {found:08x}, expected 0")
            }
            PageFault::NewerThanWal { lsn, end } => {
                write!(f, "its LSN is {lsn}, and the WAL ends at {end}: WAL is lost")
            }
            PageFault::Short { bytes } => write!(f, "the file ends after {bytes} bytes of it"),
        }
    }
}

/// Why a WAL cannot be replayed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WalFault {
    /// Valid WAL ends before a position that is known to have been durable.
    Hole {
        /// Where the valid records end.
        valid_end: Lsn,
        /// Segment file of that position.
        segment: String,
        /// Byte of the segment file.
        offset: u64,
        /// Why the record there is not valid.
        reason: String,
        /// Up to here the WAL was durable.
        durable: Lsn,
        /// Who says so.
        witness: &'static str,
        /// What lies behind the end.
        beyond: Beyond,
    },
    /// The segment that recovery starts in is missing.
    MissingSegment {
        /// The segment file.
        segment: String,
        /// Where recovery starts.
        redo: Lsn,
    },
    /// A segment file from the end of the records on is too short: it was whole when it got its
    /// name, and what is cut off may have been durable.
    ShortSegment {
        /// The segment file.
        segment: String,
        /// Its length.
        bytes: u64,
        /// The length that it had.
        expected_bytes: u64,
        /// Where the valid records end.
        valid_end: Lsn,
    },
    /// The record that the control file names is not the checkpoint's.
    NoCheckpoint {
        /// Where it should be.
        lsn: Lsn,
        /// What is there.
        found: String,
    },
    /// No record starts where a reader was to begin.
    NotARecord {
        /// Where it was to begin.
        lsn: Lsn,
        /// What is there instead.
        reason: String,
    },
    /// A reader that holds nothing back was too slow.
    Recycled {
        /// The record that it was to read.
        lsn: Lsn,
        /// The segment file that is gone, in which the record starts.
        segment: String,
    },
    /// A valid record whose content makes no sense to this version.
    BadContent {
        /// Start of the record.
        lsn: Lsn,
        /// What is wrong with it.
        reason: String,
    },
}

impl fmt::Display for WalFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WalFault::Hole { valid_end, segment, offset, reason, durable, witness, beyond } => {
                write!(
                    f,
                    "the WAL ends at {valid_end} ({segment} offset {offset}: {reason}), but was \
                     durable up to {durable} according to {witness}: {} bytes are lost; {beyond}",
                    durable.since(*valid_end)
                )
            }
            WalFault::MissingSegment { segment, redo } => {
                write!(f, "{segment} is missing, in which the redo point {redo} is")
            }
            WalFault::ShortSegment { segment, bytes, expected_bytes, valid_end } => write!(
                f,
                "{segment} has {bytes} bytes, expected {expected_bytes}: WAL behind {valid_end} \
                 may be lost"
            ),
            WalFault::NoCheckpoint { lsn, found } => {
                write!(f, "expected a checkpoint record at {lsn}, found {found}")
            }
            WalFault::NotARecord { lsn, reason } => {
                write!(f, "no record starts at {lsn}: {reason}")
            }
            WalFault::Recycled { lsn, segment } => write!(
                f,
                "{segment} was recycled or removed before the record at {lsn} in it was read"
            ),
            WalFault::BadContent { lsn, reason } => write!(f, "record at {lsn}: {reason}"),
        }
    }
}

/// Why a control file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ControlFault {
    /// The file ends too early.
    Truncated {
        /// Its length.
        bytes: u64,
        /// The length it should have.
        expected_bytes: u64,
    },
    /// It does not begin like a control file.
    BadMagic {
        /// Its first bytes.
        found: u64,
        /// What they should be.
        expected: u64,
    },
    /// Written by another version of the format.
    Version {
        /// The version found.
        found: u32,
        /// The version that this crate reads.
        supported: u32,
    },
    /// Neither slot has a valid checksum.
    Checksum {
        /// In the first slot.
        stored: u32,
        /// Of the first slot's bytes.
        computed: u32,
    },
    /// The checksum is right, but the content makes no sense.
    BadContent {
        /// What was found and what was expected.
        reason: String,
    },
}

impl fmt::Display for ControlFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ControlFault::Truncated { bytes, expected_bytes } => {
                write!(f, "control file has {bytes} bytes, expected {expected_bytes}")
            }
            ControlFault::BadMagic { found, expected } => {
                write!(f, "control file begins with {found:016x}, expected {expected:016x}")
            }
            ControlFault::Version { found, supported } => {
                write!(f, "the store has format version {found}, supported is {supported}")
            }
            ControlFault::Checksum { stored, computed } => write!(
                f,
                "no slot of the control file is valid: checksum in the first {stored:08x}, of \
                 its bytes {computed:08x}"
            ),
            ControlFault::BadContent { reason } => write!(f, "control file: {reason}"),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Io { op, page: Some(page), file, offset, source } => {
                write!(f, "{op} of page {page} in {file} at offset {offset} failed: {source}")
            }
            Error::Io { op, page: None, file, offset, source } => {
                write!(f, "{op} of {file} at offset {offset} failed: {source}")
            }
            Error::Poisoned(cause) => {
                write!(f, "the store is poisoned ({cause}); open it again to recover")
            }
            Error::Page { page, fault } => write!(f, "page {page}: {fault}"),
            Error::NoUnpinnedBuffers { buffers } => {
                write!(f, "no unpinned buffers: all {buffers} are in use")
            }
            Error::NoSuchFile { file } => write!(f, "there is no file {file}"),
            Error::NoSuchTablespace { tablespace } => {
                write!(f, "there is no tablespace {}", tablespace.0)
            }
            Error::BeyondEnd { page, blocks } => {
                write!(f, "page {page} is beyond the end: the file has {blocks} blocks")
            }
            Error::OutsideBody { page, start, end, body_bytes } => write!(
                f,
                "bytes {start}..{end} of page {page} asked for, its body has {body_bytes}"
            ),
            Error::CustomChange { page, kind, reason } => {
                write!(f, "custom change of kind {kind} of page {page}: {reason}")
            }
            Error::RecordTooLarge { bytes, max_bytes } => {
                write!(f, "a WAL record of {bytes} bytes, the greatest is {max_bytes}")
            }
            Error::WalExhausted { end, limit } => {
                write!(f, "a record up to {end} is behind the last position of a log, {limit}: ")?;
                f.write_str("copy the data to a new store")
            }
            Error::BeyondWal { lsn, end } => {
                write!(f, "WAL position {lsn} is beyond the end of the WAL at {end}")
            }
            Error::WalGone { lsn, oldest } => {
                write!(f, "WAL position {lsn} is gone: the WAL goes back to {oldest}")
            }
            Error::Wal(fault) => write!(f, "{fault}"),
            Error::Salvage(fault) => write!(f, "{fault}"),
            Error::Control(fault) => write!(f, "{fault}"),
            Error::NotAStore { found } => write!(f, "not a seawall store: {found}"),
            Error::AlreadyExists { found } => write!(f, "cannot create a store here: {found}"),
            Error::Locked { holder_pid: Some(pid) } => {
                write!(f, "the store is in use; process {pid} opened it last")
            }
            Error::Locked { holder_pid: None } => {
                write!(f, "the store is in use")
            }
            Error::Config { setting, found, expected } => {
                write!(f, "{setting} is {found}, expected {expected}")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io { source, .. } => Some(&**source),
            Error::Salvage(SalvageFault::WouldNotOpen { error, .. }) => Some(&**error),
            _ => None,
        }
    }
}
