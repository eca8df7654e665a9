//! Every page of every data file, one after the other.
//!
//! # Rules
//! * A page is sealed, has its own id, and an LSN that a record ends at: not 0, not behind the end
//!   of the log. In an unlogged file its LSN is 0.
//! * Unlogged files of a store that was not closed are emptied at the next opening, and files that
//!   the log drops are removed: their pages are of no time, and not looked at.
//! * All segments but the last that is not empty are full.
//! * R12: a file has the blocks that it had at the redo point, but for those that the log cuts off.

use super::places::unknown_file;
use super::{Effect, Finding, FindingKind};
use crate::control::StoreState;
use crate::disk::{Disk, DiskFile};
use crate::error::{Error, PageFault, Result};
use crate::files::{FileOptions, ListedFile, list, tablespaces};
use crate::fsync::SyncTag;
use crate::lsn::Lsn;
use crate::page::{FileId, Page, PageId};
use crate::recovery::{Fate, Survey};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Pages that are not what they should be, until the log is asked about all of them at once.
pub(crate) const SUSPECTS_AT_ONCE: usize = 1 << 14;

/// How a page is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// As a read of it would report.
    Page(PageFault),
    /// No record has changed it, but it is in a file whose changes are logged.
    NotLogged,
    /// Some record has changed it, but it is in a file whose changes are not logged.
    Logged(Lsn),
    /// It cannot be read.
    Unreadable(String),
}

impl Fault {
    /// What was found, and what was expected.
    pub(super) fn words(&self, page: PageId) -> (String, String) {
        match self {
            Self::Page(PageFault::Zero) => ("zeros".to_owned(), "a page".to_owned()),
            Self::Page(PageFault::Checksum { stored, computed }) => {
                (format!("checksum {stored:08x}"), format!("{computed:08x}, that of its bytes"))
            }
            Self::Page(PageFault::WrongPage { found }) => {
                (format!("page {found}"), format!("page {page}"))
            }
            Self::Page(PageFault::NewerThanWal { lsn, end }) => {
                (format!("LSN {lsn}"), format!("at most {end}, the end of the log"))
            }
            Self::Page(PageFault::Short { bytes }) => {
                (format!("the end of the file after {bytes} bytes"), "a page".to_owned())
            }
            Self::Page(PageFault::Reserved { found }) => {
                (format!("reserved bytes {found:08x}"), "00000000".to_owned())
            }
            Self::NotLogged => {
                (format!("LSN {}", Lsn::ZERO), "the end of a record: its changes are logged".into())
            }
            Self::Logged(lsn) => {
                (format!("LSN {lsn}"), format!("{}: its changes are not logged", Lsn::ZERO))
            }
            Self::Unreadable(error) => (error.clone(), "a page".to_owned()),
        }
    }
}

/// A page that is not what it should be.
#[derive(Debug, Clone)]
pub(crate) struct Suspect {
    pub(crate) page: PageId,
    pub(crate) path: Arc<str>,
    pub(crate) offset: u64,
    pub(crate) fault: Fault,
}

impl Suspect {
    /// What is wrong with it, and what becomes of it.
    pub(crate) fn finding(&self, fate: Fate) -> Finding {
        let (found, expected) = self.fault.words(self.page);
        Finding {
            kind: FindingKind::Page,
            effect: if fate.is_fine() { Effect::Repaired } else { Effect::Fault },
            file: self.path.to_string(),
            offset: Some(self.offset),
            page: Some(self.page),
            found,
            expected,
            outlook: Some(fate.to_string()),
        }
    }
}

/// What a sweep comes across.
pub(crate) enum Found<'f> {
    Place(&'f Finding),
    Page(&'f Suspect, Fate),
}

/// The pages of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PageCounts {
    /// Data files.
    pub files: u64,
    /// Pages that were looked at.
    pub pages: u64,
    /// Pages that are not what they should be.
    pub faulty: u64,
    /// Of these, those that recovery restores, or cuts off.
    pub restored: u64,
    /// Files whose pages were not looked at: emptied or removed when the store is opened.
    pub skipped_files: u64,
}

type Visit<'v> = dyn FnMut(Found<'_>) -> Result<()> + 'v;

/// A walk through all pages.
pub(crate) struct Sweep<'s, 'v> {
    survey: &'s Survey,
    visit: &'s mut Visit<'v>,
    page: Page,
    counts: PageCounts,
    suspects: Vec<Suspect>,
}

