//! Stores on file systems that fill up, fail and stop: small ones on loop devices, for root.
//!
//! `SEAWALL_REAL_ROUNDS=N` repeats what depends on the moment.
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "makes file systems")]

#[path = "real/limits.rs"]
mod limits;
#[path = "real/mount.rs"]
mod mount;
#[path = "real/work.rs"]
mod work;

use limits::NoDescriptors;
use mount::{Ballast, EXT4, Mount, XFS, done, is_skipped, text, turn};
use seawall::{Error, FileId, FileOptions, PageId, Store};
use std::path::Path;
use std::thread;
use work::{Work, buffered, config, poisoned, refused};

const E2FSPROGS: (&str, &str) = ("mkfs.ext4", "e2fsprogs");
const XFSPROGS: (&str, &str) = ("mkfs.xfs", "xfsprogs");

const EPERM: i32 = 1;
const EMFILE: i32 = 24;
const ENOSPC: i32 = 28;
const EROFS: i32 = 30;

fn rounds() -> u64 {
    std::env::var("SEAWALL_REAL_ROUNDS").map_or(1, |rounds| rounds.parse().unwrap())
}

#[test]
fn a_full_file_system_refuses_commits_and_completes_checkpoints_and_goes_on_with_space() {
    let _turn = turn();
    if is_skipped(&[E2FSPROGS]) {
        return;
    }
    for config in [config(), buffered()] {
        let mount = Mount::of(EXT4, 16, None);
        let mut work = Work::new(&mount.point, config);
        let ballast = Ballast::fill(&mount.point, 0);
        for _ in 0..6 {
            let error = work.commit_until_refused(4000).expect("there is no space");
            refused(&error, "allocate of wal/new at offset 0 failed: ", ENOSPC);
            assert_eq!(work.found(), work.acked, "it is undone");
            work.store().checkpoint().unwrap();
        }
        extend_until_refused(&work);
        work.store().checkpoint().unwrap();
        work.drop_store();
        work.try_open().unwrap();
        assert_eq!(work.found(), work.acked, "it opens, and recovers, while the disk is full");
        let while_full = work.acked;
        ballast.remove();
        for _ in 0..200 {
            work.commit().unwrap();
        }
        work.store().extend(work.file(), 100).unwrap();
        work.store().checkpoint().unwrap();
        let found = work.recover();
        println!("{while_full} commits and 7 checkpoints while full, {found} in all");
        work.drop_store();
    }
}

/// Pages are added as long as there is space for them.
fn extend_until_refused(work: &Work) {
    let store = work.store();
    let error = (0..1000).find_map(|_| store.extend(work.file(), 16).err()).expect("no space");
    refused(&error, "reserve of data/00000001.0 at offset ", ENOSPC);
    let end = store.blocks(work.file()).unwrap();
    let missing = store.read(PageId::new(work.file(), end)).map(drop);
    assert!(matches!(missing, Err(Error::BeyondEnd { .. })));
}

#[test]
fn without_a_descriptor_commits_are_refused_and_checkpoints_complete_until_there_is_one() {
    let _turn = turn();
    let dir = tempfile::tempdir().unwrap();
    let mut work = Work::new(dir.path(), config());
    let mut none_left = NoDescriptors::begin();
    // A log that goes on to another segment gives one back, and needs no more.
    assert!(work.commit_until_refused(200).is_none());
    for _ in 0..3 {
        let error = std::iter::repeat_with(|| {
            none_left.take_what_was_given_back();
            work.commit()
        });
        let error = error.take(4000).find_map(Result::err).expect("there is no descriptor");
        let is_made = error.to_string().starts_with("open");
        refused(&error, if is_made { "open of wal/0" } else { "create of wal/new" }, EMFILE);
        assert_eq!(work.found(), work.acked, "it is undone");
        work.store().checkpoint().unwrap();
    }
    let error = work.store().create_file(FileOptions::default()).unwrap_err();
    refused(&error, "create of data/00000002.0", EMFILE);
    let error = Store::open(dir.path().join("none"), config()).map(drop).unwrap_err();
    assert!(error.to_string().contains("(os error 24)"), "{error}");
    let while_none = work.acked;
    drop(none_left);
    for _ in 0..200 {
        work.commit().unwrap();
    }
    let found = work.recover();
    println!("{while_none} commits and 3 checkpoints without a descriptor, {found} in all");
}

#[test]
fn with_few_descriptors_a_file_is_created_or_nothing_is_and_the_store_goes_on() {
    let _turn = turn();
    for left in 0..=4 {
        let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut work = Work::new(dir.path(), config());
        let tablespace = work.store().create_tablespace(elsewhere.path()).unwrap();
        let options = FileOptions { tablespace, unlogged: false };
        let mut few_left = NoDescriptors::begin();
        few_left.give_back(left);
        let created = work.store().create_file(options);
        assert_eq!(work.store().poisoned(), None, "{left} were left");
        drop(few_left);
        match &created {
            Ok(file) => assert!(left > 0 && work.store().blocks(*file).unwrap() == 0),
            Err(error) => {
                assert!(left < 4);
                refused(error, "create of data.1/00000002.0", EMFILE);
                // Not where the attempt was made.
                let file = work.store().create_file(FileOptions::default()).unwrap();
                assert_eq!(file, FileId(2));
            }
        }
        work.commit().unwrap();
        work.store().drop_file(FileId(2)).unwrap();
        work.store().checkpoint().unwrap();
        work.recover();
    }
}

