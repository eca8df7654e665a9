//! A store, and what it must hold after each step.
//!
//! # What a crash may leave
//! * Of files that are logged: one of the states since the last one that is known to be durable.
//!   A state is, besides by the calls that say so, known to be durable once the log is flushed to
//!   where it ended when the state was new.
//! * Of unlogged files: no page. If power goes while the store is closed and opened again, they
//!   may have all that they had.
//! * A file or tablespace that was being created is there or not.

use super::common::redo::{Adds, put};
use super::common::{
    BODY_BYTES, Body, Change, Model, Recovered, TestClock, content, create, empty_pages, small,
};
use super::steps::{ACCESSES, Crash, Ending, Step, Through, Touch};
use seawall_core::buffer::{Access, BackgroundWriter, Ring};
use seawall_core::checkpoint::Urgency;
use seawall_core::clock::Clock;
use seawall_core::disk::Disk;
use seawall_core::engine::Engine;
use seawall_core::files::{FileOptions, TablespaceId};
use seawall_core::lsn::Lsn;
use seawall_core::page::{FileId, PageId};
use seawall_core::redo::Redo;
use seawall_core::sim::{CrashImage, SimDisk};
use seawall_core::sync::Mutex;
use seawall_core::wal::background::WalWriter;
use seawall_core::workers::Serial;
use std::path::Path;
use std::sync::Arc;

/// Enough for a pool of five pages to be too small; more would only take longer.
const MOST_FILES: usize = 6;
const MOST_BLOCKS: u32 = 30;
const MOST_TABLESPACES: u32 = 3;

/// A store and its model.
pub(super) struct Bed {
    disk: SimDisk,
    clock: Arc<TestClock>,
    open: Option<Open>,
    /// The states of the logged files. Unlogged ones are there too, without pages: as a crash
    /// leaves them.
    pub(super) model: Model,
    /// The pages of the unlogged files.
    unlogged: Recovered,
    /// The log's end and the newest state, after each step.
    ends: Vec<(Lsn, usize)>,
    pub(super) tablespaces: u32,
    /// The greatest number that a file has had.
    pub(super) last_file: FileId,
    armed: Option<(Crash, Captured)>,
    operations: u64,
}

/// What goes when the store is closed.
struct Open {
    engine: Arc<Engine>,
    background_writer: BackgroundWriter,
    wal_writer: WalWriter,
    rings: [Ring; 3],
}

/// The disk at the moment of a crash, once that has come.
type Captured = Arc<Mutex<Option<CrashImage>>>;

/// What a crash cannot take away, if it comes during the step that follows.
struct Before {
    acknowledged: usize,
    tablespaces: u32,
    last_file: FileId,
    unlogged: Recovered,
}

impl Bed {
    /// A new store.
    pub(super) fn new() -> Self {
        let disk = SimDisk::new();
        create(&disk, &small()).unwrap();
        let mut bed = Self {
            disk,
            clock: Arc::default(),
            open: None,
            model: Model::default(),
            unlogged: Recovered::default(),
            ends: Vec::new(),
            tablespaces: 0,
            last_file: FileId(0),
            armed: None,
            operations: 0,
        };
        bed.open();
        bed
    }

    /// Takes a step, and crashes if power goes in the midst of it.
    pub(super) fn step(&mut self, step: &Step) {
        self.model.forget();
        let before = Before {
            acknowledged: self.model.acknowledged(),
            tablespaces: self.tablespaces,
            last_file: self.last_file,
            unlogged: self.unlogged.clone(),
        };
        self.carry_out(step);
        self.check_lengths();
        self.note_durable();
        let captured = self.armed.as_ref().and_then(|(_, image)| image.lock().take());
        if let Some(image) = captured {
            let (crash, _) = self.armed.take().expect("it was captured");
            self.crash(&crash, &image, &before, matches!(step, Step::CloseAndOpen));
        }
    }

    /// Compares everything, also after a close.
    pub(super) fn finish(mut self) {
        self.armed = None;
        self.check_contents();
        self.close_and_open();
    }

