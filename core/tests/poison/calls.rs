//! Every public method of the engine, on a store that is poisoned.

use super::common::{Model, content, open, small};
use super::{FILE, cause_of, commit, config, page, poison, store, within_a_minute, write};
use Answer::{Refused, Works};
use seawall_core::buffer::Access;
use seawall_core::checkpoint::Urgency;
use seawall_core::config::Config;
use seawall_core::disk::Disk;
use seawall_core::engine::Engine;
use seawall_core::error::{Error, Result};
use seawall_core::files::FileOptions;
use seawall_core::lsn::Lsn;
use seawall_core::page::{FileId, PAGE_HEADER_BYTES, PageId};
use seawall_core::sim::{EIO, Fault, OpKind, SimDisk};
use seawall_core::wal::background::WalWriter;
use seawall_core::wal::durable::block_on;
use std::path::Path;
use std::sync::Arc;

/// What a poisoned store does with a call.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Answer {
    /// It is refused with the first cause.
    Refused,
    /// It tells what is in memory, makes something that does nothing yet, or ends a wait.
    Works,
}

/// A method, what becomes of a call, and such a call.
type Call = (&'static str, Answer, fn(&Engine) -> Result<()>);

/// What is in memory: pages, the list of files, numbers; and the durable log.
const READS: &[Call] = &[
    ("recovery", Works, |e| told(e.recovery())),
    ("poisoned", Works, |e| told(e.poisoned().expect("it is"))),
    ("config", Works, |e| told(e.config())),
    ("files", Works, |e| told(e.files())),
    ("blocks", Works, |e| e.blocks(FILE).map(drop)),
    ("read", Works, |e| e.read(page(0)).map(drop)),
    ("read_through", Works, |e| e.read_through(page(0), &mut e.ring(Access::BulkRead)).map(drop)),
    ("load", Works, |e| e.load(page(0), 1).map(drop)),
    ("load_through", Works, |e| {
        e.load_through(page(0), 1, &mut e.ring(Access::BulkRead)).map(drop)
    }),
    ("prefetch", Works, |e| e.prefetch(&[page(0), page(1)])),
    ("checkpoint_progress", Works, |e| told(e.checkpoint_progress())),
    ("checkpoints", Works, |e| told(e.checkpoints())),
    ("is_idle", Works, |e| told(e.is_idle())),
    ("pool_stats", Works, |e| told(e.pool_stats())),
    ("wal_positions", Works, |e| told(e.wal_positions())),
    ("wal_stats", Works, |e| told(e.wal_stats())),
    ("wal_since_redo", Works, |e| told(e.wal_since_redo())),
    ("wal_oldest", Works, |e| told(e.wal_oldest())),
    ("wal_slots", Works, |e| told(e.wal_slots())),
    ("wal_slot", Works, |e| e.wal_slot("reader", e.wal_oldest()).map(drop)),
    ("wal_reader", Works, |e| {
        let (.., flushed) = e.wal_positions();
        e.wal_reader(flushed)?.next().map(|record| assert_eq!(record, None))
    }),
];

/// What does nothing by itself.
const BEGINNINGS: &[Call] = &[
    ("ring", Works, |e| told(e.ring(Access::BulkWrite).frames())),
    ("operation", Works, |e| {
        let mut operation = e.operation();
        operation.page(page(0))?.write(0, &[7])?;
        operation.note(1, &[]);
        Ok(())
    }),
    ("delay_checkpoint", Works, |e| told(e.delay_checkpoint())),
    ("flusher", Works, |e| told(e.flusher())),
    ("background_writer", Works, |e| told(e.background_writer())),
    ("on_panic", Works, |e| told(e.on_panic("run", "a thread"))),
    ("follow_flushed", Works, |e| told(e.follow_flushed().seen())),
    ("hurry", Works, |e| {
        e.hurry();
        Ok(())
    }),
    ("wake_wal_threads", Works, |e| {
        e.wake_wal_threads();
        Ok(())
    }),
    ("wake_background_writer", Works, |e| {
        e.wake_background_writer();
        Ok(())
    }),
    ("wal_writer_sleep", Works, |e| {
        e.wal_writer_sleep(&WalWriter::default());
        Ok(())
    }),
    ("background_writer_sleep", Works, |e| {
        e.background_writer_sleep(&e.background_writer());
        Ok(())
    }),
];

/// What brings durability, or waits for it.
const CHANGES: &[Call] = &[
    ("configure", Refused, |e| e.configure(e.config())),
    ("create_file", Refused, |e| e.create_file(FileOptions::default()).map(drop)),
    ("create_tablespace", Refused, |e| e.create_tablespace(Path::new("/elsewhere")).map(drop)),
    ("truncate", Refused, |e| e.truncate(FILE, 1)),
    ("drop_file", Refused, |e| e.drop_file(FILE)),
    ("extend", Refused, |e| e.extend(FILE, 0).map(drop)),
    ("extend_through", Refused, |e| {
        e.extend_through(FILE, 1, &mut e.ring(Access::BulkWrite)).map(drop)
    }),
    ("commit", Refused, |e| e.commit(e.operation()).map(drop)),
    ("commit_async", Refused, |e| write(e, page(0), 7).map(drop)),
    ("wait_durable", Refused, |e| e.wait_durable(e.wal_positions().0)),
    ("when_durable", Refused, |e| block_on(e.when_durable(e.wal_positions().0))),
    ("checkpoint", Refused, |e| e.checkpoint(Urgency::Spread).map(drop)),
    ("close", Refused, |e| e.close().map(drop)),
    ("wal_writer_round", Refused, |e| e.wal_writer_round(&mut WalWriter::default()).map(drop)),
    ("flusher_serve", Refused, |e| e.flusher_serve(&mut e.flusher())),
    ("background_writer_round", Refused, |e| {
        e.background_writer_round(&mut e.background_writer()).map(drop)
    }),
];

/// They open a store that is not poisoned; what they report themselves is in `faults.rs`.
const MAKE_A_STORE: [&str; 3] = ["create", "open", "open_with"];

fn told<T>(_: T) -> Result<()> {
    Ok(())
}

fn calls() -> impl Iterator<Item = &'static Call> {
    READS.iter().chain(BEGINNINGS).chain(CHANGES)
}

