//! The store, without threads: pool, log, files and checkpointer put together.
//!
//! An [`Engine`] owns nothing but memory and what it opened on its [`Disk`]. The threads that make
//! it a server are the caller's: one that calls [`Engine::checkpoint`] now and then, and one for
//! each kind of round in `engine/threads.rs`. Without them everything still works: commits sync for
//! themselves, evictions write for themselves, and recovery has more to replay; but futures wait
//! for the flusher.

mod log;
mod scans;
mod threads;

use crate::buffer::{DurableLog, PageRead, Pool, PoolStats};
use crate::checkpoint::{
    CheckpointDelay, CheckpointHistory, CheckpointProgress, CheckpointRequest, CheckpointStats,
    Checkpointer, Delays, Parts, Urgency,
};
use crate::clock::Clock;
use crate::config::Config;
use crate::control::{Control, ControlFile, StoreState};
use crate::disk::{Disk, LockOutcome};
use crate::error::{Error, Result};
use crate::files::{DATA_DIR, FileOptions, Files, TablespaceId, failed, list, sync_dir};
use crate::fsync::SyncQueue;
use crate::length;
use crate::lsn::Lsn;
use crate::operation::Operation;
use crate::page::{FileId, PageId};
use crate::poison::{Poison, PoisonCause};
use crate::recovery::{Recovery, RecoveryReport};
use crate::redo::Redo;
use crate::sync::Setting;
use crate::wal::Wal;
use crate::wal::position::{Geometry, WAL_DIR};
use crate::wal::segment::Segments;
use crate::workers::{Serial, Workers};
use std::path::Path;
use std::sync::Arc;

/// The lock file's path.
pub const LOCK_FILE: &str = "lock";

/// What a directory may hold that is no store yet: an attempt to create one was interrupted.
const CREATED_FIRST: [&str; 4] = [DATA_DIR, LOCK_FILE, WAL_DIR, "control.new"];

/// How much log recovery takes at a time, in terms of what is kept in memory anyway.
const BATCH_PER_WAL_BUFFER: usize = 4;

/// An open store.
pub struct Engine {
    config: Arc<Setting<Config>>,
    system_id: u64,
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    poison: Arc<Poison>,
    files: Arc<Files>,
    wal: Arc<Wal>,
    syncs: Arc<SyncQueue>,
    pool: Pool,
    checkpointer: Checkpointer,
    delays: Delays,
    recovery: RecoveryReport,
    redo: Option<Arc<dyn Redo>>,
    // Last: released when everything else is gone.
    _lock: Box<dyn Send + Sync>,
}

impl Engine {
    /// Creates an empty store. `system_id` tells its WAL from that of other stores: draw it at
    /// random. An attempt that was interrupted can be repeated.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] if the directory holds a store or anything else;
    /// [`Error::Config`], [`Error::Locked`], [`Error::Io`], [`Error::Poisoned`].
    pub fn create(disk: &Arc<dyn Disk>, config: &Config, system_id: u64) -> Result<()> {
        config.validate()?;
        disk.create_dir("").map_err(|e| failed("create", "the store's directory", 0, e))?;
        let names = list(&**disk, "")?;
        if let Some(name) = names.iter().find(|name| !CREATED_FIRST.contains(&name.as_str())) {
            return Err(Error::AlreadyExists { found: format!("the directory holds {name}") });
        }
        let _lock = lock(&**disk)?;
        for dir in [WAL_DIR, DATA_DIR] {
            disk.create_dir(dir).map_err(|e| failed("create", dir, 0, e))?;
        }
        let geometry = Geometry::new(&config.format);
        remove_unused_wal(&**disk)?;
        let (poison, method) = (Arc::new(Poison::new()), config.wal_sync_method());
        let segments = Segments::open(Arc::clone(disk), geometry, poison, method)?;
        segments.create_upto(1)?;
        // The directories: nothing orders their entries and that of the control file.
        sync_dir(&**disk, "")?;
        let start = geometry.start();
        let control = Control {
            sequence: 0,
            system_id,
            format: config.format,
            checkpoint: start,
            checkpoint_end: start,
            redo: start,
            state: StoreState::Closed,
            last_file: FileId(0),
        };
        ControlFile::create(&**disk, control)
    }

    /// Opens a store, after recovery.
    ///
    /// # Errors
    /// [`Error::NotAStore`], [`Error::Control`], [`Error::Locked`], [`Error::Config`] (also if the
    /// store has another format) before anything was changed; [`Error::Wal`] if the log is damaged
    /// where it was durable; [`Error::Page`], [`Error::Io`], [`Error::Poisoned`].
    pub fn open(disk: Arc<dyn Disk>, config: Config, clock: Arc<dyn Clock>) -> Result<Self> {
        Self::open_with(disk, config, clock, &Serial, None)
    }

