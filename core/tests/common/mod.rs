//! A store on the simulated disk, and the sequence of states that its commits go through.
#![allow(dead_code, reason = "each test uses a part")]

pub(crate) mod forged;
pub(crate) mod redo;
pub(crate) mod sweep;

use seawall_core::checkpoint::Urgency;
use seawall_core::clock::Clock;
use seawall_core::config::{Config, Format};
use seawall_core::control::Slots;
use seawall_core::disk::Disk;
use seawall_core::engine::Engine;
use seawall_core::error::Result;
use seawall_core::files::FileOptions;
use seawall_core::lsn::Lsn;
use seawall_core::operation::Operation;
use seawall_core::page::{FileId, PAGE_HEADER_BYTES, Page, PageId};
use seawall_core::recovery::Survey;
use seawall_core::sim::{CrashImage, Op, SimDisk};
use seawall_core::sync::Mutex;
use seawall_core::sync::atomic::{AtomicU64, Ordering};
use seawall_core::wal::position::{BLOCK_HEADER_BYTES, Geometry, segment_path};
use seawall_core::wal::record::{BlockHeader, RECORD_HEADER_BYTES};
use seawall_core::workers::Serial;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Time that passes when somebody naps, and a little whenever it is asked for.
#[derive(Default)]
pub(crate) struct TestClock(AtomicU64);

impl Clock for TestClock {
    fn now(&self) -> Duration {
        Duration::from_micros(self.0.fetch_add(1, Ordering::Relaxed))
    }

    fn nap(&self, time: Duration) {
        self.0.fetch_add(time.as_micros() as u64, Ordering::Relaxed);
    }
}

/// The smallest sizes there are: blocks and segments end all the time.
pub(crate) fn config() -> Config {
    Config {
        format: Format {
            page_bytes: 4096,
            wal_block_bytes: 1024,
            wal_segment_bytes: 4096,
            data_segment_bytes: 8192,
        },
        buffers: 16,
        wal_buffer_bytes: 4096,
        wal_min_bytes: 16 << 10,
        wal_max_bytes: 16 << 10,
        ..Config::default()
    }
}

/// The same with a pool that is too small for the pages.
pub(crate) fn small() -> Config {
    Config { buffers: 5, ..config() }
}

/// What every block of the log says.
const SYSTEM_ID: u64 = 0x5EA;

/// Creates a store.
pub(crate) fn create(disk: &SimDisk, config: &Config) -> Result<()> {
    Engine::create(&(Arc::new(disk.clone()) as Arc<dyn Disk>), config, SYSTEM_ID)
}

/// Opens a store of which some changes are custom.
pub(crate) fn open(disk: &SimDisk, config: &Config) -> Result<Engine> {
    redo::open_with(disk, config, &Serial, Some(Arc::new(redo::Adds::default())))
}

/// A new store, open.
pub(crate) fn engine_on(disk: &SimDisk, config: &Config) -> Engine {
    create(disk, config).unwrap();
    open(disk, config).unwrap()
}

/// A new store of clean pages in one file, with room for everything in the log.
pub(crate) fn clean_store(buffers: usize, blocks: u32) -> (SimDisk, Engine, FileId) {
    let config = Config {
        format: Format { wal_segment_bytes: 1 << 20, ..config().format },
        buffers,
        wal_buffer_bytes: 8 << 20,
        wal_min_bytes: 16 << 20,
        wal_max_bytes: 16 << 20,
        ..config()
    };
    let disk = SimDisk::new();
    let engine = engine_on(&disk, &config);
    let file = engine.create_file(FileOptions::default()).unwrap();
    engine.extend(file, blocks).unwrap();
    engine.checkpoint(Urgency::Immediate).unwrap();
    (disk, engine, file)
}

/// Commits a change of a page that needs no image, whose record leaves so many bytes of a block of
/// the log. Nobody waits for it.
pub(crate) fn fill_block(engine: &Engine, page: PageId, value: u8, left: usize) {
    let payload_bytes = Geometry::new(&engine.config().format).payload_bytes;
    let (end, ..) = engine.wal_positions();
    // Header, page, count of steps, a step's place and length.
    let others = RECORD_HEADER_BYTES + 8 + 4 + 4;
    let bytes = (payload_bytes - end.0 % payload_bytes) as usize - others - left;
    let mut operation = engine.operation();
    operation.page(page).unwrap().write(0, &vec![value; bytes]).unwrap();
    engine.commit_async(operation).unwrap();
}

/// The files of a store with their bytes, but for the lock file.
pub(crate) fn files_of(disk: &SimDisk) -> BTreeMap<String, Vec<u8>> {
    let names = |dir: &str| disk.list(dir).unwrap().into_iter();
    let wal = names("wal").map(|name| format!("wal/{name}"));
    let data = names("data").map(|name| format!("data/{name}"));
    let paths = wal.chain(data).chain(["control".to_owned()]);
    paths.map(|path| (path.clone(), disk.read_file(&path))).collect()
}

