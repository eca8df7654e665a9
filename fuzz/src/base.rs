//! Small stores to be damaged, and their history to compare with.
//!
//! Every commit stamps two pages with its number, from 1, at two places of each. `roomy` and
//! `evicting` have crashed: the first has no page on disk that is newer than its last checkpoint,
//! the second has many. `closed` was closed; `reopened` was closed and opened again, and has
//! crashed with its unlogged file in use.

use crate::memory::bounded;
use seawall_core::checkpoint::Urgency;
use seawall_core::clock::Clock;
use seawall_core::config::{Config, Format};
use seawall_core::control::{CONTROL_FILE, Control, ControlFile};
use seawall_core::disk::Disk;
use seawall_core::engine::Engine;
use seawall_core::error::Result;
use seawall_core::files::{DATA_DIR, FileOptions};
use seawall_core::lsn::Lsn;
use seawall_core::page::{FileId, PageId};
use seawall_core::poison::Poison;
use seawall_core::sim::{CrashImage, CrashOptions, ENOSPC, Fault, SimDisk};
use seawall_core::wal::position::{Geometry, WAL_DIR, parse_segment, segment_path};
use seawall_core::wal::reader::{Record, WalReader};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Pages of each store.
pub(crate) const PAGES: usize = 9;

/// The file that no log is for, in those stores that were closed once.
pub(crate) const UNLOGGED: FileId = FileId(2);

/// The number of the last commit that stamped each page; 0 is none.
pub(crate) type Stamps = [u64; PAGES];

const COMMITS: u64 = 100;
/// Commits before the last checkpoint.
const CHECKPOINTED: u64 = 40;
/// Commits at the end that one sync makes durable: nothing in the log says that they are.
const SYNCED_TOGETHER: u64 = 10;
/// Where in the body a page is stamped.
const PLACES: [usize; 2] = [0, 64];
const STAMP_BYTES: usize = 16;

/// More operations on the disk than recovery of so small a store ever needs; then there is no more
/// space, so that what is forged and asks for a million segments is found without waiting.
const OPERATIONS_MAX: u64 = 2000;

/// A store that has crashed.
pub(crate) struct Base {
    image: CrashImage,
    pub(crate) config: Config,
    pub(crate) control: Control,
    pub(crate) geometry: Geometry,
    /// The records of the WAL from the redo point on.
    pub(crate) records: Vec<Record>,
    /// The WAL's segments, ascending.
    pub(crate) segments: Vec<(u64, Vec<u8>)>,
    /// After so many commits.
    pub(crate) states: Vec<Stamps>,
    /// Where the record of each commit ends.
    pub(crate) ends: Vec<Lsn>,
}

/// How a store came to be what it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Story {
    Crashed,
    Closed,
    Reopened,
}

impl Base {
    pub(crate) fn roomy() -> &'static Self {
        static BASE: OnceLock<Base> = OnceLock::new();
        BASE.get_or_init(|| Self::new(2 * PAGES, Story::Crashed))
    }

    pub(crate) fn evicting() -> &'static Self {
        static BASE: OnceLock<Base> = OnceLock::new();
        BASE.get_or_init(|| Self::new(PAGES / 2, Story::Crashed))
    }

    pub(crate) fn closed() -> &'static Self {
        static BASE: OnceLock<Base> = OnceLock::new();
        BASE.get_or_init(|| Self::new(2 * PAGES, Story::Closed))
    }

    pub(crate) fn reopened() -> &'static Self {
        static BASE: OnceLock<Base> = OnceLock::new();
        BASE.get_or_init(|| Self::new(PAGES / 2, Story::Reopened))
    }

    fn new(buffers: usize, story: Story) -> Self {
        let (disk, config) = (SimDisk::new(), config(buffers));
        let mut states = vec![[0; PAGES]];
        let ends = history(&disk, &config, &mut states, story).expect("a store");
        let control = ControlFile::open(&disk, Arc::new(Poison::new())).expect("a control file");
        let (control, geometry) = (*control.latest(), Geometry::new(&config.format));
        let segments = segments(&disk);
        let records = records(&disk, geometry, &control).expect("no damage");
        write_back(&disk);
        let image = crash(&disk);
        Self { image, config, control, geometry, records, segments, states, ends }
    }

    /// Whether pages on disk may be newer than the last checkpoint.
    pub(crate) fn evicts(&self) -> bool {
        self.config.buffers < PAGES
    }

    /// The disk after the crash.
    pub(crate) fn mount(&self) -> SimDisk {
        let disk = self.image.mount();
        disk.fail_at(OPERATIONS_MAX, Fault::persistent(ENOSPC));
        disk
    }

    /// Opens a store that was mounted from here. Fails if that takes more memory than its files
    /// justify.
    pub(crate) fn open(&self, disk: &SimDisk) -> Result<Engine> {
        let bytes = tree(disk).values().map(Vec::len).sum();
        let clock = Arc::new(StoppedClock);
        bounded(&self.config, bytes, || Engine::open(Arc::new(disk.clone()), self.config, clock))
    }

    /// Fails if a page carries a stamp that it never had.
    pub(crate) fn check_history(&self, page: usize, stamp: u64) {
        let once = self.states.iter().any(|state| state[page] == stamp);
        assert!(once, "page {page} never had stamp {stamp}");
    }
}