    /// As [`Engine::open`], with workers that share the replay of the log, and with what gives the
    /// custom kinds in it a meaning. See [`Recovery::replay`] for the memory that it takes.
    ///
    /// # Errors
    /// As [`Engine::open`]; [`Error::Wal`] also for what `redo` refuses.
    ///
    /// # Panics
    /// As `redo` does; the store can be opened again.
    pub fn open_with(
        disk: Arc<dyn Disk>,
        config: Config,
        clock: Arc<dyn Clock>,
        workers: &dyn Workers,
        redo: Option<Arc<dyn Redo>>,
    ) -> Result<Self> {
        config.validate()?;
        let started = clock.now();
        let poison = Arc::new(Poison::new());
        // Before the lock, whose file is written to: what is refused stays untouched.
        let Control { format, system_id, .. } =
            *ControlFile::open(&*disk, Arc::clone(&poison))?.latest();
        config.format.must_match(&format)?;
        let lock = lock(&*disk)?;
        // Again: the last holder may have changed it in between.
        let control = ControlFile::open(&*disk, Arc::clone(&poison))?;
        let recovery = Recovery::scan(Arc::clone(&disk), control.latest(), redo.is_some())?;
        let scan_time = clock.now().saturating_sub(started);
        let on_disk = Arc::clone(&disk);
        let files = Files::open(on_disk, &format, Arc::clone(&poison), &recovery.known_files())?;
        recovery.sync_wal(&poison)?;
        recovery.clear_tail(&poison)?;
        recovery.reset_unlogged(&files)?;

        let (geometry, ring) = (Geometry::new(&format), config.wal_buffer_bytes);
        let method = config.wal_sync_method();
        let segments = Segments::open(Arc::clone(&disk), geometry, Arc::clone(&poison), method)?;
        let wal = Wal::resume(
            &recovery.resume_at(),
            system_id,
            geometry,
            ring,
            segments,
            Arc::clone(&poison),
            Arc::clone(&clock),
        );
        wal.set_full_page_images(config.full_page_images);
        let files = Arc::new(files);
        let log = Arc::clone(&wal) as Arc<dyn DurableLog>;
        let syncs = Arc::new(SyncQueue::new(config.sync_queue_capacity));
        let batch_bytes = BATCH_PER_WAL_BUFFER * config.wal_buffer_bytes;
        let data_direct = config.data_direct;
        let config = Arc::new(Setting::new(config));
        let pool = Pool::new(Arc::clone(&config), Arc::clone(&files), log, Arc::clone(&syncs));
        pool.watch(&poison);
        let replay_started = clock.now();
        let replayed = recovery.replay(&pool, &files, redo.as_deref(), workers, batch_bytes)?;
        let replay_time = clock.now().saturating_sub(replay_started);
        let report = RecoveryReport { scan_time, replay_time, ..replayed };
        // Pages that were written before the crash may be in the page cache alone. Replay took
        // them for what they say, so they become durable before it is forgotten.
        files.sync_everything()?;
        let checkpointer = Checkpointer::new(control);
        let mut engine = Self {
            config,
            system_id,
            disk,
            clock,
            poison,
            files,
            wal,
            syncs,
            pool,
            checkpointer,
            delays: Delays::new(),
            recovery: report,
            redo,
            _lock: lock,
        };
        // What there is of the log stays until the next checkpoint: consumers take their slots now.
        let opening = engine.wal_slot("opening", engine.wal_oldest())?;
        engine.checkpoint(Urgency::Immediate)?;
        drop(opening);
        if data_direct {
            engine.files.go_direct()?;
        }
        engine.recovery.time = engine.clock.now().saturating_sub(started);
        Ok(engine)
    }

    /// What recovery found and did when the store was opened.
    pub fn recovery(&self) -> &RecoveryReport {
        &self.recovery
    }

    /// Why the store is poisoned, if it is: for whoever looks after it. What waits for durability,
    /// or would bring it, is refused with this cause; pages that are in memory can be read.
    pub fn poisoned(&self) -> Option<Arc<PoisonCause>> {
        self.poison.cause()
    }

    /// The settings, as they are now.
    pub fn config(&self) -> Config {
        self.config.get()
    }

