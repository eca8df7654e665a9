//! A disk that measures: how often, how much, how long. PostgreSQL: `pg_stat_io`.
//!
//! It passes every call on as it is. What it costs is two looks at the clock and a short lock for
//! each call of the system.

use crate::SystemClock;
use hdrhistogram::Histogram;
use seawall_core::clock::Clock;
use seawall_core::disk::{Disk, DiskFile, LockOutcome, OpenMode};
use seawall_core::files::DATA_DIR;
use seawall_core::sync::Mutex;
use seawall_core::wal::position::WAL_DIR;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What a file belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IoObject {
    /// Pages.
    Data,
    /// The log.
    Wal,
    /// Control file, directories.
    Other,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IoKind {
    /// Bytes were read.
    Read,
    /// Bytes were written; into the page cache, onto the device, or durably, as the file was
    /// opened.
    Write,
    /// Writeback was started, or waited for.
    Writeback,
    /// A file or a directory was made durable.
    Sync,
    /// Space was reserved, or a length set.
    Extend,
}

const OBJECTS: [IoObject; 3] = [IoObject::Data, IoObject::Wal, IoObject::Other];
const KINDS: [IoKind; 5] =
    [IoKind::Read, IoKind::Write, IoKind::Writeback, IoKind::Sync, IoKind::Extend];

/// What calls of one kind on one object have taken since the store was opened.
#[derive(Debug, Clone, PartialEq)]
pub struct IoStats {
    /// On what.
    pub object: IoObject,
    /// What.
    pub kind: IoKind,
    /// Bytes of those calls that have any.
    pub bytes: u64,
    /// Their number and times, in microseconds; up to a minute, and with 1 % of inaccuracy.
    pub micros: Histogram<u64>,
}

impl fmt::Display for IoStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { object, kind, bytes, micros } = self;
        let ms = |quantile| micros.value_at_quantile(quantile) as f64 / 1000.0;
        write!(f, "{object:?} {kind:?}: {} calls, {bytes} bytes, ", micros.len())?;
        write!(f, "p50 {:.3} ms, p99 {:.3} ms, ", ms(0.5), ms(0.99))?;
        write!(f, "max {:.3} ms", micros.max() as f64 / 1000.0)
    }
}

const LONGEST_MICROS: u64 = 60_000_000;

struct Cell(Mutex<(u64, Histogram<u64>)>);

impl Cell {
    fn new() -> Self {
        let histogram = Histogram::new_with_max(LONGEST_MICROS, 2).expect("constant bounds");
        Self(Mutex::new((0, histogram)))
    }
}

/// Counts of every kind of call on every object.
pub(crate) struct Meter {
    cells: [[Cell; KINDS.len()]; OBJECTS.len()],
    clock: Arc<SystemClock>,
}

impl Meter {
    fn new(clock: Arc<SystemClock>) -> Self {
        Self { cells: OBJECTS.map(|_| KINDS.map(|_| Cell::new())), clock }
    }

    /// Those that there were.
    pub(crate) fn stats(&self) -> Vec<IoStats> {
        let all = OBJECTS.into_iter().flat_map(|object| KINDS.map(|kind| (object, kind)));
        let stats = all.map(|(object, kind)| {
            let cell = self.cell(object, kind).0.lock();
            IoStats { object, kind, bytes: cell.0, micros: cell.1.clone() }
        });
        stats.filter(|stats| !stats.micros.is_empty()).collect()
    }

    fn cell(&self, object: IoObject, kind: IoKind) -> &Cell {
        &self.cells[object as usize][kind as usize]
    }

    fn time<T>(
        &self,
        object: IoObject,
        kind: IoKind,
        bytes: u64,
        call: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        let started = self.clock.now();
        let result = call();
        let took = self.clock.now().saturating_sub(started);
        let micros = took.max(Duration::from_micros(1)).as_micros();
        let mut cell = self.cell(object, kind).0.lock();
        cell.0 += bytes;
        cell.1.saturating_record(u64::try_from(micros).unwrap_or(u64::MAX));
        result
    }
}

/// A disk whose calls are measured.
pub(crate) struct MeasuredDisk {
    disk: Arc<dyn Disk>,
    meter: Arc<Meter>,
}

impl MeasuredDisk {
    pub(crate) fn new(disk: Arc<dyn Disk>, clock: Arc<SystemClock>) -> Self {
        Self { disk, meter: Arc::new(Meter::new(clock)) }
    }

    pub(crate) fn meter(&self) -> Arc<Meter> {
        Arc::clone(&self.meter)
    }

    fn measured(&self, path: &str, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(MeasuredFile { file, object: object(path), meter: self.meter() })
    }
}

