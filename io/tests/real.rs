//! Stores on file systems that fill up, fail and stop: small ones on loop devices, for root.
//!
//! `SEAWALL_REAL_ROUNDS=N` repeats what depends on the moment.
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "makes file systems")]

#[path = "real/mount.rs"]
mod mount;
#[path = "real/work.rs"]
mod work;

use mount::{Ballast, EXT4, Mount, XFS, done, text, turn};
use seawall::{Config, Error, PageId};
use std::fs;
use work::{Work, buffered, config, poisoned, refused};

const ENOSPC: i32 = 28;

fn rounds() -> u64 {
    std::env::var("SEAWALL_REAL_ROUNDS").map_or(1, |rounds| rounds.parse().unwrap())
}

#[test]
fn a_full_file_system_refuses_commits_and_completes_checkpoints_and_goes_on_with_space() {
    let Some(_turn) = turn(&[("mkfs.ext4", "e2fsprogs")]) else { return };
    for config in [config(), buffered()] {
        let mount = Mount::of(EXT4, 24, None);
        let mut work = Work::new(&mount.point, config);
        let ballast = Ballast::fill(&mount.point);
        let (mut refusals, mut checkpoints) = (0, 0);
        for _ in 0..6 {
            let error = work.commit_until_refused(4000).expect("there is no space");
            refused(&error, "allocate of wal/new at offset 0 failed: ", ENOSPC);
            refusals += 1;
            assert_eq!(work.found(), work.acked, "it is undone");
            work.store().checkpoint().unwrap();
            checkpoints += 1;
        }
        extend_until_refused(&work);
        work.store().checkpoint().unwrap();
        ballast.remove();
        for _ in 0..200 {
            work.commit().unwrap();
        }
        work.store().extend(work.file(), 100).unwrap();
        work.store().checkpoint().unwrap();
        assert_eq!(work.found(), work.acked);
        let recovered = work.recover();
        println!("{refusals} refusals, {checkpoints} checkpoints while full, {recovered} commits");
        work.drop_store();
    }
}

/// Pages are added as long as there is space for them; those that are, can be written.
fn extend_until_refused(work: &Work) {
    let store = work.store();
    let error = loop {
        match store.extend(work.file(), 16) {
            Ok(_) => continue,
            Err(error) => break error,
        }
    };
    let said = error.to_string();
    assert!(matches!(error, Error::Io { .. }) && said.contains("(os error 28)"), "{said}");
    let end = store.blocks(work.file()).unwrap();
    let missing = store.read(PageId::new(work.file(), end)).map(drop);
    assert!(matches!(missing, Err(Error::BeyondEnd { .. })));
    println!("extended up to {end} blocks: {said}");
}
