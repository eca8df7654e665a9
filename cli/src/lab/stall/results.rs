//! What the runs have shown, and the files that tell it: written after each run, so that an
//! interrupt loses nothing.

use super::args::StallArgs;
use super::watch::Sample;
use super::{csv, html};
use crate::bench::line::Checkpoint;
use crate::bench::timeline::{Second, Summary, median};
use crate::exit::Failure;
use std::fs;
use std::path::{Path, PathBuf};

/// What an engine has shown in a run.
#[derive(Default)]
pub(super) struct Measured {
    pub(super) load_ms: u64,
    pub(super) start_epoch_ms: u64,
    pub(super) seconds: Vec<Second>,
    pub(super) summary: Summary,
    pub(super) checkpoints: Vec<Checkpoint>,
}

pub(super) struct Run {
    pub(super) name: String,
    pub(super) repeat: u32,
    pub(super) measured: Measured,
    pub(super) kernel: Vec<Sample>,
}

impl Run {
    /// The last look at the kernel that ended with or before a second; that before it.
    pub(super) fn kernel_at(&self, second: usize) -> (Sample, Sample) {
        let end_ms = |second: usize| self.measured.start_epoch_ms + second as u64 * 1000;
        let at = |time_ms| {
            let before = self.kernel.iter().rfind(|sample| sample.epoch_ms <= time_ms);
            before.or(self.kernel.first()).copied().unwrap_or_default()
        };
        (at(end_ms(second + 1)), at(end_ms(second)))
    }

    /// From the first second to an instant, in seconds.
    pub(super) fn seconds_to(&self, epoch_ms: u64) -> f64 {
        (epoch_ms as f64 - self.measured.start_epoch_ms as f64) / 1000.0
    }
}

pub(super) struct Results<'a> {
    args: &'a StallArgs,
    runs: Vec<Run>,
}

impl<'a> Results<'a> {
    /// Makes the directory for the files.
    pub(super) fn new(args: &'a StallArgs) -> Result<Self, Failure> {
        let made = fs::create_dir_all(&args.out);
        made.map_err(|error| Failure::io(&args.out.display().to_string(), &error))?;
        Ok(Self { args, runs: Vec::new() })
    }

    pub(super) fn add(&mut self, run: Run) -> Result<(), Failure> {
        self.runs.push(run);
        let csv = [
            ("runs.csv", csv::runs(&self.runs)),
            ("seconds.csv", csv::seconds(&self.runs)),
            ("checkpoints.csv", csv::checkpoints(&self.runs)),
        ];
        for (name, text) in csv {
            write(&self.args.out.join(name), &text)?;
        }
        write(&self.report(), &html::page(self.args, &self.runs, &self.medians())?)
    }

    pub(super) fn report(&self) -> PathBuf {
        self.args.out.join("report.html")
    }

    /// Each number's median over the repeats, for each engine.
    pub(super) fn medians(&self) -> Vec<(String, Summary)> {
        let mut names: Vec<&String> = Vec::new();
        for run in &self.runs {
            if !names.contains(&&run.name) {
                names.push(&run.name);
            }
        }
        names.into_iter().map(|name| (name.clone(), self.median(name))).collect()
    }

    fn median(&self, name: &str) -> Summary {
        let of = |number: fn(&Summary) -> u64| {
            let runs = self.runs.iter().filter(|run| run.name == name);
            median(runs.map(|run| number(&run.measured.summary)).collect())
        };
        Summary {
            seconds: of(|summary| summary.seconds as u64) as usize,
            commits: of(|summary| summary.commits),
            commits_per_s_median: of(|summary| summary.commits_per_s_median),
            seconds_below_10_percent: of(|s| s.seconds_below_10_percent as u64) as usize,
            seconds_below_50_percent: of(|s| s.seconds_below_50_percent as u64) as usize,
            seconds_without_commits: of(|s| s.seconds_without_commits as u64) as usize,
            p50_us: of(|summary| summary.p50_us),
            p99_us: of(|summary| summary.p99_us),
            p999_us: of(|summary| summary.p999_us),
            max_us: of(|summary| summary.max_us),
        }
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| Failure::io(&path.display().to_string(), &error))
}