    fn carry_out(&mut self, step: &Step) {
        match step {
            Step::CreateFile { tablespace, unlogged } => self.create_file(*tablespace, *unlogged),
            Step::CreateTablespace => self.create_tablespace(),
            Step::Extend { file, blocks, bulk } => self.extend(*file, *blocks, *bulk),
            Step::Operation { touches, ending, through } => {
                self.operation(touches, *ending, *through);
            }
            Step::Read { file, block, through } => self.read(*file, *block, *through),
            Step::ReadAll => self.check_contents(),
            Step::Truncate { file, blocks } => self.truncate(*file, *blocks),
            Step::Drop { file } => self.drop_file(*file),
            Step::Checkpoint { spread } => {
                let urgency = if *spread { Urgency::Spread } else { Urgency::Immediate };
                self.engine().checkpoint(urgency).unwrap();
                self.model.acknowledge_all();
            }
            Step::BackgroundWriterRound => {
                let open = self.open.as_mut().expect("between steps it is open");
                open.engine.background_writer_round(&mut open.background_writer).unwrap();
            }
            Step::WalWriterRounds(rounds) => self.wal_writer_rounds(*rounds),
            Step::WaitDurable => {
                self.engine().wait_durable(self.engine().wal_positions().0).unwrap();
                self.model.acknowledge_all();
            }
            Step::CloseAndOpen => self.close_and_open(),
            Step::Crash(crash) => self.prepare_crash(crash),
            Step::Misuse { misuse, pick } => self.misuse(*misuse, u32::from(*pick)),
        }
    }

    fn create_file(&mut self, tablespace: u8, unlogged: bool) {
        if self.model.newest().0.len() == MOST_FILES {
            return;
        }
        let tablespace = TablespaceId(u32::from(tablespace) % (self.tablespaces + 1));
        let file = self.engine().create_file(FileOptions { tablespace, unlogged }).unwrap();
        assert!(file > self.last_file, "{file} is used again, {} was the last", self.last_file);
        self.last_file = file;
        self.model.expect_file_numbered(file);
        self.model.acknowledge_all();
        if unlogged {
            self.unlogged.0.insert(file, Vec::new());
        }
    }

    fn create_tablespace(&mut self) {
        if self.tablespaces < MOST_TABLESPACES {
            self.tablespaces += 1;
            let created = self.engine().create_tablespace(Path::new("/elsewhere")).unwrap();
            assert_eq!(created, TablespaceId(self.tablespaces));
        }
    }

    /// A crash may leave any number of the new pages, the first ones: so each makes a state.
    fn extend(&mut self, pick: u8, blocks: u32, bulk: bool) {
        let Some(file) = self.file(pick) else { return };
        let old = self.pages(file).len() as u32;
        let blocks = blocks.min(MOST_BLOCKS - old);
        let engine = self.engine();
        let first = match bulk {
            true => engine.extend_through(file, blocks, self.ring(Access::BulkWrite)),
            false => engine.extend(file, blocks),
        };
        assert_eq!(first.unwrap(), old);
        match self.unlogged.0.get_mut(&file) {
            Some(pages) => pages.extend(empty_pages(blocks as usize)),
            None => (0..blocks).for_each(|_| self.model.expect_pages(file, 1)),
        }
    }

    fn operation(&mut self, touches: &[Touch], ending: Ending, through: Through) {
        let change = self.change(touches);
        let engine = self.engine();
        let mut operation = engine.operation();
        for (page, offset, bytes) in &change.0 {
            let held = match through {
                Some(access) => operation.page_through(*page, self.ring(access)),
                None => operation.page(*page),
            };
            put(&mut held.unwrap(), *offset, bytes).unwrap();
        }
        let mut changed = self.newest();
        change.apply(&mut changed);
        for (page, ..) in &change.0 {
            let expected = &changed.0[&page.file()][page.block() as usize];
            assert!(operation.page(*page).unwrap().body() == &expected[..], "{page} within it");
        }
        match ending {
            Ending::Undo => drop(operation),
            Ending::CommitAsync => {
                let end = engine.commit_async(operation).unwrap();
                self.note_commit(&change, end);
            }
            Ending::Commit => {
                let end = engine.commit(operation).unwrap();
                if self.note_commit(&change, end) {
                    self.model.acknowledge_all();
                }
            }
        }
        change.0.iter().for_each(|(page, ..)| self.check_page(*page, None));
    }

    /// What an operation is to change. Its number goes to the start of each page, so that no two
    /// states are the same.
    fn change(&mut self, touches: &[Touch]) -> Change {
        self.operations += 1;
        let mut change = Vec::new();
        for touch in touches {
            let Some(page) = self.page(touch.file, touch.block) else { continue };
            let offset = usize::from(touch.offset) % BODY_BYTES;
            let len = usize::from(touch.len) % (BODY_BYTES - offset + 1);
            change.push((page, offset, vec![self.operations as u8; len]));
            change.push((page, 0, self.operations.to_le_bytes().to_vec()));
        }
        // The order in which pages are to be locked.
        change.sort_by_key(|(page, ..)| *page);
        Change(change)
    }

