//! Tests of the log's way out, one thread at a time.

use super::*;
use crate::wal::bed::{TestClock, insert};
use crate::wal::record::{MAX_RECORD_BYTES, RecordBuf, RecordKind};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Waker};

fn wal(clock: &Arc<TestClock>) -> Arc<Wal> {
    crate::wal::bed::wal(clock).1
}

/// A task that does with the log what a task may do when it is woken: it takes its lock.
struct Task {
    wal: Arc<Wal>,
    wakes: AtomicU64,
}

impl std::task::Wake for Task {
    fn wake(self: Arc<Self>) {
        drop(self.wal.pipeline.lock());
        self.wakes.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_task_is_woken_without_the_lock_and_when_its_record_is_durable() {
    let wal = wal(&Arc::default());
    let end = insert(&wal);
    let task = Arc::new(Task { wal: Arc::clone(&wal), wakes: AtomicU64::new(0) });
    let waker = Waker::from(Arc::clone(&task));
    let mut context = Context::from_waker(&waker);
    let mut durable = pin!(wal.when_durable(end));
    assert!(durable.as_mut().poll(&mut context).is_pending());
    wal.write_upto(end, false).unwrap();
    assert_eq!(task.wakes.load(Ordering::Relaxed), 0, "written is not durable");
    wal.flush(end).unwrap();
    assert_eq!(task.wakes.load(Ordering::Relaxed), 1);
    assert!(durable.as_mut().poll(&mut context).is_ready());
}

#[test]
fn what_is_written_is_durable_only_if_it_was_synced() {
    let wal = wal(&Arc::default());
    let (start, end) = (wal.flushed(), insert(&wal));
    wal.write_upto(end, false).unwrap();
    assert_eq!((wal.written(), wal.flushed()), (end, start));
    wal.write_upto(end, true).unwrap();
    assert_eq!((wal.written(), wal.flushed()), (end, end));
    wal.flush(end).unwrap();
    let beyond = wal.flush(end.plus(8));
    assert!(
        matches!(beyond, Err(Error::BeyondWal { lsn, end: e }) if lsn == end.plus(8) && e == end)
    );
}

#[test]
fn a_leader_that_panics_leaves_nobody_waiting() {
    let clock = Arc::new(TestClock::default());
    let wal = wal(&clock);
    let end = insert(&wal);
    clock.panics.store(true, Ordering::Relaxed);
    assert!(catch_unwind(AssertUnwindSafe(|| wal.flush(end))).is_err());
    clock.panics.store(false, Ordering::Relaxed);
    assert!(wal.poison.is_set());
    assert!(matches!(wal.flush(end), Err(Error::Poisoned(_))));
}

#[test]
fn a_log_that_is_poisoned_refuses_what_is_not_durable_and_nothing_else() {
    let wal = wal(&Arc::default());
    let durable = insert(&wal);
    wal.flush(durable).unwrap();
    let end = insert(&wal);
    let _ = wal.poison.poison("sync", "a test", &io::Error::other("as the test wants it"));
    wal.flush(durable).unwrap();
    assert!(matches!(wal.flush(end), Err(Error::Poisoned(_))));
    assert_eq!(wal.flushed(), durable);
    let mut record = RecordBuf::new(RecordKind::Checkpoint);
    for inserted in [wal.insert_any_time(&mut record), wal.insert_checkpoint(&mut record)] {
        assert!(matches!(inserted, Err(Error::Poisoned(_))), "{inserted:?}");
    }
    assert_eq!(wal.reserved(), end);
}

#[test]
fn a_record_that_is_too_large_is_refused_with_its_size_and_takes_no_place() {
    let wal = wal(&Arc::default());
    let (before, max) = (wal.reserved(), MAX_RECORD_BYTES);
    let mut record = RecordBuf::new(RecordKind::Pages);
    record.put(&vec![0; max]);
    let Err(Error::RecordTooLarge { bytes, max_bytes }) = wal.insert_any_time(&mut record) else {
        panic!("it is too large");
    };
    assert!(bytes > max && max_bytes == max, "{bytes} of {max_bytes}");
    assert_eq!(wal.reserved(), before);
}
