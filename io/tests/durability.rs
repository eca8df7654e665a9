//! The ways to durability on real files: sync methods, futures, followers, asynchronous commits.

use seawall::seawall_core::disk::{Disk, OnWrite, OpenMode};
use seawall::seawall_core::page::AlignedBytes;
use seawall::seawall_core::wal::durable::block_on;
use seawall::seawall_core::wal::segment::WalSync;
use seawall::{Config, FileId, FileOptions, LinuxDisk, Lsn, PageId, Store};
use std::io::ErrorKind;
use std::path::Path;
use std::thread;

const PAGE: PageId = PageId::new(FileId(1), 0);

fn store(dir: &Path, config: Config) -> Store {
    let store = Store::create(dir.join("store"), config).unwrap();
    let file = store.create_file(FileOptions::default()).unwrap();
    store.extend(file, 1).unwrap();
    store
}

fn commit_async(store: &Store, value: u8) -> Lsn {
    let mut operation = store.operation();
    operation.page(PAGE).unwrap().write(0, &[value]).unwrap();
    store.commit_async(operation).unwrap()
}

fn flushed(store: &Store) -> Lsn {
    store.wal_positions().2
}

#[test]
fn with_every_sync_method_what_was_committed_is_there_after_a_drop() {
    for wal_sync in [WalSync::Fdatasync, WalSync::Fsync, WalSync::OpenDatasync, WalSync::OpenSync] {
        for wal_direct in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let config = Config { wal_sync, wal_direct, ..Config::default() };
            let store = store(dir.path(), config);
            let end = commit_async(&store, 7);
            store.wait_durable(end).unwrap();
            drop(store);
            let store = Store::open(dir.path().join("store"), config).unwrap();
            assert_eq!(store.read(PAGE).unwrap()[0], 7, "{wal_sync:?}, direct: {wal_direct}");
        }
    }
}

#[test]
fn a_future_is_ready_once_its_commit_is_durable() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), Config::default());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for value in 0..20 {
                    let end = commit_async(&store, value);
                    block_on(store.when_durable(end)).unwrap();
                    assert!(flushed(&store) >= end);
                }
            });
        }
    });
    let beyond = store.wal_positions().0.plus(8);
    assert!(block_on(store.when_durable(beyond)).unwrap_err().to_string().contains("beyond"));
}

#[test]
fn who_follows_the_log_sees_an_asynchronous_commit_become_durable() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), Config::default());
    let mut follower = store.follow_flushed();
    // Between them the WAL writer goes to sleep.
    for value in 0..3 {
        let end = commit_async(&store, value);
        let mut last = follower.seen();
        while last < end {
            let next = follower.wait_moved().unwrap();
            assert!(next > last, "{next} after {last}");
            last = next;
        }
        assert!(flushed(&store) >= end);
    }
}

#[test]
fn direct_io_takes_what_is_aligned_and_refuses_what_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let disk = LinuxDisk::new(dir.path());
    disk.create("file").unwrap().allocate(0, 8192).unwrap();
    let mode = OpenMode { on_write: OnWrite::SyncData, direct: true };
    let file = match disk.open_with("file", mode) {
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            eprintln!("SKIPPED: the temporary directory has no direct I/O");
            return;
        }
        opened => opened.unwrap(),
    };
    let mut block = AlignedBytes::zeroed(4096);
    block.fill(3);
    file.write_at(&block, 4096).unwrap();
    assert!(file.write_at(&block[..100], 0).is_err());
    assert!(file.write_at(&block, 100).is_err());
    let mut read = AlignedBytes::zeroed(4096);
    assert_eq!(disk.open("file").unwrap().read_at(&mut read, 4096).unwrap(), 4096);
    assert_eq!(read[..], block[..]);
}
