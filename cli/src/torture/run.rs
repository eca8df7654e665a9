//! The threads of torture, from their start to the summary.

use super::acks::Acks;
use super::layout::Layout;
use super::page::ThreadPage;
use super::report::{self, Summary};
use super::worker::{Ended, Last, Latencies, Shared, work};
use crate::args::{MAX_THREADS, TortureArgs};
use crate::exit::Failure;
use hdrhistogram::Histogram;
use seawall::{Store, Trace};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

/// How much is still to be done.
pub(super) struct Budget {
    operations: AtomicU64,
    deadline: Option<Instant>,
    stop: AtomicBool,
}

impl Budget {
    fn new(args: &TortureArgs) -> Self {
        let seconds = args.seconds.map(Duration::from_secs);
        Self {
            operations: AtomicU64::new(args.ops.unwrap_or(u64::MAX)),
            deadline: seconds.and_then(|seconds| Instant::now().checked_add(seconds)),
            stop: AtomicBool::new(false),
        }
    }

    /// Takes one operation; false if there is none left.
    pub(super) fn take(&self) -> bool {
        if self.is_stopped() || self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return false;
        }
        // Relaxed: the count publishes nothing.
        let less = |left: u64| left.checked_sub(1);
        self.operations.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    fn stop(&self) {
        // Relaxed: whoever sees it late does one more operation.
        self.stop.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_stopped(&self) -> bool {
        // Relaxed: see stop.
        self.stop.load(Ordering::Relaxed)
    }
}

/// Torture that is about to run.
pub(super) struct Run<'s> {
    shared: Shared<'s>,
    /// Operations that each thread has done before.
    done: Vec<u64>,
    latencies: Vec<Latencies>,
    constant_checkpoints: bool,
    report: bool,
}

type Handle<'scope> = ScopedJoinHandle<'scope, Result<(), Ended>>;

impl<'s> Run<'s> {
    /// Goes on where the data says that earlier runs have ended.
    pub(super) fn new(
        store: &'s Store,
        layout: Layout,
        args: &TortureArgs,
        trace: Option<&'s Arc<Trace>>,
    ) -> Result<Self, Failure> {
        let (mut done, mut last) = (Vec::new(), Last { sequence: 0, page: layout.thread_page(0) });
        for thread in 0..MAX_THREADS {
            let page = layout.thread_page(thread);
            let ThreadPage { operations, sequence } = ThreadPage::decode(&store.read(page)?)
                .map_err(|what| Failure::Finding(format!("page {page}: {what}")))?;
            done.push(operations);
            if sequence > last.sequence {
                last = Last { sequence, page };
            }
        }
        let mut latencies = Vec::new();
        for _ in 0..args.threads {
            latencies.push(Mutex::new(empty_histogram()?));
        }
        let budget = Budget::new(args);
        let acks = Acks::after(last.sequence);
        Ok(Self {
            shared: Shared { store, layout, last: Mutex::new(last), acks, trace, budget },
            done,
            latencies,
            constant_checkpoints: args.checkpoint_every.is_zero(),
            report: args.report,
        })
    }

    /// Runs until the budget is used up, or something fails.
    pub(super) fn go(&self) -> Result<Summary, Failure> {
        let started = Instant::now();
        let ended = std::thread::scope(|scope| self.go_within(scope));
        match ended {
            Err(Ended::Failed(failure)) => Err(failure),
            Ok(()) | Err(Ended::ReaderLeft) => {
                Ok(Summary { latencies: merged(&self.latencies)?, time: started.elapsed() })
            }
        }
    }

    fn go_within<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) -> Result<(), Ended> {
        let mut helpers = Vec::new();
        let mut workers = Vec::new();
        let spawned = self.spawn(scope, &mut workers, &mut helpers);
        if spawned.is_err() {
            self.shared.budget.stop();
        }
        let worked = join(workers);
        self.shared.budget.stop();
        spawned.and(worked).and(join(helpers))
    }

    fn spawn<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        workers: &mut Vec<Handle<'scope>>,
        helpers: &mut Vec<Handle<'scope>>,
    ) -> Result<(), Ended> {
        for ((thread, latencies), done) in (0..).zip(&self.latencies).zip(&self.done) {
            let run = move || work(&self.shared, thread, *done, latencies);
            workers.push(self.start(scope, format!("worker-{thread}"), run)?);
        }
        if self.constant_checkpoints {
            helpers.push(self.start(scope, "checkpoints".to_owned(), || self.checkpoints())?);
        }
        if self.report {
            let run = || report::report(&self.shared, &self.latencies);
            helpers.push(self.start(scope, "report".to_owned(), run)?);
        }
        Ok(())
    }

    /// Starts a thread. If it fails, so do the others.
    fn start<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        name: String,
        run: impl FnOnce() -> Result<(), Ended> + Send + 'scope,
    ) -> Result<Handle<'scope>, Ended> {
        let run = move || run().inspect_err(|_| self.shared.budget.stop());
        std::thread::Builder::new()
            .name(name)
            .spawn_scoped(scope, run)
            .map_err(|error| Ended::Failed(Failure::io("start of a thread", &error)))
    }

    fn checkpoints(&self) -> Result<(), Ended> {
        while !self.shared.budget.is_stopped() {
            self.shared.store.checkpoint()?;
        }
        Ok(())
    }
}

/// Waits for all threads; the first error counts.
fn join(threads: Vec<Handle<'_>>) -> Result<(), Ended> {
    let panicked = || Ended::Failed(Failure::Finding("a thread has panicked".to_owned()));
    let mut all = Ok(());
    for thread in threads {
        let ended = thread.join().unwrap_or_else(|_| Err(panicked()));
        all = all.and(ended);
    }
    all
}

/// Up to ten minutes with three digits; what takes longer counts as ten minutes.
fn empty_histogram() -> Result<Histogram<u64>, Failure> {
    Histogram::new_with_bounds(1, 600_000_000, 3)
        .map_err(|error| Failure::Io(format!("histogram: {error}")))
}

/// The latencies of all threads until now.
pub(super) fn merged(latencies: &[Latencies]) -> Result<Histogram<u64>, Failure> {
    let mut all = empty_histogram()?;
    for one in latencies {
        let one = one.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        all.add(&*one).map_err(|error| Failure::Io(format!("histogram: {error}")))?;
    }
    Ok(all)
}