    /// Changes settings while the store is open: those that [`Config::check_change`] allows. Takes
    /// effect at once; of the running checkpoint, what is still before it. When this returns after
    /// turning images on, a page that a crash tears is repaired: that takes a checkpoint, which it
    /// runs.
    ///
    /// # Errors
    /// [`Error::Config`], or a store that is poisoned already: nothing has changed. Otherwise as
    /// [`Engine::checkpoint`]: everything has, and images protect from the next complete checkpoint
    /// on.
    pub fn configure(&self, config: Config) -> Result<()> {
        self.poison.check()?;
        config.validate()?;
        self.config.get().check_change(&config)?;
        self.config.replace(config);
        let Some(since) = self.wal.set_full_page_images(config.full_page_images) else {
            return Ok(());
        };
        if self.checkpoints().last.is_some_and(|last| last.redo >= since) {
            return Ok(());
        }
        self.checkpoint(Urgency::Immediate).map(drop)
    }

    /// Creates an empty file, durably. Everything that happened before is made durable as well.
    ///
    /// # Errors
    /// [`Error::NoSuchTablespace`]; [`Error::Config`] if no number is free; [`Error::Poisoned`],
    /// [`Error::Io`].
    pub fn create_file(&self, options: FileOptions) -> Result<FileId> {
        self.poison.check()?;
        self.wal.flush(self.wal.reserved())?;
        self.files.create(options)
    }

    /// Creates a tablespace, durably: its files are kept in a new directory within `dir`, which
    /// exists, perhaps on another device.
    ///
    /// # Errors
    /// [`Error::Config`] if no number is free; [`Error::Poisoned`], [`Error::Io`].
    pub fn create_tablespace(&self, dir: &Path) -> Result<TablespaceId> {
        self.poison.check()?;
        self.files.create_tablespace(dir, self.system_id)
    }

    /// Cuts a file to its first `blocks` blocks, durably.
    ///
    /// Waits for those who hold one of the other pages: so the caller holds none of them, and no
    /// [delay](Engine::delay_checkpoint), and nobody who does may wait for this file to be extended
    /// or cut. PostgreSQL: `RelationTruncate`.
    ///
    /// # Errors
    /// [`Error::NoSuchFile`]; [`Error::BeyondEnd`] if it has fewer blocks; [`Error::Io`] if there
    /// is no space for the log, [`Error::WalExhausted`]: nothing has changed; [`Error::Poisoned`].
    pub fn truncate(&self, file: FileId, blocks: u32) -> Result<()> {
        length::truncate(&self.parts(), file, blocks)
    }

    /// Drops a file, durably; waits as [`Engine::truncate`] does. Its number is not used again,
    /// and its space is free after the next checkpoint.
    ///
    /// # Errors
    /// [`Error::NoSuchFile`]; [`Error::Io`] if there is no space for the log,
    /// [`Error::WalExhausted`]: nothing has changed; [`Error::Poisoned`].
    pub fn drop_file(&self, file: FileId) -> Result<()> {
        length::drop_file(&self.parts(), file)
    }

    /// The numbers of all files, ascending.
    pub fn files(&self) -> Vec<FileId> {
        self.files.list()
    }

    /// Blocks of a file.
    ///
    /// # Errors
    /// [`Error::NoSuchFile`].
    pub fn blocks(&self, file: FileId) -> Result<u32> {
        Ok(self.files.get(file)?.blocks())
    }

    /// Adds empty pages to the end of a file and returns the first one's block. They are added by
    /// operations of several pages each: after a crash some may be there, the first ones.
    ///
    /// # Errors
    /// [`Error::Config`] if it would have 2^32 blocks or more: nothing was added. As
    /// [`Operation::page`] and [`Operation::commit`]: some pages may have been.
    pub fn extend(&self, file: FileId, blocks: u32) -> Result<u32> {
        length::extend(&self.parts(), file, blocks, None)
    }

