//! Panics: what a thread holds goes with it, and what it leaves half done poisons.

use super::common::redo::{ADD, Adds, addition, open_with};
use super::common::{self, Model, content, open, recover, small};
use super::{FILE, cause_of, commit, config, page, store, within_a_minute, write};
use seawall_core::checkpoint::Urgency;
use seawall_core::engine::Engine;
use seawall_core::error::Result;
use seawall_core::files::FileOptions;
use seawall_core::lsn::Lsn;
use seawall_core::page::PageId;
use seawall_core::redo::Redo;
use seawall_core::sim::{CrashOptions, Op, OpKind, SimDisk};
use seawall_core::sync::atomic::{AtomicU64, Ordering};
use seawall_core::workers::Serial;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Wake, Waker};

/// Panics without the words that a panic prints.
fn panic_quietly() -> ! {
    resume_unwind(Box::new("as the test wants it"))
}

fn survive<T>(run: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(run)).ok()
}

/// Has the disk panic in the first call that is one of these.
fn panic_in(disk: &SimDisk, mut is_it: impl FnMut(&Op) -> bool + Send + 'static) {
    disk.set_observer(Some(Box::new(move |disk, op| {
        if is_it(op) {
            disk.set_observer(None);
            panic_quietly();
        }
    })));
}