/// Fails if opening took more operations than there are bytes to justify them.
pub(crate) fn check_effort(disk: &SimDisk) {
    assert!(disk.operations() < OPERATIONS_MAX, "more operations than files of this size justify");
}

fn config(buffers: usize) -> Config {
    let format = Format {
        page_bytes: 4096,
        wal_block_bytes: 1024,
        wal_segment_bytes: 4096,
        data_segment_bytes: 16 << 10,
    };
    let (wal_buffer_bytes, wal_min_bytes, wal_max_bytes) = (4096, 16 << 10, 16 << 10);
    Config { format, buffers, wal_buffer_bytes, wal_min_bytes, wal_max_bytes, ..Config::default() }
}

/// Fills an empty disk with a store; the state after each commit goes to `states`.
fn history(
    disk: &SimDisk,
    config: &Config,
    states: &mut Vec<Stamps>,
    story: Story,
) -> Result<Vec<Lsn>> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    Engine::create(&disk, config, 0x5EA_0A11)?;
    let engine = Engine::open(Arc::clone(&disk), *config, Arc::new(StoppedClock))?;
    let file = engine.create_file(FileOptions::default())?;
    engine.extend(file, PAGES as u32)?;
    let ends = commits(&engine, states)?;
    if story == Story::Crashed {
        return Ok(ends);
    }
    let options = FileOptions { unlogged: true, ..FileOptions::default() };
    assert_eq!(engine.create_file(options)?, UNLOGGED);
    engine.extend(UNLOGGED, PAGES as u32)?;
    engine.close()?;
    if story == Story::Reopened {
        drop(engine);
        let engine = Engine::open(disk, *config, Arc::new(StoppedClock))?;
        for block in 0..PAGES as u32 {
            let mut operation = engine.operation();
            operation.page(PageId::new(UNLOGGED, block))?.write(0, &[1])?;
            engine.commit(operation)?;
        }
    }
    Ok(ends)
}

fn commits(engine: &Engine, states: &mut Vec<Stamps>) -> Result<Vec<Lsn>> {
    let mut ends = Vec::new();
    for commit in 1..=COMMITS {
        let pages = pages_of(commit);
        ends.push(stamp(engine, &pages, commit)?);
        if commit <= COMMITS - SYNCED_TOGETHER || commit == COMMITS {
            engine.wait_durable(ends[ends.len() - 1])?;
        }
        let mut state = *states.last().expect("the empty one");
        pages.iter().for_each(|page| state[*page] = commit);
        states.push(state);
        if commit == CHECKPOINTED {
            engine.checkpoint(Urgency::Immediate)?;
        }
    }
    // Sends the pages of the last commits to the disk, where there are few buffers.
    stamps(engine)?;
    Ok(ends)
}

