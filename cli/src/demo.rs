//! The demo: a store is killed in the middle of a checkpoint, recovered, and every acknowledged
//! commit is looked for.
//!
//! The store works in a process of its own, this same program as `torture`, that is killed with
//! SIGKILL. Recovery tells whether the kill has hit a checkpoint: then it starts at the redo point
//! of the one before.

mod progress;
mod summary;
mod worker;

use crate::args::DemoArgs;
use crate::exit::{Failure, note, result};
use crate::torture::layout::draw;
use crate::torture::plan::SplitMix64;
use crate::verify::verify;
use progress::Progress;
use seawall::{Config, Store};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use summary::{Recovered, Summary};
use worker::{Event, Worker};

/// Threads that commit.
pub(crate) const THREADS: u32 = 4;

/// Checkpoints that fit into the time of the demo.
const CHECKPOINTS: u32 = 5;

pub(crate) fn run(args: &DemoArgs) -> Result<(), Failure> {
    let place = Place::new(args.dir.as_deref());
    let (killed, recovered) = steps(args, &place).map_err(|failure| failure.within(place.dir()))?;
    place.remove()?;
    let summary = Summary { killed, recovered };
    result(&summary.to_string())?;
    summary.verdict()
}

fn steps(args: &DemoArgs, place: &Place) -> Result<(Killed, Recovered), Failure> {
    note!("1. create a store in {}", place.dir().display());
    Store::init(place.dir(), &Config::default())?;
    let plan = Plan::new(args.seconds);
    note!(
        "2. {THREADS} threads commit durably, a checkpoint every {:.1} s; the kill comes in one, \
         after about {} s",
        plan.interval.as_secs_f64(),
        args.seconds
    );
    let worker = Worker::start(place.dir(), plan.interval)?;
    let killed = plan.work_and_kill(worker)?;
    note!("3. killed; open the store again: recovery");
    let store = Store::open(place.dir(), Config::default())?;
    let report = store.recovery().clone();
    note!("4. verify every page");
    let verified = verify(&store)?;
    store.close()?;
    Ok((killed, Recovered { report, verified }))
}

/// The directory of the demo's store.
enum Place {
    Given(PathBuf),
    /// Removed in the end, whatever happens.
    Temporary(PathBuf),
}

impl Place {
    fn new(given: Option<&Path>) -> Self {
        match given {
            Some(dir) => Place::Given(dir.to_owned()),
            None => {
                let name = format!("seawall-demo-{}-{:016x}", std::process::id(), draw());
                Place::Temporary(std::env::temp_dir().join(name))
            }
        }
    }

    fn dir(&self) -> &Path {
        match self {
            Place::Given(dir) | Place::Temporary(dir) => dir,
        }
    }

    fn remove(&self) -> Result<(), Failure> {
        match self {
            Place::Given(_) => Ok(()),
            Place::Temporary(dir) => std::fs::remove_dir_all(dir)
                .map_err(|error| Failure::io(&format!("removal of {}", dir.display()), &error)),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Already gone if all went well; else the failure that is reported comes first.
        let _ = self.remove();
    }
}

/// When what happens.
struct Plan {
    work: Duration,
    interval: Duration,
    /// From the start of a checkpoint to the kill.
    kill_after: Duration,
}

/// What is known when the worker is dead.
pub(crate) struct Killed {
    /// Highest acknowledgement: all before it were given too.
    pub(crate) acknowledged: u64,
    /// From the first acknowledgement to the kill.
    pub(crate) worked: Duration,
    /// The last that the worker has told of latencies, and of a complete checkpoint.
    pub(crate) latency: Option<String>,
    pub(crate) complete: Option<String>,
    /// The checkpoint that was running, and for how long.
    pub(crate) checkpoint: u64,
    pub(crate) checkpoint_age: Duration,
}

impl Plan {
    fn new(seconds: u64) -> Self {
        let work = Duration::from_secs(seconds);
        let interval = work / CHECKPOINTS;
        // A checkpoint spreads its writes over 0.9 of the interval.
        let percent = 20 + SplitMix64::new(draw()).below(40) as u32;
        Self { work, interval, kill_after: interval * percent / 100 }
    }

    /// Kills the worker in the last checkpoint that starts before the time is up.
    fn work_and_kill(&self, mut worker: Worker) -> Result<Killed, Failure> {
        let progress = Progress::new(self.work);
        let started = Instant::now();
        let patience = self.work + self.interval * 2 + Duration::from_secs(10);
        let mut running: Option<(u64, Instant)> = None;
        loop {
            let wait = Duration::from_millis(20);
            match worker.next_event(wait) {
                Some(Event::CheckpointStarted(number)) => running = Some((number, Instant::now())),
                Some(Event::CheckpointComplete) => running = None,
                Some(Event::Ended) => return Err(worker.ended_by_itself()),
                None => {}
            }
            progress.show(started.elapsed(), worker.acknowledged());
            let is_late = started.elapsed() + self.interval * 3 / 2 >= self.work;
            if let Some((number, since)) = running
                && is_late
                && since.elapsed() >= self.kill_after
            {
                progress.finish();
                return worker.kill(number, since);
            }
            if started.elapsed() > patience {
                return Err(Failure::Io("the worker has not begun a checkpoint".to_owned()));
            }
        }
    }
}
