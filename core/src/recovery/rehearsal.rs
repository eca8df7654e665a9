//! Replay without replaying: what it would do, and what it would be refused for.
//!
//! # Bounds
//! Which pages have been met is remembered for [`PAGES_AT_ONCE`] of them, those with the least ids.
//! A log that changes more is read again for the next ones: so it takes longer, not more memory.

use super::bad;
use super::cuts::Cut;
use super::fates::Event;
use super::replay::admit;
use super::survey::Survey;
use crate::error::{Error, PageFault, Result};
use crate::files::Files;
use crate::page::{Page, PageId};
use crate::poison::Poison;
use crate::redo::PageRedo;
use crate::wal::reader::Record;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Pages that are remembered at once, in less than 40 MiB.
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

/// One time through the log, for some of its pages.
struct Pass<'s> {
    survey: &'s Survey,
    files: Files,
    newer: Newer,
    /// The last page of the passes before.
    after: Option<PageId>,
    at_once: usize,
    met: BTreeSet<PageId>,
    /// Whether there are others behind those.
    has_more: bool,
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
        let mut rehearsal = Rehearsal { pages: 0, lost_pages: 0, refusal: None };
        let mut after = None;
        loop {
            let mut pass = match Pass::new(self, newer, after, at_once) {
                Ok(pass) => pass,
                Err(error) => return Ok(Rehearsal { refusal: Some(error), ..rehearsal }),
            };
            rehearsal.lost_pages = self.lost_pages(&pass.files);
            self.for_each_event(|record, event| {
                if rehearsal.refusal.is_none() {
                    rehearsal.refusal = pass.go(record, event).err();
                }
                Ok(())
            })?;
            rehearsal.pages += pass.met.len() as u64;
            if rehearsal.refusal.is_some() || !pass.has_more {
                return Ok(rehearsal);
            }
            after = pass.met.last().copied();
        }
    }
}

impl<'s> Pass<'s> {
    fn new(
        survey: &'s Survey,
        newer: Newer,
        after: Option<PageId>,
        at_once: usize,
    ) -> Result<Self> {
        let (disk, format) = (Arc::clone(&survey.disk), survey.control.format);
        let poison = Arc::new(Poison::new());
        let files = Files::open(disk, &format, poison, &survey.known_files())?;
        let page = Page::zeroed(format.page_bytes as usize);
        let (met, has_more) = (BTreeSet::new(), false);
        Ok(Self { survey, files, newer, after, at_once, met, has_more, page })
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
        if self.meet(page) && !is_image { self.read(page) } else { Ok(()) }
    }

    /// Remembers a page. Returns whether it is one of this pass, and is met for the first time.
    fn meet(&mut self, page: PageId) -> bool {
        if self.after.is_some_and(|after| page <= after) || !self.met.insert(page) {
            return false;
        }
        if self.met.len() <= self.at_once {
            return true;
        }
        self.has_more = true;
        self.met.pop_last() != Some(page)
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
