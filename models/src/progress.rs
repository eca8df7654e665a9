//! What is being searched, on a terminal; nothing where there is none.

use crate::table::grouped;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::time::Duration;

/// The lines of the searches that run, and a bar of those that are done.
pub struct Progress {
    lines: MultiProgress,
    bar: ProgressBar,
}

/// The line of a search.
pub struct Line {
    bar: ProgressBar,
    name: String,
}

const TICK: Duration = Duration::from_millis(200);

impl Progress {
    /// So many searches are to be done.
    pub fn new(searches: usize) -> Self {
        // On stderr; it draws nothing if that is not a terminal.
        let lines = MultiProgress::new();
        let style = "{bar:30} {pos} of {len} searches, {elapsed}";
        let bar = lines.add(ProgressBar::new(searches as u64).with_style(style_of(style)));
        Self { lines, bar }
    }

    /// A search begins.
    pub fn begin(&self, name: String) -> Line {
        let bar = ProgressBar::new_spinner().with_style(style_of("{spinner} {elapsed:>4} {msg}"));
        let bar = self.lines.insert_before(&self.bar, bar);
        bar.set_message(name.clone());
        bar.enable_steady_tick(TICK);
        Line { bar, name }
    }

    /// A search has ended.
    pub fn finish(&self, line: &Line) {
        line.bar.finish_and_clear();
        self.bar.inc(1);
    }

    /// Prints something where the lines would be in its way.
    pub fn suspend<R>(&self, print: impl FnOnce() -> R) -> R {
        self.lines.suspend(print)
    }

    /// Everything is done.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

impl Line {
    /// The search has come so far.
    pub fn tell(&self, executions: u64, depth: u64) {
        let (name, executions) = (&self.name, grouped(executions));
        self.bar.set_message(format!("{name}: {executions} executions, depth {depth}"));
    }
}

fn style_of(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("a template of ours")
}