/// What a thread holds, and how it comes to hold it and panics.
type Holds = (&'static str, fn(&Engine));

/// Whatever a thread holds, and however it goes: the others go on.
#[test]
fn a_thread_that_panics_leaves_no_lock_no_pin_and_no_slot() {
    let holds: [Holds; 6] = [
        ("an operation", |e| {
            let mut operation = e.operation();
            for block in 0..3 {
                operation.page(page(block)).unwrap().write(0, &[99; 50]).unwrap();
            }
            operation.page(page(0)).unwrap().apply(ADD, &addition(1, &[1; 70])).unwrap();
            panic_quietly();
        }),
        ("a page to read", |e| {
            let _reads = [0, 1, 2].map(|block| e.read(page(block)).unwrap());
            panic_quietly();
        }),
        ("a delay", |e| {
            let _delay = e.delay_checkpoint();
            panic_quietly();
        }),
        ("a slot and a reader", |e| {
            let _slot = e.wal_slot("gone", e.wal_oldest()).unwrap();
            let _reader = e.wal_reader(e.wal_positions().2).unwrap();
            panic_quietly();
        }),
        ("a future that is entered", |e| {
            let end = write(e, page(7), 1).unwrap();
            let mut future = pin!(e.when_durable(end));
            let mut context = Context::from_waker(Waker::noop());
            assert!(future.as_mut().poll(&mut context).is_pending());
            panic_quietly();
        }),
        ("a ring", |e| {
            let mut ring = e.ring(seawall_core::buffer::Access::BulkWrite);
            let mut operation = e.operation();
            operation.page_through(page(4), &mut ring).unwrap().write(0, &[9]).unwrap();
            panic_quietly();
        }),
    ];
    for (what, hold) in holds {
        let (disk, engine) = store(&small(), 8);
        within_a_minute(what, move || {
            (0..4).for_each(|block| commit(&engine, page(block), 1).unwrap());
            std::thread::scope(|scope| {
                scope.spawn(|| hold(&engine)).join().unwrap_err();
            });
            for block in 0..8 {
                let expected = u8::from(block < 4 || (what.contains("future") && block == 7));
                let body = engine.read(page(block)).unwrap();
                assert_eq!(body[..80], [&[expected][..], &[0; 79]].concat(), "{what}: {block}");
                drop(body);
                commit(&engine, page(block), 2).unwrap();
            }
            assert_eq!(engine.wal_slots(), []);
            engine.truncate(FILE, 4).unwrap();
            engine.close().unwrap();
            drop(engine);
            assert_eq!(recover(&disk, &small()).unwrap().0[&FILE].len(), 4);
        });
    }
}

/// Panics where it would add 99, once it has.
struct Panics(Adds);

impl Redo for Panics {
    fn change(&self, kind: u8, page: PageId, data: &[u8], body: &mut [u8]) -> Result<(), String> {
        self.0.change(kind, page, data, body)?;
        if data[2] == 99 { panic_quietly() } else { Ok(()) }
    }

    fn note(&self, at: Lsn, kind: u8, data: &[u8]) -> Result<(), String> {
        if kind == 99 { panic_quietly() } else { self.0.note(at, kind, data) }
    }
}

fn open_with_panics(disk: &SimDisk) -> Result<Engine> {
    open_with(disk, &config(), &Serial, Some(Arc::new(Panics(Adds::default()))))
}

#[test]
fn a_redo_that_panics_in_an_operation_leaves_the_page_as_it_was() {
    let (disk, engine) = store(&config(), 3);
    drop(engine);
    let engine = open_with_panics(&disk).unwrap();
    let mut operation = engine.operation();
    operation.page(page(0)).unwrap().apply(ADD, &addition(0, &[5, 5])).unwrap();
    let panicked = survive(|| operation.page(page(0)).unwrap().apply(ADD, &addition(0, &[99])));
    assert!(panicked.is_none());
    assert_eq!(operation.page(page(0)).unwrap().body()[..2], [5, 5]);
    engine.commit(operation).unwrap();
    let unwound = survive(|| {
        let mut operation = engine.operation();
        operation.page(page(0)).unwrap().write(1, &[6]).unwrap();
        operation.page(page(1)).unwrap().apply(ADD, &addition(0, &[99])).unwrap();
    });
    assert!(unwound.is_none() && engine.poisoned().is_none());
    assert_eq!(engine.read(page(0)).unwrap()[..2], [5, 5]);
    commit(&engine, page(1), 1).unwrap();
    drop(engine);
    let engine = open(&disk, &config()).unwrap();
    let first_bytes = |block| engine.read(page(block)).unwrap()[..2].to_vec();
    assert_eq!((first_bytes(0), first_bytes(1)), (vec![5, 5], vec![1, 0]));
}

/// For changes: `custom.rs`.
#[test]
fn a_redo_that_panics_at_a_note_unwinds_through_the_opening_and_the_store_can_be_opened() {
    let (disk, engine) = store(&config(), 1);
    commit(&engine, page(0), 3).unwrap();
    let mut operation = engine.operation();
    operation.note(99, &[]);
    engine.commit(operation).unwrap();
    drop(engine);
    assert!(survive(|| open_with_panics(&disk).map(drop)).is_none());
    assert_eq!(open(&disk, &config()).unwrap().read(page(0)).unwrap()[0], 3);
}

/// A record larger than the ring is copied piece by piece: between two of them its inserter has
/// the first written, and that panics.
#[test]
fn a_panic_between_reservation_and_copy_poisons_and_leaves_no_hole() {
    let (disk, engine) = store(&config(), 4);
    commit(&engine, page(3), 1).unwrap();
    let disk = Arc::new(disk);
    let engine = Arc::new(engine);
    // Not while a segment is made, which is before the reservation.
    panic_in(&disk, |op| op.kind == OpKind::Write && op.path.starts_with("wal/0"));
    let lost = within_a_minute("who waits for the record", move || {
        let started = Barrier::new(2);
        std::thread::scope(|scope| {
            let other = scope.spawn(|| {
                started.wait();
                cause_of(loop {
                    if let Err(error) = commit(&engine, page(3), 2) {
                        break Err::<(), _>(error);
                    }
                })
            });
            let large = scope.spawn(|| {
                let mut operation = engine.operation();
                for block in 0..3 {
                    operation.page(page(block)).unwrap().write(0, &[9; 3000]).unwrap();
                }
                started.wait();
                engine.commit(operation)
            });
            // Who leads the write is the one that panics; the other is told.
            let large = large.join();
            let cause = match other.join() {
                Ok(cause) => cause,
                Err(_) => cause_of(large.unwrap()),
            };
            assert_eq!((cause.op, &cause.file[..]), ("write", "wal"));
            assert_eq!(engine.read(page(0)).unwrap()[0], 0, "undone");
            assert_eq!(cause_of(engine.checkpoint(Urgency::Immediate)), cause);
        });
        drop(engine);
        disk
    });
    let recovered = open(&lost, &config()).unwrap();
    assert_eq!(recovered.read(page(0)).unwrap()[0], 0);
    assert!([1, 2].contains(&recovered.read(page(3)).unwrap()[0]));
}

/// Commits when it is dropped.
struct CommitsAtTheEnd<'e>(&'e Engine);

