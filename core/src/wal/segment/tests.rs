//! Tests of segment files, one thread at a time.

use super::*;
use crate::config::Format;
use crate::error::Error;
use crate::sim::{EIO, ENOSPC, Fault, OpKind, SimDisk};
use crate::wal::bed::crash;

const FORMAT: Format = Format {
    page_bytes: 4096,
    wal_block_bytes: 512,
    wal_segment_bytes: 2048,
    data_segment_bytes: 8192,
};

fn method(sync: WalSync) -> SyncMethod {
    SyncMethod { sync, direct: false }
}

fn open(disk: &SimDisk, method: SyncMethod) -> Segments {
    let (geometry, poison) = (Geometry::new(&FORMAT), Arc::new(Poison::new()));
    Segments::open(Arc::new(disk.clone()), geometry, poison, method).unwrap()
}

/// A disk whose log has these segments, and the segments.
fn segments(numbers: impl IntoIterator<Item = u64>) -> (SimDisk, Segments) {
    let disk = SimDisk::new();
    disk.create_dir(WAL_DIR).unwrap();
    for number in numbers {
        disk.write_file(&segment_path(number), &[number as u8; 2048]);
    }
    let segments = open(&disk, method(WalSync::Fdatasync));
    (disk, segments)
}

/// The segments on a disk, and how many other names there are.
fn names(disk: &SimDisk) -> (Vec<u64>, usize) {
    let all = disk.list(WAL_DIR).unwrap().len();
    let segments = list(disk, &Geometry::new(&FORMAT)).unwrap();
    let others = all - segments.len();
    (segments, others)
}

fn counts(added: u64, removed: u64, recycled: u64) -> SegmentCounts {
    SegmentCounts { added, removed, recycled }
}

fn is_io<T>(result: Result<T>, wanted: &str) -> bool {
    matches!(result, Err(Error::Io { op, .. }) if op == wanted)
}

#[test]
fn segments_are_created_up_to_the_one_that_is_needed_of_durable_zeros() {
    let (disk, segments) = segments([1, 2]);
    segments.create_upto(2).unwrap();
    assert_eq!(segments.take_counts(), counts(0, 0, 0));
    segments.create_upto(4).unwrap();
    assert_eq!(segments.take_counts(), counts(2, 0, 0));
    let disk = crash(&disk);
    assert_eq!(names(&disk), (vec![1, 2, 3, 4], 0));
    assert!([3, 4].iter().all(|number| disk.read_file(&segment_path(*number)) == [0; 2048]));
}

#[test]
fn a_segment_that_cannot_be_filled_or_named_leaves_nothing_and_is_tried_again() {
    for (kind, op) in [
        (OpKind::Create, "create"),
        (OpKind::Allocate, "allocate"),
        (OpKind::Write, "write"),
        (OpKind::Rename, "rename"),
    ] {
        let (disk, segments) = segments([1]);
        disk.fail_at(1, Fault::once(ENOSPC).only(kind));
        assert!(is_io(segments.create_upto(2), op), "{op}");
        let left = usize::from(kind == OpKind::Rename);
        assert_eq!(names(&disk), (vec![1], left), "{op}");
        assert_eq!(segments.take_counts(), counts(0, 0, 0));
        segments.create_upto(2).unwrap();
        assert_eq!(names(&disk), (vec![1, 2], 0), "{op}");
    }
    for kind in [OpKind::SyncAll, OpKind::SyncDir] {
        let (disk, segments) = segments([1]);
        disk.fail_at(1, Fault::once(EIO).only(kind));
        assert!(matches!(segments.create_upto(2), Err(Error::Poisoned(_))));
    }
}

#[test]
fn old_segments_are_recycled_as_far_as_they_are_kept_and_removed_beyond_durably() {
    let (disk, segments) = segments(1..=5);
    segments.retire_before(4, 7).unwrap();
    assert_eq!(segments.take_counts(), counts(0, 1, 2));
    assert_eq!(names(&crash(&disk)), (vec![4, 5, 6, 7], 0));
    let before = disk.operations();
    segments.retire_before(4, 9).unwrap();
    assert_eq!((disk.operations(), segments.take_counts()), (before, counts(0, 0, 0)));
    segments.create_upto(8).unwrap();
    assert_eq!(names(&disk).0, [4, 5, 6, 7, 8]);
}

