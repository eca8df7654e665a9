//! Tests of rounds, over a small pool whose pages are all dirty.

use super::*;
use crate::buffer::state::Sweep;
use crate::buffer::{DurableLog, FrameId};
use crate::config::Format;
use crate::error::Error;
use crate::files::Files;
use crate::fsync::SyncQueue;
use crate::lsn::Lsn;
use crate::page::{FileId, PageId};
use crate::poison::Poison;
use crate::sim::{EIO, Fault, OpKind, SimDisk};
use crate::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

const FRAMES: u32 = 4;

struct NoLog;

impl DurableLog for NoLog {
    fn flush(&self, _: Lsn) -> Result<()> {
        Ok(())
    }

    fn is_durable(&self, _: Lsn) -> bool {
        true
    }

    fn end(&self) -> Lsn {
        Lsn::ZERO
    }
}

/// One frame a round at least: so slow are the rounds.
fn config() -> Config {
    Config {
        format: Format { page_bytes: 512, ..Format::default() },
        background_writer_delay: Duration::from_secs(120),
        ..Config::default()
    }
}

fn page(block: u32) -> PageId {
    PageId::new(FileId(1), block)
}

/// A pool whose frame `n` holds page `n`, changed, not used since the sweep passed.
fn pool() -> (SimDisk, Pool) {
    let disk = SimDisk::new();
    crate::disk::Disk::create_dir(&disk, "data").unwrap();
    disk.write_file("data/00000001.0", &[0; 4096]);
    let format = Format { data_segment_bytes: 4096, ..config().format };
    let files = Files::open(Arc::new(disk.clone()), &format, Arc::new(Poison::new())).unwrap();
    let syncs = Arc::new(SyncQueue::new(4));
    let pool = Pool::new(FRAMES as usize, 512, Arc::new(files), Arc::new(NoLog), syncs);
    for block in 0..FRAMES {
        pool.pin_new(page(block)).unwrap().write().mark_dirty();
        assert_eq!(header(&pool, block).sweep(), Sweep::Aged);
    }
    (disk, pool)
}

fn header(pool: &Pool, frame: u32) -> &crate::buffer::state::Header {
    &pool.frame(FrameId(frame)).header
}

/// The frames whose pages are dirty.
fn dirty(pool: &Pool) -> Vec<u32> {
    (0..FRAMES).filter(|frame| header(pool, *frame).snapshot().is_dirty()).collect()
}

#[test]
fn pages_that_are_about_to_be_evicted_are_written_and_evicted_without_a_write() {
    let (disk, pool) = pool();
    let round = BackgroundWriter::new(&config(), &pool).round(&pool).unwrap();
    assert_eq!(round, Round { allocated: 0, looked_at: 4, written: 4, is_idle: true });
    let before = disk.operations();
    (FRAMES..2 * FRAMES).for_each(|block| drop(pool.pin_new(page(block)).unwrap()));
    assert_eq!(disk.operations(), before);
}

#[test]
fn a_page_that_is_pinned_or_locked_or_was_used_is_left_alone() {
    let (_disk, pool) = pool();
    let (pinned, locked) = (pool.pin(page(0)).unwrap(), pool.pin(page(1)).unwrap().write());
    drop(pool.pin(page(2)).unwrap());
    let mut writer = BackgroundWriter::new(&config(), &pool);
    let round = writer.round(&pool).unwrap();
    assert_eq!((round.looked_at, round.written), (4, 1));
    assert_eq!(dirty(&pool), [0, 1, 2]);
    drop((pinned, locked));
}

#[test]
fn a_round_writes_as_many_pages_as_it_may_and_the_next_one_goes_on_behind_them() {
    let (_disk, pool) = pool();
    let config = Config { background_writer_max_pages: 3, ..config() };
    let mut writer = BackgroundWriter::new(&config, &pool);
    assert_eq!(writer.round(&pool).unwrap().written, 3);
    assert_eq!(dirty(&pool), [3]);
    assert!(writer.round(&pool).unwrap().is_idle);
    assert_eq!(dirty(&pool), []);
}

#[test]
fn a_page_that_cannot_be_written_stays_dirty_and_the_next_round_goes_on_behind_it() {
    let (disk, pool) = pool();
    let mut writer = BackgroundWriter::new(&config(), &pool);
    disk.fail_at(2, Fault::once(EIO));
    assert!(matches!(writer.round(&pool), Err(Error::Io { op: "write", .. })));
    assert_eq!(dirty(&pool), [1, 2, 3]);
    assert_eq!(writer.round(&pool).unwrap().written, 2);
    assert_eq!(dirty(&pool), [1]);
    let word = header(&pool, 1).snapshot();
    assert_eq!((word.pins(), word.has_io(), word.has_failed()), (0, false, true));
}

#[test]
fn writeback_starts_when_there_is_enough_and_before_the_writer_rests() {
    for (flush_after_bytes, expected) in [(0, 0), (1024, 2), (1536, 2), (2 << 20, 1)] {
        let (disk, pool) = pool();
        let writebacks = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&writebacks);
        disk.set_observer(Some(Box::new(move |_, op| {
            let is_one = op.kind == OpKind::Writeback;
            counted.fetch_add(u64::from(is_one), Ordering::Relaxed);
        })));
        let config = Config { background_writer_flush_after_bytes: flush_after_bytes, ..config() };
        assert!(BackgroundWriter::new(&config, &pool).round(&pool).unwrap().is_idle);
        assert_eq!(writebacks.load(Ordering::Relaxed), expected, "{flush_after_bytes}");
    }
}

#[test]
fn sleep_ends_with_the_next_allocation_or_with_a_wake() {
    let (_disk, pool) = pool();
    let mut writer = BackgroundWriter::new(&config(), &pool);
    assert!(writer.round(&pool).unwrap().is_idle);
    std::thread::scope(|scope| {
        scope.spawn(|| writer.sleep(&pool));
        drop(pool.pin_new(page(FRAMES)).unwrap());
    });
    // Not counted yet, so there is no sleep.
    writer.sleep(&pool);
    assert!(!writer.round(&pool).unwrap().is_idle);
    std::thread::scope(|scope| {
        scope.spawn(|| writer.sleep(&pool));
        drop(pool.pin(page(FRAMES)).unwrap());
        pool.wake_background_writer();
    });
}
