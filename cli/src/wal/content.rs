//! What a record says, in words: with `object.rs` all that is known here about the bodies of
//! records.
//!
//! # Memory
//! A record of 16 MiB can have four million steps, or a million changes or notes. So no lists are
//! made of them: a body is checked once, and gone through again each time that something is asked.
//! The one list is that of a checkpoint's files, which takes 16 bytes for a file that takes 16 in
//! the record, and up to twice that while it grows.

use seawall::seawall_core::checkpoint::CheckpointRecord;
use seawall::seawall_core::redo::{self, Entries, Entry, PageRedo, Step};
use seawall::seawall_core::wal::position::Geometry;
use seawall::{FileId, PageId, Record, RecordKind};
use std::fmt;

/// What a record says.
pub(super) enum Content<'r> {
    /// Changes of pages, and notes; all make sense.
    Pages(Entries<'r>),
    /// The pages at a redo point are on disk; so many files were listed at it.
    Checkpoint(CheckpointRecord),
    /// A file has so many blocks left.
    Truncate(FileId, u32),
    /// A file is gone.
    Drop(FileId),
    /// Nothing.
    Nothing,
    /// What makes no sense, though the checksums are right.
    Senseless(String),
}

/// The change of a page.
pub(super) struct Change<'r>(pub(super) PageRedo<'r>);

/// What an engine has said of its own.
pub(super) struct Note {
    pub(super) kind: u8,
    pub(super) bytes: usize,
}

impl<'r> Content<'r> {
    /// What a record says, in a store whose pages have bodies of `body_bytes`, and whose log is of
    /// this geometry.
    pub(super) fn of(record: &'r Record, body_bytes: usize, geometry: &Geometry) -> Self {
        let body = record.body.as_slice();
        let known = match record.kind {
            RecordKind::Pages => return pages(body, body_bytes),
            RecordKind::Void => return Self::Nothing,
            RecordKind::Checkpoint => {
                let checkpoint = CheckpointRecord::decode(body, geometry);
                return checkpoint.map_or_else(Self::Senseless, Self::Checkpoint);
            }
            RecordKind::Truncate => {
                words(body).map(|[file, blocks]| Self::Truncate(FileId(file), blocks))
            }
            RecordKind::Drop => words(body).map(|[file]| Self::Drop(FileId(file))),
            _ => None,
        };
        known.unwrap_or_else(|| Self::Senseless(format!("a body of {} bytes", body.len())))
    }

    /// Whether it is about a data file.
    pub(super) fn is_about(&self, file: FileId) -> bool {
        match self {
            Self::Pages(_) => self.changes().any(|change| change.page().file() == file),
            Self::Truncate(found, _) | Self::Drop(found) => *found == file,
            _ => false,
        }
    }

    /// The changes of pages, if it is about those.
    pub(super) fn changes(&self) -> impl Iterator<Item = Change<'r>> + use<'r> {
        self.entries().filter_map(|entry| match entry {
            Entry::Page(redo) => Some(Change(redo)),
            Entry::Note { .. } => None,
        })
    }

    /// The notes, if there are any.
    pub(super) fn notes(&self) -> impl Iterator<Item = Note> + use<'r> {
        self.entries().filter_map(|entry| match entry {
            Entry::Page(_) => None,
            Entry::Note { kind, data } => Some(Note { kind, bytes: data.len() }),
        })
    }

    /// Whether there are no words for it.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Pages(_) => self.entries().next().is_none(),
            Self::Nothing => true,
            _ => false,
        }
    }

    fn entries(&self) -> impl Iterator<Item = Entry<'r>> + use<'r> {
        let entries = if let Self::Pages(entries) = self { Some(entries.clone()) } else { None };
        // None is an error: see pages.
        entries.into_iter().flatten().filter_map(Result::ok)
    }
}

/// The words of a body that has exactly so many.
fn words<const N: usize>(body: &[u8]) -> Option<[u32; N]> {
    let (words, rest) = body.as_chunks();
    let words: [[u8; 4]; N] = words.try_into().ok().filter(|_| rest.is_empty())?;
    Some(words.map(u32::from_le_bytes))
}

fn pages(body: &[u8], body_bytes: usize) -> Content<'_> {
    let entries = redo::entries(body, body_bytes);
    match entries.clone().find_map(Result::err) {
        Some(reason) => Content::Senseless(reason),
        None => Content::Pages(entries),
    }
}

impl Change<'_> {
    /// The page.
    pub(super) fn page(&self) -> PageId {
        self.0.page()
    }

    /// Bytes of the log that say what the page has.
    pub(super) fn bytes(&self) -> u64 {
        let bytes = |step| match step {
            Step::Range { bytes, .. } => bytes.len() as u64,
            Step::Custom { data, .. } => data.len() as u64,
        };
        match &self.0 {
            PageRedo::Image { image, .. } => image.stored_bytes() as u64,
            PageRedo::Steps { steps, .. } => steps.iter().map(bytes).sum(),
        }
    }

    /// Whether it is an image.
    pub(super) fn is_image(&self) -> bool {
        matches!(self.0, PageRedo::Image { .. })
    }
}

impl fmt::Display for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pages(_) => {
                for (number, change) in self.changes().enumerate() {
                    write!(f, "{}{change}", if number == 0 { "" } else { "; " })?;
                }
                self.notes().try_for_each(|Note { kind, bytes }| {
                    write!(f, "; note of kind {kind}, {bytes} bytes")
                })
            }
            Self::Checkpoint(CheckpointRecord { redo, files }) => {
                write!(f, "redo {redo}, {} files", files.len())
            }
            Self::Truncate(file, blocks) => write!(f, "file {file} to {blocks} blocks"),
            Self::Drop(file) => write!(f, "file {file}"),
            Self::Nothing => Ok(()),
            Self::Senseless(reason) => write!(f, "makes no sense: {reason}"),
        }
    }
}

impl fmt::Display for Change<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = |f: &mut fmt::Formatter<'_>, step| match step {
            Step::Range { offset, bytes } => write!(f, " {offset}..{}", offset + bytes.len()),
            Step::Custom { kind, data } => write!(f, " custom({kind}, {} bytes)", data.len()),
        };
        match &self.0 {
            PageRedo::Image { page, image } => {
                write!(f, "{page} image of {} bytes", image.stored_bytes())
            }
            PageRedo::Steps { page, steps } => {
                write!(f, "{page} bytes")?;
                steps.iter().try_for_each(|found| step(f, found))
            }
        }
    }
}
