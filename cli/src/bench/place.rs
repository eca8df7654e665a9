//! The directories of a store that comes and goes.

use crate::exit::Failure;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Directories that were empty or absent. What is in them goes with this, on whatever way.
pub(super) struct Place {
    dirs: Vec<Dir>,
}

struct Dir {
    path: PathBuf,
    is_new: bool,
}

impl Place {
    /// Makes the store's directory, and within it a symbolic link to that of the log.
    pub(super) fn make(dir: &Path, wal_dir: Option<&Path>) -> Result<Self, Failure> {
        let mut place = Self { dirs: vec![Dir::make(dir)?] };
        if let Some(wal_dir) = wal_dir {
            place.dirs.push(Dir::make(wal_dir)?);
            fs::canonicalize(wal_dir)
                .and_then(|target| symlink(target, dir.join("wal")))
                .map_err(|error| Failure::io(&format!("link to {}", wal_dir.display()), &error))?;
        }
        Ok(place)
    }

    pub(super) fn remove(mut self) -> Result<(), Failure> {
        self.dirs.drain(..).try_for_each(|dir| dir.remove())
    }

    /// Leaves everything where it is.
    pub(super) fn keep(mut self) {
        self.dirs.clear();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for dir in self.dirs.drain(..) {
            // A failure is reported already.
            let _ = dir.remove();
        }
    }
}

impl Dir {
    fn make(path: &Path) -> Result<Self, Failure> {
        let failed = |error| Failure::io(&path.display().to_string(), &error);
        let is_new = match fs::create_dir(path) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(failed(error)),
        };
        match fs::read_dir(path).map_err(failed)?.next() {
            None => Ok(Self { path: path.to_owned(), is_new }),
            Some(entry) => {
                let found = entry.map_err(failed)?.file_name();
                let (dir, found) = (path.display(), found.display());
                Err(Failure::Usage(format!("{dir} holds {found}, expected nothing")))
            }
        }
    }

    fn remove(&self) -> Result<(), Failure> {
        let removed = match self.is_new {
            true => fs::remove_dir_all(&self.path),
            false => self.empty(),
        };
        removed.map_err(|error| Failure::io(&format!("removal of {}", self.path.display()), &error))
    }

    fn empty(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            match entry.file_type()?.is_dir() {
                true => fs::remove_dir_all(entry.path())?,
                false => fs::remove_file(entry.path())?,
            }
        }
        Ok(())
    }
}