#[test]
fn in_a_directory_that_cannot_be_written_commits_are_refused_until_it_can() {
    let _turn = turn();
    if is_skipped(&[E2FSPROGS]) {
        return;
    }
    let mount = Mount::of(EXT4, 16, None);
    let mut work = Work::new(&mount.point, config());
    let wal = work.dir().join("wal");
    done("chattr", &["+i", text(&wal)]);
    let error = work.commit_until_refused(4000).expect("no segment can be made");
    refused(&error, "create of wal/new at offset 0 failed: ", EPERM);
    assert_eq!(work.found(), work.acked, "it is undone");
    // Its work is done, and told is what it could not clear away.
    let checkpoint = work.store().checkpoint().map(drop).unwrap_err();
    refused(&checkpoint, "rename of wal/0000000000000001 at offset 0 failed: ", EPERM);
    let fresh = mount.point.join("fresh");
    std::fs::create_dir(&fresh).unwrap();
    done("chattr", &["+i", text(&fresh)]);
    refused(&Store::create(&fresh, config()).map(drop).unwrap_err(), "lock of lock", EPERM);
    done("chattr", &["-i", text(&wal), text(&fresh)]);
    for _ in 0..200 {
        work.commit().unwrap();
    }
    work.store().checkpoint().unwrap();
    println!("{} commits around an immutable directory", work.recover());
    work.drop_store();
}

#[test]
fn a_file_system_that_is_read_only_is_named_and_one_that_becomes_it_poisons() {
    let _turn = turn();
    if is_skipped(&[E2FSPROGS]) {
        return;
    }
    for config in [config(), buffered()] {
        let mount = Mount::of(EXT4, 16, None);
        mount.mount("remount,rw,errors=remount-ro");
        let mut work = Work::new(&mount.point, config);
        assert!(work.commit_until_refused(100).is_none());
        work.drop_store();
        mount.mount("remount,ro");
        refused(&work.try_open().unwrap_err(), "open of control", EROFS);
        mount.mount("remount,rw");
        work.try_open().unwrap();
        assert_eq!(work.found(), work.acked);

        mount.abort_ext4();
        let cause = poisons(&mut work);
        work.drop_store();
        mount.mount_again();
        println!("{cause}; recovered {} commits", work.recover());
        work.drop_store();
    }
}

/// Commits until the store is poisoned, and checks that it stays so; returns the reason.
fn poisons(work: &mut Work) -> String {
    let error = work.commit_until_refused(4000).expect("it fails");
    let cause = poisoned(&error);
    for error in [work.commit(), work.store().checkpoint().map(drop)] {
        assert_eq!(poisoned(&error.unwrap_err()), cause, "the first reason stays");
    }
    cause
}

#[test]
fn a_device_that_loses_writes_poisons_and_when_it_is_well_all_that_was_acknowledged_is_there() {
    let _turn = turn();
    if is_skipped(&[E2FSPROGS]) {
        return;
    }
    for (config, pages_first) in [(config(), false), (buffered(), false), (buffered(), true)] {
        for round in 0..rounds() {
            let left = if pages_first { 0 } else { (round * 37 % 64) << 14 };
            let behind = Mount::tmpfs(16);
            let mount = Mount::of(EXT4, 64, Some(behind.point.join("image")));
            let mut work = Work::new(&mount.point, config);
            assert!(work.commit_until_refused(20).is_none());
            work.store().extend(work.file(), if pages_first { 16 } else { 1 }).unwrap();
            // The file system has space, and the device that it is on has none.
            let ballast = Ballast::fill(&behind.point, left);
            if pages_first {
                let error = work.store().checkpoint().map(drop).unwrap_err();
                assert!(poisoned(&error).contains(" of data/00000001.0 failed: "), "{error}");
            }
            let cause = poisons(&mut work);
            work.drop_store();
            ballast.remove();
            mount.mount_again();
            let acked = work.acked;
            println!("{cause}; {acked} acknowledged, {} recovered", work.recover());
            work.drop_store();
            drop(mount);
        }
    }
}

#[test]
fn a_file_system_that_is_shut_down_poisons_and_all_that_was_acknowledged_is_there() {
    let _turn = turn();
    if is_skipped(&[XFSPROGS]) {
        return;
    }
    for config in [config(), buffered()] {
        let mount = Mount::of(XFS, 300, None);
        let mut work = Work::new(&mount.point, config);
        for round in 0..rounds() {
            let before = work.acked;
            assert!(work.commit_until_refused(round * 13 % 50).is_none());
            let error = thread::scope(|scope| {
                scope.spawn(|| shut_down(&mount.point));
                let error = std::iter::repeat_with(|| work.commit()).find_map(Result::err);
                error.expect("it is shut down")
            });
            let cause = error.to_string();
            if matches!(error, Error::Io { .. }) {
                // No space was to be had for a record, so nothing is in doubt; nor is any later.
                assert!(work.commit().is_err() && work.store().checkpoint().is_err(), "{cause}");
            } else {
                assert_eq!(poisons(&mut work), poisoned(&error));
            }
            work.drop_store();
            mount.mount_again();
            let acked = work.acked - before;
            println!("{cause}; {acked} acknowledged, {} recovered", work.recover() - before);
        }
        work.drop_store();
    }
}

fn shut_down(point: &Path) {
    done("xfs_io", &["-x", "-c", "shutdown", text(point)]);
}
