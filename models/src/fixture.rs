//! What several models start from: a pool or a log on a simulated disk, as small as they go.
//!
//! Everything here happens before the threads of a model start, or after they have ended, so it
//! adds no interleaving.

use super::seawall_core::buffer::{BackgroundWriter, DurableLog, Pool};
use super::seawall_core::checkpoint::{Delays, Parts};
use super::seawall_core::config::{Config, Format};
use super::seawall_core::disk::Disk;
use super::seawall_core::error::{Error, Result};
use super::seawall_core::files::{Files, KnownFiles};
use super::seawall_core::fsync::SyncQueue;
use super::seawall_core::lsn::Lsn;
use super::seawall_core::operation::Operation;
use super::seawall_core::page::{FileId, Page, PageId};
use super::seawall_core::poison::Poison;
use super::seawall_core::sim::{NoClock, Op, SimDisk};
use super::seawall_core::sync::Setting;
use super::seawall_core::wal::background::{BackgroundSettings, WalWriter};
use super::seawall_core::wal::position::{Geometry, segment_path};
use super::seawall_core::wal::reader::{Record, WalReader};
use super::seawall_core::wal::record::{RecordBuf, RecordKind};
use super::seawall_core::wal::segment::{Segments, SyncMethod, WalSync};
use super::seawall_core::wal::{Inserted, ResumeAt, Wal};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A page of 64 bytes has a body of 40.
const PAGE_BYTES: u32 = 64;

/// Blocks of 64 bytes have 32 of the stream; a segment has 16 blocks, more than a model fills.
const FORMAT: Format = Format {
    page_bytes: PAGE_BYTES,
    wal_block_bytes: 64,
    wal_segment_bytes: 1024,
    data_segment_bytes: 1024,
};

/// A pool over one file on a simulated disk.
pub(crate) struct Bed {
    pub(crate) disk: SimDisk,
    history: Arc<Mutex<Vec<String>>>,
    pub(crate) files: Arc<Files>,
    pub(crate) syncs: Arc<SyncQueue>,
    pub(crate) config: Arc<Setting<Config>>,
    pub(crate) pool: Pool,
    poison: Arc<Poison>,
}

/// The page at `block` of the bed's file.
pub(crate) fn page(block: u32) -> PageId {
    PageId::new(FileId(1), block)
}

/// A disk with a file of `blocks` pages, whose bodies begin with their block.
fn disk(blocks: u32) -> SimDisk {
    let disk = SimDisk::with_sector_bytes(64).with_one_point();
    disk.create_dir("data").expect("a simulated disk");
    disk.create_dir("wal").expect("a simulated disk");
    let image = |block| {
        let mut bytes = Page::zeroed(PAGE_BYTES as usize);
        bytes.format(page(block));
        bytes.body_mut()[0] = block as u8;
        bytes.seal();
        bytes.bytes().to_vec()
    };
    disk.write_file("data/00000001.0", &(0..blocks).flat_map(image).collect::<Vec<_>>());
    disk
}

/// Settings of a pool: it starts no writeback and writes each page alone.
fn config(frames: usize) -> Config {
    Config {
        format: FORMAT,
        buffers: frames,
        background_writer_flush_after_bytes: 0,
        write_combine_bytes: 0,
        ..Config::default()
    }
}

impl Bed {
    /// A pool of `frames` empty frames over a file of `blocks` pages, and no log to wait for.
    pub(crate) fn new(frames: usize, blocks: u32) -> Arc<Self> {
        let disk = disk(blocks);
        Arc::new(Self::with_log(disk, frames, Arc::new(NoLog)))
    }

    fn with_log(disk: SimDisk, frames: usize, log: Arc<dyn DurableLog>) -> Self {
        let poison = Arc::new(Poison::new());
        let (on_disk, known) = (Arc::new(disk.clone()), KnownFiles::default());
        let files = Files::open(on_disk, &FORMAT, Arc::clone(&poison), &known).expect("good files");
        let (files, syncs) = (Arc::new(files), Arc::new(SyncQueue::new(4)));
        let config = Arc::new(Setting::new(config(frames)));
        let pool = Pool::new(Arc::clone(&config), Arc::clone(&files), log, Arc::clone(&syncs));
        let pool = pool.with_claim_attempts(1);
        let history = Arc::new(Mutex::new(Vec::new()));
        let theirs = Arc::clone(&history);
        disk.set_observer(Some(Box::new(move |_, op| {
            let Op { kind, path, offset, .. } = op;
            theirs.lock().expect("no panic").push(format!("{kind:?} {path} {offset}"));
        })));
        Self { disk, history, files, config, pool, syncs, poison }
    }