    /// The change is made; whether any of it is logged.
    fn note_commit(&mut self, change: &Change, end: Lsn) -> bool {
        let is_unlogged = |page: PageId| self.unlogged.0.contains_key(&page.file());
        let (unlogged, logged): (Vec<_>, Vec<_>) =
            change.0.iter().cloned().partition(|(page, ..)| is_unlogged(*page));
        let is_logged = !logged.is_empty();
        Change(unlogged).apply(&mut self.unlogged);
        if is_logged {
            self.model.expect(&Change(logged));
        }
        assert_eq!(end > Lsn::ZERO, is_logged);
        is_logged
    }

    fn read(&mut self, file: u8, block: u8, through: Through) {
        if let Some(page) = self.page(file, block) {
            self.check_page(page, through);
        }
    }

    fn truncate(&mut self, pick: u8, blocks: u8) {
        let Some(file) = self.file(pick) else { return };
        let blocks = usize::from(blocks) % (self.pages(file).len() + 1);
        self.engine().truncate(file, blocks as u32).unwrap();
        match self.unlogged.0.get_mut(&file) {
            Some(pages) => pages.truncate(blocks),
            None => self.model.expect_truncate(file, blocks),
        }
        self.model.acknowledge_all();
    }

    fn drop_file(&mut self, pick: u8) {
        let Some(file) = self.file(pick) else { return };
        self.engine().drop_file(file).unwrap();
        self.unlogged.0.remove(&file);
        self.model.expect_drop(file);
        self.model.acknowledge_all();
    }

    /// The third makes durable what was committed before the first.
    fn wal_writer_rounds(&mut self, rounds: u8) {
        let open = self.open.as_mut().expect("between steps it is open");
        for _ in 0..rounds {
            self.clock.nap(2 * open.engine.config().wal_writer_delay);
            open.engine.wal_writer_round(&mut open.wal_writer).unwrap();
        }
        if rounds == 3 {
            self.model.acknowledge_all();
        }
    }

    fn close_and_open(&mut self) {
        self.engine().close().unwrap();
        self.model.acknowledge_all();
        self.open();
        assert!(self.engine().recovery().was_closed);
        self.check_contents();
    }

    fn prepare_crash(&mut self, crash: &Crash) {
        if self.armed.is_some() {
            return;
        }
        let captured = match crash.after {
            0 => Arc::new(Mutex::new(Some(self.disk.crash_image(crash.seed)))),
            _ => capture(&self.disk, crash.after, crash.seed),
        };
        self.armed = Some((crash.clone(), captured));
    }

    /// Goes on with what a crash has left.
    fn crash(&mut self, crash: &Crash, image: &CrashImage, before: &Before, closing: bool) {
        self.disk = image.mount();
        // One that was being dropped may still be there.
        before.unlogged.0.iter().for_each(|(file, pages)| {
            self.unlogged.0.entry(*file).or_insert_with(|| pages.clone());
        });
        let mut found = None;
        if let Some(after) = crash.again {
            let again = capture(&self.disk, after, !crash.seed);
            self.open();
            found = Some(self.logged());
            self.disk.set_observer(None);
            // If recovery has made fewer calls, not power goes but the process.
            let again = again.lock().take();
            self.disk = again.map_or(self.disk.clone(), |image| image.mount());
        }
        self.open();
        let recovered = self.logged();
        if let Some(found) = found {
            assert!(found == recovered, "recovered to something else after another crash");
        }
        let state = self.model.find(&recovered);
        let state = state.unwrap_or_else(|| panic!("no state; {}", image.describe()));
        let acknowledged = before.acknowledged;
        assert!(state >= acknowledged, "{state} of {acknowledged}; {}", image.describe());
        self.model.go_back_to(state);
        self.ends.clear();
        self.note_unlogged(closing);
        self.note_created(before);
        self.check_lengths();
        self.check_contents();
    }

    /// What the store holds of logged files, as the model has it.
    fn logged(&self) -> Recovered {
        let mut content = content(&self.engine()).unwrap();
        for (file, pages) in &mut content.0 {
            if self.unlogged.0.contains_key(file) {
                pages.clear();
            }
        }
        content
    }

    /// After a crash.
    fn note_unlogged(&mut self, closing: bool) {
        let content = content(&self.engine()).unwrap();
        self.unlogged.0.retain(|file, _| content.0.contains_key(file));
        let is_intact = self.unlogged.0.iter().all(|(file, pages)| content.0[file] == *pages);
        if !(closing && is_intact) {
            self.unlogged.0.values_mut().for_each(Vec::clear);
        }
    }

