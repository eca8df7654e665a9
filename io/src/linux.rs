//! The disk on Linux files: buffered I/O below one directory.
//!
//! # What std does, and is relied upon for
//! * `write_all_at` repeats interrupted and short writes; a write of 0 bytes is `WriteZero`.
//! * `open`, `set_len`, `sync_all` and `sync_data` repeat a call that a signal interrupted. For a
//!   sync this is safe: `EINTR` says that the call did not finish, not that a page was dropped,
//!   and what is still dirty is still there for the next call. No other error of a sync is ever
//!   retried.
//! * every descriptor is opened with `O_CLOEXEC`.
//!
//! # Rules
//! * Errors are the operating system's own, so that they carry its number; the caller knows the
//!   file and the offset.
//! * A file's descriptor is never duplicated nor opened anew behind its [`DiskFile`]: a failed
//!   writeback is reported once for each open file.
//! * A directory is opened for its first sync and stays open: a sync then fails only if it fails,
//!   and not for want of a descriptor, which would be no reason to poison.
#![expect(clippy::disallowed_types, reason = "this is the disk that the lint points to")]

mod file;
mod lock;
mod sys;

use file::{LinuxFile, WritebackSupport};
use seawall_core::disk::{Disk, DiskFile, LockOutcome, OnWrite, OpenMode};
use seawall_core::sync::Mutex;
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

const FILE_MODE: u32 = 0o600;
const DIR_MODE: u32 = 0o700;

/// A store's directory on a Linux file system.
///
/// A program that may write beyond the limit of a file's size (`RLIMIT_FSIZE`) ignores SIGXFSZ,
/// which otherwise ends it: then that is an [`io::Error`] like a full disk.
#[derive(Debug)]
pub struct LinuxDisk {
    root: PathBuf,
    writeback: Arc<WritebackSupport>,
    /// Directories that were synced, by their paths.
    dirs: Mutex<BTreeMap<String, Arc<File>>>,
    is_read_only: bool,
}

impl LinuxDisk {
    /// The disk below `root`. Touches nothing: `create_dir("")` makes the directory itself.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let (writeback, dirs) = (Arc::default(), Mutex::new(BTreeMap::new()));
        Self { root: root.into(), writeback, dirs, is_read_only: false }
    }

    /// The disk below `root`, for looking at it: files are opened for reading only, and what would
    /// change a directory fails with `ReadOnlyFilesystem`. Its lock is shared with others who look,
    /// and keeps the store from being opened.
    pub fn read_only(root: impl Into<PathBuf>) -> Self {
        Self { is_read_only: true, ..Self::new(root) }
    }

    fn check_writable(&self) -> io::Result<()> {
        match self.is_read_only {
            true => Err(io::ErrorKind::ReadOnlyFilesystem.into()),
            false => Ok(()),
        }
    }

    /// Where a path of the store is. Refuses what could lead out of the store's directory.
    fn resolve(&self, path: &str) -> io::Result<PathBuf> {
        let relative = Path::new(path);
        if relative.components().all(|part| matches!(part, Component::Normal(_))) {
            return Ok(self.root.join(relative));
        }
        let what = format!("{path:?} is not a path below the store's directory");
        Err(io::Error::new(io::ErrorKind::InvalidInput, what))
    }

    /// A directory, open for its syncs.
    fn dir(&self, path: &str) -> io::Result<Arc<File>> {
        let mut dirs = self.dirs.lock();
        if let Some(dir) = dirs.get(path) {
            return Ok(Arc::clone(dir));
        }
        let dir = Arc::new(open_dir(&self.resolve(path)?)?);
        dirs.insert(path.to_owned(), Arc::clone(&dir));
        Ok(dir)
    }

    fn open_file(
        &self,
        options: &OpenOptions,
        path: &str,
        is_direct: bool,
    ) -> io::Result<Arc<dyn DiskFile>> {
        let file = options.open(self.resolve(path)?)?;
        Ok(Arc::new(LinuxFile::new(file, is_direct, Arc::clone(&self.writeback))))
    }
}

