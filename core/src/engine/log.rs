//! The log as others read it.

use super::Engine;
use crate::error::{Error, Result};
use crate::lsn::Lsn;
use crate::wal::tail::TailReader;
use std::sync::Arc;

impl Engine {
    /// Reads the records of the log from one on, as they become durable: for replication and
    /// change capture. `from` is where a record starts: the end of an operation that was
    /// committed, the position of a reader. The oldest that is kept is the redo point of the last
    /// checkpoint.
    ///
    /// The reader holds no segment back: it fails if it is slower than checkpoints recycle them.
    /// It outlives the engine, with nothing new to read then.
    ///
    /// # Errors
    /// [`Error::BeyondWal`]; [`Error::Wal`] if no record starts there, or it is gone;
    /// [`Error::Io`].
    pub fn wal_reader(&self, from: Lsn) -> Result<TailReader> {
        let end = self.wal.reserved();
        if from > end {
            return Err(Error::BeyondWal { lsn: from, end });
        }
        let (disk, wal) = (Arc::clone(&self.disk), Arc::clone(&self.wal));
        let geometry = *self.wal.geometry();
        TailReader::new(disk, geometry, self.system_id, from, move || wal.flushed())
    }
}
