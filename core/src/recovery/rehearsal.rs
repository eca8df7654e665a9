//! Replay without replaying: what it would do, and what it would be refused for.
//!
//! # Bounds
//! Which pages have been met is remembered for [`PAGES_AT_ONCE`] of them. A log that changes more
//! is read as often as it takes to go through its pages in shares: so it takes longer, not more
//! memory.

use super::bad;
use super::cuts::Cut;
use super::fates::Event;
use super::replay::{admit, share_of};
use super::survey::Survey;
use crate::error::{Error, PageFault, Result};
use crate::files::Files;
use crate::page::{Page, PageId};
use crate::poison::Poison;
use crate::redo::PageRedo;
use crate::wal::reader::Record;
use std::collections::HashSet;
use std::sync::Arc;

/// Pages that are remembered at once: 40 MiB at most.
const PAGES_AT_ONCE: usize = 1 << 20;

/// What replay would do.
#[derive(Debug)]
pub struct Rehearsal {
    /// Pages that it would change.
    pub pages: u64,
    /// As [`RecoveryReport::lost_pages`](super::RecoveryReport::lost_pages).
    pub lost_pages: u64,
    /// Why it would end early: the store would not open.
    pub refusal: Option<Error>,
}

/// How strict a rehearsal is with pages that are newer than the end of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Newer {
    /// As recovery is.
    Refused,
    /// As if they were as old as the end of the log.
    Kept,
}

/// One time through the log, for a share of its pages.
struct Pass<'s> {
    survey: &'s Survey,
    files: Files,
    newer: Newer,
    number: usize,
    shares: usize,
    met: HashSet<PageId>,
    page: Page,
}

impl Survey {
    /// Goes through the log as replay does, and reads the pages that it would need.
    ///
    /// # Errors
    /// [`Error::Io`] from the log.
    pub fn rehearse(&self) -> Result<Rehearsal> {
        self.rehearse_with(Newer::Refused)
    }

    /// The same with so many pages remembered at once: the fewer, the more often the log is read.
    ///
    /// # Errors
    /// As [`Survey::rehearse`].
    pub fn rehearse_within(&self, pages_at_once: usize) -> Result<Rehearsal> {
        self.rehearse_in(Newer::Refused, pages_at_once.max(1))
    }

    pub(super) fn rehearse_with(&self, newer: Newer) -> Result<Rehearsal> {
        self.rehearse_in(newer, PAGES_AT_ONCE)
    }

    fn rehearse_in(&self, newer: Newer, at_once: usize) -> Result<Rehearsal> {
        let (mut pages, mut lost_pages, mut number, mut shares) = (0, 0, 0, 1);
        while number < shares {
            let mut pass = match Pass::new(self, newer, number, shares) {
                Ok(pass) => pass,
                Err(error) => return Ok(Rehearsal { pages, lost_pages, refusal: Some(error) }),
            };
            lost_pages = self.lost_pages(&pass.files);
            let mut is_full = false;
            let mut refusal = None;
            self.for_each_event(|record, event| {
                if refusal.is_none() && !is_full {
                    refusal = pass.go(record, event).err();
                    is_full = pass.met.len() > at_once;
                }
                Ok(())
            })?;
            if is_full {
                (pages, number, shares) = (0, 0, shares * 2);
                continue;
            }
            pages += pass.met.len() as u64;
            if refusal.is_some() {
                return Ok(Rehearsal { pages, lost_pages, refusal });
            }
            number += 1;
        }
        Ok(Rehearsal { pages, lost_pages, refusal: None })
    }
}

impl<'s> Pass<'s> {
    fn new(survey: &'s Survey, newer: Newer, number: usize, shares: usize) -> Result<Self> {
        let (disk, format) = (Arc::clone(&survey.disk), survey.control.format);
        let poison = Arc::new(Poison::new());
        let files = Files::open(disk, &format, poison, &survey.known_files())?;
        let page = Page::zeroed(format.page_bytes as usize);
        Ok(Self { survey, files, newer, number, shares, met: HashSet::new(), page })
    }

    fn go(&mut self, record: &Record, event: Event<'_>) -> Result<()> {
        match event {
            Event::Cut(Cut::Truncate(file, blocks))
                if !self.survey.cuts.dropped().contains(&file) =>
            {
                let file = self.files.get(file).map_err(|error| bad(record, &error))?;
                file.shorten_to(blocks);
                Ok(())
            }
            Event::Cut(_) => Ok(()),
            Event::Change(redo) => self.change(record, redo),
        }
    }

    fn change(&mut self, record: &Record, redo: &PageRedo<'_>) -> Result<()> {
        let page = redo.page();
        let is_image = matches!(redo, PageRedo::Image { .. });
        admit(&self.files, page, is_image, &mut None).map_err(|error| bad(record, &error))?;
        if let PageRedo::Image { image, .. } = redo {
            image.body().map_err(|reason| bad(record, &reason))?;
        }
        let is_first = share_of(page, self.shares) == self.number && self.met.insert(page);
        if is_first && !is_image { self.read(page) } else { Ok(()) }
    }

    /// Reads a page as replay would.
    fn read(&mut self, page: PageId) -> Result<()> {
        self.files.read_page(page, &mut self.page)?;
        let (lsn, end) = (self.page.lsn(), self.survey.end());
        if lsn > end && self.newer == Newer::Refused {
            return Err(Error::Page { page, fault: PageFault::NewerThanWal { lsn, end } });
        }
        Ok(())
    }
}
