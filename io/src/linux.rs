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
#![expect(clippy::disallowed_types, reason = "this is the disk that the lint points to")]

mod lock;
mod sys;

use seawall_core::disk::{Disk, DiskFile, LockOutcome};
use seawall_core::sync::RwLock;
use seawall_core::sync::atomic::{AtomicBool, Ordering};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

const FILE_MODE: u32 = 0o600;
const DIR_MODE: u32 = 0o700;

/// A store's directory on a Linux file system.
#[derive(Debug)]
pub struct LinuxDisk {
    root: PathBuf,
    writeback: Arc<WritebackSupport>,
}

impl LinuxDisk {
    /// The disk below `root`. Touches nothing: `create_dir("")` makes the directory itself.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), writeback: Arc::default() }
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

    fn open_with(&self, options: &OpenOptions, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = options.open(self.resolve(path)?)?;
        Ok(Arc::new(LinuxFile::new(file, Arc::clone(&self.writeback))))
    }

    /// Makes the entry of the store's own directory durable, which no [`Disk::sync_dir`] reaches.
    ///
    /// A parent that we may not even read was prepared by somebody else, store directory included.
    fn sync_root_entry(&self) -> io::Result<()> {
        let root = fs::canonicalize(&self.root)?;
        let Some(parent) = root.parent() else { return Ok(()) };
        match sync_dir_at(parent) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            done => done,
        }
    }
}

impl Disk for LinuxDisk {
    fn open(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.open_with(OpenOptions::new().read(true).write(true), path)
    }

    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(FILE_MODE);
        self.open_with(&options, path)
    }

    /// Creates a directory; one that exists is fine.
    ///
    /// The store's own (`""`) is durable when this returns; any other after a [`Disk::sync_dir`]
    /// of its parent.
    fn create_dir(&self, path: &str) -> io::Result<()> {
        let dir = self.resolve(path)?;
        match DirBuilder::new().mode(DIR_MODE).create(&dir) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => {}
            made => made?,
        }
        if path.is_empty() { self.sync_root_entry() } else { Ok(()) }
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.resolve(from)?, self.resolve(to)?)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
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
        sync_dir_at(&self.resolve(dir)?)
    }

    fn lock(&self, path: &str) -> io::Result<LockOutcome> {
        lock::try_lock(&self.resolve(path)?)
    }
}

/// Whether the file system takes requests for writeback: yes, until it refuses one.
#[derive(Debug, Default)]
struct WritebackSupport {
    lacking: AtomicBool,
}

impl WritebackSupport {
    fn is_lacking(&self) -> bool {
        // Relaxed: a stale value costs one more refused call.
        self.lacking.load(Ordering::Relaxed)
    }

    fn note_lacking(&self) {
        // Relaxed: nothing else is published with it.
        self.lacking.store(true, Ordering::Relaxed);
    }
}

/// An open file.
///
/// `zero_fill` is held shared by every write and change of the length, and exclusive by each step
/// of an allocation that has to write zeros, so that zeros never land on bytes written meanwhile.
/// The kernel takes a lock of the inode for each write anyway; next to that, ours is cheap.
struct LinuxFile {
    file: File,
    zero_fill: RwLock<()>,
    writeback: Arc<WritebackSupport>,
}

/// Bytes of zeros that one write of an allocation takes.
const ZERO_FILL_BYTES: usize = 1 << 20;

impl LinuxFile {
    fn new(file: File, writeback: Arc<WritebackSupport>) -> Self {
        Self { file, zero_fill: RwLock::new(()), writeback }
    }

    /// Extends the file to `end` by writing zeros beyond its length, from `offset` on.
    ///
    /// Holes below the length stay holes: existing bytes are not read, let alone rewritten.
    fn allocate_by_writing(&self, offset: u64, end: u64) -> io::Result<()> {
        let zeros = vec![0; ZERO_FILL_BYTES];
        loop {
            let _exclusive = self.zero_fill.write();
            let start = self.len()?.max(offset);
            if start >= end {
                return Ok(());
            }
            let bytes = (end - start).min(ZERO_FILL_BYTES as u64);
            self.file.write_all_at(&zeros[..bytes as usize], start)?;
        }
    }
}

impl DiskFile for LinuxFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        read_until_full(&self.file, buf, offset)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        let _shared = self.zero_fill.read();
        self.file.write_all_at(buf, offset)
    }

    fn start_writeback(&self, offset: u64, len: u64) -> io::Result<()> {
        if self.writeback.is_lacking() {
            return Ok(());
        }
        match sys::start_writeback(&self.file, offset, len) {
            Err(error) if sys::lacks_writeback(&error) => {
                self.writeback.note_lacking();
                Ok(())
            }
            started => started,
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Reserves space for the range and extends the file to its end, reading as zeros.
    ///
    /// # Errors
    /// After one, the file may have grown by a part of the range, which reads as zeros.
    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        match sys::allocate(&self.file, offset, len) {
            Err(error) if sys::lacks_allocate(&error) => {
                self.allocate_by_writing(offset, offset + len)
            }
            done => done,
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let _shared = self.zero_fill.read();
        self.file.set_len(len)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }
}

/// Reads until `buf` is full or the file ends; returns the bytes read.
fn read_until_full(file: &impl FileExt, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < buf.len() {
        match file.read_at(&mut buf[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(bytes) => done += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

fn sync_dir_at(dir: &Path) -> io::Result<()> {
    OpenOptions::new().read(true).custom_flags(libc::O_DIRECTORY).open(dir)?.sync_all()
}

#[cfg(test)]
mod tests;
