//! What a record says, in words and in JSON: all that is known here about the bodies of records.

use seawall::seawall_core::redo::{self, PageRedo};
use seawall::{FileId, Lsn, PageId, Record, RecordKind};
use serde_json::{Value, json};
use std::fmt;

/// What a record says.
pub(super) enum Content {
    /// Changes of pages.
    Pages(Vec<Change>),
    /// A checkpoint with this redo point is complete.
    Checkpoint(Lsn),
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
    /// In places: offset in the body and bytes there.
    Ranges(Vec<(u64, u64)>),
}

impl Content {
    /// What a record says, in a store whose pages have bodies of `body_bytes`.
    pub(super) fn of(record: &Record, body_bytes: usize) -> Self {
        let words = || -> Vec<u32> {
            let (words, _) = record.body.as_chunks();
            words.iter().map(|word| u32::from_le_bytes(*word)).collect()
        };
        match record.kind {
            RecordKind::Pages => pages(&record.body, body_bytes),
            RecordKind::Void => Self::Nothing,
            kind => match (kind, words().as_slice(), record.body.len()) {
                (RecordKind::Checkpoint, [low, high], 8) => {
                    Self::Checkpoint(Lsn(u64::from(*high) << 32 | u64::from(*low)))
                }
                (RecordKind::Truncate, [file, blocks], 8) => Self::Truncate(FileId(*file), *blocks),
                (RecordKind::Drop, [file], 4) => Self::Drop(FileId(*file)),
                (_, _, bytes) => Self::Senseless(format!("a body of {bytes} bytes")),
            },
        }
    }

    /// Whether it is about a data file.
    pub(super) fn is_about(&self, file: FileId) -> bool {
        match self {
            Self::Pages(changes) => changes.iter().any(|change| change.page.file() == file),
            Self::Truncate(found, _) | Self::Drop(found) => *found == file,
            _ => false,
        }
    }

    /// The changes of pages, if it is about those.
    pub(super) fn changes(&self) -> &[Change] {
        if let Self::Pages(changes) = self { changes } else { &[] }
    }

    /// The fields that it has beside those of every record.
    pub(super) fn json(&self) -> Value {
        match self {
            Self::Pages(changes) => {
                json!({ "pages": changes.iter().map(Change::json).collect::<Vec<_>>() })
            }
            Self::Checkpoint(redo) => json!({ "redo_lsn": redo.to_string() }),
            Self::Truncate(file, blocks) => json!({ "file": file.0, "blocks_left": blocks }),
            Self::Drop(file) => json!({ "file": file.0 }),
            Self::Nothing => json!({}),
            Self::Senseless(reason) => json!({ "senseless": reason }),
        }
    }
}

fn pages(body: &[u8], body_bytes: usize) -> Content {
    let change = |change: &PageRedo<'_>| {
        let how = match change {
            PageRedo::Image { body, .. } => How::Image { bytes: body.len() as u64 },
            PageRedo::Ranges { ranges, .. } => {
                let range = |(offset, bytes): &(usize, &[u8])| (*offset as u64, bytes.len() as u64);
                How::Ranges(ranges.iter().map(range).collect())
            }
        };
        Change { page: change.page(), how }
    };
    match redo::decode(body, body_bytes) {
        Ok(changes) => Content::Pages(changes.iter().map(change).collect()),
        Err(reason) => Content::Senseless(reason),
    }
}

impl Change {
    /// Bytes of the log that say what the page has.
    pub(super) fn bytes(&self) -> u64 {
        match &self.how {
            How::Image { bytes } => *bytes,
            How::Ranges(ranges) => ranges.iter().map(|(_, bytes)| bytes).sum(),
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
            How::Ranges(ranges) => {
                let range = |(from, bytes): &_| json!({ "offset_bytes": from, "bytes": bytes });
                let ranges: Vec<_> = ranges.iter().map(range).collect();
                json!({ "file": file, "block": block, "ranges": ranges })
            }
        }
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pages(changes) => {
                for (number, change) in changes.iter().enumerate() {
                    write!(f, "{}{change}", if number == 0 { "" } else { "; " })?;
                }
                Ok(())
            }
            Self::Checkpoint(redo) => write!(f, "redo {redo}"),
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
            How::Ranges(ranges) => {
                write!(f, "{} bytes", self.page)?;
                ranges.iter().try_for_each(|(from, bytes)| write!(f, " {from}..{}", from + bytes))
            }
        }
    }
}
