//! The store: an [`Engine`] on Linux files, with the threads that keep it moving.

use crate::background::Background;
use crate::measured::{IoStats, MeasuredDisk, Meter};
use crate::{LinuxDisk, SystemClock, Threads};
use seawall_core::buffer::{Access, PageRead, PoolStats, Ring};
use seawall_core::checkpoint::{
    CheckpointDelay, CheckpointHistory, CheckpointProgress, CheckpointStats, Urgency,
};
use seawall_core::clock::Clock;
use seawall_core::config::Config;
use seawall_core::disk::Disk;
use seawall_core::engine::Engine;
#[cfg(doc)]
use seawall_core::error::Error;
use seawall_core::error::Result;
use seawall_core::files::{FileOptions, TablespaceId};
use seawall_core::lsn::Lsn;
use seawall_core::operation::Operation;
use seawall_core::page::{FileId, PageId};
use seawall_core::poison::PoisonCause;
use seawall_core::recovery::RecoveryReport;
use seawall_core::redo::Redo;
use seawall_core::wal::durable::{FlushedFollower, WhenDurable};
use seawall_core::wal::tail::TailReader;
use seawall_core::wal::{SlotInfo, WalSlot, WalStats};
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::sync::Arc;

/// A durable page store in a directory. Shared between threads by reference.
///
/// Dropping a store without [`Store::close`] is like a kill of the process: what was waited for is
/// there, asynchronous commits that are not durable yet are lost, unlogged files are empty, and
/// opening it again replays the log.
pub struct Store {
    engine: Arc<Engine>,
    background: Background,
    meter: Arc<Meter>,
}

impl Store {
    /// Creates an empty store in `dir`, which is created if need be in a directory that exists, and
    /// opens it.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] if the directory holds anything; [`Error::Config`],
    /// [`Error::Locked`], [`Error::Io`], [`Error::Poisoned`].
    pub fn create(dir: impl AsRef<Path>, config: Config) -> Result<Self> {
        Self::init(&dir, &config)?;
        Self::open(dir, config)
    }

    /// Creates an empty store in `dir` without opening it.
    ///
    /// # Errors
    /// As [`Store::create`].
    pub fn init(dir: impl AsRef<Path>, config: &Config) -> Result<()> {
        Self::init_on(&linux(dir), config)
    }

    /// The same on any disk: a [`TracedDisk`](crate::TracedDisk), for instance.
    ///
    /// # Errors
    /// As [`Store::create`].
    pub fn init_on(disk: &Arc<dyn Disk>, config: &Config) -> Result<()> {
        // Hashing nothing under keys that the system has drawn gives a number that differs from
        // store to store.
        let system_id = RandomState::new().hash_one(std::process::id());
        Engine::create(disk, config, system_id)
    }

    /// Opens the store in `dir`, after recovery, and starts its threads.
    ///
    /// # Errors
    /// [`Error::NotAStore`], [`Error::Control`], [`Error::Locked`], [`Error::Config`] (also if the
    /// store has another format): nothing was changed. [`Error::Wal`] if the log is damaged where
    /// it was durable, or has changes of an engine's own kinds; [`Error::Page`], [`Error::Io`],
    /// [`Error::Poisoned`].
    pub fn open(dir: impl AsRef<Path>, config: Config) -> Result<Self> {
        Self::open_on(linux(dir), config, None)
    }

    /// As [`Store::open`], for an engine with kinds of change and of note of its own, to which
    /// `redo` gives a meaning. A store that is new is made by [`Store::init`].
    ///
    /// # Errors
    /// As [`Store::open`]; [`Error::Wal`] also for what `redo` refuses.
    ///
    /// # Panics
    /// As `redo` does; the store can be opened again.
    pub fn open_with(dir: impl AsRef<Path>, config: Config, redo: Arc<dyn Redo>) -> Result<Self> {
        Self::open_on(linux(dir), config, Some(redo))
    }