#[test]
fn an_old_segment_that_is_not_whole_is_removed_and_not_recycled() {
    for bytes in [0, 2047, 2049] {
        let (disk, _) = segments(1..=3);
        disk.write_file(&segment_path(2), &vec![2; bytes]);
        let segments = open(&disk, method(WalSync::Fdatasync));
        segments.retire_before(3, 9).unwrap();
        assert_eq!(segments.take_counts(), counts(0, 1, 1));
        assert_eq!(names(&crash(&disk)), (vec![3, 4], 0));
        assert_eq!(disk.read_file(&segment_path(4)), [1; 2048]);
    }
}

#[test]
fn a_segment_that_cannot_be_retired_is_an_error_and_is_there_still() {
    for (kind, last_kept, op) in [(OpKind::Rename, 9, "rename"), (OpKind::Remove, 0, "remove")] {
        let (disk, segments) = segments([1, 2]);
        disk.fail_at(1, Fault::once(EIO).only(kind));
        assert!(is_io(segments.retire_before(2, last_kept), op));
        assert_eq!(names(&disk), (vec![1, 2], 0));
        assert_eq!(segments.take_counts(), counts(0, 0, 0));
    }
    let (disk, segments) = segments([1, 2]);
    disk.fail_at(1, Fault::once(EIO).only(OpKind::SyncDir));
    assert!(matches!(segments.retire_before(2, 9), Err(Error::Poisoned(_))));
}

#[test]
fn a_slot_keeps_segments_from_being_retired() {
    let (disk, segments) = segments(1..=3);
    let slot = segments.slots().take("tail", segments.geometry.segment_start(2)).unwrap();
    segments.retire_before(3, 0).unwrap();
    assert_eq!(names(&disk).0, [2, 3]);
    drop(slot);
    segments.retire_before(3, 0).unwrap();
    assert_eq!(names(&disk).0, [3]);
}

#[test]
fn a_segment_whose_name_may_be_lost_is_made_durable_before_it_is_written_to() {
    let (disk, _) = segments([]);
    drop(disk.create(&segment_path(1)).unwrap());
    assert_eq!(names(&crash(&disk)), (vec![], 0));
    open(&disk, method(WalSync::Fdatasync)).open_upto(1).unwrap();
    assert_eq!(names(&crash(&disk)), (vec![1], 0));
}

#[test]
fn a_first_segment_is_created_durably_unless_it_is_there() {
    let (disk, _) = segments([]);
    let geometry = Geometry::new(&FORMAT);
    let create = || create_if_missing(&disk, &geometry, &Poison::new(), 1);
    create().unwrap();
    assert_eq!(crash(&disk).read_file(&segment_path(1)), [0; 2048]);
    let before = disk.operations();
    create().unwrap();
    assert_eq!(disk.operations(), before);
}

#[test]
fn each_method_makes_what_is_written_durable() {
    for sync in [WalSync::Fdatasync, WalSync::Fsync, WalSync::OpenDatasync, WalSync::OpenSync] {
        let (disk, _) = segments([1]);
        let segments = open(&disk, method(sync));
        let (file, method) = segments.take(1).unwrap();
        file.write_at(&[9; 512], 512).unwrap();
        assert_eq!(method.writes_durably(), disk.pending() == 0, "{sync:?}");
        method.sync(&*file).unwrap();
        assert_eq!(crash(&disk).read_file(&segment_path(1))[512..1024], [9; 512], "{sync:?}");
    }
}

#[test]
fn the_log_is_written_directly_if_its_writes_are_durable_and_its_blocks_suit_the_disk() {
    let is_direct = |disk: SimDisk, sync| {
        disk.create_dir(WAL_DIR).unwrap();
        disk.write_file(&segment_path(1), &[0; 2048]);
        let segments = open(&disk, SyncMethod { sync, direct: true });
        segments.take(1).unwrap().1.direct
    };
    assert!(is_direct(SimDisk::new(), WalSync::OpenDatasync));
    assert!(is_direct(SimDisk::new(), WalSync::OpenSync));
    assert!(!is_direct(SimDisk::new(), WalSync::Fdatasync));
    assert!(!is_direct(SimDisk::with_sector_bytes(4096), WalSync::OpenDatasync));
    assert!(!is_direct(SimDisk::new().without_direct_io(), WalSync::OpenDatasync));
}

#[test]
fn the_log_begins_with_the_segments_that_follow_each_other_up_to_the_last() {
    for (there, first) in
        [(&[][..], 1), (&[1], 1), (&[3, 4, 5], 3), (&[1, 2, 5, 6], 5), (&[1, 3], 3), (&[0, 1], 0)]
    {
        assert_eq!(first_of_the_last_run(there), first, "{there:?}");
    }
}
