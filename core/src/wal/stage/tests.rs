//! Tests of what reaches the disk, over blocks of 512 bytes in segments of 4 KiB.

use super::*;
use crate::sim::SimDisk;
use crate::wal::Wal;
use crate::wal::bed::{self, crash, insert, insert_bytes};
use crate::wal::segment::WalSync;

fn wal_by(sync: WalSync) -> (SimDisk, Arc<Wal>) {
    bed::wal_by(sync, &Arc::default())
}

fn is_durable(disk: &SimDisk, segment: u64) -> bool {
    let path = segment_path(segment);
    crash(disk).read_file(&path) == disk.read_file(&path)
}

#[test]
fn a_segment_is_synced_when_it_is_full_though_nobody_has_asked() {
    let (disk, wal) = wal_by(WalSync::Fdatasync);
    let in_first = insert_bytes(&wal, 3000);
    wal.write_upto(in_first, false).unwrap();
    assert!(!is_durable(&disk, 1), "nobody has asked");
    let second = wal.geometry.segment_start(2);
    let end = insert_bytes(&wal, 3000);
    assert!(end > second);
    wal.write_upto(end, false).unwrap();
    assert!(is_durable(&disk, 1) && !is_durable(&disk, 2));
    assert_eq!(wal.flushed(), second);
    wal.flush(end).unwrap();
    assert!(is_durable(&disk, 2));
}

#[test]
fn what_a_method_writes_durably_is_durable_without_a_sync() {
    for (sync, is_at_once) in [
        (WalSync::OpenDatasync, true),
        (WalSync::OpenSync, true),
        (WalSync::Fdatasync, false),
        (WalSync::Fsync, false),
    ] {
        let (disk, wal) = wal_by(sync);
        let end = insert(&wal);
        wal.write_upto(end, false).unwrap();
        assert_eq!((wal.flushed() == end, is_durable(&disk, 1)), (is_at_once, is_at_once));
        wal.flush(end).unwrap();
        assert!(is_durable(&disk, 1));
    }
}

#[test]
fn behind_the_end_of_the_log_the_last_block_is_zeros() {
    let (disk, wal) = wal_by(WalSync::Fdatasync);
    // A group of several blocks, then one of two that is shorter than the second of those was.
    for bytes in [1200, 500] {
        let end = insert_bytes(&wal, bytes);
        wal.flush(end).unwrap();
        let from = wal.geometry.offset(end) as usize;
        let to = from.next_multiple_of(512);
        let segment = disk.read_file(&segment_path(1));
        assert!(segment[from..to].iter().all(|byte| *byte == 0), "behind {end}");
    }
}
