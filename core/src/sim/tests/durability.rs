//! What is seen, what is durable, and what it takes.

use super::*;
use crate::disk::LockOutcome;
use crate::sim::{EIO, Fault};
use std::io::ErrorKind;
use std::path::Path;

fn read(file: &dyn DiskFile, offset: u64, len: usize) -> Vec<u8> {
    let mut buf = vec![99; len];
    let read = file.read_at(&mut buf, offset).unwrap();
    buf.truncate(read);
    buf
}

#[test]
fn reads_see_unsynced_writes_over_durable_bytes() {
    let (_, file) = disk_with_file(2);
    file.write_at(&[7; 10], 507).unwrap();
    let mut expected = full(1, 2);
    expected[507..517].fill(7);
    assert_eq!(read(&*file, 0, 4096), expected);
    assert_eq!(read(&*file, 516, 2), [7, 1]);
    assert_eq!(read(&*file, 1024, 1), []);
}

#[test]
fn a_read_into_several_buffers_is_one_read_and_ends_with_the_file() {
    let (disk, file) = disk_with_file(1);
    file.write_at(&full(2, 1), 512).unwrap();
    let (mut a, mut b, mut c) = ([9; 300], [9; 300], [9; 300]);
    let read = file.read_vectored_at(&mut [&mut a, &mut [], &mut b, &mut c], 400).unwrap();
    assert_eq!(read, 624);
    let (ones, twos) = ([1; 112], [2; 512]);
    let expected = [&ones[..], &twos[..], &[9; 276]].concat();
    assert_eq!([a, b, c].concat(), expected);
    assert_eq!(file.read_vectored_at(&mut [&mut a, &mut b], u64::MAX - 5).unwrap(), 0);
    assert_eq!(file.read_vectored_at(&mut [], 0).unwrap(), 0);
    assert_eq!(disk.reads(), 3);
}

#[test]
fn a_prefetch_is_counted_and_neither_reads_nor_fails() {
    let (disk, file) = disk_with_file(1);
    let operations = disk.operations();
    disk.fail_at(1, Fault::persistent(EIO));
    file.prefetch(0, 512).unwrap();
    file.prefetch(4096, 512).unwrap();
    assert_eq!((disk.prefetches(), disk.reads(), disk.operations()), (2, 0, operations));
}

#[test]
fn a_gap_and_an_allocation_read_as_zeros() {
    let (disk, file) = disk_with_file(1);
    file.write_at(&[7], 1500).unwrap();
    assert_eq!(read(&*file, 511, 990), [&[1][..], &[0; 988], &[7]].concat());
    file.allocate(0, 600).unwrap();
    assert_eq!(file.len().unwrap(), 1501);
    file.allocate(1501, 1000).unwrap();
    assert_eq!(file.len().unwrap(), 2501);
    assert_eq!(disk.read_file("f")[1501..], [0; 1000]);
}

#[test]
fn a_sync_makes_exactly_the_earlier_writes_durable() {
    for with_metadata in [false, true] {
        let (disk, file) = disk_with_file(2);
        disk.write_file("other", &full(1, 1));
        disk.open("other").unwrap().write_at(&full(9, 1), 0).unwrap();
        file.write_at(&full(2, 2), 512).unwrap();
        if with_metadata { file.sync_all() } else { file.sync_data() }.unwrap();
        file.write_at(&full(3, 1), 0).unwrap();
        let expected = ["f=122 other=1", "f=122 other=9", "f=322 other=1", "f=322 other=9"];
        assert_eq!(outcomes(&disk), set(expected));
    }
}

#[test]
fn writeback_makes_nothing_durable() {
    let (disk, file) = disk_with_file(1);
    file.write_at(&full(2, 1), 0).unwrap();
    file.start_writeback(0, 512).unwrap();
    assert_eq!(outcomes(&disk), set(["f=1", "f=2"]));
}

#[test]
fn an_entry_without_a_directory_sync_may_vanish_though_the_file_is_synced() {
    let disk = SimDisk::new();
    let file = disk.create("f").unwrap();
    file.write_at(&full(2, 1), 0).unwrap();
    file.sync_all().unwrap();
    assert_eq!(outcomes(&disk), set(["", "f=2"]));
    disk.sync_dir("").unwrap();
    assert_eq!(outcomes(&disk), set(["f=2"]));
    disk.remove("f").unwrap();
    assert_eq!(outcomes(&disk), set(["", "f=2"]));
    disk.sync_dir("").unwrap();
    assert_eq!(outcomes(&disk), set([""]));
}

#[test]
fn a_directory_sync_covers_neither_bytes_nor_other_directories() {
    let disk = SimDisk::new();
    disk.create_dir("d").unwrap();
    disk.create("d/g").unwrap();
    disk.create("f").unwrap().write_at(&full(2, 1), 0).unwrap();
    disk.sync_dir("").unwrap();
    assert_eq!(images(&disk).len(), 2 * 3, "g or not, f empty, of zeros, or written");
    for image in images(&disk) {
        let disk = image.mount();
        assert!(disk.exists("f"));
        assert_eq!(disk.list("").unwrap(), ["d", "f"]);
    }
}

