//! Who is told of a writeback that failed, and a file system that aborts.

use super::*;
use crate::disk::{OnWrite, OpenMode};
use crate::page::AlignedBytes;
use crate::sim::{EIO, ENOSPC, EROFS, Fault, OpKind};
use std::io;

fn number(result: io::Result<()>) -> Option<i32> {
    result.err().and_then(|error| error.raw_os_error())
}

/// A file of one sector with an unsynced write whose writeback has failed and lost it, and two
/// descriptors that were open then.
fn lost_in_background() -> (SimDisk, [Arc<dyn DiskFile>; 2]) {
    let (disk, first) = disk_with_file(1);
    let second = disk.open("f").unwrap();
    first.write_at(&full(2, 1), 0).unwrap();
    let loses = (0..).find(|seed| !SplitMix64::new(*seed).coin()).unwrap();
    disk.fail_writeback("f", &Fault::once(EIO).seed(loses));
    assert_eq!(outcomes(&disk), set(["f=1"]));
    (disk, [first, second])
}

#[test]
fn each_descriptor_is_told_once_of_a_writeback_that_failed_in_the_background() {
    let (disk, files) = lost_in_background();
    assert_eq!(sectors_of(&disk, "f"), "2", "a cached read stays new");
    for file in files {
        assert_eq!(number(file.sync_data()), Some(EIO));
        file.sync_data().unwrap();
        file.wait_writeback(0, 512).unwrap();
    }
    assert_eq!(outcomes(&disk), set(["f=1"]), "no sync brings it back");
}

#[test]
fn a_wait_uses_up_the_report_of_its_descriptor_and_a_witness_still_has_its_own() {
    let (disk, [io, witness]) = lost_in_background();
    io.start_writeback(0, 512).unwrap();
    assert_eq!(number(io.wait_writeback(0, 512)), Some(EIO));
    // Who has missed the error above sees a sync that succeeds, and the data is gone.
    io.sync_data().unwrap();
    assert_eq!(outcomes(&disk), set(["f=1"]));
    assert_eq!(number(witness.sync_data()), Some(EIO), "the witness does not miss it");
}

#[test]
fn a_descriptor_that_is_opened_later_is_told_unless_another_was_before() {
    let (disk, [first, _]) = lost_in_background();
    let early = disk.open("f").unwrap();
    assert_eq!(number(first.sync_all()), Some(EIO));
    assert_eq!(number(early.sync_all()), Some(EIO));
    disk.open("f").unwrap().sync_all().unwrap();
    // The next failure is a new one for all.
    let late = disk.open("f").unwrap();
    disk.fail_writeback("f", &Fault::once(ENOSPC));
    assert_eq!([first, early, late].map(|file| number(file.sync_data())), [Some(ENOSPC); 3]);
}

#[test]
fn a_failed_sync_is_reported_to_the_other_descriptors_too() {
    for kind in [OpKind::SyncData, OpKind::SyncAll, OpKind::WaitWriteback, OpKind::SyncRange] {
        let (disk, other) = disk_with_file(1);
        let mode = OpenMode { on_write: OnWrite::SyncData, ..OpenMode::default() };
        let file = disk.open_with("f", mode).unwrap();
        disk.fail_at(1, Fault::once(EIO).only(kind));
        let failed = match kind {
            OpKind::SyncData => file.sync_data(),
            OpKind::SyncAll => file.sync_all(),
            OpKind::WaitWriteback => file.wait_writeback(0, 512),
            _ => file.write_at(&full(2, 1), 0),
        };
        assert_eq!(number(failed), Some(EIO), "{kind:?}");
        file.sync_data().unwrap();
        assert_eq!(number(other.sync_data()), Some(EIO), "{kind:?}");
    }
}

#[test]
fn what_is_written_after_a_failure_is_durable_with_the_sync_that_tells_of_it() {
    let (disk, [file, _]) = lost_in_background();
    file.write_at(&full(3, 1), 0).unwrap();
    assert_eq!(number(file.sync_data()), Some(EIO));
    assert_eq!(outcomes(&disk), set(["f=3"]));
}

#[test]
fn a_write_may_succeed_and_fail_in_the_background_but_not_past_the_page_cache() {
    let (disk, file) = disk_with_file(2);
    let mut contents = BTreeSet::new();
    for seed in 0..16 {
        disk.overwrite("f", 0, &full(1, 2));
        disk.fail_at(1, Fault::in_background(EIO).seed(seed));
        file.write_at(&full(2, 2), 0).unwrap();
        assert_eq!((sectors_of(&disk, "f").as_str(), disk.pending()), ("22", 0));
        contents.extend(outcomes(&disk));
        assert_eq!(number(file.sync_data()), Some(EIO));
    }
    assert_eq!(contents, set(["f=11", "f=12", "f=21", "f=22"]));

    let direct = OpenMode { direct: true, ..OpenMode::default() };
    let file = disk.open_with("f", direct).unwrap();
    disk.fail_at(1, Fault::in_background(EIO));
    assert_eq!(number(file.write_at(&AlignedBytes::zeroed(512), 0)), Some(EIO));
    file.sync_data().unwrap();
}

#[test]
fn a_file_system_that_aborts_is_read_only_from_then_on() {
    let (disk, file) = disk_with_file(1);
    file.write_at(&full(2, 1), 0).unwrap();
    disk.fail_at(1, Fault::once(EIO).only(OpKind::SyncData).aborting());
    assert_eq!(number(file.sync_data()), Some(EIO));
    let before = outcomes(&disk);
    assert_eq!(number(file.write_at(&full(3, 1), 0)), Some(EROFS));
    assert_eq!(number(file.sync_data()), Some(EROFS));
    assert_eq!(number(file.set_len(0)), Some(EROFS));
    assert_eq!(number(disk.create("g").map(drop)), Some(EROFS));
    assert_eq!(number(disk.remove("f")), Some(EROFS));
    assert_eq!(number(disk.sync_dir("")), Some(EROFS));
    assert_eq!(sectors_of(&disk, "f"), "2", "reads go on");
    assert_eq!(outcomes(&disk), before);
    disk.clear_faults();
    file.write_at(&full(3, 1), 0).unwrap();
}
