//! What a checkpoint does on the disk, in which order, and when it rests: with a clock whose naps
//! are the test's.

mod common;

use common::{config, create};
use seawall_core::checkpoint::{CheckpointProgress, CheckpointStats, Phase, Urgency};
use seawall_core::clock::Clock;
use seawall_core::config::{Config, Format};
use seawall_core::engine::Engine;
use seawall_core::error::Error;
use seawall_core::files::FileOptions;
use seawall_core::page::{FileId, PageId};
use seawall_core::sim::{EIO, Fault, OpKind, SimDisk};
use seawall_core::sync::Mutex;
use seawall_core::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

const FILE: FileId = FileId(1);
const BLOCKS: u32 = 8;

/// Done in a nap, with the number of the nap.
type Hook = Box<dyn FnMut(&Engine, u64) + Send>;

/// A clock that moves by naps alone, in which something may happen.
#[derive(Default)]
struct Naps {
    micros: AtomicU64,
    count: AtomicU64,
    hook: Mutex<Option<(Arc<Engine>, Hook)>>,
}

impl Clock for Naps {
    fn now(&self) -> Duration {
        Duration::from_micros(self.micros.load(Ordering::Relaxed))
    }

    fn nap(&self, time: Duration) {
        self.micros.fetch_add(time.as_micros() as u64, Ordering::Relaxed);
        let number = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let hook = self.hook.lock().take();
        if let Some((engine, mut hook)) = hook {
            hook(&engine, number);
            *self.hook.lock() = Some((engine, hook));
        }
    }
}

/// A store of eight clean pages, two in a segment, of which none is in the pool.
struct Bed {
    disk: SimDisk,
    engine: Arc<Engine>,
    naps: Arc<Naps>,
    ops: Arc<Mutex<Vec<String>>>,
}

/// Pages are written one by one, through the page cache, and nothing starts writeback.
fn quiet() -> Config {
    Config {
        format: Format { wal_segment_bytes: 1 << 20, ..config().format },
        wal_max_bytes: 16 << 20,
        write_combine_bytes: 0,
        data_direct: false,
        checkpoint_flush_after_bytes: 0,
        ..config()
    }
}

impl Bed {
    fn new(config: Config) -> Self {
        Self::sized(config, BLOCKS, Duration::ZERO)
    }

    /// With so many pages, each of which takes so long to be written.
    fn sized(config: Config, blocks: u32, write: Duration) -> Self {
        let (disk, naps) = (SimDisk::new(), Arc::new(Naps::default()));
        create(&disk, &config).unwrap();
        let open = || Engine::open(Arc::new(disk.clone()), config, naps.clone()).unwrap();
        let engine = open();
        assert_eq!(engine.create_file(FileOptions::default()).unwrap(), FILE);
        engine.extend(FILE, blocks).unwrap();
        engine.close().unwrap();
        drop(engine);
        let engine = Arc::new(open());
        let ops = Arc::new(Mutex::new(Vec::new()));
        let (noted, clock) = (ops.clone(), naps.clone());
        disk.set_observer(Some(Box::new(move |_, op| {
            if op.path == "data" {
                noted.lock().push("sync entries".to_owned());
            }
            if let Some(segment) = op.path.strip_prefix("data/00000001.") {
                let took = match op.kind {
                    // So that who waits can see that it took time.
                    OpKind::WaitWriteback => 1,
                    OpKind::Write => write.as_micros() as u64,
                    _ => 0,
                };
                clock.micros.fetch_add(took, Ordering::Relaxed);
                let (kind, first, count) = (op.kind, op.offset / 4096, op.len / 4096);
                noted.lock().push(match kind {
                    OpKind::SyncData => format!("sync {segment}"),
                    _ => format!("{kind:?} {segment}:{first}+{count}"),
                });
            }
        })));
        Self { disk, engine, naps, ops }
    }

    fn checkpoint(&self, urgency: Urgency) -> (CheckpointStats, Vec<String>) {
        self.ops.lock().clear();
        let stats = self.engine.checkpoint(urgency).unwrap();
        (stats, std::mem::take(&mut *self.ops.lock()))
    }

    /// The naps of a checkpoint that ends, or fails.
    fn count_naps(&self, urgency: Urgency) -> u64 {
        let before = self.naps.count.load(Ordering::Relaxed);
        let _ = self.engine.checkpoint(urgency);
        self.naps.count.load(Ordering::Relaxed) - before
    }

    fn in_naps(&self, hook: impl FnMut(&Engine, u64) + Send + 'static) {
        *self.naps.hook.lock() = Some((self.engine.clone(), Box::new(hook)));
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        *self.naps.hook.lock() = None;
    }
}

