//! A store with its threads, on a disk whose syncs fail: each public call, those who wait, the
//! drop; and threads of the store that panic. For the engine without threads: `core/tests/poison`.

use Answer::{Refused, Works};

use seawall::{
    Access, Config, Error, FileId, FileOptions, Format, Lsn, PageId, PoisonCause, Result, Store,
    SystemClock, WalSync,
};
use seawall_core::clock::Clock;
use seawall_core::disk::Disk;
use seawall_core::engine::Engine;
use seawall_core::sim::{EIO, Fault, OpKind, SimDisk};
use seawall_core::wal::durable::block_on;
use std::panic::resume_unwind;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

const FILE: FileId = FileId(1);

fn page(block: u32) -> PageId {
    PageId::new(FILE, block)
}

/// The log is synced by a call of its own; nothing happens by itself for a long time.
fn config() -> Config {
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
        wal_max_bytes: 1 << 30,
        wal_sync: WalSync::Fdatasync,
        ..Config::default()
    }
}

fn open(disk: &SimDisk, config: Config) -> Result<Store> {
    Store::open_on(Arc::new(disk.clone()), config, None)
}

/// A store with one file of eight pages.
fn store(config: Config) -> (SimDisk, Store) {
    let disk = SimDisk::new();
    let any: Arc<dyn Disk> = Arc::new(disk.clone());
    Engine::create(&any, &config, 0x5EA).unwrap();
    let store = open(&disk, config).unwrap();
    assert_eq!(store.create_file(FileOptions::default()).unwrap(), FILE);
    store.extend(FILE, 8).unwrap();
    store.checkpoint().unwrap();
    (disk, store)
}

fn write(store: &Store, page: PageId, value: u8) -> Result<Lsn> {
    let mut operation = store.operation();
    operation.page(page)?.write(0, &[value])?;
    store.commit_async(operation)
}

fn commit(store: &Store, page: PageId, value: u8) -> Result<()> {
    store.wait_durable(write(store, page, value)?)
}

fn cause_of<T>(result: Result<T>) -> Arc<PoisonCause> {
    match result.map(drop).unwrap_err() {
        Error::Poisoned(cause) => cause,
        other => panic!("expected poison, got {other}"),
    }
}

/// Runs something on a thread of its own, and fails if that hangs.
fn within_a_minute<T: Send + 'static>(what: &str, run: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, wait) = mpsc::channel();
    let thread = thread::spawn(move || {
        let result = run();
        // Nobody listens any more if it took too long.
        let _ = done.send(());
        result
    });
    if wait.recv_timeout(Duration::from_secs(60)) == Err(mpsc::RecvTimeoutError::Timeout) {
        panic!("{what} hangs");
    }
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

/// Holds the next sync of a file back, and tells when it has begun; let go, it fails.
fn hold_next_sync(disk: &SimDisk) -> (mpsc::Receiver<()>, mpsc::Sender<()>) {
    let ((begin, begun), (end, ended)) = (mpsc::channel(), mpsc::channel());
    disk.set_observer(Some(Box::new(move |disk, op| {
        if op.kind == OpKind::SyncData {
            begin.send(()).expect("the test waits for it");
            ended.recv().expect("the test lets it go");
            disk.fail_at(1, Fault::once(EIO).only(op.kind));
            disk.set_observer(None);
        }
    })));
    (begun, end)
}

/// What a poisoned store does with a call.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Answer {
    Refused,
    Works,
}

