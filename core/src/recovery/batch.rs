//! The log in batches: read, decoded, and with the pages prefetched that will be read.
//!
//! # Bounds
//! A batch has records of [`BATCH_BYTES_MAX`] and one record more (16 MiB at most), 56 bytes for
//! each record, and 24 for each change, which takes 16 bytes of a record at least; twice that while
//! it is replayed. Recovery holds two batches, one that is replayed and one that is read. That is
//! 12 MiB with a usual log, and less than 256 MiB whatever the log says.

use super::bad;
use crate::buffer::Pool;
use crate::error::{Error, Result, WalFault};
use crate::lsn::Lsn;
use crate::page::PageId;
use crate::redo::{self, Entry, PageRedo};
use crate::wal::reader::{Record, WalReader};
use crate::wal::record::{RECORD_HEADER_BYTES, RecordKind};
use std::collections::HashSet;

/// Bytes of records after which a batch ends.
pub(super) const BATCH_BYTES_MAX: usize = 4 << 20;

/// Records that follow each other; a truncation is the last.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) records: Vec<Record>,
    /// The changes of pages in all records, in their order.
    pub(super) changes: Vec<Change>,
    /// Entries that are notes.
    pub(super) notes: Vec<Place>,
    /// Why no record follows, though the log has one.
    pub(super) error: Option<Error>,
}

/// Where an entry is: the record, and the offset in its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) record: u32,
    pub(super) offset: u32,
}

/// A change of a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change {
    pub(super) page: PageId,
    pub(super) place: Place,
    pub(super) is_image: bool,
}

const _: () = assert!(size_of::<Change>() == 24);

impl Batch {
    pub(super) fn is_behind_last(&self) -> bool {
        self.records.is_empty() && self.error.is_none()
    }

    pub(super) fn record(&self, place: Place) -> &Record {
        &self.records[place.record as usize]
    }

    /// The entry at a place, decoded again.
    pub(super) fn entry(&self, place: Place, body_bytes: usize) -> Result<Entry<'_>> {
        let record = self.record(place);
        let entry = redo::entries(&record.body[place.offset as usize..], body_bytes).next();
        let entry = entry.unwrap_or_else(|| Err("there is no entry".to_owned()));
        entry.map_err(|reason| bad(record, &reason))
    }

    /// Adds a record, whole or not at all.
    fn push(&mut self, record: Record, body_bytes: usize) -> Result<()> {
        let (changes, notes) = (self.changes.len(), self.notes.len());
        if let Err(reason) = self.push_entries(&record, body_bytes) {
            self.changes.truncate(changes);
            self.notes.truncate(notes);
            return Err(bad(&record, &reason));
        }
        self.records.push(record);
        Ok(())
    }

    fn push_entries(&mut self, record: &Record, body_bytes: usize) -> Result<(), String> {
        if record.kind != RecordKind::Pages {
            return Ok(());
        }
        let number = self.records.len() as u32;
        let (mut entries, mut offset) = (redo::entries(&record.body, body_bytes), 0);
        while let Some(entry) = entries.next() {
            let place = Place { record: number, offset };
            match entry? {
                Entry::Note { .. } => self.notes.push(place),
                Entry::Page(page) => {
                    let is_image = matches!(page, PageRedo::Image { .. });
                    self.changes.push(Change { page: page.page(), place, is_image });
                }
            }
            offset = (record.body.len() - entries.rest_len()) as u32;
        }
        Ok(())
    }

    fn images(&self) -> impl Iterator<Item = PageId> {
        self.changes.iter().filter(|change| change.is_image).map(|change| change.page)
    }
}

/// Reads batches.
pub(super) struct Batches {
    reader: WalReader,
    end: Lsn,
    batch_bytes: usize,
    body_bytes: usize,
    /// Pages that the last batch has images of.
    images: HashSet<PageId>,
}

impl Batches {
    pub(super) fn new(reader: WalReader, end: Lsn, batch_bytes: usize, body_bytes: usize) -> Self {
        let batch_bytes = batch_bytes.min(BATCH_BYTES_MAX);
        Self { reader, end, batch_bytes, body_bytes, images: HashSet::new() }
    }

    /// The next batch; one without records and error is behind the last.
    pub(super) fn read(&mut self, pool: &Pool) -> Batch {
        let mut batch = Batch::default();
        batch.error = self.fill(&mut batch).err();
        self.prefetch(&batch, pool);
        batch
    }

    fn fill(&mut self, batch: &mut Batch) -> Result<()> {
        let mut bytes = 0;
        while self.reader.position() < self.end && bytes < self.batch_bytes {
            let record = self.reader.read()?.map_err(|stop| {
                let reason = format!("was valid, and is not when read again: {}", stop.reason);
                Error::Wal(WalFault::BadContent { lsn: stop.at, reason })
            })?;
            bytes += RECORD_HEADER_BYTES + record.body.len();
            let is_truncation = record.kind == RecordKind::Truncate;
            batch.push(record, self.body_bytes)?;
            if is_truncation {
                break;
            }
        }
        Ok(())
    }

    /// Has the pages read that a batch changes, but for those that an image is there of: in this
    /// batch, or in the last one, whose pages are about to come into the pool.
    fn prefetch(&mut self, batch: &Batch, pool: &Pool) {
        let old = std::mem::replace(&mut self.images, batch.images().collect());
        let has_image = |page: &PageId| self.images.contains(page) || old.contains(page);
        let mut pages: Vec<PageId> = batch.changes.iter().map(|change| change.page).collect();
        pages.sort_unstable();
        pages.dedup();
        pages.retain(|page| !has_image(page));
        // Who reads such a page meets the error, if there is one.
        let _ = pool.prefetch(&pages);
    }
}