impl Drop for CommitsAtTheEnd<'_> {
    fn drop(&mut self) {
        commit(self.0, page(0), 5).unwrap();
    }
}

#[test]
fn a_commit_by_a_thread_that_is_unwinding_is_one_like_any_other() {
    let (disk, engine) = store(&config(), 1);
    let unwound = survive(|| {
        let _commits = CommitsAtTheEnd(&engine);
        panic_quietly();
    });
    assert!(unwound.is_none());
    assert_eq!(engine.poisoned(), None);
    commit(&engine, page(0), 6).unwrap();
    drop(engine);
    assert_eq!(open(&disk, &config()).unwrap().read(page(0)).unwrap()[0], 6);
}

/// Panics when it is woken, or counts.
struct Task {
    panics: bool,
    woken: AtomicU64,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.woken.fetch_add(1, Ordering::Relaxed);
        if self.panics {
            panic_quietly();
        }
    }
}

#[test]
fn a_task_whose_waker_panics_keeps_no_other_task_asleep() {
    let (_disk, engine) = store(&config(), 1);
    let end = write(&engine, page(0), 1).unwrap();
    let tasks = [false, true, false].map(|panics| Task { panics, woken: AtomicU64::new(0) });
    let tasks = tasks.map(Arc::new);
    let wakers = tasks.each_ref().map(|task| Waker::from(Arc::clone(task)));
    let mut futures = wakers.each_ref().map(|waker| (Box::pin(engine.when_durable(end)), waker));
    for (future, waker) in &mut futures {
        assert!(future.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
    }
    let mut flusher = engine.flusher();
    assert!(survive(|| engine.wait_durable(end)).is_none(), "the panic is the leader's");
    assert_eq!(tasks.map(|task| task.woken.load(Ordering::Relaxed)), [1; 3]);
    for (future, waker) in &mut futures {
        let polled = future.as_mut().poll(&mut Context::from_waker(waker));
        assert!(matches!(polled, Poll::Ready(Ok(()))), "it is durable");
    }
    let cause = cause_of(engine.flusher_serve(&mut flusher));
    assert_eq!((cause.op, &cause.file[..]), ("write", "wal"));
}

/// Two that panic, in each of two places where somebody is told: of the end of a group, and of
/// the poison, while the thread unwinds. A second panic that leaves a destructor ends the process.
#[test]
fn two_tasks_whose_wakers_panic_end_neither_the_process_nor_anybodys_sleep() {
    let tasks = || [true, false, true].map(|panics| Task { panics, woken: AtomicU64::new(0) });
    for is_poisoned in [false, true] {
        let (disk, engine) = store(&config(), 1);
        let end = write(&engine, page(0), 1).unwrap();
        let tasks = tasks().map(Arc::new);
        let wakers = tasks.each_ref().map(|task| Waker::from(Arc::clone(task)));
        let mut futures = wakers.each_ref().map(|_| Box::pin(engine.when_durable(end)));
        for (future, waker) in futures.iter_mut().zip(&wakers) {
            assert!(future.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
        }
        if is_poisoned {
            panic_in(&disk, |op| op.kind == OpKind::Write);
        }
        let told = survive(|| engine.wait_durable(end));
        assert!(told.is_none(), "the panic is whose work it was");
        assert_eq!(tasks.map(|task| task.woken.load(Ordering::Relaxed)), [1; 3]);
    }
}

/// Everything that a store does, until a call of the disk panics.
fn work(engine: &Engine, model: &mut Model) -> Result<()> {
    let create = |model: &mut Model| {
        model.expect_file();
        let file = engine.create_file(FileOptions::default());
        model.acknowledge_all();
        file
    };
    let (first, second) = (create(model)?, create(model)?);
    for file in [first, second] {
        for _ in 0..6 {
            model.expect_pages(file, 1);
            engine.extend(file, 1)?;
        }
    }
    for number in 1..=14 {
        let change = model.expect_change(number);
        engine.commit(change.try_make(engine)?)?;
        model.acknowledge_all();
        match number {
            4 | 11 => _ = engine.checkpoint(Urgency::Immediate)?,
            7 => {
                model.expect_truncate(first, 2);
                engine.truncate(first, 2)?;
                model.acknowledge_all();
            }
            9 => {
                model.expect_drop(second);
                engine.drop_file(second)?;
                model.acknowledge_all();
            }
            _ => {}
        }
    }
    Ok(())
}

/// What a store does after a panic: as much as it did before, or it is poisoned. Returns whether
/// it was.
fn go_on(engine: &Engine, model: &mut Model, number: u64) -> bool {
    if let Some(cause) = engine.poisoned() {
        assert_eq!(cause_of(engine.commit(engine.operation())), cause);
        assert_eq!(cause_of(engine.checkpoint(Urgency::Immediate)), cause);
        assert_eq!(cause_of(engine.close()), cause);
        return true;
    }
    let content = content(engine).unwrap_or_else(|error| panic!("{number}: {error}"));
    let state = model.find(&content).unwrap_or_else(|| panic!("{number}: half of a change"));
    assert!(state >= model.acknowledged(), "{number}: {state}");
    model.go_back_to(state);
    if content.0.values().any(|pages| !pages.is_empty()) {
        engine.commit(model.expect_change(1000 + number).make(engine)).unwrap();
        model.acknowledge_all();
    }
    engine.checkpoint(Urgency::Immediate).unwrap();
    engine.close().unwrap();
    false
}

/// As in `faults.rs`, but whoever makes the call is gone instead of told.
#[test]
fn whichever_call_of_the_disk_panics_nobody_hangs_and_what_was_acknowledged_survives() {
    let (mut panics, mut poisoned, mut images) = (0, 0, 0);
    for number in 1.. {
        let disk = SimDisk::new();
        let engine = common::engine_on(&disk, &small());
        let mut calls = 0;
        panic_in(&disk, move |_| {
            calls += 1;
            calls == number
        });
        let its_disk = disk.clone();
        let (panicked, was_poisoned, model) = within_a_minute("the store", move || {
            let mut model = Model::default();
            let panicked = survive(|| work(&engine, &mut model).unwrap()).is_none();
            its_disk.set_observer(None);
            let was_poisoned = go_on(&engine, &mut model, number);
            (panicked, was_poisoned, model)
        });
        if !panicked {
            break;
        }
        panics += 1;
        poisoned += u32::from(was_poisoned);
        let options = CrashOptions { max_subset: 2, seeded: 1, seed: number };
        for image in disk.crash_images(&options) {
            images += 1;
            let recovered = recover(&image.mount(), &small());
            let mut recovered = recovered.unwrap_or_else(|e| panic!("{number}: {e}"));
            // One whose creation has panicked may be there, empty.
            recovered.0.retain(|file, pages| !pages.is_empty() || model.has_had(*file));
            let state = model.find(&recovered);
            let acknowledged = Some(model.acknowledged());
            assert!(state >= acknowledged, "{number}: {state:?}; {}", image.describe());
        }
    }
    println!("{panics} calls panicked, {poisoned} poisoned the store, {images} images recovered");
    assert!(panics > 100 && images > 300, "the sweep has shrunk: {panics}, {images}");
}