/// The segments of a file that there are.
type Segments = Vec<(FileOptions, u32)>;

impl<'s, 'v> Sweep<'s, 'v> {
    /// Shows whatever is wrong with the data files, for a log that ends where `survey` does.
    ///
    /// # Errors
    /// [`Error::Io`] where a directory or the log cannot be read; what `visit` says.
    pub(crate) fn run(survey: &'s Survey, visit: &'s mut Visit<'v>) -> Result<PageCounts> {
        let page = Page::zeroed(survey.control().format.page_bytes as usize);
        let (counts, suspects) = (PageCounts::default(), Vec::new());
        let mut sweep = Self { survey, visit, page, counts, suspects };
        let found = sweep.find()?;
        let is_missing = |expected: &ListedFile| !found.contains_key(&expected.file);
        for expected in survey.expected_files().filter(is_missing) {
            let path = expected.options.path(SyncTag { file: expected.file, segment: 0 });
            sweep.place(Effect::Fault, path, "no file", &blocks_expected(&expected))?;
        }
        for (id, segments) in found {
            sweep.file(id, segments)?;
        }
        sweep.ask_the_log()?;
        Ok(sweep.counts)
    }

    fn find(&mut self) -> Result<BTreeMap<FileId, Segments>> {
        let disk = self.survey.disk();
        let mut files: BTreeMap<FileId, Segments> = BTreeMap::new();
        for tablespace in tablespaces(disk)? {
            for name in list(disk, &tablespace.dir())? {
                match FileOptions::parse(tablespace, &name) {
                    Some((options, SyncTag { file, segment })) => {
                        files.entry(file).or_default().push((options, segment));
                    }
                    None => {
                        let path = format!("{tablespace}/{name}");
                        (self.visit)(Found::Place(&unknown_file(path)))?;
                    }
                }
            }
        }
        Ok(files)
    }

    fn file(&mut self, id: FileId, mut segments: Segments) -> Result<()> {
        self.counts.files += 1;
        segments.sort_unstable_by_key(|(_, segment)| *segment);
        let (options, _) = segments[0];
        let path = |options: FileOptions, segment| options.path(SyncTag { file: id, segment });
        let was_closed = self.survey.control().state == StoreState::Closed;
        if self.survey.drops(id) {
            self.counts.skipped_files += 1;
            let (found, expected) = ("a file that the log drops", "none");
            return self.place(Effect::Repaired, path(options, 0), found, expected);
        }
        if options.unlogged && !was_closed {
            self.counts.skipped_files += 1;
            return Ok(());
        }
        let mut next = 0_u64;
        for (other, segment) in &segments {
            let path = path(*other, *segment);
            if *other != options {
                self.place(Effect::Fault, path, "a second place of the file", "one")?;
            } else if u64::from(*segment) != next {
                let missing = format!("no segment {next} of the file");
                self.place(Effect::Fault, path, &missing, "segments that follow each other")?;
            }
            next = u64::from(*segment) + 1;
        }
        self.segments(id, &segments)
    }

    fn segments(&mut self, id: FileId, segments: &Segments) -> Result<()> {
        let mut lens = Vec::with_capacity(segments.len());
        for (options, segment) in segments {
            let path: Arc<str> = options.path(SyncTag { file: id, segment: *segment }).into();
            match open(self.survey.disk(), &path) {
                Ok((_, len)) => lens.push((path, len)),
                Err(error) => {
                    self.place(Effect::Fault, path.to_string(), &error, "a file")?;
                    lens.push((path, 0));
                }
            }
        }
        let last = lens.iter().rposition(|(_, len)| *len > 0);
        self.length(id, &lens, segments, last)?;
        for (index, ((path, len), (options, segment))) in lens.iter().zip(segments).enumerate() {
            let is_last = last.is_none_or(|last| index >= last);
            self.segment(id, *options, *segment, path, *len, is_last)?;
        }
        Ok(())
    }