/// The public methods in the sources.
fn methods() -> Vec<&'static str> {
    let sources = [
        include_str!("../../src/engine.rs"),
        include_str!("../../src/engine/log.rs"),
        include_str!("../../src/engine/scans.rs"),
        include_str!("../../src/engine/threads.rs"),
    ];
    let lines = sources.into_iter().flat_map(str::lines);
    let methods = lines.filter_map(|line| line.strip_prefix("    pub fn "));
    methods.map(|rest| rest.split(['(', '<']).next().expect("a name")).collect()
}

#[test]
fn the_table_has_every_public_method() {
    let mut listed: Vec<_> = calls().map(|(name, ..)| *name).chain(MAKE_A_STORE).collect();
    let mut methods = methods();
    listed.sort_unstable();
    methods.sort_unstable();
    assert_eq!(listed, methods);
}

#[test]
fn each_call_on_a_poisoned_store_is_refused_with_the_first_cause_or_works_on_what_is_in_memory() {
    for file in ["wal/0000000000000001", "the store's directory"] {
        let (disk, engine) = store(&config(), 2);
        write(&engine, page(0), 1).unwrap();
        let fault = Fault::once(EIO);
        let first = if file.starts_with("wal/") {
            disk.fail_at(1, fault.only(OpKind::SyncData));
            cause_of(commit(&engine, page(1), 1))
        } else {
            disk.fail_at(1, fault.only(OpKind::SyncDir));
            cause_of(engine.create_tablespace(Path::new("/elsewhere")))
        };
        assert_eq!((first.op, &first.file[..], first.errno), ("sync", file, Some(EIO)));
        assert_eq!(engine.poisoned(), Some(Arc::clone(&first)));
        let refused = within_a_minute("a call", move || {
            let operations = disk.operations();
            let mut refused = 0;
            for (name, expected, call) in calls() {
                let answer = call(&engine);
                match (expected, &answer) {
                    (Works, Ok(())) => {}
                    (Refused, Err(Error::Poisoned(cause))) if *cause == first => refused += 1,
                    _ => panic!("{name}: {answer:?}, expected {expected:?}"),
                }
            }
            assert_eq!(disk.operations(), operations, "nothing is written, nothing synced");
            refused
        });
        println!("{refused} of {} methods are refused", calls().count());
        assert_eq!(refused, CHANGES.len());
    }
}

