//! What replay will make of a page, without making it: the changes that it makes, in their order.

use super::cuts::Cut;
use super::survey::Survey;
use super::{bad, body_bytes};
use crate::error::{Error, Result, WalFault};
use crate::lsn::Lsn;
use crate::page::PageId;
use crate::redo::{self, Entry, PageRedo};
use crate::wal::reader::Record;
use crate::wal::record::RecordKind;
use std::collections::BTreeMap;
use std::fmt;

/// What recovery makes of a page that is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The record at this position has an image of it, which comes first.
    Restored(Lsn),
    /// The log cuts it off.
    CutOff,
    /// The record at this position changes it first, and needs it whole: opening is refused.
    Needed(Lsn),
    /// The log has nothing about it: it stays as it is.
    Stays,
}

impl Fate {
    /// Whether recovery makes it good.
    pub fn is_fine(self) -> bool {
        matches!(self, Self::Restored(_) | Self::CutOff)
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Restored(lsn) => write!(f, "recovery restores it from the image at {lsn}"),
            Self::CutOff => write!(f, "recovery cuts it off"),
            Self::Needed(lsn) => write!(f, "the record at {lsn} needs it: opening is refused"),
            Self::Stays => write!(f, "the log has no image of it"),
        }
    }
}

/// What replay does next.
pub(super) enum Event<'r> {
    /// It changes a page.
    Change(&'r PageRedo<'r>),
    /// It cuts a file.
    Cut(Cut),
}

impl Survey {
    /// What recovery makes of each of some pages. Reads the log once.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Wal`] if the log changes meanwhile.
    pub fn fates(&self, pages: impl Iterator<Item = PageId>) -> Result<BTreeMap<PageId, Fate>> {
        let of = |page| match self.cuts.covers(page, Lsn::ZERO) {
            true => (page, Fate::CutOff),
            false => (page, Fate::Stays),
        };
        let mut fates: BTreeMap<PageId, Fate> = pages.map(of).collect();
        if fates.is_empty() {
            return Ok(fates);
        }
        self.for_each_event(|record, event| {
            if let Event::Change(redo) = event
                && let Some(fate @ (Fate::CutOff | Fate::Stays)) = fates.get_mut(&redo.page())
            {
                *fate = match redo {
                    PageRedo::Image { .. } => Fate::Restored(record.start),
                    PageRedo::Steps { .. } => Fate::Needed(record.start),
                };
            }
            Ok(())
        })?;
        Ok(fates)
    }

    /// Shows what replay does, in its order.
    pub(super) fn for_each_event(
        &self,
        mut visit: impl FnMut(&Record, Event<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut reader = self.reader(self.control.redo);
        while reader.position() < self.end() {
            let record = reader.read()?.map_err(|stop| {
                let reason = format!("was valid, and is not when read again: {}", stop.reason);
                Error::Wal(WalFault::BadContent { lsn: stop.at, reason })
            })?;
            if let Some(cut) = Cut::decode(&record).map_err(|reason| bad(&record, &reason))? {
                visit(&record, Event::Cut(cut))?;
            }
            if record.kind == RecordKind::Pages {
                self.show_changes(&record, &mut visit)?;
            }
        }
        Ok(())
    }

    fn show_changes(
        &self,
        record: &Record,
        visit: &mut impl FnMut(&Record, Event<'_>) -> Result<()>,
    ) -> Result<()> {
        for entry in redo::entries(&record.body, body_bytes(&self.control.format)) {
            match entry.map_err(|reason| bad(record, &reason))? {
                Entry::Page(redo) if !self.cuts.covers(redo.page(), record.start) => {
                    visit(record, Event::Change(&redo))?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}
