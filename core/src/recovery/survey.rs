//! Steps 1 and 2: the log from the redo point on, read to where it ends, and why recovery would
//! refuse it.
//!
//! Nothing is changed. It holds one record (16 MiB at most), what the log cuts off: 8 bytes for a
//! record of that kind, which takes 32, and the list of files of the last checkpoint's record: 16
//! bytes a file, which are 16 in the record.
//!
//! # Rules
//! * R7, R9: what is wrong first is what is reported, and nothing behind it is taken for log.
//! * The log ends only where two reads of the disk say so: what is behind its end is cleared, and a
//!   single wrong read must not take the last commits away.
//! * R7: a segment is full and durable before it has its name. So one that is short has lost bytes,
//!   unless nothing can have been in them (a store that was closed).

use super::ahead::Beyond;
use super::body_bytes;
use super::cuts::{Cut, Cuts};
use super::senseless;
use crate::checkpoint::CheckpointRecord;
use crate::control::{Control, StoreState};
use crate::disk::Disk;
use crate::error::{Error, Result, WalFault};
use crate::files::{Files, KnownFiles, ListedFile};
use crate::lsn::{LSN_LIMIT, Lsn};
use crate::page::FileId;
use crate::redo::{self, Entry, NO_REDO, PageRedo};
use crate::wal::position::{Geometry, RECORD_ALIGNMENT, segment_path};
use crate::wal::reader::{Record, Stop, WalReader};
use crate::wal::record::{RECORD_HEADER_BYTES, RecordKind};
use crate::wal::segment;
use std::sync::Arc;

/// What a log consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogCounts {
    /// Records.
    pub records: u64,
    /// Changes of pages that are images.
    pub images: u64,
    /// Changes of pages that are not.
    pub steps: u64,
    /// Notes.
    pub notes: u64,
    /// Truncations and drops.
    pub cuts: u64,
}

/// A log from the redo point on, as far as it goes.
pub struct Survey {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) geometry: Geometry,
    pub(super) control: Control,
    pub(super) stop: Stop,
    pub(super) cuts: Cuts,
    pub(super) beyond: Beyond,
    counts: LogCounts,
    /// The files that the last checkpoint has listed.
    listed: Vec<ListedFile>,
    /// Where the last record starts, or the log.
    last: Lsn,
    /// What cannot be replayed though its checksums are right, where the log is taken to end.
    senseless: Option<WalFault>,
    /// The first custom kind.
    custom: Option<WalFault>,
    /// The first segment from the end on that is not whole.
    short: Option<WalFault>,
    checkpoint_found: bool,
}

impl Survey {
    /// Reads the log to its end, or up to the first record that ends at or behind `until`.
    ///
    /// # Errors
    /// [`Error::Io`]. What is wrong with the log is told by [`Survey::refusal`].
    pub fn read(disk: Arc<dyn Disk>, control: &Control, until: Option<Lsn>) -> Result<Self> {
        let geometry = Geometry::new(&control.format);
        let first = geometry.segment(control.redo);
        let mut survey = Self {
            stop: stop(control.redo, String::new()),
            geometry,
            control: *control,
            cuts: Cuts::default(),
            beyond: Beyond::default(),
            counts: LogCounts::default(),
            listed: Vec::new(),
            last: control.redo,
            senseless: None,
            custom: None,
            short: None,
            // A new store has no checkpoint record; the first that it gets may stand there.
            checkpoint_found: control.checkpoint == control.checkpoint_end,
            disk,
        };
        if segment::list(&*survey.disk, &geometry)?.contains(&first) {
            survey.stop = survey.read_records(until)?;
        } else {
            let segment = segment_path(first);
            survey.stop.reason = format!("there is no {segment}");
            survey.senseless = Some(WalFault::MissingSegment { segment, redo: control.redo });
        }
        survey.beyond = Beyond::look(&survey.disk, &geometry, control, survey.stop.at)?;
        survey.short = survey.find_short_segment()?;
        Ok(survey)
    }

    fn find_short_segment(&self) -> Result<Option<WalFault>> {
        if self.control.ends_closed(self.stop.at) {
            return Ok(None);
        }
        let (expected_bytes, valid_end) = (self.geometry.segment_bytes(), self.stop.at);
        let last = self.geometry.segment(valid_end);
        let present = segment::list(&*self.disk, &self.geometry)?;
        for number in present.into_iter().filter(|number| *number >= last) {
            let bytes = segment::len(&*self.disk, number)?;
            if bytes < expected_bytes {
                let segment = segment_path(number);
                let fault = WalFault::ShortSegment { segment, bytes, expected_bytes, valid_end };
                return Ok(Some(fault));
            }
        }
        Ok(None)
    }

