//! One thread of torture: locks pages, draws a number, changes the pages, commits, waits until it
//! is durable, acknowledges.
//!
//! Pages are locked in ascending order, so no two threads wait for each other. If the pool is too
//! small for all that are under way, one gives its pages back and starts again.

use super::acks::Acks;
use super::layout::Layout;
use super::page::{DataPage, ThreadPage, next};
use super::plan::OpId;
use super::run::Budget;
use crate::exit::Failure;
use hdrhistogram::Histogram;
use seawall::{Error, Lsn, Operation, PageId, Store, Trace};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a thread rests that has found no free page in the pool.
const PAUSE: Duration = Duration::from_micros(200);

/// What all threads share.
pub(super) struct Shared<'s> {
    pub(super) store: &'s Store,
    pub(super) layout: Layout,
    /// Held from the draw to the commit.
    pub(super) last: Mutex<Last>,
    pub(super) acks: Acks,
    pub(super) trace: Option<&'s Arc<Trace>>,
    pub(super) budget: Budget,
}

/// The last of all operations.
#[derive(Debug, Clone, Copy)]
pub(super) struct Last {
    /// Its number.
    pub(super) sequence: u64,
    /// The page of its thread, which holds the number.
    pub(super) page: PageId,
}

/// Why a thread ends before its time.
pub(super) enum Ended {
    Failed(Failure),
    /// Nobody reads the acknowledgements any more.
    ReaderLeft,
}

impl<E: Into<Failure>> From<E> for Ended {
    fn from(error: E) -> Self {
        Ended::Failed(error.into())
    }
}

impl Ended {
    pub(super) fn by_output(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Ended::ReaderLeft;
        }
        Ended::Failed(Failure::io("stdout", &error))
    }
}

/// Latencies of one thread in microseconds, from the first lock to durability.
pub(super) type Latencies = Mutex<Histogram<u64>>;

/// Runs a thread that has done `done` operations before, until its budget is used up.
pub(super) fn work(
    shared: &Shared<'_>,
    thread: u32,
    done: u64,
    latencies: &Latencies,
) -> Result<(), Ended> {
    let mut op = OpId { thread, number: done };
    while shared.budget.take() {
        op.number = next(op.number, shared.layout.thread_page(thread), "operations")?;
        if shared.layout.plan.is_abandoned_first(op) {
            abandon(shared, op)?;
        }
        let started = Instant::now();
        let (sequence, end) = commit(shared, op)?;
        shared.store.wait_durable(end)?;
        let us = started.elapsed().as_micros() as u64;
        latencies.lock().unwrap_or_else(PoisonError::into_inner).saturating_record(us);
        if let Some(trace) = shared.trace {
            trace.acknowledge(sequence, end);
        }
        shared.acks.acknowledge(sequence).map_err(Ended::by_output)?;
    }
    Ok(())
}

/// Does the operation; returns its number and its end in the log.
fn commit(shared: &Shared<'_>, op: OpId) -> Result<(u64, Lsn), Failure> {
    let (store, layout) = (shared.store, &shared.layout);
    let mut operation = lock_pages(store, &pages(layout, op))?;
    // A thread that panicked between draw and commit has undone its operation.
    let mut last = shared.last.lock().unwrap_or_else(PoisonError::into_inner);
    let sequence = next(last.sequence, last.page, "K of the last operation")?;
    let thread_page = layout.thread_page(op.thread);
    ThreadPage { operations: op.number, sequence }.write(&mut operation.page(thread_page)?)?;
    for data_page in layout.plan.touched(op).as_slice() {
        let id = layout.data_page(*data_page);
        let mut page = operation.page(id)?;
        DataPage::apply(&layout.plan, op, sequence, *data_page, &mut page, id)?;
    }
    let end = store.commit_async(operation)?;
    *last = Last { sequence, page: thread_page };
    Ok((sequence, end))
}

/// Scribbles on all pages of the operation and gives up: nothing of it may remain.
fn abandon(shared: &Shared<'_>, op: OpId) -> Result<(), Failure> {
    let ids = pages(&shared.layout, op);
    let mut operation = lock_pages(shared.store, &ids)?;
    for id in ids {
        let mut page = operation.page(id)?;
        let end = page.body().len();
        page.change(end / 3..end / 2)?.fill(0xAB);
        page.change(0..end / 2)?.fill(0xCD);
    }
    drop(operation);
    Ok(())
}

/// The pages of an operation in ascending order.
fn pages(layout: &Layout, op: OpId) -> Vec<PageId> {
    let data = layout.plan.touched(op);
    let data = data.as_slice().iter().map(|page| layout.data_page(*page));
    std::iter::once(layout.thread_page(op.thread)).chain(data).collect()
}

fn lock_pages<'s>(store: &'s Store, ids: &[PageId]) -> Result<Operation<'s>, Failure> {
    loop {
        let mut operation = store.operation();
        match ids.iter().try_for_each(|id| operation.page(*id).map(|_| ())) {
            Ok(()) => return Ok(operation),
            Err(Error::NoUnpinnedBuffers { .. }) => {
                drop(operation);
                std::thread::sleep(PAUSE);
            }
            Err(error) => return Err(error.into()),
        }
    }
}