    /// As [`Store::open_with`], on any disk.
    ///
    /// # Errors
    /// As [`Store::open_with`].
    ///
    /// # Panics
    /// As [`Store::open_with`].
    pub fn open_on(
        disk: Arc<dyn Disk>,
        config: Config,
        redo: Option<Arc<dyn Redo>>,
    ) -> Result<Self> {
        let clock = Arc::new(SystemClock::new());
        let time = Arc::clone(&clock) as Arc<dyn Clock>;
        let disk = MeasuredDisk::new(disk, Arc::clone(&clock));
        let meter = disk.meter();
        let disk = Arc::new(disk);
        let workers = Threads::for_this_machine();
        let engine = Arc::new(Engine::open_with(disk, config, time, &workers, redo)?);
        let background = Background::start(&engine, clock)?;
        Ok(Self { engine, background, meter })
    }

    /// What recovery found and did when the store was opened.
    pub fn recovery(&self) -> &RecoveryReport {
        self.engine.recovery()
    }

    /// Why the store is poisoned, if it is. What waits for durability, or would bring it, is
    /// refused with this cause; pages that are in memory can be read. To go on, drop the store
    /// and open it.
    pub fn poisoned(&self) -> Option<Arc<PoisonCause>> {
        self.engine.poisoned()
    }

    /// Creates an empty file, durably. Everything that happened before is made durable as well.
    ///
    /// # Errors
    /// [`Error::NoSuchTablespace`]; [`Error::Config`] if no number is free; [`Error::Poisoned`],
    /// [`Error::Io`].
    pub fn create_file(&self, options: FileOptions) -> Result<FileId> {
        self.engine.create_file(options)
    }

    /// Creates a tablespace, durably: its files are kept in a new directory within `dir`, which
    /// exists, perhaps on another device.
    ///
    /// # Errors
    /// [`Error::Config`] if no number is free; [`Error::Poisoned`], [`Error::Io`].
    pub fn create_tablespace(&self, dir: impl AsRef<Path>) -> Result<TablespaceId> {
        self.engine.create_tablespace(dir.as_ref())
    }

    /// Cuts a file to its first `blocks` blocks, durably.
    ///
    /// Waits for those who hold one of the other pages: so the caller holds none of them, and no
    /// [delay](Store::delay_checkpoint), and nobody who does may wait for this file to be extended
    /// or cut.
    ///
    /// # Errors
    /// [`Error::NoSuchFile`]; [`Error::BeyondEnd`] if it has fewer blocks; [`Error::Io`] if there
    /// is no space for the log, [`Error::WalExhausted`]: nothing has changed; [`Error::Poisoned`].
    pub fn truncate(&self, file: FileId, blocks: u32) -> Result<()> {
        self.engine.truncate(file, blocks)
    }

    /// Drops a file, durably; waits as [`Store::truncate`] does. Its number is not used again, and
    /// its space is free after the next checkpoint.
    ///
    /// # Errors
    /// [`Error::NoSuchFile`]; [`Error::Io`] if there is no space for the log,
    /// [`Error::WalExhausted`]: nothing has changed; [`Error::Poisoned`].
    pub fn drop_file(&self, file: FileId) -> Result<()> {
        self.engine.drop_file(file)
    }

    /// The numbers of all files, ascending.
    pub fn files(&self) -> Vec<FileId> {
        self.engine.files()
    }

    /// Pages of a file.
    ///
    /// # Errors
    /// [`Error::NoSuchFile`].
    pub fn blocks(&self, file: FileId) -> Result<u32> {
        self.engine.blocks(file)
    }

    /// Adds empty pages to the end of a file and returns the first one's block. Durable with the
    /// next commit that waits; after a crash before it, the first of them may be there.
    ///
    /// # Errors
    /// [`Error::NoSuchFile`]; [`Error::Config`] if it would have 2^32 blocks or more: nothing was
    /// added. [`Error::NoUnpinnedBuffers`], and as [`Store::commit_async`]: some pages may have
    /// been.
    pub fn extend(&self, file: FileId, blocks: u32) -> Result<u32> {
        self.engine.extend(file, blocks)
    }