    /// After a crash.
    fn note_created(&mut self, before: &Before) {
        let names = self.disk.list("").unwrap();
        let found = names.iter().filter(|name| name.starts_with("data.")).count() as u32;
        assert!((before.tablespaces..=self.tablespaces).contains(&found), "{found} tablespaces");
        self.tablespaces = found;
        // One whose creation was not acknowledged may have vanished.
        let last = self.model.newest().0.keys().last().copied();
        self.last_file = before.last_file.max(last.unwrap_or(FileId(0)));
    }

    /// Opens the store; what it was open with is gone.
    fn open(&mut self) {
        self.open = None;
        let clock = Arc::clone(&self.clock);
        let redo = Some(Arc::new(Adds::default()) as Arc<dyn Redo>);
        let disk = Arc::new(self.disk.clone());
        let engine = Engine::open_with(disk, small(), clock, &Serial, redo);
        let engine = engine.unwrap_or_else(|error| panic!("it does not open: {error}"));
        let ring = |access| engine.ring(access);
        self.open = Some(Open {
            rings: ACCESSES.map(ring),
            background_writer: engine.background_writer(),
            wal_writer: WalWriter::default(),
            engine: Arc::new(engine),
        });
    }

    pub(super) fn engine(&self) -> Arc<Engine> {
        Arc::clone(&self.open.as_ref().expect("between steps it is open").engine)
    }

    pub(super) fn ring(&mut self, access: Access) -> &mut Ring {
        let open = self.open.as_mut().expect("between steps it is open");
        open.rings.iter_mut().find(|ring| ring.access() == access).expect("there is one of each")
    }

    /// The file in this place of the list.
    pub(super) fn file(&self, pick: u8) -> Option<FileId> {
        let files = &self.model.newest().0;
        files.keys().cycle().nth(usize::from(pick) % files.len().max(1)).copied()
    }

    /// A page of a file, if any has one.
    pub(super) fn page(&self, file: u8, block: u8) -> Option<PageId> {
        let files = self.model.newest().0.keys();
        let filled: Vec<_> = files.filter(|file| !self.pages(**file).is_empty()).collect();
        let file = **filled.get(usize::from(file) % filled.len().max(1))?;
        Some(PageId::new(file, u32::from(block) % self.pages(file).len() as u32))
    }

    pub(super) fn pages(&self, file: FileId) -> &[Body] {
        let unlogged = self.unlogged.0.get(&file);
        unlogged.unwrap_or_else(|| &self.model.newest().0[&file])
    }

    /// What the store holds.
    fn newest(&self) -> Recovered {
        let mut newest = self.model.newest().clone();
        newest.0.extend(self.unlogged.0.clone());
        newest
    }

    pub(super) fn check_page(&mut self, page: PageId, through: Through) {
        let engine = self.engine();
        let read = match through {
            Some(access) => engine.read_through(page, self.ring(access)),
            None => engine.read(page),
        };
        let expected = &self.pages(page.file())[page.block() as usize];
        assert!(read.unwrap()[..] == expected[..], "{page} is not as it was written");
    }

    fn check_lengths(&self) {
        let engine = self.engine();
        let found = engine.files().into_iter().map(|file| (file, engine.blocks(file).unwrap()));
        let expected = self.model.newest().0.keys();
        let expected = expected.map(|file| (*file, self.pages(*file).len() as u32));
        assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "files and lengths");
    }

    fn check_contents(&self) {
        let found = content(&self.engine()).unwrap();
        for (file, pages) in &self.newest().0 {
            let found = &found.0[file];
            let differs = pages.iter().zip(found).position(|(page, found)| page != found);
            assert_eq!(differs, None, "the first block of file {file} with other bytes");
            assert_eq!(pages.len(), found.len(), "blocks of file {file}");
        }
    }

    /// The states are durable that the log is flushed behind.
    fn note_durable(&mut self) {
        let (reserved, _, flushed) = self.engine().wal_positions();
        self.ends.push((reserved, self.model.states() - 1));
        let durable = self.ends.partition_point(|(end, _)| *end <= flushed);
        if let Some((_, state)) = self.ends.drain(..durable).next_back() {
            self.model.acknowledge(state);
        }
    }
}

/// Takes the image of a crash before the disk operation with this number, from 1.
fn capture(disk: &SimDisk, after: u16, seed: u64) -> Captured {
    let captured = Captured::default();
    let image = Arc::clone(&captured);
    let mut number = 0;
    disk.set_observer(Some(Box::new(move |disk, _| {
        number += 1;
        if number == after {
            *image.lock() = Some(disk.crash_image(seed));
        }
    })));
    captured
}
