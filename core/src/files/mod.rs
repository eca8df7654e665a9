//! Data files: pages on disk, in segments. PostgreSQL: `md.c`.
//!
//! A file is a sequence of segment files (`name.rs`) of equal size; those behind its end are
//! empty. A segment's descriptors (`segment.rs`) are opened once and kept, so that an error of
//! writeback is reported to our sync of it.
//!
//! # Rules
//! * A segment's directory entry is durable before the first page is written to it.
//! * A failed sync, of a segment or of a directory, poisons the store before it is reported. From
//!   then on no page is read or written: those on disk may be older than what was written there.
//! * F1, F2 are the caller's: the WAL is durable up to the page's LSN, the page is sealed.
//! * S7: a file that was dropped needs no sync and no write; asking for one is no error.
//! * S8: the segments of a dropped file are removed by a checkpoint, before the control file says
//!   that the record of the drop is not needed any more. File numbers are not used again.
//! * R12: a file that a checkpoint has listed is there, and is as long as that (`listed.rs`).
//! * The list of files is locked for a look, never over a system call. Over system calls are held:
//!   `creation`, by who creates a file; a file's segment list, by who creates a segment; a file's
//!   `reading`, shared.

mod directory;
mod dropped;
mod file;
mod found;
mod listed;
mod name;
mod segment;
mod space;

pub use directory::place_of;
pub(crate) use directory::{list, sync_dir, tablespaces};
pub use file::DataFile;
pub use listed::{KnownFiles, ListedFile};
pub use name::{DATA_DIR, FileOptions, TablespaceId};

use found::{Found, add_listed, find};
use segment::Segment;

use crate::config::Format;
use crate::disk::Disk;
use crate::error::{Error, PageFault, Result};
use crate::fsync::SyncTag;
use crate::page::{FileId, Page, PageId};
use crate::poison::Poison;
use crate::probe::event;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, RwLock};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// How far a request for writeback goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writeback {
    /// It begins.
    Started,
    /// The device has taken the bytes.
    Waited,
}

/// All data files of a store.
pub struct Files {
    disk: Arc<dyn Disk>,
    poison: Arc<Poison>,
    page_bytes: u64,
    segment_bytes: u64,
    /// Whether segments are opened for direct I/O.
    direct: AtomicBool,
    files: RwLock<BTreeMap<FileId, Arc<DataFile>>>,
    creation: Mutex<Creation>,
    /// Segments of dropped files, with the directories that they are in.
    dropped: Mutex<Vec<(TablespaceId, String)>>,
}

/// What is to be created next.
struct Creation {
    /// Greater than the number of any file that is or was.
    next: Option<FileId>,
    tablespaces: BTreeSet<TablespaceId>,
}

impl Files {
    /// Opens every data file in the store's directories but those that are known to be dropped;
    /// these are to be removed. A name there that is no data file's is left alone. The numbers of
    /// new files are greater than any that is known.
    ///
    /// R12: a file that is listed exists, with as many blocks as that at least: those that are not
    /// on disk are [`PageFault::Short`] to who reads them.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::NotAStore`] if a segment is missing in the middle of a file, or is
    /// longer than segments are, or a file is in two places, or has more blocks than there are
    /// numbers for, or is listed and its tablespace is not there.
    pub fn open(
        disk: Arc<dyn Disk>,
        format: &Format,
        poison: Arc<Poison>,
        known: &KnownFiles<'_>,
    ) -> Result<Self> {
        let tablespaces = tablespaces(&*disk)?;
        let mut found = find(&*disk, &tablespaces)?;
        add_listed(&mut found, known, &tablespaces)?;
        let KnownFiles { last, dropped, .. } = *known;
        let last = found.keys().chain(dropped).max().map_or(last, |known| last.max(*known));
        let files = Self {
            disk,
            poison,
            page_bytes: u64::from(format.page_bytes),
            segment_bytes: u64::from(format.data_segment_bytes),
            direct: AtomicBool::new(false),
            files: RwLock::new(BTreeMap::new()),
            creation: Mutex::new(Creation { next: number_after(last), tablespaces }),
            dropped: Mutex::new(Vec::new()),
        };
        for id in dropped {
            if let Some(Found { options, segments, .. }) = found.remove(id) {
                files.note_dropped(*id, options, segments);
            }
        }
        for (id, found) in found {
            let file = files.open_file(id, found)?;
            files.files.write().insert(id, file);
        }
        Ok(files)
    }

