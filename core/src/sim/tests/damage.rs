//! What tests do to files behind the back of their holders.

use super::*;
use crate::sim::{EIO, Fault};

#[test]
fn damage_is_durable_and_seen_at_once() {
    let (disk, file) = disk_with_file(2);
    file.write_at(&[2], 600).unwrap();
    disk.overwrite("f", 510, &[9; 4]);
    assert_eq!(disk.pending(), 0);
    let bytes = images(&disk)[0].mount().read_file("f");
    assert_eq!(bytes[509..515], [1, 9, 9, 9, 9, 1]);
    assert_eq!((bytes[600], bytes == disk.read_file("f")), (2, true));
    disk.truncate("f", 100);
    disk.truncate("f", 700);
    assert_eq!(file.len().unwrap(), 700);
    assert_eq!(disk.read_file("f"), [vec![1; 100], vec![0; 600]].concat());
    assert_eq!(images(&disk).len(), 1);
}

#[test]
fn damage_after_a_failed_sync_keeps_the_cache_and_the_disk_apart() {
    let disk = (0..64).map(after_failed_sync).find(|disk| outcomes(disk) == set(["f=1"]));
    let disk = disk.expect("some seed loses the sector");
    disk.overwrite("f", 1, &[9]);
    assert_eq!(disk.read_file("f")[..3], [2, 9, 2]);
    assert_eq!(images(&disk)[0].mount().read_file("f")[..3], [1, 9, 1]);
}

/// A sector was written, its sync failed.
fn after_failed_sync(seed: u64) -> SimDisk {
    let (disk, file) = disk_with_file(1);
    file.write_at(&full(2, 1), 0).unwrap();
    disk.fail_at(1, Fault::once(EIO).seed(seed));
    file.sync_data().unwrap_err();
    disk
}

#[test]
fn a_file_removed_or_made_now_is_so_in_every_image() {
    let (disk, _file) = disk_with_file(1);
    disk.rename("f", "g").unwrap();
    disk.remove_now("g");
    assert_eq!(outcomes(&disk), set([""]), "the rename that led to it is durable too");
    disk.create("h").unwrap();
    disk.write_file("h", &full(3, 1));
    assert_eq!(outcomes(&disk), set(["h=3"]));
    assert!(disk.exists("h") && !disk.exists("g"));
}

#[test]
#[should_panic(expected = "no: No such file")]
fn damage_to_a_missing_file_is_a_mistake_of_the_test() {
    SimDisk::new().truncate("no", 0);
}
