//! What the tests of this crate's inside run on: a pool over one file of a simulated disk.

use super::{DurableLog, FrameId, Pool};
use crate::config::{Config, Format};
use crate::disk::Disk;
use crate::error::Result;
use crate::files::{Files, KnownFiles};
use crate::fsync::{Registered, SyncQueue, SyncTag};
use crate::lsn::Lsn;
use crate::page::{FileId, Page, PageId};
use crate::poison::Poison;
use crate::sim::{OpKind, SimDisk};
use crate::sync::Setting;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;

pub(crate) const PAGE_BYTES: usize = 512;
pub(crate) const BLOCKS: u32 = 8;
const SYNC_QUEUE: usize = 4;

/// A log that is durable as far as it was asked for, and may panic when it is asked for its end.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) durable: AtomicU64,
    pub(crate) panics: AtomicBool,
}

impl DurableLog for Log {
    fn flush(&self, lsn: Lsn) -> Result<()> {
        self.durable.fetch_max(lsn.0, Ordering::Relaxed);
        Ok(())
    }

    fn is_durable(&self, lsn: Lsn) -> bool {
        lsn.0 <= self.durable.load(Ordering::Relaxed)
    }

    fn end(&self) -> Lsn {
        assert!(!self.panics.load(Ordering::Relaxed), "as the test wants it");
        Lsn::ZERO
    }
}

/// A pool, and a file of `BLOCKS` empty pages in `data/00000001.0`.
pub(crate) struct Bed {
    pub(crate) disk: SimDisk,
    pub(crate) files: Arc<Files>,
    pub(crate) log: Arc<Log>,
    pub(crate) config: Arc<Setting<Config>>,
    pub(crate) pool: Pool,
}

/// A page of the file.
pub(crate) const fn page(block: u32) -> PageId {
    PageId::new(FileId(1), block)
}

/// Counts the operations of a kind from now on.
pub(crate) fn count(disk: &SimDisk, kind: OpKind) -> Arc<AtomicU64> {
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    disk.set_observer(Some(Box::new(move |_, op| {
        counted.fetch_add(u64::from(op.kind == kind), Ordering::Relaxed);
    })));
    count
}

impl Bed {
    pub(crate) fn new(frames: usize) -> Self {
        let disk = SimDisk::new();
        disk.create_dir("data").unwrap();
        let image = |block| {
            let mut bytes = Page::zeroed(PAGE_BYTES);
            bytes.format(page(block));
            bytes.seal();
            bytes.bytes().to_vec()
        };
        disk.write_file("data/00000001.0", &(0..BLOCKS).flat_map(image).collect::<Vec<_>>());
        let format = Format {
            page_bytes: PAGE_BYTES as u32,
            data_segment_bytes: BLOCKS * PAGE_BYTES as u32,
            ..Format::default()
        };
        let shared = Arc::new(disk.clone()) as Arc<dyn Disk>;
        let known = KnownFiles::default();
        let files = Files::open(shared, &format, Arc::new(Poison::new()), &known);
        let files = Arc::new(files.unwrap());
        let log = Arc::new(Log::default());
        let durable = Arc::clone(&log) as Arc<dyn DurableLog>;
        let syncs = Arc::new(SyncQueue::new(SYNC_QUEUE));
        let config = Config { format, buffers: frames, ..Config::default() };
        let config = Arc::new(Setting::new(config));
        let pool = Pool::new(Arc::clone(&config), Arc::clone(&files), durable, syncs);
        Self { disk, files, log, config, pool }
    }

    /// Changes the settings.
    pub(crate) fn configure(&self, change: impl FnOnce(&mut Config)) {
        let mut config = self.config.get();
        change(&mut config);
        self.config.replace(config);
    }

    /// Changes the first byte of a page's body.
    pub(crate) fn change(&self, block: u32, value: u8) {
        self.pool.pin(page(block)).unwrap().write().change().body_mut()[0] = value;
    }

    /// Leaves no room in the queue of syncs: whoever writes to the file syncs for himself.
    pub(crate) fn fill_sync_queue(&self) {
        for number in 0..SYNC_QUEUE {
            let other = SyncTag { file: FileId(2 + number as u32), segment: 0 };
            assert_eq!(self.pool.syncs.register(other), Registered::Queued);
        }
    }

    pub(crate) fn header(&self, frame: u32) -> &super::state::Header {
        &self.pool.frame(FrameId(frame)).header
    }
}