/// The last page is changed by the last commit alone: no image of it is before that in the WAL.
fn pages_of(commit: u64) -> [usize; 2] {
    let often = PAGES - 1;
    let first = (commit * 5) as usize % often;
    let second = (first + 1 + (commit % 3) as usize) % often;
    if commit == COMMITS { [first, often] } else { [first.min(second), first.max(second)] }
}

/// Stamps pages, given in ascending order, in one commit; gives its end in the log.
pub(crate) fn stamp(engine: &Engine, pages: &[usize], commit: u64) -> Result<Lsn> {
    let mut operation = engine.operation();
    for page in pages {
        let mut page = operation.page(id(*page))?;
        for place in PLACES {
            page.write(place, &stamp_bytes(commit))?;
        }
    }
    engine.commit_async(operation)
}

/// The stamp of a page.
///
/// # Panics
/// If it carries none.
pub(crate) fn read_stamp(engine: &Engine, page: usize) -> Result<u64> {
    let body = engine.read(id(page))?;
    let (number, _) = body[..STAMP_BYTES].split_at(8);
    let stamp = u64::from_le_bytes(number.try_into().expect("8 bytes"));
    for place in PLACES {
        let found = &body[place..place + STAMP_BYTES];
        assert_eq!(found, stamp_bytes(stamp), "page {page} at {place}");
    }
    Ok(stamp)
}

/// The stamps of all pages.
pub(crate) fn stamps(engine: &Engine) -> Result<Stamps> {
    let mut stamps = [0; PAGES];
    for (page, stamp) in stamps.iter_mut().enumerate() {
        *stamp = read_stamp(engine, page)?;
    }
    Ok(stamps)
}

fn stamp_bytes(commit: u64) -> [u8; STAMP_BYTES] {
    let mut bytes = [0; STAMP_BYTES];
    if commit > 0 {
        bytes[..8].copy_from_slice(&commit.to_le_bytes());
        bytes[8..].copy_from_slice(&(!commit).to_le_bytes());
    }
    bytes
}

pub(crate) fn id(page: usize) -> PageId {
    PageId::new(FileId(1), page as u32)
}

/// Makes the pages durable that were only written, as the kernel does now and then.
fn write_back(disk: &SimDisk) {
    for name in disk.list(DATA_DIR).expect("a directory") {
        let file = disk.open(&format!("{DATA_DIR}/{name}")).expect("a file");
        file.sync_data().expect("no fault");
    }
}

/// What is left if power goes now and nothing survives that is not durable.
pub(crate) fn crash(disk: &SimDisk) -> CrashImage {
    disk.crash_images(&CrashOptions::default()).next().expect("at least one")
}

/// The files of a store with their bytes.
pub(crate) type Tree = BTreeMap<String, Vec<u8>>;

/// The files on a disk, but for the lock file.
pub(crate) fn tree(disk: &SimDisk) -> Tree {
    let of = |dir: &str| {
        let names = disk.list(dir).expect("a directory").into_iter();
        names.map(|name| format!("{dir}/{name}")).collect::<Vec<_>>()
    };
    let control = disk.exists(CONTROL_FILE).then(|| CONTROL_FILE.to_owned());
    let paths = [of(WAL_DIR), of(DATA_DIR)].concat().into_iter().chain(control);
    paths.map(|path| (path.clone(), disk.read_file(&path))).collect()
}

/// The bytes of the WAL's segments, ascending.
pub(crate) fn segments(disk: &SimDisk) -> Vec<(u64, Vec<u8>)> {
    let names = disk.list(WAL_DIR).expect("a directory");
    let numbers = names.iter().filter_map(|name| parse_segment(name));
    numbers.map(|number| (number, disk.read_file(&segment_path(number)))).collect()
}

/// The records from the redo point on.
pub(crate) fn records(
    disk: &SimDisk,
    geometry: Geometry,
    control: &Control,
) -> Result<Vec<Record>> {
    let disk = Arc::new(disk.clone());
    let mut reader = WalReader::new(disk, geometry, control.system_id, control.redo);
    let mut records = Vec::new();
    while let Ok(record) = reader.read()? {
        records.push(record);
    }
    Ok(records)
}

/// Time that does not pass.
struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Duration {
        Duration::ZERO
    }

    fn nap(&self, _: Duration) {}
}