    /// Locks a page shared and gives its body.
    ///
    /// # Errors
    /// [`Error::NoSuchFile`], [`Error::BeyondEnd`], [`Error::NoUnpinnedBuffers`], and what reading
    /// the page reports; [`Error::Poisoned`] if it is not in memory.
    #[inline]
    pub fn read(&self, page: PageId) -> Result<PageRead<'_>> {
        self.pool.read(page)
    }

    /// Begins an atomic operation.
    pub fn operation(&self) -> Operation<'_> {
        Operation::new(&self.pool, &self.wal).with_redo(self.redo.as_deref())
    }

    /// Commits an operation and waits until it is durable.
    ///
    /// # Errors
    /// As [`Operation::commit`] and [`Engine::wait_durable`]. After an error of the latter the
    /// changes are in the pages, and durable or not.
    pub fn commit(&self, operation: Operation<'_>) -> Result<Lsn> {
        let end = operation.commit()?;
        self.wait_durable(end)?;
        Ok(end)
    }

    /// Commits an operation that becomes durable soon: with the next commit that waits, or by the
    /// third round of the WAL writer.
    ///
    /// # Errors
    /// As [`Operation::commit`].
    pub fn commit_async(&self, operation: Operation<'_>) -> Result<Lsn> {
        let end = operation.commit()?;
        self.wal.note_async_commit(end);
        Ok(end)
    }

    /// Has a checkpoint made that starts from now on: here, or by another thread that asks for one
    /// meanwhile. It waits for the locks of the pages that it writes, and for the delays that there
    /// are: so the caller has no operation that has touched a page, and no delay.
    ///
    /// # Errors
    /// As [`Checkpointer::run`].
    pub fn checkpoint(&self, request: impl Into<CheckpointRequest>) -> Result<CheckpointStats> {
        self.checkpointer.run(&self.parts(), request.into())
    }

    /// Keeps checkpoints from fixing a redo point: for an effect that is not in a page of the pool.
    /// To be held from before its record is inserted until the next checkpoint would make it
    /// durable. Who holds it neither takes another one, nor cuts or drops a file, nor waits for a
    /// checkpoint: a checkpoint that waits in between would be waited for for ever.
    pub fn delay_checkpoint(&self) -> CheckpointDelay<'_> {
        self.delays.delay()
    }

    /// Where the running checkpoint is.
    pub fn checkpoint_progress(&self) -> CheckpointProgress {
        self.checkpointer.progress()
    }

    /// Whether nothing was inserted since the last redo point but the record of its checkpoint,
    /// which is complete.
    pub fn is_idle(&self) -> bool {
        let last = self.checkpoints().last;
        last.is_some_and(|last| last.redo == last.lsn && last.end == self.wal.reserved())
    }

    /// The checkpoints since the store was opened.
    pub fn checkpoints(&self) -> CheckpointHistory {
        self.checkpointer.history()
    }

    /// What the pool has done since the store was opened.
    pub fn pool_stats(&self) -> PoolStats {
        self.pool.stats()
    }

    /// Makes checkpoints stop resting between their writes, from now on.
    pub fn hurry(&self) {
        self.checkpointer.hurry();
    }

    /// Makes everything durable and notes that the store was closed. The caller does nothing with
    /// the store afterwards.
    ///
    /// # Errors
    /// As [`Checkpointer::run`]; the store is as after a crash then, or closed.
    pub fn close(&self) -> Result<CheckpointStats> {
        self.checkpointer.shut_down(&self.parts())
    }

    fn parts(&self) -> Parts<'_> {
        Parts {
            config: &self.config,
            clock: &*self.clock,
            pool: &self.pool,
            files: &self.files,
            wal: &self.wal,
            syncs: &self.syncs,
            delays: &self.delays,
            poison: &self.poison,
        }
    }
}

/// Takes the store's lock: for oneself, or on a disk that is only looked at, with others who look.
///
/// # Errors
/// [`Error::Locked`], [`Error::Io`].
pub fn lock(disk: &dyn Disk) -> Result<Box<dyn Send + Sync>> {
    match disk.lock(LOCK_FILE).map_err(|source| failed("lock", LOCK_FILE, 0, source))? {
        LockOutcome::Acquired(lock) => Ok(lock),
        LockOutcome::Held { holder_pid } => Err(Error::Locked { holder_pid }),
    }
}

/// Removes what an interrupted creation left of the log, after making sure that it is that: a
/// store that has lost its control file must not be overwritten.
fn remove_unused_wal(disk: &dyn Disk) -> Result<()> {
    if let Some(name) = list(disk, DATA_DIR)?.first() {
        return Err(Error::AlreadyExists {
            found: format!("{DATA_DIR}/{name} without a control file"),
        });
    }
    for name in list(disk, WAL_DIR)? {
        let path = format!("{WAL_DIR}/{name}");
        let file = disk.open(&path).map_err(|e| failed("open", &path, 0, e))?;
        let mut magic = [0; 4];
        file.read_at(&mut magic, 0).map_err(|e| failed("read", &path, 0, e))?;
        if magic != [0; 4] {
            return Err(Error::AlreadyExists { found: format!("{path} without a control file") });
        }
        disk.remove(&path).map_err(|e| failed("remove", &path, 0, e))?;
    }
    Ok(())
}
