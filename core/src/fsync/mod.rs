//! Which files have to be synced before a checkpoint is complete. PostgreSQL: `sync.c`.
//!
//! Whoever writes a page registers its segment in the [`SyncQueue`] before the page becomes
//! clean (S1). The checkpointer absorbs the queue into its [`SyncTable`] and syncs what is due.

mod queue;
mod table;

pub use queue::{Registered, SyncQueue};
pub use table::{CYCLE_BITS, SyncTable};

use crate::page::FileId;
use std::fmt;

/// A segment of a data file: the unit of syncing. PostgreSQL: `FileTag`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SyncTag {
    /// The data file.
    pub file: FileId,
    /// The segment in it, from 0.
    pub segment: u32,
}

impl fmt::Display for SyncTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "data/{:08x}.{}", self.file.0, self.segment)
    }
}
