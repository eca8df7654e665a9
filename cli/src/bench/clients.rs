//! Threads that commit one row after the other, and who looks at them meanwhile.

use super::line::{Checkpoint, Line, Phases};
use super::rows::Rows;
use super::timeline::{Second, Summary, Timeline, Written};
use crate::exit::Failure;
use crate::interrupt::Interrupt;
use crate::torture::plan::SplitMix64;
use seawall::{Error, PoolStats, Store};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Between two looks at commits and checkpoints.
const TICK: Duration = Duration::from_millis(20);

/// A second's commits are noted so long after it at the latest, or count in the summary only.
const GRACE: Duration = Duration::from_millis(200);

/// How long to work, and with how many threads.
pub(super) struct Plan {
    pub(super) clients: u32,
    pub(super) warmup: Duration,
    pub(super) seconds: usize,
    pub(super) seed: u64,
}

/// When a commit was complete, and how long it took.
struct Commit {
    at: Instant,
    latency: Duration,
}

/// What threads and onlooker share.
struct Shared<'s> {
    store: &'s Store,
    rows: &'s Rows,
    commits: Mutex<Vec<Commit>>,
    stop: AtomicBool,
}

type Tell<'t> = dyn FnMut(Line) -> Result<(), Failure> + 't;

/// Works until the time is over, telling each second.
pub(super) fn work(
    store: &Store,
    rows: &Rows,
    plan: &Plan,
    interrupt: &Interrupt,
    tell: &mut Tell<'_>,
) -> Result<Summary, Failure> {
    let (commits, stop) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    let shared = Shared { store, rows, commits, stop };
    let mut onlooker = Onlooker::new(&shared, plan);
    let (looked, worked) = std::thread::scope(|scope| {
        let spawn = |client| {
            let random = SplitMix64::new(plan.seed.wrapping_add(client));
            scope.spawn(|| commit_rows(&shared, random))
        };
        let threads: Vec<_> = (0..u64::from(plan.clients)).map(spawn).collect();
        let looked = onlooker.look(interrupt, tell);
        // Relaxed: whoever sees it late commits once more.
        shared.stop.store(true, Ordering::Relaxed);
        let worked = threads.into_iter().map(join).fold(Ok(()), Result::and);
        (looked, worked)
    });
    worked.and(looked)?;
    onlooker.end(tell)
}

fn join(client: ScopedJoinHandle<'_, Result<(), Error>>) -> Result<(), Failure> {
    match client.join() {
        Ok(ended) => Ok(ended?),
        Err(_) => Err(Failure::Finding("a client has panicked".to_owned())),
    }
}

/// Ends with the others if it fails.
fn commit_rows(shared: &Shared<'_>, mut random: SplitMix64) -> Result<(), Error> {
    // Relaxed: see work.
    while !shared.stop.load(Ordering::Relaxed) {
        let (row, value) = (random.below(shared.rows.count()), random.below(u64::MAX));
        let began = Instant::now();
        if let Err(error) = shared.rows.upsert(shared.store, row, value) {
            shared.stop.store(true, Ordering::Relaxed);
            return Err(error);
        }
        let at = Instant::now();
        let commit = Commit { at, latency: at - began };
        shared.commits.lock().unwrap_or_else(PoisonError::into_inner).push(commit);
    }
    Ok(())
}

struct Onlooker<'s> {
    shared: &'s Shared<'s>,
    start: Instant,
    seconds: usize,
    timeline: Timeline,
    told_seconds: usize,
    /// What the pool had done at the start of each second.
    pool: Vec<PoolStats>,
    checkpoints: Checkpoints,
}

impl<'s> Onlooker<'s> {
    fn new(shared: &'s Shared<'s>, plan: &Plan) -> Self {
        Self {
            shared,
            start: Instant::now() + plan.warmup,
            seconds: plan.seconds,
            timeline: Timeline::new(plan.seconds),
            told_seconds: 0,
            pool: Vec::with_capacity(plan.seconds + 1),
            checkpoints: Checkpoints::new(shared.store),
        }
    }

    /// Until the last second is told, or a client has failed.
    fn look(&mut self, interrupt: &Interrupt, tell: &mut Tell<'_>) -> Result<(), Failure> {
        let warmup = self.start.saturating_duration_since(Instant::now());
        tell(Line::Measuring { epoch_ms: epoch_ms() + warmup.as_millis() as u64 })?;
        // Relaxed: see work.
        while self.told_seconds < self.seconds && !self.shared.stop.load(Ordering::Relaxed) {
            interrupt.check()?;
            std::thread::sleep(TICK);
            let now = Instant::now();
            self.take_commits();
            self.look_at_pool(now);
            if let Some(checkpoint) = self.checkpoints.look(self.shared.store) {
                tell(Line::Checkpoint(checkpoint))?;
            }
            while self.told_seconds < self.seconds && self.is_over(self.told_seconds, now) {
                tell(Line::Second(self.second(self.told_seconds)))?;
                self.told_seconds += 1;
            }
        }
        Ok(())
    }

    fn look_at_pool(&mut self, now: Instant) {
        while self.start + Duration::from_secs(self.pool.len() as u64) <= now {
            self.pool.push(self.shared.store.pool_stats());
        }
    }

    /// One that is over.
    fn second(&self, second: usize) -> Second {
        let written = Written::between(&self.pool[second], &self.pool[second + 1]);
        Second { written: Some(written), ..self.timeline.second(second) }
    }

    fn is_over(&self, second: usize, now: Instant) -> bool {
        self.start + Duration::from_secs(second as u64 + 1) + GRACE <= now
    }

    fn take_commits(&mut self) {
        let mut commits = self.shared.commits.lock().unwrap_or_else(PoisonError::into_inner);
        for Commit { at, latency } in std::mem::take(&mut *commits) {
            // What was complete before the first second was warm-up.
            if let Some(at) = at.checked_duration_since(self.start) {
                self.timeline.add(at, latency.as_micros() as u64);
            }
        }
    }

    fn end(mut self, tell: &mut Tell<'_>) -> Result<Summary, Failure> {
        self.take_commits();
        if let Some(start_epoch_ms) = self.checkpoints.running {
            tell(Line::Checkpoint(Checkpoint { start_epoch_ms, phases: None }))?;
        }
        Ok(self.timeline.summary())
    }
}

/// The checkpoints that were seen.
struct Checkpoints {
    started: u64,
    done: u64,
    /// When the one that is running was seen first.
    running: Option<u64>,
}

impl Checkpoints {
    fn new(store: &Store) -> Self {
        let history = store.checkpoints();
        Self { started: history.started, done: history.done, running: None }
    }

    /// One that has become complete.
    fn look(&mut self, store: &Store) -> Option<Checkpoint> {
        let history = store.checkpoints();
        let mut complete = None;
        if history.done > self.done {
            self.done = history.done;
            let phases = history.last.as_ref().map(Phases::from);
            let total_ms = phases.map_or(0, |phases| phases.total_ms);
            let since = epoch_ms().saturating_sub(total_ms);
            let start_epoch_ms = self.running.take().unwrap_or(since);
            complete = Some(Checkpoint { start_epoch_ms, phases });
        }
        if history.started > self.started {
            self.started = history.started;
            let is_running = history.started > history.done + history.failed;
            self.running = is_running.then(epoch_ms);
        }
        complete
    }
}

fn epoch_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}
