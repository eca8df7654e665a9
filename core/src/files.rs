//! Data files: pages on disk, in segments. PostgreSQL: `md.c`.
//!
//! File `n` is the sequence of segment files `data/<n as 8 hex digits>.<segment>`; all but the
//! last are full. Each segment has one descriptor, opened once and kept, through which everybody
//! reads, writes and syncs: so an error of writeback is reported to our sync of it.
//!
//! # Rules
//! * A segment's directory entry is durable before the first page is written to it.
//! * A failed sync, of a segment or of the directory, poisons the store before it is reported.
//! * F1, F2 are the caller's: the WAL is durable up to the page's LSN, the page is sealed.

use crate::config::Format;
use crate::disk::{Disk, DiskFile};
use crate::error::{Error, PageFault, Result};
use crate::fsync::SyncTag;
use crate::page::{FileId, Page, PageId};
use crate::poison::Poison;
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::sync::{Mutex, MutexGuard, RwLock};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// The directory of the data files.
pub const DATA_DIR: &str = "data";

/// One data file.
pub struct DataFile {
    id: FileId,
    /// Blocks that exist; grows only.
    blocks: AtomicU32,
    /// Held while the file is extended, over the insertion of the new page's record.
    extension: Mutex<()>,
    segments: Mutex<Vec<Arc<dyn DiskFile>>>,
}

impl DataFile {
    /// Blocks that exist.
    pub fn blocks(&self) -> u32 {
        // Acquire: pairs with the Release in grow_to, so that who sees a block finds its page in
        // the pool or on disk.
        self.blocks.load(Ordering::Acquire)
    }

    /// Publishes that all blocks before `blocks` exist.
    pub fn grow_to(&self, blocks: u32) {
        // Release: pairs with the Acquire in blocks.
        self.blocks.fetch_max(blocks, Ordering::Release);
    }

    /// Excludes other extensions of this file.
    pub fn lock_extension(&self) -> MutexGuard<'_, ()> {
        self.extension.lock()
    }
}

/// All data files of a store.
pub struct Files {
    disk: Arc<dyn Disk>,
    poison: Arc<Poison>,
    page_bytes: u64,
    segment_bytes: u64,
    files: RwLock<BTreeMap<FileId, Arc<DataFile>>>,
}

impl Files {
    /// Opens every data file in the store's directory. A name there that is no data file's is
    /// left alone.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::NotAStore`] if a segment is missing in the middle of a file.
    pub fn open(disk: Arc<dyn Disk>, format: &Format, poison: Arc<Poison>) -> Result<Self> {
        let names = disk.list(DATA_DIR).map_err(|source| failed("list", DATA_DIR, 0, source))?;
        let mut found: BTreeMap<FileId, Vec<u32>> = BTreeMap::new();
        for tag in names.iter().filter_map(|name| parse(name)) {
            found.entry(tag.file).or_default().push(tag.segment);
        }
        let files = Self {
            disk,
            poison,
            page_bytes: u64::from(format.page_bytes),
            segment_bytes: u64::from(format.data_segment_bytes),
            files: RwLock::new(BTreeMap::new()),
        };
        for (id, mut segments) in found {
            segments.sort_unstable();
            let file = files.open_file(id, &segments)?;
            files.files.write().insert(id, file);
        }
        Ok(files)
    }

    fn open_file(&self, id: FileId, segments: &[u32]) -> Result<Arc<DataFile>> {
        let mut opened = Vec::with_capacity(segments.len());
        let mut bytes = 0;
        for (expected, segment) in segments.iter().enumerate() {
            let tag = SyncTag { file: id, segment: expected as u32 };
            if *segment != tag.segment {
                return Err(Error::NotAStore { found: format!("{tag} is missing") });
            }
            let path = tag.to_string();
            let file = self.disk.open(&path).map_err(|e| failed("open", &path, 0, e))?;
            let len = file.len().map_err(|e| failed("measure", &path, 0, e))?;
            bytes = self.segment_bytes * expected as u64 + len;
            opened.push(file);
        }
        Ok(Arc::new(DataFile {
            id,
            blocks: AtomicU32::new((bytes / self.page_bytes) as u32),
            extension: Mutex::new(()),
            segments: Mutex::new(opened),
        }))
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
        let blocks = self.get(page.file())?.blocks();
        if page.block() < blocks { Ok(()) } else { Err(Error::BeyondEnd { page, blocks }) }
    }

    /// The numbers of all files, ascending.
    pub fn list(&self) -> Vec<FileId> {
        self.files.read().keys().copied().collect()
    }

    /// Creates an empty file with the next free number, durably. The caller has made the WAL
    /// durable, so that the file does not outlive what happened before it.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Poisoned`] if the directory cannot be synced.
    pub fn create(&self) -> Result<FileId> {
        let mut files = self.files.write();
        let last = files.last_key_value().map_or(0, |(id, _)| id.0);
        let id = FileId(last.checked_add(1).ok_or(Error::Config {
            setting: "file number",
            found: last.to_string(),
            expected: "a number below 2^32 - 1".to_owned(),
        })?);
        let file = Arc::new(DataFile {
            id,
            blocks: AtomicU32::new(0),
            extension: Mutex::new(()),
            segments: Mutex::new(Vec::new()),
        });
        self.segment(&file, 0)?;
        files.insert(id, file);
        Ok(id)
    }