fn dirty(engine: &Engine, blocks: impl IntoIterator<Item = u32>) {
    for block in blocks {
        let mut operation = engine.operation();
        operation.page(PageId::new(FILE, block)).unwrap().write(0, &[1]).unwrap();
        engine.commit(operation).unwrap();
    }
}

fn read(engine: &Engine, blocks: impl IntoIterator<Item = u32>) {
    blocks.into_iter().for_each(|block| drop(engine.read(PageId::new(FILE, block)).unwrap()));
}

#[test]
fn each_segment_is_synced_as_soon_as_its_last_page_is_out() {
    let bed = Bed::new(quiet());
    dirty(&bed.engine, [5, 1, 0]);
    let (stats, ops) = bed.checkpoint(Urgency::Immediate);
    assert_eq!(ops, ["Write 0:0+1", "Write 0:1+1", "sync 0", "Write 2:1+1", "sync 2"]);
    assert_eq!((stats.buffers_written, stats.writes, stats.sync_files), (3, 3, 2));
    assert_eq!(bed.checkpoint(Urgency::Immediate).1, [""; 0], "nothing is left");
}

#[test]
fn writeback_of_a_segment_starts_when_there_is_enough_and_before_its_sync() {
    for (bytes, waits, expected) in [
        (8192, false, ["Write 0:0+1", "Write 0:1+1", "Writeback 0:0+2", "sync 0"].as_slice()),
        (8192, true, &["Write 0:0+1", "Write 0:1+1", "WaitWriteback 0:0+2", "sync 0"]),
        (2 << 20, false, &["Write 0:0+1", "Write 0:1+1", "Writeback 0:0+2", "sync 0"]),
        (
            4096,
            false,
            &["Write 0:0+1", "Writeback 0:0+1", "Write 0:1+1", "Writeback 0:1+1", "sync 0"],
        ),
        (0, true, &["Write 0:0+1", "Write 0:1+1", "sync 0"]),
    ] {
        let bed = Bed::new(Config {
            checkpoint_flush_after_bytes: bytes,
            checkpoint_flush_waits: waits,
            ..quiet()
        });
        dirty(&bed.engine, [0, 1]);
        assert_eq!(bed.checkpoint(Urgency::Immediate).1, expected, "{bytes} bytes");
    }
}

#[test]
fn only_a_spread_checkpoint_rests_and_it_says_how_far_it_is() {
    let bed = Bed::new(quiet());
    dirty(&bed.engine, 0..4);
    assert_eq!(bed.count_naps(Urgency::Immediate), 0);
    dirty(&bed.engine, 0..4);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = seen.clone();
    bed.in_naps(move |engine, _| noted.lock().push(engine.checkpoint_progress()));
    let before = bed.naps.now();
    assert!(bed.count_naps(Urgency::Spread) >= 3);
    let rested = bed.naps.now() - before;
    let spread = bed.engine.config().checkpoint_timeout.mul_f64(0.9);
    assert!(rested > spread / 2 && rested <= spread, "rested {rested:?} of {spread:?}");
    let mut seen = seen.lock().clone();
    seen.dedup();
    let writing = |done| CheckpointProgress { phase: Phase::Writing, done, total: 4 };
    assert_eq!(seen, [writing(1), writing(2), writing(3)]);
    assert_eq!(bed.engine.checkpoint_progress().phase, Phase::None);
}

#[test]
fn where_writes_take_long_rests_are_fewer_and_as_long_as_a_write() {
    let (blocks, rest) = (200, Duration::from_micros(1200));
    let naps = |write: Duration| {
        let timeout = (write + rest) * blocks;
        let settings = Config { checkpoint_completion_target: 1.0, buffers: 256, ..quiet() };
        let bed = Bed::sized(Config { checkpoint_timeout: timeout, ..settings }, blocks, write);
        dirty(&bed.engine, 0..blocks);
        bed.count_naps(Urgency::Spread)
    };
    let (quick, slow) = (naps(Duration::ZERO), naps(Duration::from_millis(5)));
    assert!(quick > 150 && slow < 100, "{quick} rests between quick writes, {slow} between slow");
}

#[test]
fn a_checkpoint_that_is_hurried_rests_no_more_and_none_after_it() {
    let bed = Bed::new(quiet());
    dirty(&bed.engine, 0..4);
    bed.in_naps(|engine, _| engine.hurry());
    assert_eq!(bed.count_naps(Urgency::Spread), 1);
    dirty(&bed.engine, 0..4);
    assert_eq!(bed.count_naps(Urgency::Spread), 0);
}

