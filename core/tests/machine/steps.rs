//! What the state machine can do. An index is reduced modulo what there is, so that every sequence
//! of steps has a meaning.

use seawall_core::buffer::Access;

/// The ways to go through a ring.
pub(crate) const ACCESSES: [Access; 3] = [Access::BulkRead, Access::BulkWrite, Access::Maintenance];

/// How pages are reached: with a ring, or without.
pub(crate) type Through = Option<Access>;

/// One step. A `file` is the one in this place of the list of files, begun again at its end.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    CreateFile { tablespace: u8, unlogged: bool },
    CreateTablespace,
    Extend { file: u8, blocks: u32, bulk: bool },
    Operation { touches: Vec<Touch>, ending: Ending, through: Through },
    Read { file: u8, block: u8, through: Through },
    ReadAll,
    Truncate { file: u8, blocks: u8 },
    Drop { file: u8 },
    Checkpoint { spread: bool },
    BackgroundWriterRound,
    WalWriterRounds(u8),
    WaitDurable,
    CloseAndOpen,
    Crash(Crash),
    Misuse { misuse: Misuse, pick: u8 },
}

/// Bytes within an operation.
#[derive(Clone, Debug)]
pub(crate) struct Touch {
    pub(crate) file: u8,
    pub(crate) block: u8,
    pub(crate) offset: u16,
    pub(crate) len: u16,
}

/// What becomes of an operation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending {
    Commit,
    CommitAsync,
    /// It is dropped, which undoes it.
    Undo,
}

/// Power goes.
#[derive(Clone, Debug)]
pub(crate) struct Crash {
    /// Before which disk operation from now on, perhaps in the midst of a later step; 0 is now.
    pub(crate) after: u16,
    /// Chooses what survives.
    pub(crate) seed: u64,
    /// If it goes again: before which disk operation of the recovery.
    pub(crate) again: Option<u16>,
}

/// A call that must be refused, and change nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Misuse {
    /// A page behind the end of a file, near or far.
    BeyondEnd,
    /// More blocks than a file has, or can have.
    BeyondLength,
    /// A file that was dropped, or never was.
    NoFile,
    NoTablespace,
    OutsideBody,
    BeyondWal,
}
