//! A bar with the throughput, or a line per second where no terminal is.

use crate::exit::note;
use indicatif::{ProgressBar, ProgressStyle};
use std::cell::Cell;
use std::io::{self, IsTerminal};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// How far the work is.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    /// When the throughput was told last, and how many commits there were.
    told: Cell<(Duration, u64)>,
}

impl Progress {
    pub(crate) fn new(work: Duration) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(work.as_millis() as u64);
            // The default style does for a template that does not parse.
            let style = ProgressStyle::with_template("   {bar:40} {elapsed} {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        Self { bar, told: Cell::new((Duration::ZERO, 0)) }
    }

    pub(crate) fn show(&self, elapsed: Duration, commits: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(elapsed.as_millis() as u64);
        }
        let (before, commits_before) = self.told.get();
        let time = elapsed.saturating_sub(before);
        if time < SECOND {
            return;
        }
        self.told.set((elapsed, commits));
        let rate = commits.saturating_sub(commits_before) as f64 / time.as_secs_f64();
        let text = format!("{commits} commits, {rate:.0} commits/s");
        match &self.bar {
            Some(bar) => bar.set_message(text),
            None => note!("   {:>3} s: {text}", elapsed.as_secs()),
        }
    }

    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.abandon();
        }
    }
}