/// What is done to a disk, a word and a path each.
pub(crate) fn operations(disk: &SimDisk, work: impl FnOnce()) -> Vec<String> {
    let found = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&found);
    disk.set_observer(Some(Box::new(move |_, op| {
        noted.lock().push(format!("{:?} {}", op.kind, op.path));
    })));
    work();
    disk.set_observer(None);
    let found = found.lock();
    found.clone()
}

/// What is durable before each operation of `work`, each time that it is something else.
pub(crate) fn losing_all(disk: &SimDisk, work: impl FnOnce()) -> Vec<(Op, CrashImage)> {
    let found = Arc::new(Mutex::new(Vec::<(Op, CrashImage)>::new()));
    let collect = Arc::clone(&found);
    disk.set_observer(Some(Box::new(move |disk, op| {
        let image = disk.durable_image();
        let mut found = collect.lock();
        if found.last().is_none_or(|(_, last)| last.digest() != image.digest()) {
            found.push((op.clone(), image));
        }
    })));
    work();
    disk.set_observer(None);
    std::mem::take(&mut *found.lock())
}

/// The log of a store, read for recovery.
pub(crate) fn survey(disk: &SimDisk) -> Survey {
    let (_, control) = Slots::read(disk).unwrap().latest().unwrap();
    Survey::read(Arc::new(disk.clone()), &control, None).unwrap()
}

/// Changes a page on disk, with a right checksum.
pub(crate) fn reseal(disk: &SimDisk, path: &str, offset: u64, change: impl FnOnce(&mut Page)) {
    let mut page = Page::zeroed(4096);
    page.bytes_mut().copy_from_slice(&disk.read_file(path)[offset as usize..][..4096]);
    change(&mut page);
    page.seal();
    disk.overwrite(path, offset, page.bytes());
}

/// Has a block of the log say that it was durable up to here when the block was written.
pub(crate) fn set_flushed_upto(disk: &SimDisk, geometry: &Geometry, block: u64, upto: Lsn) {
    let address = geometry.block_start(block);
    let mut bytes = [0; BLOCK_HEADER_BYTES as usize];
    BlockHeader { system_id: SYSTEM_ID, address, flushed_upto: upto }.encode(&mut bytes);
    let path = segment_path(geometry.segment_of_block(block));
    disk.overwrite(&path, geometry.block_offset(block), &bytes);
}

/// The body of a page, shared by the states that have it.
pub(crate) type Body = Arc<Vec<u8>>;

/// Bytes of a body in a store of this configuration.
pub(crate) const BODY_BYTES: usize = 4096 - PAGE_HEADER_BYTES;

/// Bodies of new pages.
pub(crate) fn empty_pages(count: usize) -> Vec<Body> {
    let empty = Arc::new(vec![0; BODY_BYTES]);
    vec![empty; count]
}

/// The content of a store: the bodies of the pages of its files.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Recovered(pub(crate) BTreeMap<FileId, Vec<Body>>);

impl Recovered {
    fn file(&mut self, file: FileId) -> &mut Vec<Body> {
        self.0.get_mut(&file).expect("a file of the workload")
    }
}

/// Opens a store that a crash has left, and reads all of it. No page is missed.
pub(crate) fn recover(disk: &SimDisk, config: &Config) -> Result<Recovered> {
    let engine = open(disk, config)?;
    assert_eq!(engine.recovery().lost_pages, 0, "{}", engine.recovery());
    content(&engine)
}

/// Reads all of a store.
pub(crate) fn content(engine: &Engine) -> Result<Recovered> {
    let pages = |file| {
        let page = |block| Ok(Arc::new(engine.read(PageId::new(file, block))?.to_vec()));
        Ok((file, (0..engine.blocks(file)?).map(page).collect::<Result<_>>()?))
    };
    Ok(Recovered(engine.files().into_iter().map(pages).collect::<Result<_>>()?))
}

/// The states that a workload goes through, each noted before the step that leads to it.
pub(crate) struct Model {
    states: Vec<Recovered>,
    /// How many were there before the first of them.
    forgotten: usize,
    acknowledged: usize,
    files: u32,
}

impl Default for Model {
    fn default() -> Self {
        Self { states: vec![Recovered::default()], forgotten: 0, acknowledged: 0, files: 0 }
    }
}

/// Bytes to be written: page, offset, bytes.
pub(crate) struct Change(pub(crate) Vec<(PageId, usize, Vec<u8>)>);

