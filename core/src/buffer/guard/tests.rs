//! Tests of pins and locks, over a pool whose pages are never read or written.

use super::*;
use crate::buffer::DurableLog;
use crate::config::Format;
use crate::error::Result;
use crate::files::{FileOptions, Files};
use crate::fsync::SyncQueue;
use crate::lsn::Lsn;
use crate::page::FileId;
use crate::poison::Poison;
use crate::sim::SimDisk;
use std::collections::BTreeSet;
use std::sync::Arc;

const PAGE: PageId = PageId::new(FileId(1), 0);

struct NoLog;

impl DurableLog for NoLog {
    fn flush(&self, _: Lsn) -> Result<()> {
        Ok(())
    }

    fn end(&self) -> Lsn {
        Lsn::ZERO
    }
}

fn pool() -> Pool {
    let disk = SimDisk::new();
    crate::disk::Disk::create_dir(&disk, "data").unwrap();
    let format = Format {
        page_bytes: 512,
        wal_block_bytes: 512,
        wal_segment_bytes: 4096,
        data_segment_bytes: 4096,
    };
    let files =
        Files::open(Arc::new(disk), &format, Arc::new(Poison::new()), &BTreeSet::new()).unwrap();
    files.create(FileOptions::default()).unwrap();
    Pool::new(2, 512, Arc::new(files), Arc::new(NoLog), Arc::new(SyncQueue::new(4)))
}

fn pin(pool: &Pool) -> Pin<'_> {
    pool.pin_new(PAGE).unwrap()
}

#[test]
fn a_try_gives_the_pin_back_where_it_would_have_to_wait() {
    let pool = pool();
    let reader = pin(&pool).read();
    let also = pin(&pool).try_read().ok().expect("readers share");
    let refused = pin(&pool).try_write().err().expect("there are readers");
    assert_eq!(refused.page(), PAGE);
    drop((reader, also));
    let writer = refused.try_write().ok().expect("nobody has the lock");
    assert!(pin(&pool).try_read().is_err());
    assert!(pin(&pool).try_write().is_err());
    drop(writer);
    assert!(pin(&pool).try_read().is_ok());
}

#[test]
fn an_unlocked_page_is_still_pinned() {
    let pool = pool();
    let read = pin(&pool).read().unlock();
    let written = read.write().unlock();
    assert_eq!(written.frame().header.snapshot().pins(), 1);
    assert!(pin(&pool).try_write().is_ok(), "nobody has the lock");
    assert_eq!(written.page(), PAGE);
}

#[test]
fn the_cleanup_lock_is_refused_while_somebody_else_has_a_pin_or_the_lock() {
    let pool = pool();
    let other = pin(&pool);
    let refused = pin(&pool).try_cleanup().err().expect("there is another pin");
    let other = other.read();
    let refused = refused.try_cleanup().err().expect("there is a reader");
    drop(other);
    let granted = refused.try_cleanup().ok().expect("nobody else is there");
    assert!(pin(&pool).try_read().is_err(), "it is exclusive");
    drop(granted);
    assert!(pin(&pool).try_write().is_ok(), "it is given back");
}

#[test]
fn whoever_is_alone_gets_the_cleanup_lock_at_once() {
    let pool = pool();
    let granted = pin(&pool).cleanup();
    assert_eq!(granted.pin.frame().header.snapshot().waiters(), 0);
}

#[test]
fn any_number_of_waiters_get_the_cleanup_lock_one_after_another() {
    const WAITERS: u8 = 4;
    let pool = pool();
    let reader = pin(&pool);
    let header = &reader.frame().header;
    std::thread::scope(|scope| {
        for _ in 0..WAITERS {
            scope.spawn(|| {
                let mut page = pin(&pool).cleanup();
                assert_eq!(page.pin.frame().header.snapshot().active_pins(), 1);
                page.change().body_mut()[0] += 1;
            });
        }
        while header.snapshot().waiters() < u64::from(WAITERS) {}
        let page = reader.read();
        assert_eq!(page[0], 0, "somebody moved things under a pin");
        drop(page);
    });
    let page = pin(&pool).read();
    assert_eq!(page[0], WAITERS);
    let word = page.pin.frame().header.snapshot();
    assert_eq!((word.pins(), word.waiters()), (1, 0));
}
