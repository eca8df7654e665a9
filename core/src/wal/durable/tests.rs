//! Tests of futures and their flusher, one thread at a time.

use super::*;
use crate::sim::{ENOSPC, Fault, OpKind, SimDisk};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::wal::bed::{self, insert, insert_without_space};
use std::io;

/// Counts how often it is woken.
#[derive(Default)]
struct Task(AtomicU64);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Task {
    fn wakes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn poll<F: Future>(self: &Arc<Self>, future: &mut Pin<Box<F>>) -> Poll<F::Output> {
        future.as_mut().poll(&mut Context::from_waker(&Waker::from(Arc::clone(self))))
    }
}

fn wal() -> (SimDisk, Arc<Wal>) {
    bed::wal(&Arc::default())
}

fn is_no_space<T>(result: &Result<T>) -> bool {
    matches!(result, Err(Error::Io { source, .. }) if source.raw_os_error() == Some(ENOSPC))
}

#[test]
fn a_future_asks_once_it_waits_and_a_flusher_makes_it_ready() {
    let (_, wal) = wal();
    let mut flusher = wal.flusher();
    let end = insert(&wal);
    let (task, mut durable) = (Arc::<Task>::default(), Box::pin(wal.when_durable(end)));
    assert_ne!(wal.flush_requests.position(), end, "not before it is polled");
    assert!(task.poll(&mut durable).is_pending());
    assert_eq!(wal.flush_requests.position(), end);
    flusher.serve(&wal).unwrap();
    assert_eq!((wal.flushed(), flusher.served, task.wakes()), (end, end, 1));
    assert!(matches!(task.poll(&mut durable), Poll::Ready(Ok(()))));
    let mut again = Box::pin(wal.when_durable(end));
    assert!(matches!(task.poll(&mut again), Poll::Ready(Ok(()))), "at once");
    let beyond = task.poll(&mut Box::pin(wal.when_durable(end.plus(8))));
    assert!(matches!(beyond, Poll::Ready(Err(Error::BeyondWal { .. }))), "{beyond:?}");
}

#[test]
fn a_position_within_a_record_is_durable_with_the_record_and_asks_for_no_more() {
    let (_, wal) = wal();
    let (mut flusher, start, end) = (wal.flusher(), wal.flushed(), insert(&wal));
    let task = Arc::<Task>::default();
    let mut durable = Box::pin(wal.when_durable(start.plus(1)));
    assert!(task.poll(&mut durable).is_pending());
    flusher.serve(&wal).unwrap();
    assert!(matches!(task.poll(&mut durable), Poll::Ready(Ok(()))));
    assert_eq!((wal.flushed(), wal.flush_requests.position()), (end, flusher.served));
    // So the flusher sleeps until somebody asks again.
    std::thread::scope(|scope| {
        let served = scope.spawn(|| flusher.serve(&wal));
        let last = insert(&wal);
        assert!(task.poll(&mut Box::pin(wal.when_durable(last))).is_pending());
        served.join().unwrap().unwrap();
        assert_eq!(wal.flushed(), last);
    });
}

#[test]
fn who_polls_again_is_woken_by_the_last_waker_and_who_is_dropped_by_none() {
    let (_, wal) = wal();
    let end = insert(&wal);
    let (first, last) = (Arc::<Task>::default(), Arc::<Task>::default());
    let (mut durable, mut dropped) =
        (Box::pin(wal.when_durable(end)), Box::pin(wal.when_durable(end)));
    assert!(first.poll(&mut durable).is_pending());
    assert!(last.poll(&mut durable).is_pending());
    assert!(first.poll(&mut dropped).is_pending());
    drop(dropped);
    wal.flush(end).unwrap();
    assert_eq!((first.wakes(), last.wakes()), (0, 1));
}

#[test]
fn a_flusher_that_finds_no_space_tells_those_who_wait_and_serves_those_who_ask_again() {
    let (disk, wal) = wal();
    let mut flusher = wal.flusher();
    wal.flush(insert(&wal)).unwrap();
    let end = loop {
        let end = insert_without_space(&wal);
        if end > wal.geometry.segment_start(3) {
            break end;
        }
        wal.flush(end).unwrap();
    };
    disk.fail_at(1, Fault::persistent(ENOSPC).only(OpKind::Create));
    let (task, mut durable) = (Arc::<Task>::default(), Box::pin(wal.when_durable(end)));
    let (tail, mut follower) = (Arc::<Task>::default(), wal.follow_flushed());
    let mut moved = Box::pin(follower.moved());
    assert!(task.poll(&mut durable).is_pending() && tail.poll(&mut moved).is_pending());
    assert!(is_no_space(&flusher.serve(&wal)));
    assert_eq!((task.wakes(), tail.wakes()), (1, 1));
    let flushed = wal.flushed();
    assert!(flushed > Lsn::ZERO && flushed < end);
    assert_eq!((wal.flush_requests.position(), flusher.served), (flushed, flushed));
    assert!(matches!(task.poll(&mut durable), Poll::Ready(error) if is_no_space(&error)));
    assert!(tail.poll(&mut moved).is_pending(), "nothing was promised to it");

    let mut again = Box::pin(wal.when_durable(end));
    assert!(task.poll(&mut again).is_pending(), "the error was of others");
    disk.clear_faults();
    flusher.serve(&wal).unwrap();
    assert_eq!((task.wakes(), tail.wakes()), (2, 2));
    assert!(matches!(task.poll(&mut again), Poll::Ready(Ok(()))));
    assert!(matches!(tail.poll(&mut moved), Poll::Ready(Ok(position)) if position == end));
}

#[test]
fn a_follower_asks_for_nothing_and_is_told_of_each_move_once() {
    let (_, wal) = wal();
    let (start, mut follower) = (wal.flushed(), wal.follow_flushed());
    let task = Arc::<Task>::default();
    let end = insert(&wal);
    assert!(task.poll(&mut Box::pin(follower.moved())).is_pending());
    assert_eq!(wal.flush_requests.position(), start);
    wal.flush(end).unwrap();
    assert_eq!(follower.wait_moved().unwrap(), end);
    assert_eq!(follower.seen(), end);
    assert!(task.poll(&mut Box::pin(follower.moved())).is_pending());
}

#[test]
fn a_poisoned_log_refuses_futures_and_followers_and_serves_nobody() {
    let (_, wal) = wal();
    let (mut flusher, durable) = (wal.flusher(), insert(&wal));
    wal.flush(durable).unwrap();
    let end = insert(&wal);
    let _ = wal.poison.poison("sync", "a test", &io::Error::other("as the test wants it"));
    let task = Arc::<Task>::default();
    let is_refused =
        |polled: Poll<Result<()>>| matches!(polled, Poll::Ready(Err(Error::Poisoned(_))));
    assert!(is_refused(task.poll(&mut Box::pin(wal.when_durable(end)))));
    let mut follower = wal.follow_flushed();
    assert!(is_refused(task.poll(&mut Box::pin(follower.moved())).map_ok(drop)));
    let mut before = Box::pin(wal.when_durable(durable));
    assert!(matches!(task.poll(&mut before), Poll::Ready(Ok(()))), "it is durable");
    wal.flush_requests.ask(end);
    assert!(matches!(flusher.serve(&wal), Err(Error::Poisoned(_))));
    assert_eq!(wal.flushed(), durable);
}
