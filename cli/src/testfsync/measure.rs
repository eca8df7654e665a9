//! The rounds.

use super::method::{METHODS, Method};
use crate::exit::Failure;
use crate::interrupt::Interrupt;
use hdrhistogram::Histogram;
use seawall::LinuxDisk;
use seawall::seawall_core::disk::{Disk, DiskFile};
use seawall::seawall_core::page::AlignedBytes;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const FILE_BYTES: u64 = 4 << 20;
const ZEROS_BYTES: usize = 1 << 20;

/// How long a method's turn is: long enough for a few dozen syncs of a fast disk.
const TURN: Duration = Duration::from_millis(25);
const ROUNDS_MIN: u32 = 4;

/// Latencies are kept to three digits.
const DIGITS: u8 = 3;

/// A method with a size of blocks, and what it has shown.
pub(super) struct Cell {
    pub(super) method: Method,
    pub(super) block_bytes: u32,
    pub(super) measured: Measured,
}

/// What a cell has shown.
pub(super) enum Measured {
    /// The file system or the size does not allow it, for this reason.
    Unsupported(String),
    /// Times in nanoseconds.
    Times(Box<Times>),
}

pub(super) struct Times {
    pub(super) rewrite: Histogram<u64>,
    pub(super) append: Histogram<u64>,
    /// The median of each round.
    pub(super) round_medians_ns: Vec<u64>,
    file: Arc<dyn DiskFile>,
    /// The block that is the last one.
    offset: u64,
}

/// The files, and who measures with them. The files go with it.
pub(super) struct Bench {
    files: Files,
    cells: Vec<Cell>,
    /// Writes so far: what makes the blocks differ.
    writes: u64,
}

impl Bench {
    /// Makes the files.
    pub(super) fn new(dir: &Path, block_bytes: &[u32]) -> Result<Self, Failure> {
        let disk = LinuxDisk::new(dir);
        let mut bench =
            Self { files: Files { disk, names: Vec::new() }, cells: Vec::new(), writes: 0 };
        for (number, method) in METHODS.into_iter().enumerate() {
            let name = bench.files.create(number)?;
            for block_bytes in block_bytes.iter().copied() {
                let measured = bench.open(&name, method, block_bytes)?;
                bench.cells.push(Cell { method, block_bytes, measured });
            }
        }
        Ok(bench)
    }

    /// Opens a file for a method, and tries a write.
    fn open(&self, name: &str, method: Method, block_bytes: u32) -> Result<Measured, Failure> {
        let disk = &self.files.disk;
        let alignment = disk.direct_alignment();
        if method.open_mode().direct && !u64::from(block_bytes).is_multiple_of(alignment) {
            let reason = format!("blocks of {block_bytes} bytes are no multiple of {alignment}");
            return Ok(Measured::Unsupported(reason));
        }
        let opened = disk.open_with(name, method.open_mode()).and_then(|file| {
            file.write_at(&AlignedBytes::zeroed(block_bytes as usize), 0)?;
            method.sync(&*file)?;
            Ok(file)
        });
        match opened {
            Ok(file) => Ok(Measured::Times(Box::new(Times::new(file)))),
            Err(error) if is_unsupported(&error) => Ok(Measured::Unsupported(error.to_string())),
            Err(error) => Err(Failure::io(&format!("first write to {name}"), &error)),
        }
    }

    /// Measures for about as long.
    pub(super) fn run(
        mut self,
        time: Duration,
        interrupt: &Interrupt,
    ) -> Result<Vec<Cell>, Failure> {
        let able = |cell: &&Cell| matches!(cell.measured, Measured::Times(_));
        let cells = self.cells.iter().filter(able).count().max(1) as u32;
        let rounds =
            ((time.as_millis() / (TURN.as_millis() * u128::from(cells))) as u32).max(ROUNDS_MIN);
        let turn = time / rounds / cells;
        let deadline = Instant::now() + time;
        for round in 0..rounds {
            // A slow disk takes longer for its turns; then there are fewer of them.
            if round >= ROUNDS_MIN && Instant::now() >= deadline {
                break;
            }
            for cell in &mut self.cells {
                interrupt.check()?;
                cell.turn(turn, &mut self.writes)
                    .map_err(|error| Failure::io(cell.method.name, &error))?;
            }
        }
        Ok(std::mem::take(&mut self.cells))
    }
}

/// Whether an error says that this cannot be done, not that it went wrong.
fn is_unsupported(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::InvalidInput)
}

impl Cell {
    /// Rewrites and appends in turns.
    fn turn(&mut self, time: Duration, writes: &mut u64) -> io::Result<()> {
        let Measured::Times(times) = &mut self.measured else { return Ok(()) };
        let mut block = AlignedBytes::zeroed(self.block_bytes as usize);
        let mut turn = histogram();
        let began = Instant::now();
        while turn.is_empty() || began.elapsed() < time {
            for is_append in [false, true] {
                if is_append {
                    times.offset = (times.offset + u64::from(self.block_bytes)) % FILE_BYTES;
                }
                *writes += 1;
                block[..8].copy_from_slice(&writes.to_le_bytes());
                let start = Instant::now();
                times.file.write_at(&block, times.offset)?;
                self.method.sync(&*times.file)?;
                let time_ns = start.elapsed().as_nanos() as u64;
                let histogram = if is_append { &mut times.append } else { &mut times.rewrite };
                histogram.saturating_record(time_ns);
                turn.saturating_record(time_ns);
            }
        }
        times.round_medians_ns.push(turn.value_at_quantile(0.5));
        match self.method.durable {
            // Not left to those who are measured next.
            None => times.file.sync_data(),
            Some(_) => Ok(()),
        }
    }
}

impl Times {
    fn new(file: Arc<dyn DiskFile>) -> Self {
        let (rewrite, append) = (histogram(), histogram());
        Self { rewrite, append, round_medians_ns: Vec::new(), file, offset: 0 }
    }

    /// Of all writes.
    pub(super) fn all(&self) -> Histogram<u64> {
        let mut all = self.rewrite.clone();
        all.add(&self.append).expect("of the same range");
        all
    }
}

fn histogram() -> Histogram<u64> {
    const MINUTE_NS: u64 = 60_000_000_000;
    Histogram::new_with_bounds(1, MINUTE_NS, DIGITS).expect("a range")
}

/// Files that are removed when this is dropped.
struct Files {
    disk: LinuxDisk,
    names: Vec<String>,
}

impl Files {
    /// Creates a file as a segment of a log is created. Gives its name.
    fn create(&mut self, number: usize) -> Result<String, Failure> {
        let name = format!("seawall-testfsync-{}-{number}", std::process::id());
        let failed = |error| Failure::io(&format!("file {name}"), &error);
        let file = self.disk.create(&name).map_err(failed)?;
        self.names.push(name.clone());
        file.allocate(0, FILE_BYTES).map_err(failed)?;
        let zeros = AlignedBytes::zeroed(ZEROS_BYTES);
        for offset in (0..FILE_BYTES).step_by(ZEROS_BYTES) {
            file.write_at(&zeros, offset).map_err(failed)?;
        }
        file.sync_all().map_err(failed)?;
        self.disk.sync_dir("").map_err(failed)?;
        Ok(name)
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        for name in &self.names {
            // What cannot be removed is left.
            let _ = self.disk.remove(name);
        }
    }
}
