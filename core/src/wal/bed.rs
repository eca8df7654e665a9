//! What the tests of the log run on.

use super::position::{Geometry, WAL_DIR};
use super::record::{RecordBuf, RecordKind};
use super::segment::{Segments, SyncMethod, WalSync};
use super::{ResumeAt, Wal};
use crate::clock::Clock;
use crate::config::Format;
use crate::disk::Disk;
use crate::lsn::Lsn;
use crate::poison::Poison;
use crate::sim::SimDisk;
use crate::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

/// A clock that stands still, and may panic: a leader asks for the time before he writes.
#[derive(Default)]
pub(crate) struct TestClock {
    pub(crate) panics: AtomicBool,
}

impl Clock for TestClock {
    fn now(&self) -> Duration {
        assert!(!self.panics.load(Ordering::Relaxed), "as the test wants it");
        Duration::ZERO
    }

    fn nap(&self, _: Duration) {}
}

/// A log of segments of 4 KiB on a disk that has none yet, synced by `fdatasync`.
pub(crate) fn wal(clock: &Arc<TestClock>) -> (SimDisk, Arc<Wal>) {
    wal_by(WalSync::Fdatasync, clock)
}

/// The same, synced in another way.
pub(crate) fn wal_by(sync: WalSync, clock: &Arc<TestClock>) -> (SimDisk, Arc<Wal>) {
    let format = Format { wal_block_bytes: 512, wal_segment_bytes: 4096, ..Format::default() };
    let (disk, geometry) = (SimDisk::new(), Geometry::new(&format));
    disk.create_dir(WAL_DIR).unwrap();
    let poison = Arc::new(Poison::new());
    let method = SyncMethod { sync, direct: false };
    let on_disk = Arc::new(disk.clone());
    let segments = Segments::open(on_disk, geometry, Arc::clone(&poison), method).unwrap();
    let start = geometry.start();
    let at = ResumeAt { end: start, last_block: Vec::new(), redo: start };
    let clock = Arc::clone(clock) as Arc<dyn Clock>;
    (disk, Wal::resume(&at, 7, geometry, 4096, segments, poison, clock))
}

/// Inserts a record; its end.
pub(crate) fn insert(wal: &Wal) -> Lsn {
    insert_bytes(wal, 8)
}

/// Inserts a record with a body of so many bytes, none of them zero; its end.
pub(crate) fn insert_bytes(wal: &Wal, bytes: usize) -> Lsn {
    wal.insert_any_time(&mut record(bytes)).unwrap().1
}

/// Inserts a record as that of a checkpoint, which looks for no space before; its end.
pub(crate) fn insert_without_space(wal: &Wal) -> Lsn {
    wal.insert_checkpoint(&mut record(8)).unwrap().1
}

fn record(bytes: usize) -> RecordBuf {
    let mut record = RecordBuf::new(RecordKind::Checkpoint);
    record.put(&vec![0xAA; bytes]);
    record
}

/// What is left after a power cut of which nothing unsynced survives.
pub(crate) fn crash(disk: &SimDisk) -> SimDisk {
    disk.durable_image().mount()
}
