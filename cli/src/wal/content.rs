//! What a record says, in words and in JSON: all that is known here about the bodies of records.

use seawall::seawall_core::checkpoint::CheckpointRecord;
use seawall::seawall_core::files::ListedFile;
use seawall::seawall_core::redo::{self, Entry, PageRedo, Step};
use seawall::seawall_core::wal::position::Geometry;
use seawall::{FileId, PageId, Record, RecordKind};
use serde_json::{Value, json};
use std::fmt;

/// What a record says.
pub(super) enum Content {
    /// Changes of pages, and notes: kind and bytes.
    Pages(Vec<Change>, Vec<(u8, u64)>),
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
pub(super) struct Change {
    pub(super) page: PageId,
    pub(super) how: How,
}

/// How a page is changed.
pub(super) enum How {
    /// All of it, by so many bytes of the log.
    Image { bytes: u64 },
    /// One step after the other.
    Steps(Vec<Piece>),
}

/// A step of a change.
pub(super) enum Piece {
    /// So many bytes from an offset in the body on.
    Range { offset: u64, bytes: u64 },
    /// A change of the engine's own, described by so many bytes.
    Custom { kind: u8, bytes: u64 },
}

impl Content {
    /// What a record says, in a store whose pages have bodies of `body_bytes`, and whose log is of
    /// this geometry.
    pub(super) fn of(record: &Record, body_bytes: usize, geometry: &Geometry) -> Self {
        let words = || -> Vec<u32> {
            let (words, _) = record.body.as_chunks();
            words.iter().map(|word| u32::from_le_bytes(*word)).collect()
        };
        match record.kind {
            RecordKind::Pages => pages(&record.body, body_bytes),
            RecordKind::Void => Self::Nothing,
            RecordKind::Checkpoint => match CheckpointRecord::decode(&record.body, geometry) {
                Ok(checkpoint) => Self::Checkpoint(checkpoint),
                Err(reason) => Self::Senseless(reason),
            },
            kind => match (kind, words().as_slice(), record.body.len()) {
                (RecordKind::Truncate, [file, blocks], 8) => Self::Truncate(FileId(*file), *blocks),
                (RecordKind::Drop, [file], 4) => Self::Drop(FileId(*file)),
                (_, _, bytes) => Self::Senseless(format!("a body of {bytes} bytes")),
            },
        }
    }

    /// Whether it is about a data file.
    pub(super) fn is_about(&self, file: FileId) -> bool {
        match self {
            Self::Pages(changes, _) => changes.iter().any(|change| change.page.file() == file),
            Self::Truncate(found, _) | Self::Drop(found) => *found == file,
            _ => false,
        }
    }

    /// The changes of pages, if it is about those.
    pub(super) fn changes(&self) -> &[Change] {
        if let Self::Pages(changes, _) = self { changes } else { &[] }
    }

    /// The fields that it has beside those of every record.
    pub(super) fn json(&self) -> Value {
        match self {
            Self::Pages(changes, notes) => {
                let note = |(kind, bytes): &_| json!({ "note_kind": kind, "bytes": bytes });
                json!({
                    "pages": changes.iter().map(Change::json).collect::<Vec<_>>(),
                    "notes": notes.iter().map(note).collect::<Vec<_>>(),
                })
            }
            Self::Checkpoint(CheckpointRecord { redo, files }) => json!({
                "redo_lsn": redo.to_string(),
                "files": files.iter().map(listed).collect::<Vec<_>>(),
            }),
            Self::Truncate(file, blocks) => json!({ "file": file.0, "blocks_left": blocks }),
            Self::Drop(file) => json!({ "file": file.0 }),
            Self::Nothing => json!({}),
            Self::Senseless(reason) => json!({ "senseless": reason }),
        }
    }
}

fn listed(listed: &ListedFile) -> Value {
    let ListedFile { file, options, blocks } = listed;
    json!({
        "file": file.0,
        "blocks": blocks,
        "tablespace": options.tablespace.0,
        "unlogged": options.unlogged,
    })
}

fn pages(body: &[u8], body_bytes: usize) -> Content {
    let (mut changes, mut notes) = (Vec::new(), Vec::new());
    for entry in redo::entries(body, body_bytes) {
        match entry {
            Ok(Entry::Page(redo)) => changes.push(Change { page: redo.page(), how: how(&redo) }),
            Ok(Entry::Note { kind, data }) => notes.push((kind, data.len() as u64)),
            Err(reason) => return Content::Senseless(reason),
        }
    }
    Content::Pages(changes, notes)
}

fn how(redo: &PageRedo<'_>) -> How {
    let piece = |step| match step {
        Step::Range { offset, bytes } => {
            Piece::Range { offset: offset as u64, bytes: bytes.len() as u64 }
        }
        Step::Custom { kind, data } => Piece::Custom { kind, bytes: data.len() as u64 },
    };
    match redo {
        PageRedo::Image { image, .. } => How::Image { bytes: image.stored_bytes() as u64 },
        PageRedo::Steps { steps, .. } => How::Steps(steps.iter().map(piece).collect()),
    }
}

impl Piece {
    fn bytes(&self) -> u64 {
        match self {
            Self::Range { bytes, .. } | Self::Custom { bytes, .. } => *bytes,
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Range { offset, bytes } => json!({ "offset_bytes": offset, "bytes": bytes }),
            Self::Custom { kind, bytes } => json!({ "custom_kind": kind, "bytes": bytes }),
        }
    }
}

impl Change {
    /// Bytes of the log that say what the page has.
    pub(super) fn bytes(&self) -> u64 {
        match &self.how {
            How::Image { bytes } => *bytes,
            How::Steps(steps) => steps.iter().map(Piece::bytes).sum(),
        }
    }

    /// Whether it is an image.
    pub(super) fn is_image(&self) -> bool {
        matches!(self.how, How::Image { .. })
    }

    fn json(&self) -> Value {
        let (file, block) = (self.page.file().0, self.page.block());
        match &self.how {
            How::Image { bytes } => json!({ "file": file, "block": block, "image_bytes": bytes }),
            How::Steps(steps) => {
                let steps: Vec<_> = steps.iter().map(Piece::json).collect();
                json!({ "file": file, "block": block, "steps": steps })
            }
        }
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pages(changes, notes) => {
                for (number, change) in changes.iter().enumerate() {
                    write!(f, "{}{change}", if number == 0 { "" } else { "; " })?;
                }
                notes
                    .iter()
                    .try_for_each(|(kind, bytes)| write!(f, "; note of kind {kind}, {bytes} bytes"))
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

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.how {
            How::Image { bytes } => write!(f, "{} image of {bytes} bytes", self.page),
            How::Steps(steps) => {
                write!(f, "{} bytes", self.page)?;
                steps.iter().try_for_each(|step| match step {
                    Piece::Range { offset, bytes } => write!(f, " {offset}..{}", offset + bytes),
                    Piece::Custom { kind, bytes } => write!(f, " custom({kind}, {bytes} bytes)"),
                })
            }
        }
    }
}