    /// Reads a page and checks that it is the one asked for.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Page`], [`Error::NoSuchFile`].
    pub fn read_page(&self, id: PageId, page: &mut Page) -> Result<()> {
        let file = self.get(id.file())?;
        let (tag, offset) = self.place(id);
        let fault = |bytes| Error::Page { page: id, fault: PageFault::Short { bytes } };
        let segment = file.segments.lock().get(tag.segment as usize).cloned();
        let segment = segment.ok_or_else(|| fault(0))?;
        let read = segment
            .read_at(page.bytes_mut(), offset)
            .map_err(|source| page_failed("read", id, tag, offset, source))?;
        if read < page.bytes().len() {
            return Err(fault(read));
        }
        page.verify(id)
    }

    /// Writes a sealed page. Returns the segment to sync.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::NoSuchFile`]; [`Error::Poisoned`] if a new segment's entry cannot
    /// be synced.
    pub fn write_page(&self, id: PageId, page: &Page) -> Result<SyncTag> {
        let file = self.get(id.file())?;
        let (tag, offset) = self.place(id);
        let segment = self.segment(&file, tag.segment)?;
        segment
            .write_at(page.bytes(), offset)
            .map_err(|source| page_failed("write", id, tag, offset, source))?;
        Ok(tag)
    }

    /// Makes every segment of every file durable: what recovery found in the page cache may not
    /// be.
    ///
    /// # Errors
    /// [`Error::Poisoned`].
    pub fn sync_everything(&self) -> Result<()> {
        for id in self.list() {
            let segments = self.get(id)?.segments.lock().len() as u32;
            for segment in 0..segments {
                self.sync(SyncTag { file: id, segment })?;
            }
        }
        Ok(())
    }

    /// Makes a segment's bytes and length durable.
    ///
    /// # Errors
    /// [`Error::Poisoned`].
    pub fn sync(&self, tag: SyncTag) -> Result<()> {
        let file = self.get(tag.file)?;
        let segment = self.segment(&file, tag.segment)?;
        segment.sync_data().map_err(|e| self.poison.poison("sync", &tag.to_string(), &e))
    }

    /// Starts writeback of `blocks` pages from `first` on, which must be in one segment.
    ///
    /// # Errors
    /// [`Error::Poisoned`]: an error of writeback is a failed sync.
    pub fn start_writeback(&self, first: PageId, blocks: u32) -> Result<()> {
        let file = self.get(first.file())?;
        let (tag, offset) = self.place(first);
        let segment = self.segment(&file, tag.segment)?;
        segment
            .start_writeback(offset, u64::from(blocks) * self.page_bytes)
            .map_err(|e| self.poison.poison("writeback", &tag.to_string(), &e))
    }

    /// Blocks of a full segment.
    pub fn segment_blocks(&self) -> u32 {
        (self.segment_bytes / self.page_bytes) as u32
    }

    fn place(&self, id: PageId) -> (SyncTag, u64) {
        let per_segment = self.segment_blocks();
        let (segment, block) = (id.block() / per_segment, id.block() % per_segment);
        (SyncTag { file: id.file(), segment }, u64::from(block) * self.page_bytes)
    }

    /// The segment, created durably if it is not there. The file's segment list stays locked over
    /// the creation, so that nobody writes to a segment whose entry may vanish.
    fn segment(&self, file: &DataFile, segment: u32) -> Result<Arc<dyn DiskFile>> {
        let mut segments = file.segments.lock();
        while segments.len() <= segment as usize {
            let tag = SyncTag { file: file.id, segment: segments.len() as u32 };
            let path = tag.to_string();
            let created = match self.disk.create(&path) {
                // Left by an attempt that failed between this and the sync of the directory.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.disk.open(&path),
                other => other,
            };
            let created = created.map_err(|source| failed("create", &path, 0, source))?;
            self.disk
                .sync_dir(DATA_DIR)
                .map_err(|error| self.poison.poison("sync", DATA_DIR, &error))?;
            segments.push(created);
        }
        Ok(Arc::clone(&segments[segment as usize]))
    }
}

/// Removes what an interrupted attempt may have left.
pub(crate) fn remove_left_over(disk: &dyn Disk, path: &str) -> Result<()> {
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

/// The error of a read or write of a page, in its segment.
fn page_failed(
    op: &'static str,
    page: PageId,
    segment: SyncTag,
    offset: u64,
    source: io::Error,
) -> Error {
    let (page, file) = (Some(page), segment.to_string());
    Error::Io { op, page, file, offset, source: Arc::new(source) }
}

fn parse(name: &str) -> Option<SyncTag> {
    let (file, segment) = name.split_once('.')?;
    let tag = SyncTag {
        file: FileId(u32::from_str_radix(file, 16).ok()?),
        segment: segment.parse().ok()?,
    };
    (tag.to_string() == format!("{DATA_DIR}/{name}")).then_some(tag)
}
