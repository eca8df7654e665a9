//! The record of a checkpoint.
//!
//! ```text
//!  0        8                             24
//!  ├────────┼──────────────────────────────┼── …
//!  │  redo  │ file │ blocks │ place │ kind │
//!  └────────┴──────────────────────────────┴── …
//! ```
//!
//! The redo point (8), then for each file that there was at it: number (4), blocks (4), tablespace
//! (4), and 1 if it is unlogged, else 0 (4); with ascending numbers.
//!
//! # Bounds
//! It takes a sixteenth of a segment at most, and no more than any record ([`files_max`]): the
//! segment that is kept for checkpoints (W12) has space for many. Of more files those with the
//! least numbers are listed.

use super::run::Parts;
use crate::files::{FileOptions, ListedFile, TablespaceId};
use crate::lsn::Lsn;
use crate::page::FileId;
use crate::wal::position::Geometry;
use crate::wal::record::{MAX_RECORD_BYTES, RECORD_HEADER_BYTES, RecordBuf, RecordKind};

const REDO_BYTES: usize = 8;
const FILE_BYTES: usize = 16;

/// What the record of a checkpoint says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointRecord {
    /// Its redo point.
    pub redo: Lsn,
    /// The files at the redo point, ascending.
    pub files: Vec<ListedFile>,
}

/// How many files are listed at most.
pub fn files_max(geometry: &Geometry) -> usize {
    let bytes = (geometry.stream_bytes_per_segment() / 16).min(MAX_RECORD_BYTES as u64) as usize;
    bytes.saturating_sub(RECORD_HEADER_BYTES + REDO_BYTES) / FILE_BYTES
}

impl CheckpointRecord {
    /// Fixes a redo point: the record of the checkpoint that begins.
    pub fn begin(parts: &Parts<'_>) -> Self {
        // In this order: see to_be_listed.
        let list_and_fix = || (parts.files.to_be_listed(), parts.wal.fix_redo());
        let (files, redo) = parts.delays.between(list_and_fix);
        Self { redo, files }
    }

    /// The record for a log of this geometry, before it has its place.
    pub(super) fn encode(&self, geometry: &Geometry) -> RecordBuf {
        let mut record = RecordBuf::new(RecordKind::Checkpoint);
        record.put(&self.redo.0.to_le_bytes());
        for ListedFile { file, options, blocks } in self.files.iter().take(files_max(geometry)) {
            let words = [file.0, *blocks, options.tablespace.0, u32::from(options.unlogged)];
            words.iter().for_each(|word| record.put(&word.to_le_bytes()));
        }
        record
    }

    /// What the body of a checkpoint's record says, in a log of this geometry.
    ///
    /// # Errors
    /// What makes no sense.
    pub fn decode(body: &[u8], geometry: &Geometry) -> Result<Self, String> {
        let (redo, list) = body.split_first_chunk::<REDO_BYTES>().ok_or_else(|| of_bytes(body))?;
        let (entries, rest) = list.as_chunks::<FILE_BYTES>();
        if !rest.is_empty() || entries.len() > files_max(geometry) {
            return Err(of_bytes(body));
        }
        let files: Vec<ListedFile> = entries.iter().map(file).collect::<Result<_, _>>()?;
        match files.iter().zip(files.iter().skip(1)).find(|(one, next)| one.file >= next.file) {
            Some((one, next)) => Err(format!("file {} is listed behind {}", next.file, one.file)),
            None => Ok(Self { redo: Lsn(u64::from_le_bytes(*redo)), files }),
        }
    }
}

fn of_bytes(body: &[u8]) -> String {
    let bytes = body.len();
    format!("a Checkpoint record with a body of {bytes} bytes, expected 8, and 16 a file")
}