impl Model {
    /// How many states there are.
    pub(crate) fn states(&self) -> usize {
        self.forgotten + self.states.len()
    }

    /// The last of them.
    pub(crate) fn newest(&self) -> &Recovered {
        self.states.last().expect("there is a first one")
    }

    /// Which of them is durable.
    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged
    }

    /// Everything so far is durable.
    pub(crate) fn acknowledge_all(&mut self) {
        self.acknowledged = self.states() - 1;
    }

    /// Whether any state that is known of had this file.
    pub(crate) fn has_had(&self, file: FileId) -> bool {
        self.states.iter().any(|state| state.0.contains_key(&file))
    }

    /// The states up to this one are durable.
    pub(crate) fn acknowledge(&mut self, state: usize) {
        self.acknowledged = self.acknowledged.max(state);
    }

    /// The states before the durable one are not asked for any more.
    pub(crate) fn forget(&mut self) {
        self.states.drain(..self.acknowledged - self.forgotten);
        self.forgotten = self.acknowledged;
    }

    /// The store has lost all states but those up to this one, which is durable.
    pub(crate) fn go_back_to(&mut self, state: usize) {
        self.states.truncate(state + 1 - self.forgotten);
        self.acknowledged = state;
    }

    /// The states behind the first so many are not to be: what led to them has failed.
    pub(crate) fn take_back(&mut self, states: usize) {
        self.states.truncate(states - self.forgotten);
    }

    /// Which state this is.
    pub(crate) fn find(&self, content: &Recovered) -> Option<usize> {
        let found = self.states.iter().rposition(|state| state == content)?;
        Some(self.forgotten + found)
    }

    /// A file is about to be created.
    pub(crate) fn expect_file(&mut self) {
        self.files += 1;
        self.expect_file_numbered(FileId(self.files));
    }

    /// A file of this number is created.
    pub(crate) fn expect_file_numbered(&mut self, file: FileId) {
        self.next(|state| _ = state.0.insert(file, Vec::new()));
    }

    /// Pages are about to be added by one operation.
    pub(crate) fn expect_pages(&mut self, file: FileId, count: usize) {
        self.next(|state| state.file(file).extend(empty_pages(count)));
    }

    /// A file is about to be truncated.
    pub(crate) fn expect_truncate(&mut self, file: FileId, blocks: usize) {
        self.next(|state| state.file(file).truncate(blocks));
    }

    /// A file is about to be dropped.
    pub(crate) fn expect_drop(&mut self, file: FileId) {
        self.next(|state| _ = state.0.remove(&file));
    }

    /// Operation `number` is about to be committed: up to three pages, in ascending order, get
    /// its number and some bytes somewhere.
    pub(crate) fn expect_change(&mut self, number: u64) -> Change {
        let mut random = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut draw = |below: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(number);
            (random >> 33) as usize % below
        };
        let files = self.newest().0.iter().filter(|(_, pages)| !pages.is_empty());
        let files: Vec<_> = files.map(|(file, pages)| (*file, pages.len())).collect();
        let mut pages: Vec<PageId> = (0..1 + draw(3))
            .map(|_| {
                let (file, blocks) = files[draw(files.len())];
                PageId::new(file, draw(blocks) as u32)
            })
            .collect();
        pages.sort_unstable();
        pages.dedup();
        let mut change = Change(Vec::new());
        for page in pages {
            change.0.push((page, 0, number.to_le_bytes().to_vec()));
            let (offset, len) = (8 + draw(3900), 1 + draw(100));
            change.0.push((page, offset, vec![number as u8; len]));
        }
        self.expect(&change);
        change
    }

    /// This change is about to be committed.
    pub(crate) fn expect(&mut self, change: &Change) {
        self.next(|state| change.apply(state));
    }

    fn next(&mut self, step: impl FnOnce(&mut Recovered)) {
        let mut state = self.newest().clone();
        step(&mut state);
        self.states.push(state);
    }
}

impl Change {
    pub(crate) fn apply(&self, state: &mut Recovered) {
        for (page, offset, bytes) in &self.0 {
            let body = &mut state.file(page.file())[page.block() as usize];
            Arc::make_mut(body)[*offset..offset + bytes.len()].copy_from_slice(bytes);
        }
    }

    /// Makes the change in an operation that is still to be committed.
    pub(crate) fn make<'e>(&self, engine: &'e Engine) -> Operation<'e> {
        self.try_make(engine).unwrap()
    }

    /// The same on a disk that fails.
    pub(crate) fn try_make<'e>(&self, engine: &'e Engine) -> Result<Operation<'e>> {
        let mut operation = engine.operation();
        for (page, offset, bytes) in &self.0 {
            redo::put(&mut operation.page(*page)?, *offset, bytes)?;
        }
        Ok(operation)
    }
}