    /// Locks a page shared and gives its body.
    ///
    /// # Errors
    /// [`Error::NoSuchFile`], [`Error::BeyondEnd`], [`Error::NoUnpinnedBuffers`], [`Error::Page`],
    /// [`Error::Io`]; [`Error::Poisoned`] if the page is not in memory: the one on disk may be
    /// older than what was written there.
    #[inline]
    pub fn read(&self, page: PageId) -> Result<PageRead<'_>> {
        self.engine.read(page)
    }

    /// A ring of frames for one big scan or load, which then leaves the rest of the pool alone.
    /// Empty at first; it may be kept for the next scan.
    pub fn ring(&self, access: Access) -> Ring {
        self.engine.ring(access)
    }

    /// As [`Store::read`], with the frames of a ring.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn read_through(&self, page: PageId, ring: &mut Ring) -> Result<PageRead<'_>> {
        self.engine.read_through(page, ring)
    }

    /// Reads neighbours in that are missing, with few reads of the disk. Returns how many it has
    /// read. See [`Engine::load`].
    ///
    /// # Errors
    /// As [`Store::read`], for the first page that has one.
    pub fn load(&self, first: PageId, blocks: u32) -> Result<u32> {
        self.engine.load(first, blocks)
    }

    /// As [`Store::load`], with the frames of a ring.
    ///
    /// # Errors
    /// As [`Store::load`].
    pub fn load_through(&self, first: PageId, blocks: u32, ring: &mut Ring) -> Result<u32> {
        self.engine.load_through(first, blocks, ring)
    }

    /// Tells the disk which pages are likely to be read soon. Waits for no read. Does nothing with
    /// [`Config::data_direct`], the default: [`Store::load`] reads them at once.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn prefetch(&self, pages: &[PageId]) -> Result<()> {
        self.engine.prefetch(pages)
    }

    /// As [`Store::extend`], with the frames of a ring. For pages of an operation:
    /// [`Operation::page_through`].
    ///
    /// # Errors
    /// As [`Store::extend`].
    pub fn extend_through(&self, file: FileId, blocks: u32, ring: &mut Ring) -> Result<u32> {
        self.engine.extend_through(file, blocks, ring)
    }

    /// Begins an atomic operation over several pages.
    pub fn operation(&self) -> Operation<'_> {
        self.engine.operation()
    }

    /// Commits an operation and waits until it is durable. Returns its end in the log.
    ///
    /// # Errors
    /// As [`Store::commit_async`] and [`Store::wait_durable`]. After an error of the latter the
    /// changes are in the pages, and durable or not.
    pub fn commit(&self, operation: Operation<'_>) -> Result<Lsn> {
        self.engine.commit(operation)
    }

    /// Commits an operation that becomes durable soon: with the next commit that waits, or within
    /// three times `wal_writer_delay`. Returns its end in the log, to be waited for.
    ///
    /// # Errors
    /// [`Error::Poisoned`], [`Error::RecordTooLarge`], [`Error::WalExhausted`], [`Error::Io`]: the
    /// changes are undone.
    pub fn commit_async(&self, operation: Operation<'_>) -> Result<Lsn> {
        self.engine.commit_async(operation)
    }

    /// Returns once everything before `lsn` is durable.
    ///
    /// # Errors
    /// [`Error::Poisoned`]; [`Error::BeyondWal`]; [`Error::Io`] if there is no space for the log.
    pub fn wait_durable(&self, lsn: Lsn) -> Result<()> {
        self.engine.wait_durable(lsn)
    }

    /// As [`Store::wait_durable`], as a future, for any executor.
    pub fn when_durable(&self, lsn: Lsn) -> WhenDurable<'_> {
        self.engine.when_durable(lsn)
    }

    /// Follows the position up to which the log is durable: for replication, change capture.
    pub fn follow_flushed(&self) -> FlushedFollower<'_> {
        self.engine.follow_flushed()
    }

    /// Has a checkpoint made that starts from now on, as fast as possible. It waits for the locks
    /// of the pages that it writes, and for the delays that there are: so the caller has no
    /// operation that has touched a page, and no delay.
    ///
    /// # Errors
    /// [`Error::Poisoned`], [`Error::WalExhausted`], [`Error::Io`]: the last complete checkpoint
    /// stays the valid one, or this one is, and log that nobody needs is still there.
    pub fn checkpoint(&self) -> Result<CheckpointStats> {
        self.engine.checkpoint(Urgency::Immediate)
    }

    /// The checkpoints since the store was opened.
    pub fn checkpoints(&self) -> CheckpointHistory {
        self.engine.checkpoints()
    }

    /// Where the running checkpoint is.
    pub fn checkpoint_progress(&self) -> CheckpointProgress {
        self.engine.checkpoint_progress()
    }

    /// Keeps checkpoints from fixing a redo point. See [`Engine::delay_checkpoint`].
    pub fn delay_checkpoint(&self) -> CheckpointDelay<'_> {
        self.engine.delay_checkpoint()
    }

    /// The log's positions: reserved, written, flushed.
    pub fn wal_positions(&self) -> (Lsn, Lsn, Lsn) {
        self.engine.wal_positions()
    }

    /// Reads the records of the log from one on, as they become durable. See
    /// [`Engine::wal_reader`].
    ///
    /// # Errors
    /// [`Error::BeyondWal`], [`Error::Wal`] if no record starts there or it is gone,
    /// [`Error::Io`].
    pub fn wal_reader(&self, from: Lsn) -> Result<TailReader> {
        self.engine.wal_reader(from)
    }

    /// What the pool has done since the store was opened.
    pub fn pool_stats(&self) -> PoolStats {
        self.engine.pool_stats()
    }

    /// What the calls of the disk have taken since the store was opened, by kind; recovery is
    /// among them. PostgreSQL: `pg_stat_io`.
    pub fn io_stats(&self) -> Vec<IoStats> {
        self.meter.stats()
    }

    /// What has gone into the log since the store was opened.
    pub fn wal_stats(&self) -> WalStats {
        self.engine.wal_stats()
    }

    /// The settings, as they are now.
    pub fn config(&self) -> Config {
        self.engine.config()
    }

    /// Changes settings while the store is open. See [`Engine::configure`]; it may make a
    /// checkpoint, so the caller holds as little as for [`Store::checkpoint`].
    ///
    /// # Errors
    /// [`Error::Config`] for one that is out of its range, or fixed until the store is opened
    /// again, and [`Error::Poisoned`] if the store is that already: nothing has changed. As
    /// [`Store::checkpoint`], if images are turned on: they are on, and protect from the next
    /// complete checkpoint on.
    pub fn configure(&self, config: Config) -> Result<()> {
        self.engine.configure(config)
    }

    /// Keeps the log from `from` on, for a consumer that calls itself `name`, until the slot is
    /// dropped. A consumer that goes on after a restart stores its position and takes its slot
    /// right after opening: until the next checkpoint all of the log that was there is there.
    ///
    /// # Errors
    /// [`Error::WalGone`] if the log does not go back that far any more; [`Error::BeyondWal`].
    pub fn wal_slot(&self, name: &str, from: Lsn) -> Result<WalSlot> {
        self.engine.wal_slot(name, from)
    }

    /// What holds the log back, besides the redo point.
    pub fn wal_slots(&self) -> Vec<SlotInfo> {
        self.engine.wal_slots()
    }

    /// The first position of the log that is still there: for a slot. A record seldom starts there;
    /// a reader begins where one ends that is known, that of a commit for instance.
    pub fn wal_oldest(&self) -> Lsn {
        self.engine.wal_oldest()
    }

    /// Ends the threads, makes everything durable and notes that the store was closed.
    ///
    /// # Errors
    /// [`Error::Poisoned`], [`Error::WalExhausted`], [`Error::Io`]: then it is as if the store had
    /// been dropped, or it is closed, and log that nobody needs is still there.
    pub fn close(mut self) -> Result<CheckpointStats> {
        self.background.stop(&self.engine);
        self.engine.close()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.background.stop(&self.engine);
    }
}

fn linux(dir: impl AsRef<Path>) -> Arc<dyn Disk> {
    Arc::new(LinuxDisk::new(dir.as_ref()))
}