#[test]
fn what_was_durable_before_is_so_and_what_was_not_is_not_acknowledged_later() {
    let (disk, engine) = store(&config(), 1);
    let durable = write(&engine, page(0), 1).unwrap();
    engine.wait_durable(durable).unwrap();
    let first = poison(&disk, &engine);
    engine.wait_durable(durable).unwrap();
    block_on(engine.when_durable(durable)).unwrap();
    let (reserved, _, flushed) = engine.wal_positions();
    assert_eq!(flushed, durable);
    assert_eq!(cause_of(engine.wait_durable(Lsn(flushed.0 + 8))), first);
    assert_eq!(cause_of(block_on(engine.when_durable(reserved))), first);
    let mut follower = engine.follow_flushed();
    assert_eq!(cause_of(follower.wait_moved()), first);
}

/// A sync of a data file has failed and its bytes are gone, as the kernel has it: what is on disk
/// is older than what was acknowledged.
#[test]
fn a_page_that_is_not_in_memory_is_not_read_from_a_disk_that_has_lost_it() {
    let config = Config { data_direct: false, ..small() };
    let (disk, engine) = store(&config, 12);
    commit(&engine, page(0), 1).unwrap();
    engine.checkpoint(Urgency::Immediate).unwrap();
    commit(&engine, page(0), 2).unwrap();
    // It is evicted, and so written to the page cache.
    (1..12).for_each(|block| drop(engine.read(page(block)).unwrap()));
    disk.fail_at(1, Fault::once(EIO).only(OpKind::SyncData).dropping_cache().seed(3));
    let first = cause_of(engine.checkpoint(Urgency::Immediate));
    assert_eq!(disk.read_file("data/00000001.0")[PAGE_HEADER_BYTES], 1, "the older page");
    assert_eq!(cause_of(engine.read(page(0))), first);
    assert_eq!(cause_of(engine.load(page(0), 2)), first);
    assert_eq!(cause_of(engine.operation().page(page(0)).map(drop)), first);
    assert_eq!(engine.read(page(11)).unwrap()[0], 0, "it is in memory");
    drop(engine);
    assert_eq!(open(&disk, &config).unwrap().read(page(0)).unwrap()[0], 2);
}

#[test]
fn commits_to_files_that_are_not_logged_are_refused_too() {
    let (disk, engine) = store(&config(), 1);
    let unlogged = engine.create_file(FileOptions { unlogged: true, ..FileOptions::default() });
    let unlogged = PageId::new(unlogged.unwrap(), 0);
    engine.extend(unlogged.file(), 1).unwrap();
    let first = poison(&disk, &engine);
    assert_eq!(cause_of(commit(&engine, unlogged, 5)), first);
    assert_eq!(engine.read(unlogged).unwrap()[0], 0, "it is undone");
    assert_eq!(cause_of(engine.extend(unlogged.file(), 1)), first);
}

/// Each way to have a sync fail while the store is opened, or made.
#[test]
fn a_sync_that_fails_while_a_store_is_opened_is_named_and_the_next_opening_is_whole() {
    let (config, mut failures) = (config(), 0);
    for kind in [OpKind::SyncData, OpKind::SyncAll, OpKind::SyncDir] {
        for n in 1.. {
            let (disk, engine) = store(&config, 3);
            let mut model = Model::default();
            model.expect_file_numbered(FileId(1));
            model.expect_pages(FILE, 3);
            for number in 1..8 {
                engine.commit(model.expect_change(number).make(&engine)).unwrap();
            }
            drop(engine);
            disk.fail_at(n, Fault::once(EIO).only(kind).seed(n));
            let Err(error) = open(&disk, &config) else { break };
            assert!(
                matches!(&error, Error::Poisoned(cause) if cause.errno == Some(EIO)),
                "{error}"
            );
            failures += 1;
            let engine = open(&disk, &config).unwrap();
            assert!(content(&engine).unwrap() == *model.newest(), "{kind:?} {n}");
        }
    }
    println!("{failures} syncs failed while opening");
    assert!(failures > 8, "{failures}");
}

#[test]
fn a_store_that_is_made_on_a_disk_that_cannot_sync_is_no_store() {
    for kind in [OpKind::SyncAll, OpKind::SyncDir] {
        let disk = SimDisk::new();
        disk.fail_at(1, Fault::once(EIO).only(kind));
        let any: Arc<dyn Disk> = Arc::new(disk.clone());
        Engine::create(&any, &config(), 1).unwrap_err();
        Engine::create(&any, &config(), 1).unwrap();
        drop(open(&disk, &config()).unwrap());
    }
}
