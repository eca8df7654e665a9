//! Tests of rounds over a log of blocks of 512 bytes; a record of the bed takes 40.

use super::*;
use crate::wal::bed::{self, insert};
use std::sync::Arc;

const DELAY: Duration = Duration::from_millis(200);

fn settings(flush_after_bytes: u64) -> BackgroundSettings {
    BackgroundSettings { delay: DELAY, flush_after_bytes }
}

/// Inserts records until a block is full; where the next one begins.
fn fill_block(wal: &Wal) -> Lsn {
    let block = wal.geometry.block(wal.reserved());
    while wal.geometry.block(wal.reserved()) == block {
        insert(wal);
    }
    wal.geometry.block_start(block + 1)
}

/// A round with much that may be unsynced; what is written and what is durable after it.
fn round(writer: &mut WalWriter, wal: &Wal, now: Duration) -> (bool, Lsn, Lsn) {
    let did = writer.round(wal, now, settings(1 << 20)).unwrap();
    (did, wal.written(), wal.flushed())
}

fn wal() -> Arc<Wal> {
    bed::wal(&Arc::default()).1
}

#[test]
fn whole_blocks_are_written_and_synced_when_it_is_time() {
    let (wal, mut writer, now) = (wal(), WalWriter::default(), Duration::from_secs(7));
    let start = wal.flushed();
    assert_eq!(round(&mut writer, &wal, now), (false, start, start));
    insert(&wal);
    assert_eq!(round(&mut writer, &wal, now), (false, start, start), "no whole block");
    let first = fill_block(&wal);
    assert_eq!(round(&mut writer, &wal, now), (true, first, first), "nothing was synced so far");
    let second = fill_block(&wal);
    assert_eq!(round(&mut writer, &wal, now + DELAY), (true, second, first));
    let later = now + DELAY + Duration::from_millis(1);
    assert_eq!(round(&mut writer, &wal, later), (true, second, second));
    let third = fill_block(&wal);
    assert_eq!(round(&mut writer, &wal, later + DELAY), (true, third, second));
}

#[test]
fn whole_blocks_are_synced_when_there_are_enough() {
    let (wal, mut writer, now) = (wal(), WalWriter::default(), Duration::ZERO);
    let first = fill_block(&wal);
    assert!(writer.round(&wal, now, settings(1 << 20)).unwrap());
    let second = fill_block(&wal);
    let unsynced = second.since(first);
    assert!(writer.round(&wal, now, settings(unsynced + 1)).unwrap());
    assert_eq!((wal.written(), wal.flushed()), (second, first));
    assert!(writer.round(&wal, now, settings(unsynced)).unwrap());
    assert_eq!(wal.flushed(), second);
    let third = fill_block(&wal);
    assert!(writer.round(&wal, now, settings(0)).unwrap());
    assert_eq!(wal.flushed(), third);
}

#[test]
fn an_asynchronous_commit_is_synced_when_there_is_no_whole_block() {
    let (wal, mut writer, now) = (wal(), WalWriter::default(), Duration::from_secs(7));
    let end = insert(&wal);
    wal.note_async_commit(end);
    assert_eq!(round(&mut writer, &wal, now), (true, end, end));
    assert_eq!(round(&mut writer, &wal, now), (false, end, end));
    let whole = fill_block(&wal);
    wal.note_async_commit(wal.reserved());
    let synced = round(&mut writer, &wal, now + DELAY);
    assert_eq!(synced, (true, whole, end), "there was a sync just now");
}

#[test]
fn who_sleeps_is_not_kept_from_what_was_asked_for_since_his_last_round() {
    let (wal, mut writer) = (wal(), WalWriter::default());
    assert!(!round(&mut writer, &wal, Duration::ZERO).0);
    let end = insert(&wal);
    wal.note_async_commit(end);
    writer.sleep(&wal);
    assert_eq!(round(&mut writer, &wal, Duration::ZERO), (true, end, end));
}