    /// Checks that a file is as long as it has to be; `last` is its last segment with bytes.
    fn length(
        &mut self,
        id: FileId,
        lens: &[(Arc<str>, u64)],
        segments: &Segments,
        last: Option<usize>,
    ) -> Result<()> {
        let Some(expected) = self.survey.expected_file(id) else { return Ok(()) };
        let format = self.survey.control().format;
        let end = |at: usize| {
            u64::from(segments[at].1) * u64::from(format.data_segment_bytes) + lens[at].1
        };
        let blocks = last.map_or(0, end) / u64::from(format.page_bytes);
        if blocks >= u64::from(expected.blocks) {
            return Ok(());
        }
        let found = format!("{blocks} blocks");
        let path = lens[last.unwrap_or(0)].0.to_string();
        self.place(Effect::Fault, path, &found, &blocks_expected(&expected))
    }

    fn segment(
        &mut self,
        id: FileId,
        options: FileOptions,
        segment: u32,
        path: &Arc<str>,
        len: u64,
        is_last: bool,
    ) -> Result<()> {
        let format = self.survey.control().format;
        let full = u64::from(format.data_segment_bytes);
        let page_bytes = u64::from(format.page_bytes);
        if len > full {
            let (found, expected) = (format!("{len} bytes"), format!("{full} bytes at most"));
            self.place(Effect::Fault, path.to_string(), &found, &expected)?;
        }
        let blocks = if is_last { len.min(full).div_ceil(page_bytes) } else { full / page_bytes };
        let first = u64::from(segment) * (full / page_bytes);
        if first + blocks > u64::from(u32::MAX) {
            let (found, expected) = (format!("block {}", first + blocks), "blocks below 2^32");
            return self.place(Effect::Fault, path.to_string(), &found, expected);
        }
        let Ok((file, _)) = open(self.survey.disk(), path) else { return Ok(()) };
        for block in 0..blocks {
            let page = PageId::new(id, (first + block) as u32);
            let offset = block * page_bytes;
            if let Err(fault) = self.look(&*file, page, offset, options.unlogged) {
                self.suspects.push(Suspect { page, path: Arc::clone(path), offset, fault });
                if self.suspects.len() >= SUSPECTS_AT_ONCE {
                    self.ask_the_log()?;
                }
            }
        }
        Ok(())
    }

    /// Checks one page.
    fn look(
        &mut self,
        file: &dyn DiskFile,
        id: PageId,
        offset: u64,
        is_unlogged: bool,
    ) -> Result<(), Fault> {
        self.counts.pages += 1;
        let page = &mut self.page;
        let read = file.read_at(page.bytes_mut(), offset);
        let bytes = read.map_err(|error| Fault::Unreadable(error.to_string()))?;
        if bytes < page.bytes().len() {
            return Err(Fault::Page(PageFault::Short { bytes }));
        }
        match page.verify(id) {
            Err(Error::Page { fault, .. }) => return Err(Fault::Page(fault)),
            Err(error) => return Err(Fault::Unreadable(error.to_string())),
            Ok(()) => {}
        }
        let (lsn, end) = (page.lsn(), self.survey.end());
        match is_unlogged {
            true if lsn != Lsn::ZERO => Err(Fault::Logged(lsn)),
            false if lsn == Lsn::ZERO => Err(Fault::NotLogged),
            false if lsn > end => Err(Fault::Page(PageFault::NewerThanWal { lsn, end })),
            _ => Ok(()),
        }
    }

    /// Finds out what becomes of the suspects.
    fn ask_the_log(&mut self) -> Result<()> {
        let suspects = std::mem::take(&mut self.suspects);
        let fates = self.survey.fates(suspects.iter().map(|suspect| suspect.page))?;
        for suspect in &suspects {
            let fate = fates.get(&suspect.page).copied().unwrap_or(Fate::Stays);
            self.counts.faulty += 1;
            self.counts.restored += u64::from(fate.is_fine());
            (self.visit)(Found::Page(suspect, fate))?;
        }
        Ok(())
    }

    fn place(&mut self, effect: Effect, path: String, found: &str, expected: &str) -> Result<()> {
        let finding = Finding::of_file(FindingKind::DataFile, effect, path, found, expected);
        (self.visit)(Found::Place(&finding))
    }
}

fn blocks_expected(expected: &ListedFile) -> String {
    format!("{} blocks at least: so many it had at the last checkpoint", expected.blocks)
}

/// An open file and its length.
fn open(disk: &dyn Disk, path: &str) -> Result<(Arc<dyn DiskFile>, u64), String> {
    let opened = disk.open(path).and_then(|file| file.len().map(|len| (file, len)));
    opened.map_err(|error| error.to_string())
}
