//! What may go wrong at a call.
//!
//! # A call that fails
//! * **write**: a prefix of its sectors, chosen by the seed, has been written; the last never is.
//! * **sync of a file, writeback**: each pending item of the file is kept or lost by the seed;
//!   all are clean afterwards, and a later sync brings nothing back. Who else has the file open
//!   is told once (`errors.rs`).
//! * **sync of a directory**: the same for its pending entries.
//! * **read**: has read nothing, or something wrong (`read.rs`). Reads are neither counted nor
//!   observed, and only a fault that names them strikes them: which call is the n-th does not
//!   depend on what is in a cache. So are opens.
//! * **anything else**: has done nothing.
//!
//! A write whose fault comes [in the background](Fault::in_background) succeeds.

use super::op::{Op, OpKind};
use super::random::SplitMix64;
use super::read::ReadFault;
use super::state::{Ino, State, errno};
use std::io;

/// An I/O error: from a sync, the bytes may be gone.
pub const EIO: i32 = 5;
/// No space left on the device.
pub const ENOSPC: i32 = 28;
/// No descriptor left.
pub const EMFILE: i32 = 24;
/// The file system is read-only, for instance because an error has made it so.
pub const EROFS: i32 = 30;
pub(super) const ENOENT: i32 = 2;
pub(super) const EEXIST: i32 = 17;
pub(super) const ENOTDIR: i32 = 20;
pub(super) const EISDIR: i32 = 21;
pub(super) const EINVAL: i32 = 22;
pub(super) const EFBIG: i32 = 27;

/// How an operation fails, and which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The error number to report.
    pub errno: i32,
    /// Whether all later operations that it is for fail too, until the faults are cleared.
    pub persistent: bool,
    /// Counts and fails operations of this kind alone.
    pub only: Option<OpKind>,
    /// Counts and fails operations on this path alone.
    pub path: Option<String>,
    /// Counts and fails operations on this byte of a file alone.
    pub byte: Option<u64>,
    /// Decides what a failing write or sync has done, and what a read gives.
    pub seed: u64,
    /// What fails.
    pub effect: Effect,
    /// Whether reads see what is durable at once after a failed sync of a file, as after an
    /// eviction from the page cache. Otherwise they go on seeing what was written.
    pub drops_cache: bool,
    /// Whether the file system is read-only afterwards, as one that aborts its journal: all later
    /// changes and syncs fail with [`EROFS`], until the faults are cleared.
    pub aborts: bool,
}

/// What a fault makes of the call that it strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It fails.
    Fails,
    /// It succeeds, and the kernel fails to write the file back right after it. What is written
    /// past the page cache is written at once: there the write fails.
    FailsLater,
    /// It reads something else than what is there.
    ReadsWrong(ReadFault),
}

impl Fault {
    /// One operation of any kind but a read or an open fails.
    pub fn once(errno: i32) -> Self {
        Self {
            errno,
            persistent: false,
            only: None,
            path: None,
            byte: None,
            seed: 0,
            effect: Effect::Fails,
            drops_cache: false,
            aborts: false,
        }
    }

    /// All operations fail from some one on.
    pub fn persistent(errno: i32) -> Self {
        Self::once(errno).lasting()
    }

    /// One write succeeds, and what is unsynced in its file is then written back and is not all
    /// there. The next wait for writeback or sync of each descriptor tells.
    pub fn in_background(errno: i32) -> Self {
        Self { effect: Effect::FailsLater, ..Self::once(errno).only(OpKind::Write) }
    }

    /// One read gives something else than what is there.
    pub fn read(fault: ReadFault) -> Self {
        Self { effect: Effect::ReadsWrong(fault), ..Self::once(EIO).only(OpKind::Read) }
    }

    /// Fails all later operations that it is for, too.
    #[must_use]
    pub fn lasting(self) -> Self {
        Self { persistent: true, ..self }
    }

    /// Counts and fails operations of this kind alone.
    #[must_use]
    pub fn only(self, kind: OpKind) -> Self {
        Self { only: Some(kind), ..self }
    }

    /// Counts and fails operations on this path alone: the name under which a file was opened.
    #[must_use]
    pub fn on(self, path: &str) -> Self {
        Self { path: Some(path.to_owned()), ..self }
    }

    /// Counts and fails operations on this byte of a file alone.
    #[must_use]
    pub fn at_byte(self, byte: u64) -> Self {
        Self { byte: Some(byte), ..self }
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

    /// Leaves the file system read-only.
    #[must_use]
    pub fn aborting(self) -> Self {
        Self { aborts: true, ..self }
    }

    fn is_for(&self, op: &Op) -> bool {
        self.only.map_or(op.is_counted(), |kind| kind == op.kind)
            && self.path.as_ref().is_none_or(|path| *path == op.path)
            && self.byte.is_none_or(|byte| op.touches(byte))
    }

    /// The failure of an operation, after `before` others by this fault. (The number of the
    /// operation would tell in which order independent ones came before it.)
    pub(super) fn failure(&self, before: u64) -> Failure {
        Failure {
            errno: self.errno,
            effect: self.effect,
            drops_cache: self.drops_cache,
            random: SplitMix64::new(self.seed ^ before.rotate_left(32)),
        }
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
    pub(super) effect: Effect,
    drops_cache: bool,
    pub(super) random: SplitMix64,
}

impl Failure {
    pub(super) fn error<T>(&self) -> io::Result<T> {
        Err(errno(self.errno))
    }

    /// How many sectors of `all` a failing write has written.
    pub(super) fn written(&mut self, all: usize) -> usize {
        if self.errno == EROFS { 0 } else { self.random.below(all) }
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
            if !armed.fault.is_for(op) {
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
        let (before, fault) = struck?;
        self.first_failure.get_or_insert_with(|| op.clone());
        if fault.aborts {
            let read_only = Fault::persistent(EROFS).seed(fault.seed);
            self.faults.insert(0, Armed { remaining: 1, struck: 0, fault: read_only });
        }
        Some(fault.failure(before))
    }

    /// What is pending in a file is written back, and that fails: some of it is durable, the rest
    /// is gone, all is clean, and who has the file open is to be told.
    pub(super) fn lose(&mut self, ino: Ino, failure: &mut Failure) {
        self.settle(ino, || failure.random.coin());
        let inode = self.inode(ino);
        if failure.drops_cache {
            inode.cached = inode.durable.clone();
        }
        inode.errors.note(failure.errno);
    }
}