fn file(entry: &[u8; FILE_BYTES]) -> Result<ListedFile, String> {
    let (words, _) = entry.as_chunks();
    let word = |n: usize| u32::from_le_bytes(words[n]);
    let file = FileId(word(0));
    if file == FileId(0) {
        return Err("file 0 is listed, expected numbers from 1 on".to_owned());
    }
    let unlogged = match word(3) {
        0 => false,
        1 => true,
        kind => return Err(format!("file {file} is listed as of kind {kind}, expected 0 or 1")),
    };
    let options = FileOptions { tablespace: TablespaceId(word(2)), unlogged };
    Ok(ListedFile { file, options, blocks: word(1) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Format;
    use crate::wal::record::RecordHeader;
    use proptest::prelude::*;

    fn geometry() -> Geometry {
        Geometry::new(&Format::default())
    }

    fn body(record: &CheckpointRecord) -> Vec<u8> {
        let mut record = record.encode(&geometry());
        record.close();
        record.finish(Lsn(64))[RECORD_HEADER_BYTES..].to_vec()
    }

    proptest! {
        #[test]
        fn what_was_put_in_comes_out(
            redo in any::<u64>(),
            files in prop::collection::btree_map(1u32.., any::<(u32, u32, bool)>(), 0..5),
        ) {
            let files = files.into_iter().map(|(file, (blocks, tablespace, unlogged))| {
                let options = FileOptions { tablespace: TablespaceId(tablespace), unlogged };
                ListedFile { file: FileId(file), options, blocks }
            });
            let record = CheckpointRecord { redo: Lsn(redo), files: files.collect() };
            prop_assert_eq!(CheckpointRecord::decode(&body(&record), &geometry()), Ok(record));
        }

        #[test]
        fn any_bytes_are_a_list_or_an_error(body in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(record) = CheckpointRecord::decode(&body, &geometry()) {
                prop_assert_eq!(body.len(), 8 + 16 * record.files.len());
                prop_assert!(record.files.is_sorted_by(|one, next| one.file < next.file));
            }
        }
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let list = |entries: &[[u32; 4]]| {
            let words = entries.iter().flatten().flat_map(|word| word.to_le_bytes());
            let body: Vec<u8> = [0; 8].into_iter().chain(words).collect();
            CheckpointRecord::decode(&body, &geometry())
        };
        assert_eq!(list(&[[1, 5, 0, 0], [2, 0, 3, 1]]).unwrap().files.len(), 2);
        assert_eq!(list(&[[2, 5, 0, 0], [1, 0, 3, 1]]).unwrap_err(), "file 1 is listed behind 2");
        assert_eq!(list(&[[2, 5, 0, 0], [2, 0, 3, 1]]).unwrap_err(), "file 2 is listed behind 2");
        let kind = "file 7 is listed as of kind 2, expected 0 or 1";
        assert_eq!(list(&[[7, 5, 0, 2]]).unwrap_err(), kind);
        let number = "file 0 is listed, expected numbers from 1 on";
        assert_eq!(list(&[[0, 5, 0, 0]]).unwrap_err(), number);
        for bytes in [0, 7, 9, 23, 25] {
            let error = CheckpointRecord::decode(&vec![0; bytes], &geometry()).unwrap_err();
            assert!(error.contains(&format!("a body of {bytes} bytes")), "{error}");
        }
        let most = files_max(&geometry()) as u32;
        let of = |count| list(&(1..=count).map(|file| [file, 0, 0, 0]).collect::<Vec<_>>());
        assert_eq!(of(most).unwrap().files.len(), most as usize);
        assert!(of(most + 1).is_err_and(|error| error.contains("a body of")));
    }

    #[test]
    fn the_longest_list_is_in_a_record_that_can_be_read_however_large_segments_are() {
        for wal_segment_bytes in [16 << 20, 256 << 20, 1 << 30] {
            let geometry = Geometry::new(&Format { wal_segment_bytes, ..Format::default() });
            let options = FileOptions::default();
            let listed = |file| ListedFile { file: FileId(file), options, blocks: 1 };
            let files = (1..=files_max(&geometry) as u32 + 1).map(listed).collect();
            let mut record = CheckpointRecord { redo: Lsn(0), files }.encode(&geometry);
            record.close();
            let bytes = record.finish(Lsn(64));
            let header = RecordHeader::decode(bytes.first_chunk().unwrap(), Lsn(64)).unwrap();
            assert!(header.length <= MAX_RECORD_BYTES);
            let read = CheckpointRecord::decode(&bytes[RECORD_HEADER_BYTES..], &geometry);
            assert_eq!(read.unwrap().files.len(), files_max(&geometry));
        }
    }
}
