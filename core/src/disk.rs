//! The one seam to the world: what the engine asks of a disk.
//!
//! Three verbs that are never mixed: **write** puts bytes where reads see them, **writeback**
//! starts I/O and promises nothing, **sync** makes durable. A sync of a file covers the writes
//! that returned before it began and the file's length, not its directory entry: that takes a
//! sync of the directory.
//!
//! Paths are relative to the store's directory, with `/` between the parts. Implementations retry
//! interrupted and short operations to completion; every error carries the operating system's
//! number where there is one.

use std::io;
use std::path::Path;
use std::sync::Arc;

/// What a write to a file makes durable before it returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnWrite {
    /// Nothing: that takes a sync.
    #[default]
    Nothing,
    /// The bytes and the length (`O_DSYNC`).
    SyncData,
    /// The bytes, the length and all other metadata (`O_SYNC`).
    SyncAll,
}

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenMode {
    /// What a write makes durable. An error of a write that makes durable is a failed sync.
    pub on_write: OnWrite,
    /// Past the page cache (`O_DIRECT`). Offset, length and memory of every read and write are
    /// multiples of [`Disk::direct_alignment`].
    pub direct: bool,
}

/// A directory tree of files.
pub trait Disk: Send + Sync {
    /// Opens an existing file for reading and writing.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    fn open(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.open_with(path, OpenMode::default())
    }

    /// Opens an existing file for reading and writing in a mode of one's own.
    ///
    /// # Errors
    /// `NotFound` if there is none; `Unsupported` if direct I/O is asked for and the file system
    /// has none.
    fn open_with(&self, path: &str, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>>;

    /// Bytes of which everything about direct I/O is a multiple: a power of two, at most 4096.
    fn direct_alignment(&self) -> u64;

    /// Creates a file of length 0 and opens it. Its entry is durable after a [`Disk::sync_dir`].
    ///
    /// # Errors
    /// `AlreadyExists` if there is one.
    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Creates a directory; one that exists is fine.
    fn create_dir(&self, path: &str) -> io::Result<()>;

    /// Makes `path`, a name in the store's own directory, a directory whose files are kept in
    /// `target` elsewhere, possibly on another device; creates `target` if need be. From then on
    /// `path` is a directory like any other, also to [`Disk::sync_dir`], except that a rename
    /// between it and another one may be refused. Its entry is durable after a
    /// [`Disk::sync_dir`] of the store's directory, that of `target` at once.
    ///
    /// A directory that leads to the same target already is fine. While the target is missing, as
    /// below a mount point where nothing is mounted, `list(path)` and all calls on its files fail
    /// with `NotFound`. This call would make it anew, and empty: it is for who makes a store, not
    /// for who opens one. A target that is itself a mount point seems empty while nothing is
    /// mounted there: better name a directory below it.
    ///
    /// # Errors
    /// `AlreadyExists` if `path` is anything else, or if `target` is no directory.
    fn link_dir(&self, path: &str, target: &Path) -> io::Result<()>;

    /// Gives a file another name, replacing what has that name; atomic, durable after a
    /// [`Disk::sync_dir`] of the directory of either name.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file's entry; durable after a [`Disk::sync_dir`].
    fn remove(&self, path: &str) -> io::Result<()>;

    /// The names in a directory (`""` is the store's own), in ascending order.
    fn list(&self, dir: &str) -> io::Result<Vec<String>>;

    /// Makes the entries of a directory durable.
    fn sync_dir(&self, dir: &str) -> io::Result<()>;

    /// Takes the store's exclusive lock on `path`, creating the file if need be. The lock goes
    /// with the returned guard, or with the process.
    fn lock(&self, path: &str) -> io::Result<LockOutcome>;
}

/// Whether a lock was to be had.
pub enum LockOutcome {
    /// Held until dropped.
    Acquired(Box<dyn Send + Sync>),
    /// Somebody else holds it.
    Held {
        /// The holder's process id, if the lock file tells.
        holder_pid: Option<u32>,
    },
}

/// An open file. One descriptor, shared by all who use the file, so that a failed writeback is
/// reported to a sync of this very descriptor.
#[expect(clippy::len_without_is_empty, reason = "nobody asks whether a file is empty")]
pub trait DiskFile: Send + Sync {
    /// Reads until `buf` is full or the file ends; returns the bytes read.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Reads neighbouring bytes into several buffers, one after the other, until all are full or
    /// the file ends; returns the bytes read. One call of the system where it takes that many.
    fn read_vectored_at(&self, bufs: &mut [&mut [u8]], offset: u64) -> io::Result<usize>;

    /// Says that the range will be read soon. Waits for nothing and promises nothing; does nothing
    /// where the platform cannot.
    fn prefetch(&self, offset: u64, len: u64) -> io::Result<()>;

    /// Writes all of `buf`, extending the file if need be.
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()>;

    /// Writes all of several buffers, one after the other, as [`DiskFile::write_at`] does with
    /// one. One call of the system where it takes that many.
    fn write_vectored_at(&self, bufs: &[&[u8]], offset: u64) -> io::Result<()>;

    /// Starts writing dirty bytes of the range back. Makes nothing durable. Does nothing where
    /// the platform cannot. `len` is not 0.
    ///
    /// # Errors
    /// An error here is a failed sync: the caller must poison.
    fn start_writeback(&self, offset: u64, len: u64) -> io::Result<()>;

    /// Writes dirty bytes of the range back and waits until the device has taken them. Makes
    /// nothing durable all the same: neither the device's cache nor the length is. Does nothing
    /// where the platform cannot. `len` is not 0.
    ///
    /// # Errors
    /// As [`DiskFile::start_writeback`]. Linux reports an error here and then no more to a sync of
    /// the same descriptor.
    fn wait_writeback(&self, offset: u64, len: u64) -> io::Result<()>;

    /// Makes the bytes and the length durable (fdatasync).
    ///
    /// # Errors
    /// After an error the bytes may be gone and a second call may succeed: the caller must poison.
    fn sync_data(&self) -> io::Result<()>;

    /// Makes the bytes, the length and all other metadata durable (fsync).
    ///
    /// # Errors
    /// As [`DiskFile::sync_data`].
    fn sync_all(&self) -> io::Result<()>;

    /// Reserves space for the range and extends the file to its end, reading as zeros.
    fn allocate(&self, offset: u64, len: u64) -> io::Result<()>;

    /// Finds space for the range, which may be behind the end of the file, without making the file
    /// longer: a write there that comes later finds it. Does nothing where the platform cannot, or
    /// where it writes somewhere else each time.
    fn reserve(&self, offset: u64, len: u64) -> io::Result<()>;

    /// Cuts the file, or extends it with zeros, to `len` bytes. What was cut off reads as zeros
    /// if the file grows again. Durable with the next sync of the file.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// The file's length in bytes.
    fn len(&self) -> io::Result<u64>;
}
