//! Tests of a cut that is not carried out; the other ones are in `tests/files.rs`.

use super::*;
use crate::buffer::{DurableLog, Flush, Marked};
use crate::config::Format;
use crate::files::{FileOptions, Files};
use crate::fsync::SyncQueue;
use crate::lsn::Lsn;
use crate::poison::Poison;
use crate::sim::SimDisk;
use std::collections::BTreeSet;

struct NoLog;

impl DurableLog for NoLog {
    fn flush(&self, _: Lsn) -> Result<()> {
        Ok(())
    }

    fn end(&self) -> Lsn {
        Lsn::ZERO
    }
}

/// A pool with the dirty pages 0 to 3 of a file.
fn pool() -> (Pool, Arc<DataFile>) {
    let disk = SimDisk::new();
    crate::disk::Disk::create_dir(&disk, "data").unwrap();
    let format = Format { page_bytes: 512, data_segment_bytes: 1024, ..Format::default() };
    let files = Files::open(Arc::new(disk), &format, Arc::new(Poison::new()), &BTreeSet::new());
    let files = Arc::new(files.unwrap());
    let file = files.create(FileOptions::default()).and_then(|id| files.get(id)).unwrap();
    file.grow_to(4);
    let pool = Pool::new(8, 512, files, Arc::new(NoLog), Arc::new(SyncQueue::new(4)));
    for block in 0..4 {
        let mut page = pool.pin_new(PageId::new(file.id(), block)).unwrap().write();
        page.change().body_mut()[0] = block as u8;
        page.put_inside();
    }
    (pool, file)
}

fn flush_all(pool: &Pool) -> usize {
    let marked = pool.mark_dirty_pages(Marked::All);
    let flushed = marked.into_iter().map(|(_, frame)| pool.flush_marked(frame).unwrap());
    flushed.filter(|flush| matches!(flush, Flush::Written(_))).count()
}

#[test]
fn while_a_cut_is_undecided_its_pages_are_refused_and_still_written() {
    let (pool, file) = pool();
    let cut = Cut::begin(&pool, &file, 2..4);
    assert_eq!(file.blocks(), 2);
    let refused = pool.pin(PageId::new(file.id(), 3)).unwrap().read().check_inside();
    assert!(matches!(refused, Err(Error::BeyondEnd { blocks: 2, .. })), "{refused:?}");
    assert_eq!(flush_all(&pool), 4, "the cut may fail");
    drop(cut);
}

#[test]
fn a_cut_that_is_not_carried_out_leaves_everything_as_it_was() {
    let (pool, file) = pool();
    drop(Cut::begin(&pool, &file, 2..4));
    assert_eq!(file.blocks(), 4);
    let page = pool.pin(PageId::new(file.id(), 3)).unwrap().read();
    page.check_inside().unwrap();
    assert_eq!(page[0], 3);
    drop(page);
    assert_eq!(flush_all(&pool), 4);
}

#[test]
fn pages_that_were_cut_off_are_clean_without_a_write() {
    let (pool, file) = pool();
    Cut::begin(&pool, &file, 2..4).carry_out();
    assert_eq!(flush_all(&pool), 2);
    assert!(pool.mark_dirty_pages(Marked::All).is_empty());
}