impl Disk for LinuxDisk {
    fn open_with(&self, path: &str, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(!self.is_read_only);
        // Who only reads would wait for a writer for ever where a pipe is in a file's place.
        let nonblock = if self.is_read_only { libc::O_NONBLOCK } else { 0 };
        options.custom_flags(open_flags(mode) | nonblock);
        match self.open_file(&options, path, mode.direct) {
            // To an open of an existing file without other odd flags, EINVAL says just this.
            Err(error) if mode.direct && error.raw_os_error() == Some(libc::EINVAL) => {
                Err(io::Error::new(io::ErrorKind::Unsupported, error))
            }
            opened => opened,
        }
    }

    /// What every device and file system that has direct I/O is content with.
    fn direct_alignment(&self) -> u64 {
        4096
    }

    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.check_writable()?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(FILE_MODE);
        self.open_file(&options, path, false)
    }

    /// Creates a directory; one that exists is fine.
    ///
    /// The store's own (`""`) is durable when this returns; any other after a [`Disk::sync_dir`]
    /// of its parent.
    fn create_dir(&self, path: &str) -> io::Result<()> {
        self.check_writable()?;
        create_dir_at(&self.resolve(path)?)?;
        // No sync_dir reaches the entry of the store's own.
        if path.is_empty() { sync_entry_of(&fs::canonicalize(&self.root)?) } else { Ok(()) }
    }

    /// Makes `path` a symbolic link to the absolute path of `target`, which it creates if need be.
    ///
    /// # Errors
    /// `InvalidInput` if `path` is not a single name. If it is taken, `target` may have been
    /// created all the same.
    fn link_dir(&self, path: &str, target: &Path) -> io::Result<()> {
        self.check_writable()?;
        let link = self.resolve(path)?;
        if Path::new(path).components().count() != 1 {
            let what = format!("{path:?} is not a name in the store's directory");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        create_dir_at(target)?;
        let target = fs::canonicalize(target)?;
        sync_entry_of(&target)?;
        match symlink(&target, &link) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if leads_to(&link, &target) { Ok(()) } else { Err(error) }
            }
            made => made,
        }?;
        // Open from now on: a sync for want of a descriptor is none.
        self.dir(path).map(drop)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.check_writable()?;
        fs::rename(self.resolve(from)?, self.resolve(to)?)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.check_writable()?;
        fs::remove_file(self.resolve(path)?)
    }

    /// The names in a directory, in ascending order.
    ///
    /// # Errors
    /// `InvalidData` if one is not UTF-8.
    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.resolve(dir)?)? {
            names.push(entry?.file_name().into_string().map_err(|name| {
                let what = format!("{name:?} in {dir:?} is not UTF-8");
                io::Error::new(io::ErrorKind::InvalidData, what)
            })?);
        }
        names.sort_unstable();
        Ok(names)
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        self.dir(dir)?.sync_all()
    }

    fn lock(&self, path: &str) -> io::Result<LockOutcome> {
        let path = self.resolve(path)?;
        if self.is_read_only { lock::try_lock_shared(&path) } else { lock::try_lock(&path) }
    }
}

fn open_flags(mode: OpenMode) -> libc::c_int {
    let on_write = match mode.on_write {
        OnWrite::Nothing => 0,
        OnWrite::SyncData => libc::O_DSYNC,
        OnWrite::SyncAll => libc::O_SYNC,
    };
    if mode.direct { on_write | libc::O_DIRECT } else { on_write }
}

/// Creates a directory; one that exists is fine.
fn create_dir_at(dir: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(DIR_MODE).create(dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        made => made,
    }
}

/// Whether `link` is a symbolic link to `target`, an absolute path without links.
fn leads_to(link: &Path, target: &Path) -> bool {
    link.is_symlink() && fs::canonicalize(link).is_ok_and(|found| found == target)
}

/// Makes the entry of a directory, an absolute path without links, durable.
///
/// A parent that we may not even read was prepared by somebody else, the directory included.
fn sync_entry_of(dir: &Path) -> io::Result<()> {
    let Some(parent) = dir.parent() else { return Ok(()) };
    match open_dir(parent).and_then(|dir| dir.sync_all()) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        done => done,
    }
}

fn open_dir(dir: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_DIRECTORY).open(dir)
}
