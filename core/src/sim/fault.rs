//! What may go wrong at a call, and who is told of calls.
//!
//! # A call that fails
//! * **write**: a prefix of its sectors, chosen by the seed, has been written; the last never is.
//! * **sync of a file, writeback**: each pending item of the file is kept or lost by the seed;
//!   all are clean afterwards, and a later sync succeeds and brings nothing back.
//! * **sync of a directory**: the same for its pending entries.
//! * **read**: has read nothing. Reads are neither counted nor observed, and only a fault that
//!   names them strikes them: which call is the n-th does not depend on what is in a cache.
//! * **anything else**: has done nothing.

use super::random::SplitMix64;
use super::state::{Ino, State, errno};
use std::fmt;
use std::io;

/// An I/O error: from a sync, the bytes may be gone.
pub const EIO: i32 = 5;
/// No space left on the device.
pub const ENOSPC: i32 = 28;
pub(super) const ENOENT: i32 = 2;
pub(super) const EEXIST: i32 = 17;
pub(super) const ENOTDIR: i32 = 20;
pub(super) const EISDIR: i32 = 21;
pub(super) const EINVAL: i32 = 22;
pub(super) const EFBIG: i32 = 27;

/// Kinds of the calls that may be made to fail: those that change or sync something, which are
/// observed and counted, and reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OpKind {
    /// [`DiskFile::read_at`](crate::disk::DiskFile::read_at).
    Read,
    /// [`Disk::create`](crate::disk::Disk::create), or a lock that creates its file.
    Create,
    /// [`Disk::create_dir`](crate::disk::Disk::create_dir).
    CreateDir,
    /// [`Disk::link_dir`](crate::disk::Disk::link_dir).
    LinkDir,
    /// [`Disk::rename`](crate::disk::Disk::rename).
    Rename,
    /// [`Disk::remove`](crate::disk::Disk::remove).
    Remove,
    /// [`Disk::sync_dir`](crate::disk::Disk::sync_dir).
    SyncDir,
    /// [`DiskFile::write_at`](crate::disk::DiskFile::write_at),
    /// [`DiskFile::write_vectored_at`](crate::disk::DiskFile::write_vectored_at).
    Write,
    /// [`DiskFile::start_writeback`](crate::disk::DiskFile::start_writeback).
    Writeback,
    /// [`DiskFile::wait_writeback`](crate::disk::DiskFile::wait_writeback).
    WaitWriteback,
    /// The second half of a write to a file opened so that writes make durable.
    SyncRange,
    /// [`DiskFile::sync_data`](crate::disk::DiskFile::sync_data).
    SyncData,
    /// [`DiskFile::sync_all`](crate::disk::DiskFile::sync_all).
    SyncAll,
    /// [`DiskFile::allocate`](crate::disk::DiskFile::allocate).
    Allocate,
    /// [`DiskFile::reserve`](crate::disk::DiskFile::reserve).
    Reserve,
    /// [`DiskFile::set_len`](crate::disk::DiskFile::set_len).
    SetLen,
}

/// What a call changes. Calls on different places do not notice each other's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The entries of all directories.
    Names,
    /// The bytes and the length of a file, whatever its names.
    File(u64),
}

/// A call that is about to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Op {
    /// The how many-th operation of the disk this is, from 1.
    pub number: u64,
    /// What it does.
    pub kind: OpKind,
    /// What it changes.
    pub place: Place,
    /// To what: the name under which the file was opened, or the first name of a rename.
    pub path: String,
    /// The second name of a rename, or the target of a linked directory.
    pub to: Option<String>,
    /// Where in the file, for those calls that say.
    pub offset: u64,
    /// On how many bytes, for those calls that say; the new length of a file, for that call.
    pub len: u64,
}

impl Op {
    /// A call on names.
    pub(super) fn new(kind: OpKind, path: &str) -> Self {
        let (place, path) = (Place::Names, path.to_owned());
        Self { number: 0, kind, place, path, to: None, offset: 0, len: 0 }
    }

    /// A call on a file.
    pub(super) fn on_file(kind: OpKind, ino: Ino, path: &str, offset: u64, len: u64) -> Self {
        Self { place: Place::File(ino), offset, len, ..Self::new(kind, path) }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{} {:?} {:?}", self.number, self.kind, self.path)?;
        if let Some(to) = &self.to {
            write!(f, " to {to:?}")?;
        }
        if self.len > 0 || self.kind == OpKind::SetLen {
            write!(f, " {}..{}", self.offset, self.offset.saturating_add(self.len))?;
        }
        Ok(())
    }
}

/// How an operation fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The error number to report.
    pub errno: i32,
    /// Whether all later operations (of the kind) fail too, until the faults are cleared.
    pub persistent: bool,
    /// Counts and fails operations of this kind alone.
    pub only: Option<OpKind>,
    /// Decides what a failing write or sync has done.
    pub seed: u64,
    /// Whether reads see what is durable at once after a failed sync of a file, as after an
    /// eviction from the page cache. Otherwise they go on seeing what was written.
    pub drops_cache: bool,
}

impl Fault {
    /// One operation of any kind but a read fails.
    pub fn once(errno: i32) -> Self {
        Self { errno, persistent: false, only: None, seed: 0, drops_cache: false }
    }

    /// All operations fail from some one on.
    pub fn persistent(errno: i32) -> Self {
        Self { persistent: true, ..Self::once(errno) }
    }

    /// Counts and fails operations of this kind alone.
    #[must_use]
    pub fn only(self, kind: OpKind) -> Self {
        Self { only: Some(kind), ..self }
    }

    /// Another choice of what is kept and what is lost.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Lets reads see what is durable at once after a failed sync.
    #[must_use]
    pub fn dropping_cache(self) -> Self {
        Self { drops_cache: true, ..self }
    }
}

/// A fault that waits for its operation.
#[derive(Debug)]
pub(super) struct Armed {
    /// Operations to go; at 1 the next one fails.
    remaining: u64,
    /// How many have failed.
    struck: u64,
    fault: Fault,
}

/// The failure of the operation at hand.
#[derive(Debug)]
pub(super) struct Failure {
    errno: i32,
    pub(super) drops_cache: bool,
    pub(super) random: SplitMix64,
}

impl Failure {
    pub(super) fn error<T>(&self) -> io::Result<T> {
        Err(errno(self.errno))
    }
}

impl State {
    pub(super) fn arm(&mut self, remaining: u64, fault: Fault) {
        self.faults.push(Armed { remaining, struck: 0, fault });
    }

    /// Counts the armed faults down; returns the first that strikes.
    pub(super) fn strike(&mut self, op: &Op) -> Option<Failure> {
        let mut struck = None;
        self.faults.retain_mut(|armed| {
            if armed.fault.only.map_or(op.kind == OpKind::Read, |kind| kind != op.kind) {
                return true;
            }
            if armed.remaining > 1 {
                armed.remaining -= 1;
                return true;
            }
            struck.get_or_insert_with(|| (armed.struck, armed.fault.clone()));
            armed.struck += 1;
            armed.fault.persistent
        });
        // Not the number of the operation: that tells in which order others came before it.
        struck.map(|(before, fault)| Failure {
            errno: fault.errno,
            drops_cache: fault.drops_cache,
            random: SplitMix64::new(fault.seed ^ before.rotate_left(32)),
        })
    }
}
