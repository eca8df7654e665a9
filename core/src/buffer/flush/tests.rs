//! Tests of one page that is written, over a simulated disk.

use super::*;
use crate::buffer::bed::{Bed, count, page};
use crate::sim::{EIO, Fault, OpKind};
use crate::sync::atomic::Ordering;

const WRITTEN: Flush = Flush::Written { first: page(0), pages: 1 };

/// A pool whose first frame holds a dirty page.
fn bed() -> Bed {
    let bed = Bed::new(4);
    bed.change(0, 1);
    bed
}

fn write(bed: &Bed, by: Writer) -> Flush {
    bed.pool.flush(&bed.pool.pin(page(0)).unwrap(), by).unwrap()
}

#[test]
fn only_a_checkpoint_waits_for_the_io_of_a_page() {
    let bed = bed();
    assert_eq!(bed.header(0).begin_write(), BeginWrite::Started);
    assert_eq!(write(&bed, Writer::Background), Flush::Contended);
    assert_eq!(write(&bed, Writer::Eviction), Flush::Contended);
    std::thread::scope(|scope| {
        let checkpoint = scope.spawn(|| write(&bed, Writer::Checkpoint));
        drop(WriteIo { frame: bed.pool.frame(FrameId(0)), end: WriteEnd::Abandoned });
        assert_eq!(checkpoint.join().unwrap(), WRITTEN);
    });
    assert_eq!(write(&bed, Writer::Checkpoint), Flush::NotNeeded);
}

#[test]
fn a_page_that_is_locked_is_left_as_it_is_unless_a_checkpoint_wants_it() {
    let bed = bed();
    let locked = bed.pool.pin(page(0)).unwrap().write();
    for by in [Writer::Background, Writer::Eviction] {
        assert_eq!(write(&bed, by), Flush::Contended);
        let word = bed.header(0).snapshot();
        assert_eq!((word.is_dirty(), word.has_io(), word.has_failed()), (true, false, false));
    }
    std::thread::scope(|scope| {
        let checkpoint = scope.spawn(|| write(&bed, Writer::Checkpoint));
        drop(locked);
        assert_eq!(checkpoint.join().unwrap(), WRITTEN);
    });
}

#[test]
fn what_is_written_is_registered_for_sync_or_synced_at_once_where_there_is_no_room() {
    let bed = bed();
    assert_eq!(write(&bed, Writer::Eviction), WRITTEN);
    let tag = SyncTag { file: page(0).file(), segment: 0 };
    assert_eq!(bed.pool.syncs.drain(), [tag]);
    bed.fill_sync_queue();
    bed.change(0, 2);
    bed.disk.fail_at(1, Fault::once(EIO).only(OpKind::SyncData));
    let pin = bed.pool.pin(page(0)).unwrap();
    assert!(matches!(bed.pool.flush(&pin, Writer::Eviction), Err(Error::Poisoned(_))));
    let word = bed.header(0).snapshot();
    assert_eq!((word.is_dirty(), word.has_io(), word.has_failed()), (true, false, true));
}

#[test]
fn what_others_than_the_checkpoint_write_is_noted_while_method_1_is_on() {
    for (by, rounds, noted) in [
        (Writer::Background, 1, 1),
        (Writer::Eviction, 1, 1),
        (Writer::Checkpoint, 1, 0),
        (Writer::Eviction, 0, 0),
    ] {
        let bed = bed();
        bed.configure(|config| config.evict_sync_rounds = rounds);
        bed.pool.evicted.begin();
        assert_eq!(write(&bed, by), WRITTEN);
        assert_eq!(bed.pool.evicted.drain(&bed.files).unwrap(), noted, "{by:?}, {rounds} rounds");
    }
}

#[test]
fn who_evicts_starts_writeback_of_what_he_has_written() {
    for (by, flush_after_bytes, expected) in [
        (Writer::Eviction, 512, 1),
        (Writer::Eviction, 1024, 0),
        (Writer::Eviction, 0, 0),
        (Writer::Background, 512, 0),
        (Writer::Checkpoint, 512, 0),
    ] {
        let bed = bed();
        let writebacks = count(&bed.disk, OpKind::Writeback);
        bed.configure(|config| config.backend_flush_after_bytes = flush_after_bytes);
        assert_eq!(write(&bed, by), WRITTEN);
        let writebacks = writebacks.load(Ordering::Relaxed);
        assert_eq!(writebacks, expected, "{by:?}, {flush_after_bytes} bytes");
    }
}

#[test]
fn a_page_of_a_file_that_was_cut_is_not_written_and_clean() {
    let bed = bed();
    bed.pool.put_outside(page(0).file(), &(0..1));
    let before = bed.disk.operations();
    assert_eq!(write(&bed, Writer::Checkpoint), Flush::NotNeeded);
    assert_eq!(bed.disk.operations(), before);
    let word = bed.header(0).snapshot();
    assert_eq!((word.is_dirty(), word.has_io()), (false, false));
}
