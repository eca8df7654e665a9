//! Those who wait when the store is poisoned: each way to wait ends with the first cause.

use super::{cause_of, commit, config, page, poison, store, within_a_minute, write};
use seawall_core::checkpoint::Urgency;
use seawall_core::engine::Engine;
use seawall_core::error::{Error, Result};
use seawall_core::files::FileOptions;
use seawall_core::poison::PoisonCause;
use seawall_core::sim::{EIO, Fault, OpKind, SimDisk};
use seawall_core::wal::background::WalWriter;
use seawall_core::wal::durable::block_on;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

/// A sync that has begun and does not end.
struct Held {
    begun: mpsc::Receiver<()>,
    end: mpsc::Sender<()>,
}

/// Holds the next sync of a file back; when it is let go it fails.
fn hold_next_sync(disk: &SimDisk) -> Held {
    let ((begin, begun), (end, ended)) = (mpsc::channel(), mpsc::channel());
    disk.set_observer(Some(Box::new(move |disk, op| {
        if op.kind == OpKind::SyncData {
            begin.send(()).expect("the test waits for it");
            ended.recv().expect("the test lets it go");
            disk.fail_at(1, Fault::once(EIO).only(OpKind::SyncData));
            disk.set_observer(None);
        }
    })));
    Held { begun, end }
}

/// Does something until it is refused.
fn until_refused(mut act: impl FnMut() -> Result<()>) -> Result<()> {
    loop {
        act()?;
    }
}

/// A way to wait: what it is, and what ends it.
type Waiter = (&'static str, fn(&Engine) -> Result<()>);

/// The sync of page 0's commit is held back while each of them comes to wait.
const WAITERS: &[Waiter] = &[
    ("a commit", |e| commit(e, page(1), 1)),
    ("another commit", |e| commit(e, page(2), 1)),
    ("wait_durable", |e| e.wait_durable(e.wal_positions().0)),
    ("a future", |e| block_on(e.when_durable(e.wal_positions().0))),
    ("a follower", |e| until_refused(|| e.follow_flushed().wait_moved().map(drop))),
    ("a checkpoint", |e| e.checkpoint(Urgency::Immediate).map(drop)),
    ("a spread checkpoint", |e| e.checkpoint(Urgency::Spread).map(drop)),
    ("a change of files", |e| e.create_file(FileOptions::default()).map(drop)),
    ("a cut", |e| e.truncate(page(0).file(), 7)),
    // The ring has room for a few records: one of them is locked by who waits for room.
    ("who waits for room", |e| until_refused(|| write(e, page(3), 1).map(drop))),
    ("who waits for its lock", |e| until_refused(|| write(e, page(3), 2).map(drop))),
    ("who waits for its lock to read, then for room", |e| {
        until_refused(|| {
            drop(e.read(page(3))?);
            write(e, page(4), 3).map(drop)
        })
    }),
    ("the flusher", |e| {
        let mut flusher = e.flusher();
        until_refused(|| e.flusher_serve(&mut flusher))
    }),
    ("the WAL writer", |e| {
        let mut writer = WalWriter::default();
        until_refused(|| {
            if !e.wal_writer_round(&mut writer)? {
                e.wal_writer_sleep(&writer);
            }
            Ok(())
        })
    }),
    ("the background writer", |e| {
        let mut writer = e.background_writer();
        until_refused(|| {
            if e.background_writer_round(&mut writer)?.is_idle {
                e.background_writer_sleep(&writer);
            }
            Ok(())
        })
    }),
];

#[test]
fn everybody_who_waits_is_woken_with_the_first_cause() {
    for round in 0..8 {
        let (disk, engine) = store(&config(), 8);
        let (disk, engine) = (Arc::new(disk), Arc::new(engine));
        let held = hold_next_sync(&disk);
        let refused = within_a_minute("somebody", move || {
            thread::scope(|scope| {
                let leader = scope.spawn(|| cause_of(commit(&engine, page(0), 1)));
                held.begun.recv().expect("the leader's sync");
                let engine = &engine;
                let waiters =
                    WAITERS.iter().map(|(name, wait)| (name, scope.spawn(move || wait(engine))));
                let waiters: Vec<_> = waiters.collect();
                // Likely time to fall asleep, more or less of it. Nothing depends on it.
                thread::sleep(Duration::from_millis(5 * round));
                held.end.send(()).expect("the sync waits for it");
                let first = leader.join().expect("the leader");
                let told = waiters.into_iter().map(|(name, waiter)| {
                    let result = waiter.join().expect(name);
                    assert_eq!(cause_of(result), first, "{name}");
                });
                told.count()
            })
        });
        assert_eq!(refused, WAITERS.len());
    }
}

/// Nobody works on anything: so who sleeps can only be woken by the poison itself.
#[test]
fn idle_threads_end_when_a_checkpoint_fails() {
    let (disk, engine) = store(&config(), 8);
    write(&engine, page(0), 1).unwrap();
    let (reserved, ..) = engine.wal_positions();
    engine.wait_durable(reserved).unwrap();
    let engine = Arc::new(engine);
    within_a_minute("an idle thread", move || {
        let held = hold_next_sync(&disk);
        thread::scope(|scope| {
            let idle = ["a follower", "the flusher", "the WAL writer", "the background writer"];
            let idle = WAITERS.iter().filter(|(name, _)| idle.contains(name));
            let (engine, mut threads) = (&engine, Vec::new());
            for (name, wait) in idle {
                threads.push((name, scope.spawn(move || wait(engine))));
            }
            assert_eq!(threads.len(), 4);
            let checkpoint = scope.spawn(move || engine.checkpoint(Urgency::Immediate));
            held.begun.recv().expect("a sync of the checkpoint");
            thread::sleep(Duration::from_millis(20));
            held.end.send(()).expect("it waits for it");
            let first = cause_of(checkpoint.join().expect("the checkpoint"));
            for (name, thread) in threads {
                assert_eq!(cause_of(thread.join().expect(name)), first, "{name}");
            }
        });
    });
}

#[test]
fn a_poisoned_store_is_dropped_without_a_call_of_the_disk() {
    let (disk, engine) = store(&config(), 8);
    (0..8).for_each(|block| _ = write(&engine, page(block), 1).unwrap());
    poison(&disk, &engine);
    // A change that is under way, a slot, a reader: they go with it.
    let lost = within_a_minute("the drop", move || {
        let (operations, reads) = (disk.operations(), disk.reads());
        let mut operation = engine.operation();
        operation.page(page(5)).unwrap().write(0, &[9]).unwrap();
        let slot = engine.wal_slot("kept", engine.wal_oldest()).unwrap();
        drop(operation);
        drop(engine);
        drop(slot);
        assert_eq!((disk.operations(), disk.reads()), (operations, reads));
        disk
    });
    drop(super::common::open(&lost, &config()).unwrap());
}

/// The first of two failures is the one that everybody names.
#[test]
fn a_second_failure_changes_nothing() {
    let (disk, engine) = store(&config(), 8);
    let first: Arc<PoisonCause> = poison(&disk, &engine);
    disk.fail_at(1, Fault::persistent(EIO));
    for result in [commit(&engine, page(1), 1), engine.checkpoint(Urgency::Immediate).map(drop)] {
        assert!(matches!(&result, Err(Error::Poisoned(cause)) if *cause == first), "{result:?}");
    }
}