type Call = (&'static str, Answer, fn(&Store) -> Result<()>);

fn told<T>(_: T) -> Result<()> {
    Ok(())
}

const CALLS: &[Call] = &[
    ("recovery", Works, |s| told(s.recovery())),
    ("poisoned", Works, |s| told(s.poisoned().expect("it is"))),
    ("create_file", Refused, |s| s.create_file(FileOptions::default()).map(drop)),
    ("create_tablespace", Refused, |s| s.create_tablespace("/elsewhere").map(drop)),
    ("truncate", Refused, |s| s.truncate(FILE, 1)),
    ("drop_file", Refused, |s| s.drop_file(FILE)),
    ("files", Works, |s| told(s.files())),
    ("blocks", Works, |s| s.blocks(FILE).map(drop)),
    ("extend", Refused, |s| s.extend(FILE, 1).map(drop)),
    ("read", Works, |s| s.read(page(0)).map(drop)),
    ("ring", Works, |s| told(s.ring(Access::BulkRead))),
    ("read_through", Works, |s| s.read_through(page(0), &mut s.ring(Access::BulkRead)).map(drop)),
    ("load", Works, |s| s.load(page(0), 2).map(drop)),
    ("load_through", Works, |s| {
        s.load_through(page(0), 1, &mut s.ring(Access::BulkRead)).map(drop)
    }),
    ("prefetch", Works, |s| s.prefetch(&[page(0)])),
    ("extend_through", Refused, |s| {
        s.extend_through(FILE, 1, &mut s.ring(Access::BulkWrite)).map(drop)
    }),
    ("operation", Works, |s| s.operation().page(page(0)).map(drop)),
    ("commit", Refused, |s| s.commit(s.operation()).map(drop)),
    ("commit_async", Refused, |s| write(s, page(0), 7).map(drop)),
    ("wait_durable", Refused, |s| s.wait_durable(s.wal_positions().0)),
    ("when_durable", Refused, |s| block_on(s.when_durable(s.wal_positions().0))),
    ("follow_flushed", Refused, |s| s.follow_flushed().wait_moved().map(drop)),
    ("checkpoint", Refused, |s| s.checkpoint().map(drop)),
    ("checkpoints", Works, |s| told(s.checkpoints())),
    ("checkpoint_progress", Works, |s| told(s.checkpoint_progress())),
    ("delay_checkpoint", Works, |s| told(s.delay_checkpoint())),
    ("wal_positions", Works, |s| told(s.wal_positions())),
    ("wal_reader", Works, |s| s.wal_reader(s.wal_positions().2)?.next().map(drop)),
    ("pool_stats", Works, |s| told(s.pool_stats())),
    ("io_stats", Works, |s| told(s.io_stats())),
    ("wal_stats", Works, |s| told(s.wal_stats())),
    ("config", Works, |s| told(s.config())),
    ("configure", Refused, |s| s.configure(s.config())),
    ("wal_slot", Works, |s| s.wal_slot("reader", s.wal_oldest()).map(drop)),
    ("wal_slots", Works, |s| told(s.wal_slots())),
    ("wal_oldest", Works, |s| told(s.wal_oldest())),
];

/// They make a store, or take it with them: `close` is called at the end of the test.
const MAKE_OR_END_A_STORE: [&str; 7] =
    ["close", "create", "init", "init_on", "open", "open_on", "open_with"];

#[test]
fn the_table_has_every_public_method() {
    let lines = include_str!("../src/store.rs").lines();
    let methods = lines.filter_map(|line| line.strip_prefix("    pub fn "));
    let names = methods.map(|rest| rest.split(['(', '<']).next().expect("a name"));
    let mut names: Vec<_> = names.collect();
    let mut listed: Vec<_> =
        CALLS.iter().map(|(name, ..)| *name).chain(MAKE_OR_END_A_STORE).collect();
    names.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, names);
}

#[test]
fn each_call_on_a_poisoned_store_is_refused_with_the_first_cause_or_works_on_what_is_in_memory() {
    let (disk, store) = store(config());
    disk.fail_at(1, Fault::once(EIO).only(OpKind::SyncData));
    let first = cause_of(commit(&store, page(1), 1));
    assert_eq!((first.op, first.errno), ("sync", Some(EIO)));
    within_a_minute("a call", move || {
        for (name, expected, call) in CALLS {
            let answer = call(&store);
            match (expected, &answer) {
                (Works, Ok(())) => {}
                (Refused, Err(Error::Poisoned(cause))) if *cause == first => {}
                _ => panic!("{name}: {answer:?}, expected {expected:?}"),
            }
        }
        assert_eq!(cause_of(store.close()), first);
    });
}