    /// A background writer; where nothing is allocated, it looks at frames until one is reusable.
    pub(crate) fn background_writer(&self) -> BackgroundWriter {
        BackgroundWriter::new(&self.pool)
    }

    /// Changes the settings.
    pub(crate) fn configure(&self, change: impl FnOnce(&mut Config)) {
        let mut config = self.config.get();
        change(&mut config);
        self.config.replace(config);
    }

    /// The operations on the disk since the bed was made, in their order: a part of an outcome.
    pub(crate) fn history(&self) -> String {
        self.history.lock().expect("no panic").join(", ")
    }

    /// The page as it is on disk.
    pub(crate) fn on_disk(&self, block: u32) -> Page {
        let mut bytes = Page::zeroed(PAGE_BYTES as usize);
        self.files.read_page(page(block), &mut bytes).expect("a good page");
        bytes
    }

    /// Changes the page as an operation without a record does: locked, noted as dirty, changed;
    /// whether there was a frame for it.
    pub(crate) fn change(&self, block: u32, value: u8) -> bool {
        let Some(pin) = if_there_was_a_frame(self.pool.pin(page(block))) else { return false };
        let mut page = pin.write();
        page.change().body_mut()[1] = value;
        true
    }

    /// Reads a page under a pin, and checks that it is that page; whether there was a frame for
    /// it.
    pub(crate) fn is_read(&self, block: u32) -> bool {
        let Some(pin) = if_there_was_a_frame(self.pool.pin(page(block))) else { return false };
        assert_eq!(pin.page(), page(block), "the pin is of another page");
        let read = pin.read();
        assert_eq!(read.page().id(), page(block), "the bytes are another page's");
        assert_eq!(u32::from(read[0]), block);
        true
    }
}

