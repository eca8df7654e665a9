//! How a file goes: at once from the list, and from its directory with a later checkpoint (S8).

use super::{DataFile, FileOptions, Files, TablespaceId, remove_if_present};
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::fsync::SyncTag;
use crate::page::FileId;
use std::collections::BTreeSet;
use std::io;

impl Files {
    /// Takes a file out of the list: from now on it does not exist.
    pub(crate) fn forget(&self, file: &DataFile) {
        self.files.write().remove(&file.id);
    }

    /// Notes a file for removal, when nobody writes to it any more.
    pub(crate) fn remove_later(&self, file: &DataFile) {
        let segments = file.segments.lock().len() as u32;
        self.note_dropped(file.id, file.options, 0..segments);
    }

    pub(super) fn note_dropped(
        &self,
        file: FileId,
        options: FileOptions,
        segments: impl IntoIterator<Item = u32>,
    ) {
        let path = |segment| (options.tablespace, options.path(SyncTag { file, segment }));
        self.dropped.lock().extend(segments.into_iter().map(path));
    }

    /// Removes a segment that was created and could not be opened for its pages: nobody knows of
    /// it, so who drops the file would leave it, and it would be found without the others.
    pub(super) fn take_back(&self, tablespace: TablespaceId, path: &str) -> Result<()> {
        match self.disk.remove(path) {
            Ok(()) => self.sync_dir(tablespace),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(self.poison.poison("remove", path, &error)),
        }
    }

    /// Removes the segments of dropped files, durably. PostgreSQL: `SyncPostCheckpoint`.
    ///
    /// # Errors
    /// [`Error::Io`]: those that are left are tried again by the next call; [`Error::Poisoned`].
    pub fn remove_dropped(&self) -> Result<()> {
        let dropped = self.dropped.lock().clone();
        for (_, path) in &dropped {
            remove_if_present(&*self.disk, path)?;
        }
        let dirs: BTreeSet<TablespaceId> = dropped.iter().map(|(dir, _)| *dir).collect();
        for dir in dirs {
            self.sync_dir(dir)?;
        }
        // Others may have been added behind them meanwhile.
        self.dropped.lock().drain(..dropped.len());
        Ok(())
    }
}