fn object(path: &str) -> IoObject {
    match path.split('/').next() {
        Some(WAL_DIR) => IoObject::Wal,
        // Those of the tablespaces begin like it.
        Some(dir) if dir.starts_with(DATA_DIR) => IoObject::Data,
        _ => IoObject::Other,
    }
}

impl Disk for MeasuredDisk {
    fn open_with(&self, path: &str, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.measured(path, self.disk.open_with(path, mode)?))
    }

    fn direct_alignment(&self) -> u64 {
        self.disk.direct_alignment()
    }

    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.measured(path, self.disk.create(path)?))
    }

    fn create_dir(&self, path: &str) -> io::Result<()> {
        self.disk.create_dir(path)
    }

    fn link_dir(&self, path: &str, target: &Path) -> io::Result<()> {
        self.disk.link_dir(path, target)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.disk.list(dir)
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        self.meter.time(IoObject::Other, IoKind::Sync, 0, || self.disk.sync_dir(dir))
    }

    fn lock(&self, path: &str) -> io::Result<LockOutcome> {
        self.disk.lock(path)
    }
}

struct MeasuredFile {
    file: Arc<dyn DiskFile>,
    object: IoObject,
    meter: Arc<Meter>,
}

impl MeasuredFile {
    fn time<T>(
        &self,
        kind: IoKind,
        bytes: u64,
        call: impl FnOnce(&dyn DiskFile) -> io::Result<T>,
    ) -> io::Result<T> {
        self.meter.time(self.object, kind, bytes, || call(&*self.file))
    }
}

impl DiskFile for MeasuredFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.time(IoKind::Read, buf.len() as u64, |file| file.read_at(buf, offset))
    }

    fn read_vectored_at(&self, bufs: &mut [&mut [u8]], offset: u64) -> io::Result<usize> {
        let bytes = bufs.iter().map(|buf| buf.len() as u64).sum();
        self.time(IoKind::Read, bytes, |file| file.read_vectored_at(bufs, offset))
    }

    fn prefetch(&self, offset: u64, len: u64) -> io::Result<()> {
        self.file.prefetch(offset, len)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.time(IoKind::Write, buf.len() as u64, |file| file.write_at(buf, offset))
    }

    fn write_vectored_at(&self, bufs: &[&[u8]], offset: u64) -> io::Result<()> {
        let bytes = bufs.iter().map(|buf| buf.len() as u64).sum();
        self.time(IoKind::Write, bytes, |file| file.write_vectored_at(bufs, offset))
    }

    fn start_writeback(&self, offset: u64, len: u64) -> io::Result<()> {
        self.time(IoKind::Writeback, len, |file| file.start_writeback(offset, len))
    }

    fn wait_writeback(&self, offset: u64, len: u64) -> io::Result<()> {
        self.time(IoKind::Writeback, len, |file| file.wait_writeback(offset, len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.time(IoKind::Sync, 0, |file| file.sync_data())
    }

    fn sync_all(&self) -> io::Result<()> {
        self.time(IoKind::Sync, 0, |file| file.sync_all())
    }

    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        self.time(IoKind::Extend, len, |file| file.allocate(offset, len))
    }

    fn reserve(&self, offset: u64, len: u64) -> io::Result<()> {
        self.time(IoKind::Extend, len, |file| file.reserve(offset, len))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.time(IoKind::Extend, 0, |file| file.set_len(len))
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seawall_core::sim::SimDisk;

    #[test]
    fn calls_are_counted_by_what_they_do_to_what() {
        let disk = MeasuredDisk::new(Arc::new(SimDisk::new()), Arc::new(SystemClock::new()));
        for dir in ["data.1", "wal"] {
            disk.create_dir(dir).unwrap();
        }
        let page = disk.create("data.1/00000001.0").unwrap();
        page.write_vectored_at(&[&[1; 512], &[2; 512]], 0).unwrap();
        page.sync_data().unwrap();
        page.sync_data().unwrap();
        disk.create("wal/0000000000000001").unwrap().write_at(&[0; 100], 0).unwrap();
        disk.sync_dir("wal").unwrap();
        let stats = disk.meter().stats();
        let found: Vec<_> = stats
            .iter()
            .map(|stats| (stats.object, stats.kind, stats.bytes, stats.micros.len()))
            .collect();
        let expected = [
            (IoObject::Data, IoKind::Write, 1024, 1),
            (IoObject::Data, IoKind::Sync, 0, 2),
            (IoObject::Wal, IoKind::Write, 100, 1),
            (IoObject::Other, IoKind::Sync, 0, 1),
        ];
        assert_eq!(found, expected);
        assert!(stats[0].to_string().starts_with("Data Write: 1 calls, 1024 bytes, p50 "));
    }
}
