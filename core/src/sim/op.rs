//! The calls of a disk: what an observer is told of, and what a fault may strike.

use super::state::Ino;
use std::fmt;

/// Kinds of the calls that may be made to fail: those that change or sync something, which are
/// observed and counted, and reads and opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OpKind {
    /// [`DiskFile::read_at`](crate::disk::DiskFile::read_at).
    Read,
    /// [`Disk::open_with`](crate::disk::Disk::open_with).
    Open,
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

impl OpKind {
    /// Every kind.
    pub const ALL: [Self; 17] = [
        Self::Read,
        Self::Open,
        Self::Create,
        Self::CreateDir,
        Self::LinkDir,
        Self::Rename,
        Self::Remove,
        Self::SyncDir,
        Self::Write,
        Self::Writeback,
        Self::WaitWriteback,
        Self::SyncRange,
        Self::SyncData,
        Self::SyncAll,
        Self::Allocate,
        Self::Reserve,
        Self::SetLen,
    ];
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

    /// Whether it changes or syncs something.
    pub(super) fn is_counted(&self) -> bool {
        !matches!(self.kind, OpKind::Read | OpKind::Open)
    }

    /// Whether the call is on this byte of a file.
    pub(super) fn touches(&self, byte: u64) -> bool {
        byte >= self.offset && byte - self.offset < self.len
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
