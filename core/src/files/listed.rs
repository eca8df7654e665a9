//! What a checkpoint lists of each file, so that a file that is missing later, or shorter, is
//! noticed. PostgreSQL has none of this: a relation is as long as its segments are.
//!
//! # Rules
//! * R12: a file has at least the blocks that it had at the redo point of the last checkpoint whose
//!   record is in the log, less those that the log cuts off. Those that are not on disk are
//!   reported when they are read.

use super::{FileOptions, Files};
use crate::page::FileId;
use std::collections::BTreeSet;

/// A file as it was at a redo point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedFile {
    /// Its number.
    pub file: FileId,
    /// Where and how it is kept.
    pub options: FileOptions,
    /// Blocks that it had.
    pub blocks: u32,
}

/// What the control file and the log know of the files of a store.
#[derive(Debug, Clone, Copy)]
pub struct KnownFiles<'k> {
    /// The greatest number that any of them is known to have had.
    pub last: FileId,
    /// Those that the log drops.
    pub dropped: &'k BTreeSet<FileId>,
    /// Those that the last checkpoint has listed; ascending.
    pub listed: &'k [ListedFile],
}

static NONE: BTreeSet<FileId> = BTreeSet::new();

impl Default for KnownFiles<'_> {
    /// Nothing.
    fn default() -> Self {
        Self { last: FileId(0), dropped: &NONE, listed: &[] }
    }
}

impl<'k> KnownFiles<'k> {
    /// The files that are listed and not dropped.
    pub(crate) fn expected(self) -> impl Iterator<Item = &'k ListedFile> {
        self.listed.iter().filter(move |listed| !self.dropped.contains(&listed.file))
    }
}

impl Files {
    /// All files, for a checkpoint whose redo point is fixed behind this and before any file is cut
    /// or dropped: so every block that is counted has its record before it.
    pub fn to_be_listed(&self) -> Vec<ListedFile> {
        let files = self.files.read();
        let listed = files.values().map(|file| ListedFile {
            file: file.id,
            options: file.options,
            blocks: file.blocks(),
        });
        listed.collect()
    }
}
