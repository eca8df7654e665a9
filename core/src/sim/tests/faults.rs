//! Calls that fail, and the observer.

use super::*;
use crate::sim::{EIO, ENOSPC, Fault, Op, OpKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc;

#[test]
fn a_failing_sync_loses_data_and_the_next_one_succeeds() {
    let mut contents = BTreeSet::new();
    for seed in 0..64 {
        let (disk, file) = disk_with_file(2);
        file.write_at(&full(2, 2), 0).unwrap();
        disk.fail_at(1, Fault::once(EIO).seed(seed));
        assert_eq!(file.sync_data().unwrap_err().raw_os_error(), Some(EIO));
        assert_eq!(disk.pending(), 0, "all is clean");
        assert_eq!(sectors_of(&disk, "f"), "22", "a cached read stays new");
        let lost = outcomes(&disk);
        file.sync_data().unwrap();
        assert_eq!(outcomes(&disk), lost, "the next sync brings nothing back");
        contents.extend(lost);
    }
    assert_eq!(contents, set(["f=11", "f=12", "f=21", "f=22"]), "the seed decides");
}

#[test]
fn reads_see_the_loss_at_once_if_the_cache_goes_with_it() {
    let mut seen = BTreeSet::new();
    for seed in 0..16 {
        let (disk, file) = disk_with_file(1);
        file.write_at(&full(2, 1), 0).unwrap();
        disk.fail_at(1, Fault::once(EIO).seed(seed).dropping_cache());
        file.start_writeback(0, 512).unwrap_err();
        assert_eq!(outcomes(&disk), set([&summary(&disk)]));
        seen.insert(summary(&disk));
    }
    assert_eq!(seen, set(["f=1", "f=2"]));
}

#[test]
fn a_failing_directory_sync_loses_entries_for_good() {
    let mut seen = BTreeSet::new();
    for seed in 0..16 {
        let disk = SimDisk::new();
        disk.create("f").unwrap();
        disk.fail_at(1, Fault::once(EIO).seed(seed));
        disk.sync_dir("").unwrap_err();
        disk.sync_dir("").unwrap();
        assert!(disk.exists("f"));
        seen.extend(outcomes(&disk));
    }
    assert_eq!(seen, set(["", "f="]));
}

#[test]
fn a_failing_write_has_written_a_prefix_and_never_all() {
    let mut seen = BTreeSet::new();
    for seed in 0..32 {
        let (disk, file) = disk_with_file(1);
        disk.fail_at(1, Fault::once(ENOSPC).seed(seed));
        assert_eq!(file.write_at(&full(2, 3), 0).unwrap_err().raw_os_error(), Some(ENOSPC));
        seen.insert(summary(&disk));
        file.write_at(&full(2, 3), 0).unwrap();
        assert_eq!(summary(&disk), "f=222");
    }
    assert_eq!(seen, set(["f=1", "f=2", "f=22"]));
}

#[test]
fn a_fault_strikes_the_nth_operation_once() {
    let (disk, file) = disk_with_file(1);
    let before = disk.operations();
    disk.fail_at(3, Fault::once(EIO));
    file.write_at(&[2], 0).unwrap();
    file.sync_data().unwrap();
    file.len().unwrap();
    disk.create("g").map(drop).unwrap_err();
    assert!(!disk.exists("g"), "a call that fails has done nothing");
    disk.create("g").unwrap();
    assert_eq!(disk.operations() - before, 4, "neither the length nor the look-up counts");
}

#[test]
fn a_persistent_fault_lasts_until_cleared_and_spares_other_kinds() {
    let (disk, file) = disk_with_file(1);
    disk.fail_at(2, Fault::persistent(ENOSPC).only(OpKind::Allocate));
    file.allocate(0, 1000).unwrap();
    for _ in 0..3 {
        file.allocate(0, 2000).unwrap_err();
        file.write_at(&[2], 0).unwrap();
        file.sync_data().unwrap();
    }
    disk.clear_faults();
    file.allocate(0, 2000).unwrap();
}

#[test]
fn an_image_inherits_no_fault_and_no_observer() {
    let (disk, _file) = disk_with_file(1);
    disk.fail_at(1, Fault::persistent(EIO));
    disk.set_observer(Some(Box::new(|_, op| panic!("observed {op}"))));
    let image = images(&disk)[0].mount();
    image.open("f").unwrap().write_at(&[2], 0).unwrap();
}

/// One call of each kind.
fn workload(disk: &SimDisk) {
    disk.create_dir("d").unwrap();
    disk.link_dir("e", Path::new("/e")).unwrap();
    let file = disk.create("d/f").unwrap();
    file.allocate(0, 2048).unwrap();
    file.write_at(&[2; 100], 500).unwrap();
    file.read_at(&mut [0; 10], 0).unwrap();
    file.start_writeback(0, 1000).unwrap();
    file.sync_data().unwrap();
    file.sync_all().unwrap();
    file.set_len(0).unwrap();
    disk.rename("d/f", "d/g").unwrap();
    disk.open("d/g").unwrap();
    disk.remove("d/g").unwrap();
    disk.list("d").unwrap();
    disk.sync_dir("d").unwrap();
    drop(disk.lock("lock").unwrap());
    drop(disk.lock("lock").unwrap());
}

#[test]
fn the_observer_is_called_before_each_operation_that_changes_or_syncs() {
    let disk = SimDisk::new();
    let (sender, seen) = mpsc::channel();
    disk.set_observer(Some(Box::new(move |disk, op: &Op| {
        sender.send((op.to_string(), disk.exists("d/f"))).unwrap();
    })));
    workload(&disk);
    disk.set_observer(None);
    let expected = [
        ("#1 CreateDir \"d\"", false),
        ("#2 LinkDir \"e\" to \"/e\"", false),
        ("#3 Create \"d/f\"", false),
        ("#4 Allocate \"d/f\" 0..2048", true),
        ("#5 Write \"d/f\" 500..600", true),
        ("#6 Writeback \"d/f\" 0..1000", true),
        ("#7 SyncData \"d/f\"", true),
        ("#8 SyncAll \"d/f\"", true),
        ("#9 SetLen \"d/f\" 0..0", true),
        ("#10 Rename \"d/f\" to \"d/g\"", true),
        ("#11 Remove \"d/g\"", false),
        ("#12 SyncDir \"d\"", false),
        ("#13 Create \"lock\"", false),
    ];
    let seen: Vec<_> = seen.iter().collect();
    assert_eq!(seen, expected.map(|(op, exists)| (op.to_owned(), exists)));
    assert_eq!((disk.operations(), disk.operations_unobserved()), (13, 0));
}

#[test]
fn the_observer_may_use_the_disk_and_is_not_called_for_that() {
    let (disk, file) = disk_with_file(1);
    let (sender, counts) = mpsc::channel();
    disk.set_observer(Some(Box::new(move |disk, _| {
        disk.open("f").unwrap().write_at(&[7], 100).unwrap();
        sender.send(images(disk).len()).unwrap();
    })));
    file.write_at(&[2], 0).unwrap();
    file.sync_data().unwrap();
    disk.set_observer(None);
    // Pending are the observer's 7 alone, then that and the 2: the second 7 changes nothing.
    assert_eq!(counts.iter().collect::<Vec<_>>(), [2, 3]);
    assert_eq!(disk.operations_unobserved(), 2);
}

#[test]
fn the_observer_may_replace_itself_and_fail_the_operation_at_hand() {
    let (disk, file) = disk_with_file(1);
    disk.set_observer(Some(Box::new(|disk, op| {
        if op.kind == OpKind::SyncData {
            disk.fail_at(1, Fault::once(EIO));
            disk.set_observer(None);
        }
    })));
    file.write_at(&[2], 0).unwrap();
    file.sync_data().unwrap_err();
    file.sync_data().unwrap();
}

#[test]
fn every_operation_of_a_workload_can_be_made_to_fail() {
    let disk = SimDisk::new();
    workload(&disk);
    for n in 1..=disk.operations() {
        let disk = SimDisk::new();
        disk.fail_at(n, Fault::once(EIO));
        let (sender, seen) = mpsc::channel();
        disk.set_observer(Some(Box::new(move |_, op: &Op| sender.send(op.number).unwrap())));
        catch_unwind(AssertUnwindSafe(|| workload(&disk))).unwrap_err();
        disk.set_observer(None);
        assert_eq!(seen.iter().last(), Some(n), "the workload stops at its first error");
    }
}
