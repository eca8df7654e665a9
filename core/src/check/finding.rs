//! What a check finds.

use crate::error::{Error, WalFault};
use crate::page::PageId;
use crate::recovery::Survey;
use crate::wal::position::WAL_DIR;
use std::fmt;

/// What a finding means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Damage.
    Fault,
    /// What a crash may leave: recovery puts it right.
    Repaired,
    /// No damage, and good to know.
    Note,
}

impl Effect {
    /// The name that the tools use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fault => "fault",
            Self::Repaired => "repaired",
            Self::Note => "note",
        }
    }
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FindingKind {
    /// A slot of the control file.
    ControlSlot,
    /// A name that no store has.
    UnknownFile,
    /// What salvage has put aside: the log was cut by hand.
    Salvaged,
    /// A segment file of the log.
    WalSegment,
    /// The chain of records.
    Log,
    /// The segments of a data file.
    DataFile,
    /// A page.
    Page,
    /// What replay would do.
    Replay,
}

impl FindingKind {
    /// The name that the tools use.
    pub fn name(self) -> &'static str {
        match self {
            Self::ControlSlot => "control_slot",
            Self::UnknownFile => "unknown_file",
            Self::Salvaged => "salvaged",
            Self::WalSegment => "wal_segment",
            Self::Log => "log",
            Self::DataFile => "data_file",
            Self::Page => "page",
            Self::Replay => "replay",
        }
    }
}

/// Something that is not as it should be. Its `Display` is the line that people read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub kind: FindingKind,
    /// What it means.
    pub effect: Effect,
    /// On which file, relative to the store's directory.
    pub file: String,
    /// At which byte of the file.
    pub offset: Option<u64>,
    /// Which page should be there.
    pub page: Option<PageId>,
    /// What was found.
    pub found: String,
    /// What was expected.
    pub expected: String,
    /// What becomes of it.
    pub outlook: Option<String>,
}

impl Finding {
    /// A finding about a file as a whole.
    pub(super) fn of_file(
        kind: FindingKind,
        effect: Effect,
        file: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        let (file, found, expected) = (file.into(), found.into(), expected.into());
        Self { kind, effect, file, offset: None, page: None, found, expected, outlook: None }
    }

    pub(super) fn of_log(survey: &Survey, fault: &WalFault) -> Self {
        let (file, offset) = survey.place(survey.end());
        let expected = "a log that is whole up to where it was durable";
        let found = fault.to_string();
        let finding = Self::of_file(FindingKind::Log, Effect::Fault, file, found, expected);
        let outlook = Some("opening is refused".to_owned());
        Self { offset: Some(offset), outlook, ..finding }
    }

    pub(super) fn of_replay(error: &Error) -> Self {
        let (kind, expected) = (FindingKind::Replay, "a log that fits the data files");
        let finding = Self::of_file(kind, Effect::Fault, WAL_DIR, error.to_string(), expected);
        Self { outlook: Some("opening is refused".to_owned()), ..finding }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<8} {}", self.effect.name(), self.file)?;
        if let Some(offset) = self.offset {
            write!(f, " offset {offset}")?;
        }
        if let Some(page) = self.page {
            write!(f, " (page {page})")?;
        }
        write!(f, ": found {}, expected {}", self.found, self.expected)?;
        self.outlook.as_ref().map_or(Ok(()), |outlook| write!(f, "; {outlook}"))
    }
}