#[test]
fn a_rename_is_all_or_nothing() {
    let disk = SimDisk::new();
    disk.write_file("new", &full(2, 1));
    disk.write_file("old", &full(1, 1));
    disk.rename("new", "old").unwrap();
    assert_eq!(summary(&disk), "old=2");
    assert_eq!(outcomes(&disk), set(["new=2 old=1", "old=2"]));
    disk.sync_dir("").unwrap();
    assert_eq!(outcomes(&disk), set(["old=2"]));
}

#[test]
fn a_rename_between_directories_is_durable_with_a_sync_of_either() {
    for dir in ["a", "b"] {
        let disk = SimDisk::new();
        disk.create_dir("a").unwrap();
        disk.create_dir("b").unwrap();
        disk.create("a/f").unwrap();
        disk.rename("a/f", "b/f").unwrap();
        disk.sync_dir(dir).unwrap();
        let images = images(&disk);
        assert_eq!(images.len(), 1, "the creation goes with the rename that builds on it");
        assert!(images[0].mount().exists("b/f") && !images[0].mount().exists("a/f"));
    }
}

#[test]
fn a_file_without_a_name_works_on_for_its_holders() {
    let (disk, file) = disk_with_file(1);
    disk.remove("f").unwrap();
    disk.sync_dir("").unwrap();
    file.write_at(&[2], 0).unwrap();
    file.sync_data().unwrap();
    assert_eq!(read(&*file, 0, 2), [2, 1]);
    disk.create("f").unwrap();
    assert_eq!(file.len().unwrap(), 512, "a new file of the name is another one");
    assert_eq!(outcomes(&disk), set(["", "f="]));
}

#[test]
fn a_linked_directory_is_durable_at_once_and_like_any_other() {
    let disk = SimDisk::new();
    let kind = |path, target: &str| disk.link_dir(path, Path::new(target)).unwrap_err().kind();
    for _ in 0..2 {
        disk.link_dir("wal", Path::new("/fast/wal")).unwrap();
    }
    disk.create_dir("wal").unwrap();
    disk.create("wal/1").unwrap();
    disk.sync_dir("wal").unwrap();
    disk.create_dir("data").unwrap();
    disk.create("f").unwrap();
    assert_eq!(kind("wal", "/other"), ErrorKind::AlreadyExists);
    assert_eq!(kind("data", "/fast/wal"), ErrorKind::AlreadyExists);
    assert_eq!(kind("f", "/fast/wal"), ErrorKind::AlreadyExists);
    for path in ["", "..", "data/a", "/a"] {
        assert_eq!(kind(path, "/fast/a"), ErrorKind::InvalidInput, "{path:?}");
    }
    disk.remove_now("f");
    let [image] = &images(&disk)[..] else { panic!("nothing is pending") };
    let disk = image.mount();
    assert_eq!(disk.list("").unwrap(), ["data", "wal"]);
    assert_eq!(disk.list("wal").unwrap(), ["1"]);
    disk.link_dir("wal", Path::new("/fast/wal")).unwrap();
}

#[test]
fn names_that_are_wrong_are_refused() {
    let (disk, _file) = disk_with_file(1);
    disk.create_dir("d").unwrap();
    disk.create_dir("d").unwrap();
    let kind = |outcome: std::io::Result<Arc<dyn DiskFile>>| outcome.err().unwrap().kind();
    assert_eq!(kind(disk.open("g")), ErrorKind::NotFound);
    assert_eq!(kind(disk.open("e/g")), ErrorKind::NotFound);
    assert_eq!(kind(disk.open("f/g")), ErrorKind::NotADirectory);
    assert_eq!(kind(disk.open("d")), ErrorKind::IsADirectory);
    assert_eq!(kind(disk.create("f")), ErrorKind::AlreadyExists);
    assert_eq!(kind(disk.create("../f")), ErrorKind::InvalidInput);
    assert_eq!(disk.remove("g").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(disk.rename("g", "f").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(disk.sync_dir("g").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(disk.list("").unwrap(), ["d", "f"]);
}

#[test]
fn a_range_beyond_the_largest_file_is_refused() {
    let (disk, file) = disk_with_file(1);
    for offset in [u64::MAX, u64::MAX - 5, i64::MAX as u64] {
        assert_eq!(file.write_at(&[1; 9], offset).unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert_eq!(file.allocate(offset, 9).unwrap_err().kind(), ErrorKind::FileTooLarge);
    }
    assert_eq!(file.set_len(1 << 63).unwrap_err().kind(), ErrorKind::FileTooLarge);
    assert_eq!(read(&*file, u64::MAX, 9), []);
    assert_eq!(disk.pending(), 0);
}

#[test]
fn a_lock_excludes_until_it_is_dropped_and_dies_in_a_crash() {
    let disk = SimDisk::new();
    let LockOutcome::Acquired(guard) = disk.lock("lock").unwrap() else { panic!("free") };
    assert!(matches!(disk.clone().lock("lock").unwrap(), LockOutcome::Held { holder_pid: None }));
    assert!(matches!(disk.lock("other").unwrap(), LockOutcome::Acquired(_)));
    for image in images(&disk) {
        assert!(matches!(image.mount().lock("lock").unwrap(), LockOutcome::Acquired(_)));
    }
    drop(guard);
    assert!(matches!(disk.lock("lock").unwrap(), LockOutcome::Acquired(_)));
}