/// What was to be had, or `None` if everything was pinned; nothing else may be in the way.
pub(crate) fn if_there_was_a_frame<T>(result: Result<T>) -> Option<T> {
    match result {
        Ok(had) => Some(had),
        Err(Error::NoUnpinnedBuffers { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

/// What was done, if the file was there; nothing else may be in the way.
pub(crate) fn unless_dropped<T>(result: Result<T>) -> Option<T> {
    match result {
        Ok(done) => Some(done),
        Err(Error::NoSuchFile { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

/// A log that is always durable.
struct NoLog;

impl DurableLog for NoLog {
    fn flush(&self, _: Lsn) -> Result<()> {
        Ok(())
    }

    fn is_durable(&self, _: Lsn) -> bool {
        true
    }

    fn end(&self) -> Lsn {
        Lsn::ZERO
    }
}

/// A pool with a log, both on one disk.
pub(crate) struct Store {
    pub(crate) bed: Bed,
    pub(crate) wal: Arc<Wal>,
    pub(crate) delays: Delays,
}

/// What every block of the log says.
pub(crate) const SYSTEM_ID: u64 = 7;

impl Store {
    /// A pool of `frames` frames over `blocks` pages, and a log with a ring of `ring` bytes.
    pub(crate) fn new(frames: usize, blocks: u32, ring: usize) -> Arc<Self> {
        let disk = disk(blocks);
        let geometry = Geometry::new(&FORMAT);
        for segment in [1, 2] {
            disk.write_file(&segment_path(segment), &vec![0; geometry.segment_bytes() as usize]);
        }
        let poison = Arc::new(Poison::new());
        let method = SyncMethod { sync: WalSync::Fdatasync, direct: false };
        let segments =
            Segments::open(Arc::new(disk.clone()), geometry, Arc::clone(&poison), method);
        let start = geometry.start();
        let at = ResumeAt { end: start, last_block: Vec::new(), redo: start };
        let segments = segments.expect("a good disk");
        let clock = Arc::new(NoClock);
        let wal = Wal::resume(&at, SYSTEM_ID, geometry, ring, segments, poison, clock);
        // Before the scenario: a model does not fill the first.
        wal.segments().open_upto(2).expect("a good disk");
        let log = Arc::clone(&wal) as Arc<dyn DurableLog>;
        Arc::new(Self { bed: Bed::with_log(disk, frames, log), wal, delays: Delays::new() })
    }

    /// What a checkpoint or a change of a file's length works on.
    pub(crate) fn parts(&self) -> Parts<'_> {
        Parts {
            config: &self.bed.config,
            clock: &NoClock,
            pool: &self.bed.pool,
            files: &self.bed.files,
            wal: &self.wal,
            syncs: &self.bed.syncs,
            delays: &self.delays,
            poison: &self.bed.poison,
        }
    }

    /// Changes a page by an operation; the end of its record.
    pub(crate) fn change(&self, block: u32, value: u8) -> Result<Lsn> {
        let mut operation = Operation::new(&self.bed.pool, &self.wal);
        operation.page(page(block))?.write(1, &[value])?;
        operation.commit()
    }

    /// Inserts a record with this body; where it starts and ends.
    pub(crate) fn insert(&self, body: &[u8]) -> (Lsn, Lsn) {
        self.try_insert(body).expect("a good disk")
    }

    /// The same on a disk that may fail.
    pub(crate) fn try_insert(&self, body: &[u8]) -> Result<(Lsn, Lsn)> {
        let mut record = RecordBuf::new(RecordKind::Pages);
        record.put(body);
        let (epoch, _) = self.wal.redo();
        match self.wal.insert(&mut record, epoch)? {
            Inserted::At { start, end } => Ok((start, end)),
            Inserted::Stale => panic!("no redo point was fixed"),
        }
    }

    /// Inserts a record as that of a checkpoint, which looks for no space before.
    pub(crate) fn insert_checkpoint(&self, body: &[u8]) -> (Lsn, Lsn) {
        let mut record = RecordBuf::new(RecordKind::Pages);
        record.put(body);
        self.wal.insert_checkpoint(&mut record).expect("a good disk")
    }

    /// Whether a record at `start`, whose body begins with `value` eight times, would be there
    /// after a power cut at this moment.
    pub(crate) fn is_durable(&self, start: Lsn, value: u8) -> bool {
        // A visible operation on the disk, so that no reduction takes the look at it, which follows
        // with no other thread in between, for something that may happen at any time.
        self.bed.disk.list("wal").expect("a good disk");
        let disk = Arc::new(self.bed.disk.durable_image().mount());
        let mut reader = WalReader::new(disk, *self.wal.geometry(), SYSTEM_ID, start);
        let found = reader.read().expect("a good disk");
        found.is_ok_and(|record| record.body.starts_with(&[value; 8]))
    }

    /// A round of the WAL writer that syncs once so many bytes are unsynced, and the first time;
    /// whether there was anything to do.
    pub(crate) fn wal_writer_round(&self, writer: &mut WalWriter, flush_after_bytes: u64) -> bool {
        let settings = BackgroundSettings { delay: Duration::ZERO, flush_after_bytes };
        writer.round(&self.wal, Duration::ZERO, settings).expect("a good disk")
    }

    /// The kinds of all records, made durable.
    pub(crate) fn kinds(&self) -> Vec<RecordKind> {
        let end = self.wal.reserved();
        self.wal.flush(end).expect("a good disk");
        self.records(end).iter().map(|record| record.kind).collect()
    }

    /// Whether the one durable record of this kind is before a redo point.
    pub(crate) fn is_before(&self, kind: RecordKind, redo: Lsn) -> bool {
        let records = self.records(self.wal.flushed());
        records.iter().find(|record| record.kind == kind).expect("it is durable").start < redo
    }

    /// The records before `end`, as they are on disk.
    pub(crate) fn records(&self, end: Lsn) -> Vec<Record> {
        let disk = Arc::new(self.bed.disk.clone());
        let geometry = *self.wal.geometry();
        let mut reader = WalReader::new(disk, geometry, SYSTEM_ID, geometry.start());
        let mut records = Vec::new();
        while reader.position() < end {
            let record = reader.read().expect("a good disk");
            records.push(record.expect("all records before a flushed position are there"));
        }
        records
    }
}
