//! A disk that is full.

use super::*;
use crate::sim::ENOSPC;
use std::io;

fn is_full<T>(result: io::Result<T>) -> bool {
    result.err().and_then(|error| error.raw_os_error()) == Some(ENOSPC)
}

#[test]
fn files_allocations_and_extensions_take_space_and_what_is_taken_can_be_written() {
    let (disk, file) = disk_with_file(1);
    disk.set_space_left(Some(4 * 512 + 100));
    assert_eq!(disk.space_left(), Some(4 * 512));
    file.write_at(&full(2, 1), 0).unwrap();
    assert_eq!(disk.space_left(), Some(4 * 512), "it has that already");
    file.write_at(&full(2, 2), 512).unwrap();
    assert_eq!(disk.space_left(), Some(2 * 512));
    let new = disk.create("g").unwrap();
    assert!(is_full(new.allocate(0, 1024)));
    assert_eq!((new.len().unwrap(), disk.space_left()), (0, Some(512)), "none, or all");
    new.allocate(0, 512).unwrap();
    new.write_at(&full(3, 1), 0).unwrap();
    assert!(is_full(disk.create("h").map(drop)) && !disk.exists("h"));
    assert_eq!(disk.space_left(), Some(0));
    new.sync_all().unwrap();
    disk.sync_dir("").unwrap();
}

#[test]
fn a_write_that_finds_too_little_writes_what_there_is_space_for() {
    let (disk, file) = disk_with_file(1);
    disk.set_space_left(Some(512));
    assert!(is_full(file.write_at(&full(2, 3), 0)));
    assert_eq!(summary(&disk), "f=22");
    assert!(is_full(file.write_at(&full(3, 1), 1024)));
    assert_eq!(summary(&disk), "f=22");
}

#[test]
fn a_hole_takes_no_space_until_it_is_written() {
    let (disk, file) = disk_with_file(1);
    disk.set_space_left(Some(512));
    file.set_len(10 * 512).unwrap();
    file.write_at(&full(2, 1), 9 * 512).unwrap();
    assert!(is_full(file.write_at(&full(2, 1), 5 * 512)));
    assert_eq!(disk.space_left(), Some(0));
}

#[test]
fn cuts_and_removals_give_space_back() {
    let (disk, file) = disk_with_file(4);
    disk.set_space_left(Some(0));
    file.set_len(700).unwrap();
    assert_eq!(disk.space_left(), Some(2 * 512));
    disk.remove("f").unwrap();
    assert_eq!(disk.space_left(), Some(2 * 512), "somebody has it open");
    drop(file);
    assert_eq!(disk.space_left(), Some(5 * 512));
    disk.create("g").unwrap();
    disk.set_space_left(None);
    disk.create("h").unwrap().allocate(0, 1 << 40).unwrap();
    assert_eq!(disk.space_left(), None);
}

#[test]
fn a_file_that_is_replaced_gives_its_space_back() {
    let (disk, _) = disk_with_file(4);
    disk.write_file("new", &full(2, 1));
    disk.set_space_left(Some(0));
    disk.rename("new", "f").unwrap();
    assert_eq!(disk.space_left(), Some(5 * 512));
}