#[test]
fn a_poisoned_store_is_dropped_without_a_call_of_the_disk_and_opens_again() {
    let (disk, store) = store(config());
    commit(&store, page(0), 1).unwrap();
    (1..8).for_each(|block| _ = write(&store, page(block), 2).unwrap());
    disk.fail_at(1, Fault::once(EIO).only(OpKind::SyncData));
    cause_of(commit(&store, page(1), 3));
    let lost = within_a_minute("the drop", move || {
        let before = (disk.operations(), disk.reads());
        drop(store);
        assert_eq!((disk.operations(), disk.reads()), before);
        disk
    });
    assert_eq!(open(&lost, config()).unwrap().read(page(0)).unwrap()[0], 1);
}

/// Commits, futures, a follower and a checkpoint wait for a sync of the log; then the store is
/// dropped, with its threads.
#[test]
fn who_waits_is_told_and_the_store_can_be_dropped_at_once() {
    for round in 0..5 {
        let (disk, store) = store(config());
        let (begun, end) = hold_next_sync(&disk);
        within_a_minute("somebody", move || {
            let store = &store;
            thread::scope(|scope| {
                let leader = scope.spawn(|| commit(store, page(0), 1));
                begun.recv().expect("the leader's sync");
                let waits: [fn(&Store) -> Result<()>; 5] = [
                    |s| commit(s, page(1), 1),
                    |s| write(s, page(2), 1).and_then(|end| block_on(s.when_durable(end))),
                    |s| s.follow_flushed().wait_moved().map(drop),
                    |s| s.checkpoint().map(drop),
                    |s| s.truncate(FILE, 7),
                ];
                let waiters = waits.map(|wait| scope.spawn(move || wait(store)));
                // Likely time to fall asleep. Nothing depends on it.
                SystemClock::new().nap(Duration::from_millis(5 * round));
                end.send(()).expect("the sync waits for it");
                let first = cause_of(leader.join().expect("the leader"));
                for waiter in waiters {
                    assert_eq!(cause_of(waiter.join().expect("a waiter")), first);
                }
                assert_eq!(store.poisoned(), Some(first));
            });
        });
    }
}

/// Whether this is a thread of a store with this name.
fn is_of(name: &str) -> bool {
    thread::current().name() == Some(name)
}

/// A panic of one of the store's threads: nobody who relies on it waits for ever.
#[test]
fn a_thread_of_the_store_that_panics_poisons_it() {
    let settings = Config {
        checkpoint_timeout: Duration::from_millis(1),
        wal_writer_delay: Duration::from_millis(1),
        background_writer_delay: Duration::from_millis(1),
        data_direct: false,
        buffers: 5,
        ..config()
    };
    for name in ["seawall-checkpointer", "seawall-walwriter", "seawall-flusher", "seawall-bgwriter"]
    {
        let (disk, store) = store(settings);
        disk.set_observer(Some(Box::new(move |_, _| {
            if is_of(name) {
                resume_unwind(Box::new("as the test wants it"));
            }
        })));
        let cause = within_a_minute(name, move || {
            let mut number = 0;
            let error = loop {
                number += 1;
                let page = page(number % 8);
                let committed = match name {
                    "seawall-flusher" => write(&store, page, number as u8)
                        .and_then(|end| block_on(store.when_durable(end))),
                    _ => write(&store, page, number as u8).map(drop),
                };
                if let Err(error) = committed {
                    break error;
                }
            };
            let cause = cause_of(Err::<(), _>(error));
            assert_eq!(cause_of(store.checkpoint()), cause);
            drop(store);
            cause
        });
        // The log's leader says so itself.
        let is_named = (cause.op, &cause.file[..]) == ("run", name);
        assert!(is_named || (cause.op, &cause.file[..]) == ("write", "wal"), "{name}: {cause}");
        drop(open(&disk, settings).unwrap());
    }
}