    fn open_file(
        &self,
        id: FileId,
        Found { options, mut segments, blocks_listed }: Found,
    ) -> Result<Arc<DataFile>> {
        segments.sort_unstable();
        let mut opened = Vec::with_capacity(segments.len());
        let (mut bytes, mut blocks_found) = (0, Vec::with_capacity(segments.len()));
        for (expected, segment) in (0..).zip(segments) {
            let path = options.path(SyncTag { file: id, segment: expected });
            if segment != expected {
                return Err(Error::NotAStore { found: format!("{path} is missing") });
            }
            let segment = Segment::open(&*self.disk, &path);
            let segment = segment.map_err(|e| failed("open", &path, 0, e))?;
            let len = segment.io.len().map_err(|e| failed("measure", &path, 0, e))?;
            // Nobody writes behind its end: the blocks that are counted would be others.
            if len > self.segment_bytes {
                let most = self.segment_bytes;
                let found = format!("{path} has {len} bytes, expected {most} at the most");
                return Err(Error::NotAStore { found });
            }
            blocks_found.push((len / self.page_bytes) as u32);
            if len > 0 {
                bytes = self.segment_bytes * u64::from(expected) + len;
            }
            opened.push(segment);
        }
        let blocks = bytes / self.page_bytes;
        let blocks = u32::try_from(blocks).map_err(|_| {
            let (path, most) = (options.path(SyncTag { file: id, segment: 0 }), u32::MAX);
            let found = format!("{path} and its segments have {blocks} blocks, expected {most}");
            Error::NotAStore { found: format!("{found} at the most") }
        })?;
        let file = DataFile::new(id, options, blocks, blocks_found, opened);
        file.grow_to(blocks_listed);
        Ok(Arc::new(file))
    }

