//! Files that are cut, and what shows when they grow again.

use super::*;
use crate::sim::random::SplitMix64;
use crate::sim::{EIO, Fault};

fn contents(disk: &SimDisk) -> BTreeSet<Vec<u8>> {
    images(disk).iter().map(|image| image.mount().read_file("f")).collect()
}

#[test]
fn what_was_cut_off_reads_as_zeros_at_once() {
    let (disk, file) = disk_with_file(3);
    file.write_at(&full(2, 1), 512).unwrap();
    file.set_len(700).unwrap();
    assert_eq!(file.len().unwrap(), 700);
    assert_eq!(file.read_at(&mut [0; 100], 690).unwrap(), 10);
    file.set_len(1500).unwrap();
    let expected = [full(1, 1), vec![2; 188], vec![0; 800]].concat();
    assert_eq!(disk.read_file("f"), expected);
    file.sync_data().unwrap();
    assert_eq!(contents(&disk), [expected].into());
}

#[test]
fn an_unsynced_cut_leaves_the_old_length_or_the_new_one() {
    let (disk, file) = disk_with_file(2);
    file.set_len(512).unwrap();
    assert_eq!(outcomes(&disk), set(["f=1", "f=10", "f=11"]));
    file.sync_data().unwrap();
    assert_eq!((disk.pending(), outcomes(&disk)), (0, set(["f=1"])));
}

#[test]
fn an_extension_by_its_length_leaves_the_old_length_or_the_new_one() {
    let (disk, file) = disk_with_file(1);
    file.set_len(2048).unwrap();
    assert_eq!(outcomes(&disk), set(["f=1", "f=1000"]));
    file.sync_all().unwrap();
    assert_eq!(outcomes(&disk), set(["f=1000"]));
}

#[test]
fn a_cut_and_regrown_sector_is_durable_bytes_or_any_version_or_zeros() {
    let (disk, file) = disk_with_file(2);
    file.write_at(&full(2, 1), 512).unwrap();
    file.set_len(512).unwrap();
    file.set_len(1024).unwrap();
    assert_eq!(outcomes(&disk), set(["f=1", "f=10", "f=11", "f=12"]));
    file.write_at(&full(3, 1), 512).unwrap();
    assert_eq!(outcomes(&disk), set(["f=1", "f=10", "f=11", "f=12", "f=13"]));
}

#[test]
fn cut_off_sectors_come_back_one_by_one() {
    let (disk, file) = disk_with_file(3);
    file.set_len(0).unwrap();
    file.write_at(&full(2, 1), 0).unwrap();
    // Length 0: one. 512: zeros, old or new. 1536: the same, and each of the others old or zeros.
    let outcomes = outcomes(&disk);
    assert_eq!(outcomes.len(), 1 + 3 + 3 * 2 * 2);
    assert!(outcomes.contains("f=210") && outcomes.contains("f=001"), "{outcomes:?}");
}

#[test]
fn a_synced_cut_leaves_nothing_of_what_was_cut_off() {
    let (disk, file) = disk_with_file(3);
    file.write_at(&full(2, 1), 1024).unwrap();
    file.set_len(512).unwrap();
    file.sync_data().unwrap();
    file.set_len(1536).unwrap();
    assert_eq!(outcomes(&disk), set(["f=1", "f=100"]));
}

#[test]
fn a_sync_after_the_regrowth_leaves_nothing_either() {
    let (disk, file) = disk_with_file(3);
    file.set_len(512).unwrap();
    file.allocate(0, 1536).unwrap();
    file.sync_data().unwrap();
    assert_eq!(outcomes(&disk), set(["f=100"]));
}

#[test]
fn a_cut_within_a_sector_zeroes_its_rest_or_does_not() {
    let (disk, file) = disk_with_file(1);
    file.set_len(100).unwrap();
    file.set_len(512).unwrap();
    let zeroed = [vec![1; 100], vec![0; 412]].concat();
    assert_eq!(contents(&disk), [vec![1; 100], zeroed, vec![1; 512]].into());
}

#[test]
fn a_sector_written_after_a_cut_may_have_extended_the_cut_file() {
    let (disk, file) = disk_with_file(4);
    file.set_len(0).unwrap();
    file.set_len(2048).unwrap();
    file.write_at(&full(2, 1), 512).unwrap();
    let lengths: BTreeSet<_> = contents(&disk).iter().map(Vec::len).collect();
    assert_eq!(lengths, [0, 1024, 2048].into());
}

#[test]
fn a_sector_that_no_length_ends_before_extends_nothing() {
    let (disk, file) = disk_with_file(4);
    file.set_len(1024).unwrap();
    file.write_at(&full(2, 1), 0).unwrap();
    let lengths: BTreeSet<_> = contents(&disk).iter().map(Vec::len).collect();
    assert_eq!(lengths, [1024, 2048].into());
}

#[test]
fn setting_the_length_that_is_changes_nothing() {
    let (disk, file) = disk_with_file(2);
    file.set_len(1024).unwrap();
    assert_eq!((disk.pending(), disk.operations()), (0, 1));
}

#[test]
fn a_file_is_cut_for_all_who_have_it_open_and_also_without_a_name() {
    let (disk, file) = disk_with_file(2);
    let other = disk.open("f").unwrap();
    disk.remove("f").unwrap();
    file.set_len(100).unwrap();
    assert_eq!(other.len().unwrap(), 100);
}

#[test]
fn what_a_failed_sync_leaves_is_one_of_the_crash_images() {
    for seed in 0..300 {
        let (disk, file) = disk_with_file(2);
        let mut random = SplitMix64::new(seed);
        for _ in 0..5 {
            let bytes = vec![random.next() as u8; random.below(1200)];
            match random.below(4) {
                0 => file.set_len(random.next() % 2000),
                1 => file.set_len(random.next() % 4 * 512),
                2 => file.allocate(0, random.next() % 2000 + 1),
                _ => file.write_at(&bytes, random.next() % 1000),
            }
            .unwrap();
        }
        let before = disk.crash_images(&CrashOptions { max_subset: 30, ..Default::default() });
        let before: BTreeSet<_> = before.map(|image| image.digest()).collect();
        disk.fail_at(1, Fault::once(EIO).seed(seed));
        file.sync_data().unwrap_err();
        let after = images(&disk);
        assert_eq!((after.len(), before.contains(&after[0].digest())), (1, true), "seed {seed}");
    }
}

#[test]
fn an_image_says_which_of_the_lengths_it_has() {
    let (disk, file) = disk_with_file(3);
    file.set_len(512).unwrap();
    file.set_len(1024).unwrap();
    let all = images(&disk);
    let found = all.iter().find(|image| summary(&image.mount()) == "f=10").unwrap();
    let expected = "crash at operation 2: 2 of 4 pending items kept\
        \n  kept        #1 SetLen \"f\" 0..512, sector 1\
        \n  cut off     #1 SetLen \"f\" 0..512, sector 2\
        \n  superseded  #1 SetLen \"f\" 0..512, length 512\
        \n  kept        #2 SetLen \"f\" 0..1024, length 1024";
    assert_eq!(found.describe(), expected);
}
