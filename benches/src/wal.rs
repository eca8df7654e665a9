//! The log by itself, without pool and store: the one place of the benchmarks that knows how it is
//! made.

use crate::temp_dir;
use seawall::seawall_core::config::Config;
use seawall::seawall_core::disk::Disk;
use seawall::seawall_core::lsn::Lsn;
use seawall::seawall_core::poison::Poison;
use seawall::seawall_core::wal::position::{Geometry, WAL_DIR};
use seawall::seawall_core::wal::record::{RecordBuf, RecordKind};
use seawall::seawall_core::wal::segment::{Segments, SyncMethod};
use seawall::seawall_core::wal::{Inserted, ResumeAt, Wal};
use seawall::{LinuxDisk, SystemClock};
use std::sync::Arc;
use tempfile::TempDir;

/// Segments that exist beyond the one that is written to: 256 MiB at the default size.
const SEGMENTS_AHEAD: u64 = 16;

const SYSTEM_ID: u64 = 7;

/// A log in a fresh directory, its first segments full of zeros.
pub struct BenchWal {
    wal: Arc<Wal>,
    // Last: removed when the log is gone.
    _dir: TempDir,
}

impl BenchWal {
    /// A log with these settings.
    ///
    /// # Panics
    /// If it cannot be created.
    pub fn new(config: &Config) -> Self {
        let dir = temp_dir();
        let disk: Arc<dyn Disk> = Arc::new(LinuxDisk::new(dir.path()));
        disk.create_dir(WAL_DIR).expect("a directory");
        let (geometry, poison) = (Geometry::new(&config.format), Arc::new(Poison::new()));
        let method = SyncMethod { sync: config.wal_sync, direct: config.wal_direct };
        let segments = Segments::open(disk, geometry, Arc::clone(&poison), method);
        let segments = segments.expect("no segments");
        let start = geometry.start();
        let last = geometry.segment(start) + SEGMENTS_AHEAD;
        segments.create_upto(last).expect("space for the segments");
        let at = ResumeAt { end: start, last_block: Vec::new(), redo: start };
        let (ring, clock) = (config.wal_buffer_bytes, Arc::new(SystemClock::new()));
        let wal = Wal::resume(&at, SYSTEM_ID, geometry, ring, segments, poison, clock);
        Self { wal, _dir: dir }
    }

    /// Inserts a record, assembled in one that is used again; gives its end.
    ///
    /// # Panics
    /// If that fails.
    pub fn insert(&self, record: &mut RecordBuf, body: &[u8]) -> Lsn {
        record.clear(RecordKind::Pages);
        record.put(body);
        let (epoch, _) = self.wal.redo();
        match self.wal.insert(record, epoch).expect("a good disk") {
            Inserted::At { end, .. } => end,
            Inserted::Stale => panic!("nobody has fixed a redo point"),
        }
    }

    /// Inserts a record, durably.
    ///
    /// # Panics
    /// If that fails.
    pub fn insert_durably(&self, body: &[u8]) {
        let mut record = RecordBuf::new(RecordKind::Pages);
        self.wal.flush(self.insert(&mut record, body)).expect("a good disk");
    }

    /// Makes everything durable, and gives the full segments to the end of the log, as a
    /// checkpoint does.
    ///
    /// # Panics
    /// If that fails.
    pub fn recycle(&self) {
        let end = self.wal.reserved();
        self.wal.flush(end).expect("a good disk");
        let current = self.wal.geometry().segment(end);
        let recycled = self.wal.segments().retire_before(current, current + SEGMENTS_AHEAD);
        recycled.expect("a good disk");
    }
}
