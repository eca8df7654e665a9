//! Takes the steps of a workload, and notes the states that it may leave behind.
//!
//! A call that fails without poison has done nothing, so its state is taken back; but a commit
//! that could only not be made durable is made, and becomes durable with a later one. A call that
//! fails with poison is in doubt, and the last: its state may survive, or not.

use super::common::Recovered;
use super::common::sweep::Sweep;
use super::plan::Step;
use seawall_core::checkpoint::Urgency;
use seawall_core::config::Config;
use seawall_core::engine::Engine;
use seawall_core::error::{Error, Result};
use seawall_core::files::FileOptions;
use seawall_core::page::FileId;
use seawall_core::sync::Mutex;
use seawall_core::wal::background::WalWriter;

const MOST_FILES: usize = 4;
const MOST_BLOCKS: usize = 12;

/// A store at work.
pub(crate) struct Driver<'a> {
    engine: &'a Engine,
    sweep: &'a Mutex<Sweep>,
    last_file: u32,
    failed: usize,
}

impl<'a> Driver<'a> {
    pub(crate) fn new(engine: &'a Engine, sweep: &'a Mutex<Sweep>) -> Self {
        Self { engine, sweep, last_file: 0, failed: 0 }
    }

    /// Takes the steps; what fails is passed over unless it poisons.
    ///
    /// # Errors
    /// [`Error::Poisoned`].
    pub(crate) fn take(&mut self, steps: &[Step]) -> Result<()> {
        for step in steps {
            match self.step(*step) {
                Ok(()) => {}
                Err(error) => {
                    self.failed += 1;
                    if matches!(error, Error::Poisoned(_)) {
                        return Err(error);
                    }
                }
            }
        }
        Ok(())
    }

    /// How many steps have failed.
    pub(crate) fn failed(&self) -> usize {
        self.failed
    }

    pub(crate) fn step(&mut self, step: Step) -> Result<()> {
        match step {
            Step::Create => self.create(),
            Step::Extend { file, pages } => self.extend(file, usize::from(pages)),
            Step::Truncate { file, blocks } => self.truncate(file, usize::from(blocks)),
            Step::Drop { file } => self.drop_file(file),
            Step::Change { number, waits } => self.change(number, waits),
            Step::Checkpoint(method) => {
                self.configure(method.set(self.engine.config()))?;
                self.engine.checkpoint(Urgency::Immediate)?;
                self.sweep.lock().model.acknowledge_all();
                Ok(())
            }
            Step::Images(images) => {
                self.configure(Config { full_page_images: images, ..self.engine.config() })
            }
            Step::Background => {
                self.engine.background_writer_round(&mut self.engine.background_writer())?;
                self.engine.wal_writer_round(&mut WalWriter::default()).map(drop)
            }
        }
    }

    /// Closes the store.
    pub(crate) fn close(&self) -> Result<()> {
        self.engine.close()?;
        self.sweep.lock().model.acknowledge_all();
        Ok(())
    }

    /// The store must hold the newest state.
    pub(crate) fn check(&self, found: &Recovered) {
        assert!(found == self.sweep.lock().model.newest(), "it does not hold what it should");
    }

    fn configure(&self, config: Config) -> Result<()> {
        self.engine.configure(config)
    }

    fn create(&mut self) -> Result<()> {
        if self.sweep.lock().model.newest().0.len() == MOST_FILES {
            return Ok(());
        }
        let file = FileId(self.last_file + 1);
        let states = self.states();
        self.sweep.lock().model.expect_file_numbered(file);
        let created = self.engine.create_file(FileOptions::default());
        self.durable(states, created.map(|created| assert_eq!(created, file)))?;
        self.last_file += 1;
        Ok(())
    }

    fn extend(&self, pick: u8, pages: usize) -> Result<()> {
        let Some((file, old)) = self.file(pick) else { return Ok(()) };
        let pages = pages.min(MOST_BLOCKS.saturating_sub(old));
        let states = self.states();
        (0..pages).for_each(|_| self.sweep.lock().model.expect_pages(file, 1));
        self.engine.extend(file, pages as u32).map(drop).inspect_err(|error| {
            let added = self.engine.blocks(file).expect("it is there") as usize - old;
            self.take_back(states + added, error);
        })
    }

    fn truncate(&self, pick: u8, blocks: usize) -> Result<()> {
        let Some((file, old)) = self.file(pick) else { return Ok(()) };
        let (states, blocks) = (self.states(), blocks % (old + 1));
        self.sweep.lock().model.expect_truncate(file, blocks);
        self.durable(states, self.engine.truncate(file, blocks as u32))
    }

    fn drop_file(&self, pick: u8) -> Result<()> {
        let Some((file, _)) = self.file(pick) else { return Ok(()) };
        let states = self.states();
        self.sweep.lock().model.expect_drop(file);
        self.durable(states, self.engine.drop_file(file))
    }

    fn change(&self, number: u64, waits: bool) -> Result<()> {
        if self.sweep.lock().model.newest().0.values().all(Vec::is_empty) {
            return Ok(());
        }
        let states = self.states();
        let change = self.sweep.lock().model.expect_change(number);
        let made = change.try_make(self.engine);
        let committed = made.and_then(|operation| self.engine.commit_async(operation));
        let end = committed.inspect_err(|error| self.take_back(states, error))?;
        if waits {
            self.engine.wait_durable(end)?;
            self.sweep.lock().model.acknowledge_all();
        }
        Ok(())
    }

    /// Everything is durable now if the call has succeeded; else there are so many states.
    fn durable(&self, states: usize, result: Result<()>) -> Result<()> {
        match &result {
            Ok(()) => self.sweep.lock().model.acknowledge_all(),
            Err(error) => self.take_back(states, error),
        }
        result
    }

    fn take_back(&self, states: usize, error: &Error) {
        if !matches!(error, Error::Poisoned(_)) {
            self.sweep.lock().model.take_back(states);
        }
    }

    fn states(&self) -> usize {
        self.sweep.lock().model.states()
    }

    /// The file in this place of the list, and its blocks.
    fn file(&self, pick: u8) -> Option<(FileId, usize)> {
        let sweep = self.sweep.lock();
        let files = &sweep.model.newest().0;
        let mut places = files.iter().cycle();
        let (file, pages) = places.nth(usize::from(pick) % files.len().max(1))?;
        Some((*file, pages.len()))
    }
}