    fn read_records(&mut self, until: Option<Lsn>) -> Result<Stop> {
        let mut reader = self.reader(self.control.redo);
        let mut seen_to_end = None;
        loop {
            let at = reader.position();
            if until.is_some_and(|until| at >= until) {
                return Ok(stop(at, "the log was to be read up to here".to_owned()));
            }
            let record = match reader.read() {
                Ok(Ok(record)) => record,
                Ok(Err(stop)) if seen_to_end == Some(at) => return Ok(stop),
                Ok(Err(_)) => {
                    seen_to_end = Some(at);
                    // One that has nothing in memory.
                    reader = self.reader(at);
                    continue;
                }
                Err(Error::Wal(fault)) => return Ok(self.end_at(at, fault)),
                Err(error) => return Err(error),
            };
            if let Err(fault) = self.take(&record) {
                return Ok(self.end_at(at, fault));
            }
            self.last = at;
        }
    }

    fn end_at(&mut self, at: Lsn, fault: WalFault) -> Stop {
        let stop = stop(at, fault.to_string());
        self.senseless = Some(fault);
        stop
    }

    /// Takes notice of what a record says, all of it or nothing.
    fn take(&mut self, record: &Record) -> Result<(), WalFault> {
        if record.end.0 >= LSN_LIMIT {
            let reason = format!("it ends at {}, expected below {}", record.end, Lsn(LSN_LIMIT));
            return Err(senseless(record, &reason));
        }
        let control = &self.control;
        let is_checkpoint = record.kind == RecordKind::Checkpoint;
        let checkpoint =
            is_checkpoint.then(|| CheckpointRecord::decode(&record.body, &self.geometry));
        if !self.checkpoint_found && record.start == control.checkpoint {
            check_checkpoint(record, checkpoint.as_ref(), control)?;
            self.checkpoint_found = true;
        }
        if let Some(checkpoint) = checkpoint {
            // It may be a later one than the control file knows of: the pages are durable before
            // the record.
            self.listed = checkpoint.map_err(|reason| senseless(record, &reason))?.files;
        }
        let mut counts = self.counts;
        counts.records += 1;
        if let Some(cut) = Cut::decode(record).map_err(|reason| senseless(record, &reason))? {
            counts.cuts += 1;
            self.cuts.push(record.start, cut);
        }
        if record.kind == RecordKind::Pages {
            self.take_entries(record, &mut counts)?;
        }
        self.counts = counts;
        Ok(())
    }

    fn take_entries(&mut self, record: &Record, counts: &mut LogCounts) -> Result<(), WalFault> {
        for entry in redo::entries(&record.body, body_bytes(&self.control.format)) {
            let custom = match entry.map_err(|reason| senseless(record, &reason))? {
                Entry::Note { kind, .. } => {
                    counts.notes += 1;
                    Some(format!("note of kind {kind}"))
                }
                Entry::Page(page) => {
                    let is_image = matches!(page, PageRedo::Image { .. });
                    *(if is_image { &mut counts.images } else { &mut counts.steps }) += 1;
                    let custom = page.custom_kind();
                    custom
                        .map(|kind| format!("custom change of kind {kind} of page {}", page.page()))
                }
            };
            if let (None, Some(custom)) = (&self.custom, custom) {
                self.custom = Some(senseless(record, &format_args!("{custom}: {NO_REDO}")));
            }
        }
        Ok(())
    }

    /// Why recovery would refuse this log; `has_redo` says whether custom kinds have a meaning.
    pub fn refusal(&self, has_redo: bool) -> Option<WalFault> {
        let custom = self.custom.clone().filter(|_| !has_redo);
        let checkpoint = || {
            let found = "the middle of another record".to_owned();
            let lsn = self.control.checkpoint;
            (!self.checkpoint_found).then_some(WalFault::NoCheckpoint { lsn, found })
        };
        // A custom kind is before whatever ends the log.
        custom
            .or_else(|| self.senseless.clone())
            .or_else(|| self.hole())
            .or_else(|| self.short.clone())
            .or_else(checkpoint)
    }

