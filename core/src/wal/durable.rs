//! Waiting for durability without a thread: futures, for any executor.
//!
//! A task cannot write and sync for itself: it would block its executor. It asks, and a thread of
//! the store's, the flusher, leads a group for all who have asked ([`Flusher`]).
//!
//! # Rules
//! * W9: a future is ready when the flushed position has reached its own, or the store is poisoned.
//! * It is entered, under the lock under which positions are published, before it asks: so the
//!   flusher finds it on the list.
//!
//! # Checked by
//! model `flush_task`.

use super::flush::Wal;
use super::tasks::{Key, wake_all};
use crate::error::{Error, Result};
use crate::lsn::Lsn;
use crate::sync::{Condvar, Mutex};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// Ready once everything before a position is durable. See [`Wal::when_durable`].
#[derive(Debug)]
#[must_use = "a future does nothing until it is polled"]
pub struct WhenDurable<'w> {
    wal: &'w Wal,
    lsn: Lsn,
    asks: bool,
    entered: Option<Key>,
}

/// Follows the flushed position: for replication, change capture. See [`Wal::follow_flushed`].
#[derive(Debug)]
pub struct FlushedFollower<'w> {
    wal: &'w Wal,
    seen: Lsn,
}

/// Leads groups for those who cannot: one thread calls [`Flusher::serve`] again and again.
#[derive(Debug)]
pub struct Flusher {
    served: Lsn,
}

impl Wal {
    /// A future that is ready once everything before `lsn` is durable, with the errors of
    /// [`Wal::flush`]. It makes no progress unless somebody serves a [`Flusher`].
    pub fn when_durable(&self, lsn: Lsn) -> WhenDurable<'_> {
        WhenDurable { wal: self, lsn, asks: true, entered: None }
    }

    /// Follows the flushed position from where it is now. Makes nothing durable itself.
    pub fn follow_flushed(&self) -> FlushedFollower<'_> {
        FlushedFollower { wal: self, seen: self.flushed() }
    }

    /// A flusher for this log; one at a time is enough.
    pub fn flusher(&self) -> Flusher {
        Flusher { served: self.flush_requests.position() }
    }

    /// Ends the sleeps of flusher and WAL writer, now and from now on.
    pub fn close_requests(&self) {
        self.flush_requests.close();
        self.async_commits.close();
    }
}

impl Flusher {
    /// Sleeps until a future asks, or the store is poisoned, then makes durable what was asked for.
    ///
    /// # Errors
    /// As [`Wal::flush`]; the futures get them as well.
    pub fn serve(&mut self, wal: &Wal) -> Result<()> {
        wal.flush_requests.wait_beyond(self.served);
        let requested = wal.flush_requests.position();
        let flushed = wal.check_poison().and_then(|()| wal.flush(requested));
        match &flushed {
            Ok(()) => self.served = requested,
            Err(error) => {
                // First: who asks before this is on the list, who asks after it is heard.
                self.served = wal.flushed();
                wal.flush_requests.withdraw(requested, self.served);
                let tasks = wal.pipeline.lock().tasks.fail_all(error);
                wake_all(tasks);
            }
        }
        flushed
    }
}

impl Future for WhenDurable<'_> {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let (wal, lsn) = (self.wal, self.lsn);
        let end = wal.reserved();
        if self.asks && lsn > end {
            return Poll::Ready(Err(Error::BeyondWal { lsn, end }));
        }
        let mut pipeline = wal.pipeline.lock();
        let was_taken = self.entered.take().is_some_and(|key| !pipeline.tasks.leave(key));
        if wal.flushed() >= lsn {
            return Poll::Ready(Ok(()));
        }
        if let Err(error) = wal.poison.check() {
            return Poll::Ready(Err(error));
        }
        // Woken, and not durable: the flusher has failed.
        if let Some(error) = pipeline.tasks.last_error().filter(|_| was_taken && self.asks) {
            return Poll::Ready(Err(error.clone()));
        }
        self.entered = Some(pipeline.tasks.enter(lsn, context.waker().clone()));
        drop(pipeline);
        if self.asks {
            wal.flush_requests.ask(lsn);
        }
        Poll::Pending
    }
}

impl Drop for WhenDurable<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.entered {
            self.wal.pipeline.lock().tasks.leave(key);
        }
    }
}

impl FlushedFollower<'_> {
    /// The position that was returned last.
    pub fn seen(&self) -> Lsn {
        self.seen
    }

    /// A future of the flushed position, ready once it is beyond the last one returned.
    ///
    /// # Errors
    /// [`Error::Poisoned`]: it will not move any more.
    pub async fn moved(&mut self) -> Result<Lsn> {
        let (wal, lsn) = (self.wal, self.seen.plus(1));
        WhenDurable { wal, lsn, asks: false, entered: None }.await?;
        self.seen = wal.flushed();
        Ok(self.seen)
    }

    /// Blocks until the flushed position is beyond the last one returned, and returns it.
    ///
    /// # Errors
    /// As [`FlushedFollower::moved`].
    pub fn wait_moved(&mut self) -> Result<Lsn> {
        block_on(self.moved())
    }
}

/// What one thread sleeps on while it waits for a future.
struct Parker {
    woken: Mutex<bool>,
    changed: Condvar,
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        *self.woken.lock() = true;
        self.changed.notify_all();
    }
}

/// Polls a future on this thread until it is ready.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let parker = Arc::new(Parker { woken: Mutex::new(false), changed: Condvar::new() });
    let waker = Waker::from(Arc::clone(&parker));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        let mut woken = parker.woken.lock();
        while !std::mem::take(&mut *woken) {
            parker.changed.wait(&mut woken);
        }
    }
}

#[cfg(test)]
mod tests;