    /// Has the pages of all files, and of those to come, read and written past the page cache, on
    /// file systems that can: so a sync finds nothing left to write. Not while they are used.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn go_direct(&self) -> Result<()> {
        if !self.page_bytes.is_multiple_of(self.disk.direct_alignment()) {
            return Ok(());
        }
        // Relaxed: the caller shares the files with others only afterwards.
        self.direct.store(true, Ordering::Relaxed);
        for file in self.files.read().values() {
            for (number, segment) in (0..).zip(&mut *file.segments.lock()) {
                let path = file.path(number);
                segment.go_direct(&*self.disk, &path).map_err(|e| failed("open", &path, 0, e))?;
            }
        }
        Ok(())
    }

    /// The file with number `id`.
    ///
    /// # Errors
    /// [`Error::NoSuchFile`].
    pub fn get(&self, id: FileId) -> Result<Arc<DataFile>> {
        self.files.read().get(&id).cloned().ok_or(Error::NoSuchFile { file: id })
    }

    /// Checks that a page exists.
    ///
    /// # Errors
    /// [`Error::NoSuchFile`], [`Error::BeyondEnd`].
    pub fn check_exists(&self, page: PageId) -> Result<()> {
        self.get(page.file())?.check_exists(page)
    }

    /// The numbers of all files, ascending.
    pub fn list(&self) -> Vec<FileId> {
        self.files.read().keys().copied().collect()
    }

    /// The greatest number that any file has had; 0 if there was none.
    pub(crate) fn last_number(&self) -> FileId {
        FileId(self.creation.lock().next.map_or(u32::MAX, |next| next.0 - 1))
    }

    /// Creates an empty file with the next free number, durably. The caller has made the WAL
    /// durable, so that the file does not outlive what happened before it.
    ///
    /// # Errors
    /// [`Error::NoSuchTablespace`], [`Error::Io`]; [`Error::Config`] if no number is free;
    /// [`Error::Poisoned`] if the directory cannot be synced.
    pub fn create(&self, options: FileOptions) -> Result<FileId> {
        let mut creation = self.creation.lock();
        let tablespace = options.tablespace;
        if !creation.tablespaces.contains(&tablespace) {
            return Err(Error::NoSuchTablespace { tablespace });
        }
        let id = free("file number", creation.next)?;
        let file = Arc::new(DataFile::new(id, options, 0, Vec::new(), Vec::new()));
        self.segment(&file, 0)?;
        self.files.write().insert(id, file);
        creation.next = number_after(id);
        Ok(id)
    }

    /// Creates a tablespace, durably, whose files are kept in a new directory within `dir`: one of
    /// its own, so that a device that is not mounted lacks it, and no two tablespaces share it.
    ///
    /// # Errors
    /// [`Error::Config`] if no number is free, [`Error::Io`]; [`Error::Poisoned`] if the store's
    /// directory cannot be synced.
    pub fn create_tablespace(&self, dir: &Path, system_id: u64) -> Result<TablespaceId> {
        let mut creation = self.creation.lock();
        let last = creation.tablespaces.last().map_or(0, |tablespace| tablespace.0);
        let tablespace = TablespaceId(free("tablespace number", last.checked_add(1))?);
        let target = dir.join(format!("seawall-{system_id:016x}.{}", tablespace.0));
        let link = tablespace.dir();
        self.disk.link_dir(&link, &target).map_err(|e| failed("create", &link, 0, e))?;
        self.sync_root()?;
        creation.tablespaces.insert(tablespace);
        Ok(tablespace)
    }

    /// Reads a page and checks that it is the one asked for.
    ///
    /// # Errors
    /// [`Error::NoSuchFile`], [`Error::BeyondEnd`], [`Error::Io`], [`Error::Page`];
    /// [`Error::Poisoned`]: the page on disk may be older than what was written there.
    pub fn read_page(&self, id: PageId, page: &mut Page) -> Result<()> {
        self.read_pages(id, &mut [page.bytes_mut()])?;
        page.verify(id)
    }

    /// Reads the bytes of neighbours, which must be in one segment: all of them or an error. Their
    /// existence is kept meanwhile.
    ///
    /// # Errors
    /// [`Error::NoSuchFile`], [`Error::Poisoned`]; [`Error::BeyondEnd`], [`Error::Io`],
    /// [`Error::Page`], where there is more than one in the name of the last or of the first.
    pub(crate) fn read_pages(&self, first: PageId, pages: &mut [&mut [u8]]) -> Result<()> {
        let file = self.get(first.file())?;
        let last = PageId::new(first.file(), first.block() + (pages.len() as u32 - 1));
        let _exist = file.lock_for_reading(last)?;
        let (tag, offset) = self.place(first);
        let fault = |bytes| Error::Page { page: first, fault: PageFault::Short { bytes } };
        let (number, block) = (first.file().0, first.block());
        event!(buffer__read__start, file = number, block = block, pages = pages.len());
        let read = file
            .segment(tag.segment)
            .ok_or_else(|| fault(0))?
            .io
            .read_vectored_at(pages, offset)
            .map_err(|source| page_failed("read", first, file.path(tag.segment), offset, source))?;
        event!(buffer__read__done, file = number, block = block, pages = pages.len());
        // Behind the read: what a failed sync has lost is poisoned by now, or lost later.
        self.poison.check()?;
        if read < pages.len() * self.page_bytes as usize { Err(fault(read)) } else { Ok(()) }
    }

    /// Tells the disk that `blocks` pages from `first` on are read soon; they must be in one
    /// segment.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn prefetch(&self, first: PageId, blocks: u32) -> Result<()> {
        let Ok(file) = self.get(first.file()) else { return Ok(()) };
        let (tag, offset) = self.place(first);
        let Some(segment) = file.segment(tag.segment) else { return Ok(()) };
        segment.io.prefetch(offset, u64::from(blocks) * self.page_bytes).map_err(|source| {
            page_failed("prefetch", first, file.path(tag.segment), offset, source)
        })
    }

    /// Writes sealed pages of a file, neighbours in one segment. Returns the segment to sync.
    ///
    /// # Errors
    /// [`Error::Io`], in the name of the first; [`Error::Poisoned`], also if a new segment's entry
    /// cannot be synced.
    pub fn write_pages(&self, file: &DataFile, first: PageId, pages: &[&[u8]]) -> Result<SyncTag> {
        self.poison.check()?;
        let (tag, offset) = self.place(first);
        let segment = self.segment(file, tag.segment)?;
        segment.io.write_vectored_at(pages, offset).map_err(|source| {
            page_failed("write", first, file.path(tag.segment), offset, source)
        })?;
        Ok(tag)
    }

    /// Makes every segment of every file durable, and the entries of all files and directories:
    /// what recovery found in the page cache may not be. A process may have been killed between
    /// making a file and syncing the directory (R11).
    ///
    /// # Errors
    /// [`Error::Poisoned`].
    pub fn sync_everything(&self) -> Result<()> {
        self.sync_root()?;
        let tablespaces = self.creation.lock().tablespaces.clone();
        tablespaces.into_iter().try_for_each(|tablespace| self.sync_dir(tablespace))?;
        for id in self.list() {
            let segments = self.get(id)?.segments.lock().len() as u32;
            for segment in 0..segments {
                self.sync(SyncTag { file: id, segment })?;
            }
        }
        Ok(())
    }

    /// Makes a segment's bytes and length durable; that of a dropped file needs not be.
    ///
    /// # Errors
    /// [`Error::Poisoned`].
    pub fn sync(&self, tag: SyncTag) -> Result<()> {
        let Ok(file) = self.get(tag.file) else { return Ok(()) };
        let segment = self.segment(&file, tag.segment)?;
        event!(file__sync__start, file = tag.file.0, segment = tag.segment);
        let synced = segment.witness.sync_data();
        event!(file__sync__done, file = tag.file.0, segment = tag.segment);
        synced.map_err(|e| self.poison.poison("sync", &file.path(tag.segment), &e))
    }

    /// Starts writeback of `blocks` pages from `first` on, which must be in one segment, or waits
    /// for it. What is gone meanwhile is passed over, and what was not left in the page cache.
    ///
    /// # Errors
    /// [`Error::Poisoned`]: an error of writeback is a failed sync (K4).
    pub fn write_back(&self, first: PageId, blocks: u32, kind: Writeback) -> Result<()> {
        let (tag, offset) = self.place(first);
        let Ok(file) = self.get(first.file()) else { return Ok(()) };
        let Some(Segment { io, is_direct: false, .. }) = file.segment(tag.segment) else {
            return Ok(());
        };
        let bytes = u64::from(blocks) * self.page_bytes;
        let done = match kind {
            Writeback::Started => io.start_writeback(offset, bytes),
            Writeback::Waited => io.wait_writeback(offset, bytes),
        };
        done.map_err(|e| self.poison.poison("writeback", &file.path(tag.segment), &e))
    }

    /// An error if the store is poisoned.
    pub(crate) fn check_poison(&self) -> Result<()> {
        self.poison.check()
    }

    /// Bytes of a page.
    pub fn page_bytes(&self) -> u64 {
        self.page_bytes
    }

    /// Blocks of a full segment.
    pub fn segment_blocks(&self) -> u32 {
        (self.segment_bytes / self.page_bytes) as u32
    }

    /// Empties the unlogged files: the store was not closed, so what they hold is of no time.
    ///
    /// # Errors
    /// [`Error::Poisoned`].
    pub fn reset_unlogged(&self) -> Result<()> {
        let files: Vec<_> = self.files.read().values().cloned().collect();
        for file in files.iter().filter(|file| file.options.unlogged) {
            self.cut(file, 0)?;
        }
        Ok(())
    }

    /// Cuts a file on disk to its first `blocks` blocks, and in memory if it is longer there.
    /// Returns the segments to sync.
    ///
    /// # Errors
    /// [`Error::Poisoned`]: the log says that it is cut.
    pub(crate) fn cut(&self, file: &DataFile, blocks: u32) -> Result<Vec<SyncTag>> {
        file.shorten_to(blocks);
        let bytes = u64::from(blocks) * self.page_bytes;
        let segments = file.segments.lock().clone();
        let mut cut = Vec::new();
        for (number, segment) in (0..).zip(&segments) {
            let kept = bytes.saturating_sub(self.segment_bytes * u64::from(number));
            let path = file.path(number);
            let poison = |e| self.poison.poison("truncate", &path, &e);
            if segment.io.len().map_err(poison)? > kept {
                segment.io.set_len(kept).map_err(poison)?;
                cut.push(SyncTag { file: file.id, segment: number });
            }
        }
        Ok(cut)
    }

    fn sync_root(&self) -> Result<()> {
        let synced = self.disk.sync_dir("");
        synced.map_err(|e| self.poison.poison("sync", "the store's directory", &e))
    }

    fn sync_dir(&self, tablespace: TablespaceId) -> Result<()> {
        let dir = tablespace.dir();
        self.disk.sync_dir(&dir).map_err(|error| self.poison.poison("sync", &dir, &error))
    }

    fn place(&self, id: PageId) -> (SyncTag, u64) {
        let per_segment = self.segment_blocks();
        let (segment, block) = (id.block() / per_segment, id.block() % per_segment);
        (SyncTag { file: id.file(), segment }, u64::from(block) * self.page_bytes)
    }

    /// The segment, created durably if it is not there. The file's segment list stays locked over
    /// the creation, so that nobody writes to a segment whose entry may vanish.
    fn segment(&self, file: &DataFile, segment: u32) -> Result<Segment> {
        let mut segments = file.segments.lock();
        while segments.len() <= segment as usize {
            let path = file.path(segments.len() as u32);
            // Relaxed: see go_direct.
            let direct = self.direct.load(Ordering::Relaxed);
            match Segment::create(&*self.disk, &path, direct) {
                Ok(created) => {
                    self.sync_dir(file.options.tablespace)?;
                    segments.push(created);
                }
                Err(source) => {
                    self.take_back(file.options.tablespace, &path)?;
                    return Err(failed("create", &path, 0, source));
                }
            }
        }
        Ok(segments[segment as usize].clone())
    }
}

/// The next number, if there is one.
fn free<N>(setting: &'static str, next: Option<N>) -> Result<N> {
    let (found, expected) = ("none that is free".to_owned(), "a number below 2^32".to_owned());
    next.ok_or(Error::Config { setting, found, expected })
}

fn number_after(last: FileId) -> Option<FileId> {
    last.0.checked_add(1).map(FileId)
}

/// Removes a file that may be gone already.
pub(crate) fn remove_if_present(disk: &dyn Disk, path: &str) -> Result<()> {
    match disk.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(failed("remove", path, 0, error))
        }
        _ => Ok(()),
    }
}

/// The error of a disk operation.
pub(crate) fn failed(op: &'static str, file: &str, offset: u64, source: io::Error) -> Error {
    Error::Io { op, page: None, file: file.to_owned(), offset, source: Arc::new(source) }
}

/// The error of a read or write of a page, in a file of this path.
fn page_failed(
    op: &'static str,
    page: PageId,
    file: String,
    offset: u64,
    source: io::Error,
) -> Error {
    Error::Io { op, page: Some(page), file, offset, source: Arc::new(source) }
}

#[cfg(test)]
mod tests;
