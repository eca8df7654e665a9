//! Tests of what a page takes along, over a file of eight blocks in one segment.

use super::*;
use crate::buffer::bed::{BLOCKS, Bed, PAGE_BYTES, page};
use crate::buffer::flush::Flush;
use crate::buffer::state::Snapshot;
use crate::error::Error;
use crate::page::Page;
use crate::sim::{EIO, Fault, OpKind};
use crate::sync::atomic::Ordering;

/// Frames for runs of as many pages as the file has.
const FRAMES: usize = LARGEST_PART * BLOCKS as usize;

/// A pool of `frames` in which `blocks` are dirty.
fn bed(frames: usize, blocks: &[u32]) -> Bed {
    let bed = Bed::new(frames);
    blocks.iter().for_each(|block| bed.change(*block, 1 + *block as u8));
    bed
}

impl Bed {
    fn set_lsn(&self, block: u32, lsn: Lsn) {
        self.pool.pin(page(block)).unwrap().write().change().set_lsn(lsn);
    }

    fn write(&self, block: u32, by: Writer) -> Flush {
        self.pool.flush(&self.pool.pin(page(block)).unwrap(), by).unwrap()
    }

    fn word(&self, block: u32) -> Snapshot {
        let id = self.pool.table.hint(page(block)).unwrap();
        self.pool.frame(id).header.snapshot()
    }

    fn dirty(&self) -> Vec<u32> {
        let is_dirty = |block: &u32| {
            self.pool.table.hint(page(*block)).is_some() && self.word(*block).is_dirty()
        };
        (0..BLOCKS).filter(is_dirty).collect()
    }
}

fn written(first: u32, pages: u32) -> Flush {
    Flush::Written { first: page(first), pages }
}

#[test]
fn a_page_takes_its_dirty_neighbours_along_up_to_the_first_clean_one_on_either_side() {
    let bed = bed(FRAMES, &[0, 2, 3, 4, 5, 7]);
    drop((bed.pool.pin(page(1)).unwrap(), bed.pool.pin(page(6)).unwrap()));
    let before = bed.disk.operations();
    assert_eq!(bed.write(4, Writer::Checkpoint), written(2, 4));
    assert_eq!(bed.disk.operations(), before + 1, "one write");
    assert_eq!(bed.dirty(), [0, 7]);
    let bytes = bed.disk.read_file("data/00000001.0");
    for block in 2..6 {
        let mut image = Page::zeroed(PAGE_BYTES);
        image.bytes_mut().copy_from_slice(&bytes[block as usize * PAGE_BYTES..][..PAGE_BYTES]);
        image.verify(page(block)).unwrap();
        assert_eq!(image.body()[0], 1 + block as u8);
        let word = bed.word(block);
        assert_eq!((word.pins(), word.has_io(), word.has_failed()), (0, false, false));
    }
}

#[test]
fn a_run_has_a_part_of_the_pool_at_most_and_is_filled_from_behind_where_the_segment_begins() {
    let all: Vec<u32> = (0..BLOCKS).collect();
    for (block, first) in [(4, 1), (3, 0), (1, 0), (0, 0), (7, 4)] {
        assert_eq!(bed(16, &all).write(block, Writer::Checkpoint), written(first, 4), "{block}");
    }
    assert_eq!(bed(4 + 3, &all[..6]).write(3, Writer::Checkpoint), written(3, 1));
}

#[test]
fn a_run_has_as_many_bytes_as_are_set_at_most_and_a_page_at_least() {
    for (bytes, pages) in [(0, 1), (PAGE_BYTES, 1), (2 * PAGE_BYTES, 2), (3 * PAGE_BYTES - 1, 2)] {
        let bed = bed(FRAMES, &[0, 1, 2]);
        bed.configure(|config| config.write_combine_bytes = bytes as u32);
        assert_eq!(bed.write(0, Writer::Checkpoint), written(0, pages), "{bytes}");
    }
}

#[test]
fn only_a_checkpoint_waits_for_the_log_of_a_neighbour() {
    let (own, more) = (Lsn(8), Lsn(16));
    for (by, neighbours, durable, pages) in [
        (Writer::Background, own, Lsn::ZERO, 2),
        (Writer::Eviction, own, Lsn::ZERO, 2),
        (Writer::Background, more, Lsn::ZERO, 1),
        (Writer::Eviction, more, Lsn::ZERO, 1),
        (Writer::Background, more, more, 2),
        (Writer::Checkpoint, more, Lsn::ZERO, 2),
    ] {
        let bed = bed(FRAMES, &[0, 1]);
        bed.set_lsn(0, own);
        bed.set_lsn(1, neighbours);
        bed.log.durable.store(durable.0, Ordering::Relaxed);
        assert_eq!(bed.write(0, by), written(0, pages), "{by:?}, {neighbours:?}, {durable:?}");
        let newest = if pages == 2 { neighbours } else { own };
        assert_eq!(bed.log.durable.load(Ordering::Relaxed), newest.max(durable).0, "F1");
    }
}

#[test]
fn a_neighbour_that_is_locked_or_being_written_ends_the_run_and_stays_as_it_is() {
    let bed = bed(FRAMES, &[0, 1, 2]);
    let locked = bed.pool.pin(page(1)).unwrap().write();
    assert_eq!(bed.write(0, Writer::Checkpoint), written(0, 1));
    drop(locked);
    let word = bed.word(1);
    assert_eq!((word.has_io(), word.has_failed(), word.is_just_dirtied()), (false, false, true));
    let frame = bed.pool.frame(bed.pool.table.hint(page(1)).unwrap());
    assert_eq!(frame.header.begin_write(), BeginWrite::Started);
    assert_eq!(bed.write(2, Writer::Checkpoint), written(2, 1));
    frame.header.end_write(WriteEnd::Abandoned);
    assert_eq!(bed.dirty(), [1]);
}

#[test]
fn a_neighbour_outside_of_its_file_ends_the_run() {
    let bed = bed(FRAMES, &[0, 1]);
    bed.pool.put_outside(page(0).file(), &(1..2));
    assert_eq!(bed.write(0, Writer::Checkpoint), written(0, 1));
    assert!(bed.word(1).is_just_dirtied());
}

#[test]
fn when_a_run_cannot_be_written_the_page_is_written_alone_and_the_others_are_as_they_were() {
    let bed = bed(FRAMES, &[3, 4, 5]);
    bed.disk.fail_at(1, Fault::once(EIO).only(OpKind::Write));
    assert_eq!(bed.write(4, Writer::Checkpoint), written(4, 1));
    for block in [3, 5] {
        let word = bed.word(block);
        assert_eq!((word.is_dirty(), word.has_io(), word.has_failed()), (true, false, false));
    }
    assert_eq!(bed.dirty(), [3, 5]);
}

#[test]
fn a_failure_behind_the_write_of_a_run_is_one_of_all_its_pages() {
    let bed = bed(FRAMES, &[0, 1]);
    bed.fill_sync_queue();
    bed.disk.fail_at(1, Fault::once(EIO).only(OpKind::SyncData));
    let pin = bed.pool.pin(page(0)).unwrap();
    assert!(matches!(bed.pool.flush(&pin, Writer::Checkpoint), Err(Error::Poisoned(_))));
    for block in [0, 1] {
        let word = bed.word(block);
        assert_eq!((word.is_dirty(), word.has_io(), word.has_failed()), (true, false, true));
    }
}