    /// What was durable behind the end, if something was.
    pub(super) fn hole(&self) -> Option<WalFault> {
        self.beyond.hole(&self.geometry, &self.control, &self.stop)
    }

    /// The end of what can be replayed.
    pub fn end(&self) -> Lsn {
        self.stop.at
    }

    /// Where the last record starts; the redo point if there is none.
    pub fn last_record(&self) -> Lsn {
        self.last
    }

    /// Why there is no further record.
    pub fn stop_reason(&self) -> &str {
        &self.stop.reason
    }

    /// What lies behind the end.
    pub fn beyond(&self) -> Beyond {
        self.beyond
    }

    /// What the log consists of.
    pub fn counts(&self) -> LogCounts {
        self.counts
    }

    /// The control file that it begins with.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// The first custom kind in it, if there is one: only its engine can replay this log.
    pub fn custom(&self) -> Option<&WalFault> {
        self.custom.as_ref()
    }

    /// Segment file of a position, and the byte in it.
    pub fn place(&self, lsn: Lsn) -> (String, u64) {
        (segment_path(self.geometry.segment(lsn)), self.geometry.offset(lsn))
    }

    /// Up to where there is known to be, or to have been, log.
    pub fn known_end(&self) -> Lsn {
        let (durable, _) = self.beyond.durable(&self.control);
        // A block header may say anything.
        self.stop.at.max(durable).min(Lsn(LSN_LIMIT - RECORD_ALIGNMENT))
    }

    /// What there should be in the directories of the data files.
    pub(crate) fn known_files(&self) -> KnownFiles<'_> {
        let (last, dropped) = (self.control.last_file, self.cuts.dropped());
        KnownFiles { last, dropped, listed: &self.listed }
    }

    /// The files that must be on disk, with the blocks that they have there at least: those that
    /// are listed and the log does not cut off, nor an opening empties.
    pub(crate) fn expected_files(&self) -> impl Iterator<Item = ListedFile> {
        self.known_files().expected().map(|listed| self.without_what_goes(listed))
    }

    /// The same of one file.
    pub(crate) fn expected_file(&self, file: FileId) -> Option<ListedFile> {
        let found = self.listed.binary_search_by_key(&file, |listed| listed.file);
        let listed = found.ok().filter(|_| !self.drops(file)).map(|at| &self.listed[at]);
        listed.map(|listed| self.without_what_goes(listed))
    }

    fn without_what_goes(&self, listed: &ListedFile) -> ListedFile {
        let is_emptied = listed.options.unlogged && self.control.state == StoreState::InProduction;
        let left = if is_emptied { 0 } else { self.cuts.least(listed.file) };
        ListedFile { blocks: listed.blocks.min(left), ..*listed }
    }

    /// How many pages are not on disk that must be.
    pub(super) fn lost_pages(&self, files: &Files) -> u64 {
        let lost = |expected: ListedFile| {
            let blocks = expected.blocks;
            let found = files.get(expected.file);
            let found = found.map_or(0, |file| file.blocks_found(blocks, files.segment_blocks()));
            u64::from(blocks - found)
        };
        self.expected_files().map(lost).sum()
    }

    /// Whether it drops a file.
    pub(crate) fn drops(&self, file: FileId) -> bool {
        self.cuts.dropped().contains(&file)
    }

    pub(crate) fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    pub(crate) fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// A reader whose first record starts at `start`.
    pub(super) fn reader(&self, start: Lsn) -> WalReader {
        WalReader::new(Arc::clone(&self.disk), self.geometry, self.control.system_id, start)
    }
}

/// The end of a log at whose end no record is known of.
fn stop(at: Lsn, reason: String) -> Stop {
    Stop { at, reason, complete_at: at.plus(RECORD_HEADER_BYTES as u64) }
}

fn check_checkpoint(
    record: &Record,
    checkpoint: Option<&Result<CheckpointRecord, String>>,
    control: &Control,
) -> Result<(), WalFault> {
    let is_it = matches!(checkpoint, Some(Ok(found)) if found.redo == control.redo)
        && record.end == control.checkpoint_end;
    if is_it {
        return Ok(());
    }
    let found = format!("a record of kind {:?} to {}", record.kind, record.end);
    Err(WalFault::NoCheckpoint { lsn: record.start, found })
}
