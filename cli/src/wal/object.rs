//! A record as an object of JSON, written while it is gone through: as a value in memory it would
//! take hundreds of times the record.
//!
//! Keys are ascending in every object, as they are in what the other tools print.

use super::content::{Change, Content, Note};
use seawall::Record;
use seawall::seawall_core::files::ListedFile;
use seawall::seawall_core::redo::{PageRedo, Step};
use seawall::seawall_core::wal::record::RECORD_HEADER_BYTES;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// A record and what it says.
pub(super) struct Object<'o> {
    pub(super) record: &'o Record,
    pub(super) content: &'o Content<'o>,
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { record, content } = self;
        let mut object = serializer.serialize_map(None)?;
        if let Content::Truncate(_, blocks) = content {
            object.serialize_entry("blocks_left", blocks)?;
        }
        object.serialize_entry("end_lsn", &record.end.to_string())?;
        if let Content::Truncate(file, _) | Content::Drop(file) = content {
            object.serialize_entry("file", &file.0)?;
        }
        if let Content::Checkpoint(checkpoint) = content {
            object.serialize_entry("files", &Each(|| checkpoint.files.iter().map(File::from)))?;
        }
        object.serialize_entry("kind", record.kind.name())?;
        object.serialize_entry("length_bytes", &(RECORD_HEADER_BYTES + record.body.len()))?;
        object.serialize_entry("lsn", &record.start.to_string())?;
        match content {
            Content::Pages(_) => {
                object.serialize_entry("notes", &Each(|| content.notes()))?;
                object.serialize_entry("pages", &Each(|| content.changes()))?;
            }
            Content::Checkpoint(found) => {
                object.serialize_entry("redo_lsn", &found.redo.to_string())?;
            }
            Content::Senseless(reason) => object.serialize_entry("senseless", reason)?,
            Content::Truncate(..) | Content::Drop(_) | Content::Nothing => {}
        }
        object.end()
    }
}

/// A list, written item by item.
struct Each<F>(F);

impl<F: Fn() -> I, I: Iterator<Item: Serialize>> Serialize for Each<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

/// A file in the list of a checkpoint.
#[derive(Serialize)]
struct File {
    blocks: u32,
    file: u32,
    tablespace: u32,
    unlogged: bool,
}

impl From<&ListedFile> for File {
    fn from(listed: &ListedFile) -> Self {
        let ListedFile { file, options, blocks } = *listed;
        let (tablespace, unlogged) = (options.tablespace.0, options.unlogged);
        Self { blocks, file: file.0, tablespace, unlogged }
    }
}

impl Serialize for Note {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry("bytes", &self.bytes)?;
        object.serialize_entry("note_kind", &self.kind)?;
        object.end()
    }
}

impl Serialize for Change<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry("block", &self.page().block())?;
        object.serialize_entry("file", &self.page().file().0)?;
        match &self.0 {
            PageRedo::Image { image, .. } => {
                object.serialize_entry("image_bytes", &image.stored_bytes())?;
            }
            PageRedo::Steps { steps, .. } => {
                object.serialize_entry("steps", &Each(|| steps.iter().map(Piece::from)))?;
            }
        }
        object.end()
    }
}

/// A step of a change.
#[derive(Serialize)]
#[serde(untagged)]
enum Piece {
    Range { bytes: usize, offset_bytes: usize },
    Custom { bytes: usize, custom_kind: u8 },
}

impl From<Step<'_>> for Piece {
    fn from(step: Step<'_>) -> Self {
        match step {
            Step::Range { offset, bytes } => {
                Self::Range { bytes: bytes.len(), offset_bytes: offset }
            }
            Step::Custom { kind, data } => Self::Custom { bytes: data.len(), custom_kind: kind },
        }
    }
}
