//! Files that cannot be opened, for want of a descriptor: the call fails, what it was about is
//! whole or not there, nothing is poisoned, and the store opens again.

mod common;

use common::{config, engine_on, open};
use seawall_core::checkpoint::Urgency;
use seawall_core::engine::Engine;
use seawall_core::error::{Error, Result};
use seawall_core::files::{FileOptions, TablespaceId};
use seawall_core::page::{FileId, PageId};
use seawall_core::sim::{CrashOptions, EMFILE, Fault, OpKind, SimDisk};
use std::path::Path;

const UNLOGGED: FileOptions = FileOptions { tablespace: TablespaceId(0), unlogged: true };

/// What became of a call: it may fail, but in no other way.
fn done<T>(call: Result<T>) -> Option<T> {
    match call {
        Ok(value) => Some(value),
        Err(Error::Io { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

/// A page for each number, in a file that is there if all went well.
fn fill(engine: &Engine, options: FileOptions, pages: u8) -> Option<FileId> {
    let file = done(engine.create_file(options))?;
    for number in 1..=pages {
        let block = done(engine.extend(file, 1))?;
        let mut operation = engine.operation();
        operation.page(PageId::new(file, block)).unwrap().write(0, &[number]).unwrap();
        done(engine.commit(operation))?;
    }
    Some(file)
}

/// Creates, extends over several segments, drops, checkpoints. Returns the files that are filled.
fn work(engine: &Engine) -> Vec<FileId> {
    let tablespace = done(engine.create_tablespace(Path::new("/elsewhere")));
    let elsewhere = FileOptions { tablespace: tablespace.unwrap_or_default(), unlogged: false };
    let mut filled = Vec::new();
    for options in [UNLOGGED, FileOptions::default(), elsewhere, FileOptions::default()] {
        filled.extend(fill(engine, options, 5).filter(|_| !options.unlogged));
    }
    if let Some(dropped) = engine.files().first().copied()
        && done(engine.drop_file(dropped)).is_some()
    {
        filled.retain(|file| *file != dropped);
    }
    done(engine.checkpoint(Urgency::Immediate));
    if let Some(dropped) = engine.files().get(1).copied()
        && done(engine.drop_file(dropped)).is_some()
    {
        filled.retain(|file| *file != dropped);
    }
    filled
}

fn check(engine: &Engine, filled: &[FileId]) {
    for file in filled {
        let body = |block| engine.read(PageId::new(*file, block)).unwrap()[0];
        assert_eq!((0..5).map(body).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    }
}

#[test]
fn whichever_file_cannot_be_opened_what_was_done_is_there_and_the_store_opens() {
    let (mut opens, mut images) = (0, 0);
    for fault in [Fault::once(EMFILE), Fault::persistent(EMFILE)] {
        for nth in 1.. {
            let disk = SimDisk::new();
            let engine = engine_on(&disk, &config());
            disk.fail_at(nth, fault.clone().only(OpKind::Open));
            let filled = work(&engine);
            assert!(engine.poisoned().is_none());
            if disk.first_failure().is_none() {
                break;
            }
            opens += 1;
            disk.clear_faults();
            for image in disk.crash_images(&CrashOptions { max_subset: 2, seeded: 2, seed: nth }) {
                images += 1;
                check(&open(&image.mount(), &config()).unwrap(), &filled);
            }
            engine.close().unwrap();
            drop(engine);
            check(&open(&disk, &config()).unwrap(), &filled);
        }
    }
    println!("{opens} times one could not be opened: {images} crash images, none wrong");
    assert!(opens > 20);
}
