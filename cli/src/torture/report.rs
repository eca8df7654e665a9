//! What torture tells of itself: the summary, and for the demo lines between the acknowledgements.
//!
//! ```text
//! checkpoint-started N
//! checkpoint-complete N <log line>
//! latency <p50, p99, p99.9, max>
//! ```

use super::run::merged;
use super::worker::{Ended, Latencies, Shared};
use crate::exit::Failure;
use hdrhistogram::Histogram;
use std::fmt;
use std::io::{self, Read};
use std::time::{Duration, Instant};

/// Marks a report that a checkpoint has begun.
pub(crate) const CHECKPOINT_STARTED: &str = "checkpoint-started";
/// Marks a report that a checkpoint is complete.
pub(crate) const CHECKPOINT_COMPLETE: &str = "checkpoint-complete";
/// Marks a report of latencies.
pub(crate) const LATENCY: &str = "latency";

/// How long the reporter rests between two looks.
const ROUND: Duration = Duration::from_millis(5);
const LATENCY_EVERY: Duration = Duration::from_millis(250);

/// What a run has done.
pub(super) struct Summary {
    pub(super) latencies: Histogram<u64>,
    pub(super) time: Duration,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (commits, seconds) = (self.latencies.len(), self.time.as_secs_f64());
        let rate = if seconds > 0.0 { commits as f64 / seconds } else { 0.0 };
        write!(f, "{commits} commits in {seconds:.3} s, {rate:.0} commits/s, ")?;
        write!(f, "latency {}", Quantiles(&self.latencies))
    }
}

struct Quantiles<'h>(&'h Histogram<u64>);

impl fmt::Display for Quantiles<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, quantile) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
            write!(f, "{name} {} us, ", self.0.value_at_quantile(quantile))?;
        }
        write!(f, "max {} us", self.0.max())
    }
}

/// Reports until the run stops.
pub(super) fn report(shared: &Shared<'_>, latencies: &[Latencies]) -> Result<(), Ended> {
    let line = |line: String| shared.acks.line(&line).map_err(Ended::by_output);
    // Opening the store has run a checkpoint: the first report is about that.
    let (mut started, mut done) = (0, 0);
    let mut latency_at = Instant::now();
    while !shared.budget.is_stopped() {
        let history = shared.store.checkpoints();
        if let Some(last) = history.last.filter(|_| history.done > done) {
            done = history.done;
            line(format!("{CHECKPOINT_COMPLETE} {done} {last}"))?;
        }
        let running = history.started > history.done + history.failed;
        if running && history.started > started {
            started = history.started;
            line(format!("{CHECKPOINT_STARTED} {started}"))?;
        }
        if latency_at.elapsed() >= LATENCY_EVERY {
            latency_at = Instant::now();
            line(format!("{LATENCY} {}", Quantiles(&merged(latencies)?)))?;
        }
        std::thread::sleep(ROUND);
    }
    Ok(())
}

/// From now on the process ends when its stdin does: with whoever started it.
pub(super) fn end_with_stdin() -> Result<(), Failure> {
    let watch = || {
        let mut byte = [0];
        while matches!(io::stdin().read(&mut byte), Ok(1)) {}
        std::process::exit(3);
    };
    let watcher = std::thread::Builder::new().name("stdin".to_owned()).spawn(watch);
    watcher.map(|_| ()).map_err(|error| Failure::io("start of a thread", &error))
}
