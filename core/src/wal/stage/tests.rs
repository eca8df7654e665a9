//! Tests of what reaches the disk, over blocks of 512 bytes in segments of 4 KiB.

use super::*;
use crate::sim::{CrashOptions, SimDisk};
use crate::wal::Wal;
use crate::wal::bed::{self, insert};
use crate::wal::record::{RecordBuf, RecordKind};
use crate::wal::segment::WalSync;

fn wal_by(sync: WalSync) -> (SimDisk, Arc<Wal>) {
    bed::wal_by(sync, &Arc::default())
}

/// Inserts a record with a body of so many bytes, none of them zero; its end.
fn insert_bytes(wal: &Wal, bytes: usize) -> Lsn {
    let mut record = RecordBuf::new(RecordKind::Checkpoint);
    record.put(&vec![0xAA; bytes]);
    wal.insert_any_time(&mut record).unwrap().1
}

fn is_durable(disk: &SimDisk, segment: u64) -> bool {
    let crashed = disk.crash_images(&CrashOptions::default()).next().expect("one").mount();
    let path = segment_path(segment);
    crashed.read_file(&path) == disk.read_file(&path)
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