#[test]
fn a_checkpoint_of_a_poisoned_store_rests_no_more_and_fails() {
    let bed = Bed::new(quiet());
    dirty(&bed.engine, 0..4);
    let disk = bed.disk.clone();
    bed.in_naps(move |engine, _| {
        disk.fail_at(1, Fault::once(EIO).only(OpKind::SyncRange));
        let mut operation = engine.operation();
        operation.page(PageId::new(FILE, 7)).unwrap().write(0, &[1]).unwrap();
        assert!(matches!(engine.commit(operation), Err(Error::Poisoned(_))));
    });
    assert_eq!(bed.count_naps(Urgency::Spread), 1);
    assert!(bed.engine.poisoned().is_some());
    let before = bed.disk.operations();
    assert!(matches!(bed.engine.checkpoint(Urgency::Spread), Err(Error::Poisoned(_))));
    assert_eq!(bed.disk.operations(), before);
}

#[test]
fn a_checkpoint_of_a_poisoned_store_removes_no_dropped_file() {
    let bed = Bed::new(quiet());
    bed.engine.drop_file(FILE).unwrap();
    bed.disk.fail_at(1, Fault::once(EIO).only(OpKind::SyncDir));
    let created = bed.engine.create_file(FileOptions::default());
    assert!(matches!(created, Err(Error::Poisoned(_))), "{created:?}");
    let before = bed.disk.operations();
    assert!(matches!(bed.engine.checkpoint(Urgency::Immediate), Err(Error::Poisoned(_))));
    assert_eq!(bed.disk.operations(), before);
}

/// What others write during a checkpoint: pages that they evict in a nap, `count` times.
fn evicting(config: Config, count: u64) -> (CheckpointStats, Vec<String>) {
    let bed = Bed::new(Config { buffers: 5, ..config });
    dirty(&bed.engine, [0, 1]);
    bed.in_naps(move |engine, number| {
        if number <= count {
            dirty(engine, [6]);
            (0..2).for_each(|_| read(engine, (0..6).chain([7])));
        }
    });
    bed.checkpoint(Urgency::Spread)
}

#[test]
fn method_1_waits_for_the_writeback_of_what_others_have_written_before_the_last_syncs() {
    let rounds = |evict_sync_rounds| Config { evict_sync_rounds, ..quiet() };
    let waits =
        |ops: &[String]| ops.iter().filter(|op| op.starts_with("WaitWriteback 3:0")).count();
    let (stats, ops) = evicting(rounds(0), 1);
    assert_eq!((stats.waited_pages, stats.waited_rounds, waits(&ops)), (0, 0, 0));
    assert!(ops.iter().any(|op| op == "Write 3:0+1"), "it was evicted: {ops:?}");

    let config = Config { evict_sync_threshold_pages: 128, ..rounds(3) };
    let (stats, ops) = evicting(config, 1);
    assert_eq!(stats.waited_rounds, 1, "fewer pages than the threshold");
    assert!(stats.waited_pages >= 1);
    assert_eq!(waits(&ops), 1);
    let place = |wanted: &str| ops.iter().rposition(|op| op.starts_with(wanted));
    assert!(place("WaitWriteback 3:0") < place("sync 3"), "{ops:?}");

    let as_many = stats.waited_pages as u32;
    let (stats, _) = evicting(Config { evict_sync_threshold_pages: as_many, ..config }, 1);
    assert_eq!(stats.waited_rounds, 2, "the second finds nothing");
    let at_once = Config { evict_sync_threshold_pages: 1, ..rounds(1) };
    assert_eq!(evicting(at_once, 1).0.waited_rounds, 1);
    let in_time = Config { evict_sync_time: Duration::ZERO, ..rounds(3) };
    let (stats, _) = evicting(Config { evict_sync_threshold_pages: 1, ..in_time }, 1);
    assert_eq!(stats.waited_rounds, 1, "it took longer than it may");
}

#[test]
fn a_dropped_file_is_removed_by_one_checkpoint() {
    let bed = Bed::new(quiet());
    bed.engine.drop_file(FILE).unwrap();
    let removed = (0..4).map(|segment| format!("Remove {segment}:0+0"));
    let removed: Vec<String> = removed.chain(["sync entries".to_owned()]).collect();
    assert_eq!(bed.checkpoint(Urgency::Immediate).1, removed);
    assert_eq!(bed.checkpoint(Urgency::Immediate).1, [""; 0]);
}

#[test]
fn what_was_noted_for_one_checkpoint_is_not_waited_for_by_the_next() {
    let bed = Bed::new(Config { buffers: 5, evict_sync_rounds: 3, ..quiet() });
    dirty(&bed.engine, [6]);
    read(&bed.engine, (0..6).chain([7]));
    read(&bed.engine, (0..6).chain([7]));
    let (stats, _) = bed.checkpoint(Urgency::Immediate);
    assert_eq!((stats.waited_pages, stats.waited_rounds), (0, 1));
}
