//! The result of one search, and its form on the pipe between a child and the runner.
//!
//! One fact a line, behind a mark, so that whatever else lands on stdout does no harm:
//! ```text
//! @seawall progress 5 40
//! @seawall executions 12 2 40 0
//! @seawall reached 3 both slept
//! @seawall outcome 12 left 0
//! @seawall trace a  load  flag  true  turn.rs:12
//! @seawall failed deadlock at a3b2 deadlock! blocked tasks: ...
//! ```

use crate::record::{LIMIT_REACHED, Record};
use crate::schedule::{At, MISFIT};
use std::fmt::{self, Write};

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What it counted.
    pub record: Record,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// The lines of the recorded execution.
    pub trace: Vec<String>,
}

/// Why a model failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The sort of failure.
    pub kind: Kind,
    /// The message, whose first line says it all.
    pub message: String,
    /// The execution, if it is one that has failed.
    pub at: Option<At>,
}

/// The sorts of failure of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A check of the model or of the code panicked.
    Check,
    /// Every thread waits.
    Deadlock,
    /// Unordered accesses to a cell that loom tracks.
    Race,
    /// An execution that does not end.
    Livelock,
    /// No execution failed, but they were not the ones that the model is about.
    Unreached,
    /// There is no such execution to be replayed.
    Misfit,
    /// It did not end within the executions that it may have.
    Limit,
}

const MARK: &str = "@seawall ";

impl Kind {
    const ALL: [Self; 7] = [
        Self::Check,
        Self::Deadlock,
        Self::Race,
        Self::Livelock,
        Self::Unreached,
        Self::Misfit,
        Self::Limit,
    ];

    /// One word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Deadlock => "deadlock",
            Self::Race => "race",
            Self::Livelock => "livelock",
            Self::Unreached => "unreached",
            Self::Misfit => "misfit",
            Self::Limit => "limit",
        }
    }
}

impl Failure {
    /// Tells the sort of failure by the words that loom and shuttle use.
    pub fn of_panic(message: String, at: At) -> Self {
        let kind = if message.starts_with("deadlock") {
            Kind::Deadlock
        } else if message.starts_with("Causality violation") {
            Kind::Race
        } else if message.starts_with("Model exceeded maximum number of branches")
            || message.starts_with("exceeded max_steps bound")
        {
            Kind::Livelock
        } else if message.starts_with(MISFIT) {
            Kind::Misfit
        } else if message.starts_with(LIMIT_REACHED) {
            Kind::Limit
        } else {
            Kind::Check
        };
        Self { kind, message, at: Some(at) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.message.lines().next().unwrap_or_default();
        write!(f, "{}: {first}", self.kind.name())
    }
}

impl Report {
    /// A report of what is known in the middle of a search: that an execution panicked. The last
    /// word if the process dies of it.
    pub fn of_panic(executions: u64, message: String, at: At) -> Self {
        let record = Record { executions, ..Record::default() };
        Self { record, failure: Some(Failure::of_panic(message, at)), trace: Vec::new() }
    }

    /// The lines that [`Report::parse`] reads.
    pub fn to_lines(&self) -> String {
        let mut lines = String::new();
        let mut line = |text: fmt::Arguments<'_>| {
            writeln!(lines, "{MARK}{text}").expect("a String takes everything");
        };
        let Record { executions, redundant, depth, recovered, .. } = self.record;
        line(format_args!("executions {executions} {redundant} {depth} {recovered}"));
        for (point, times) in &self.record.reached {
            line(format_args!("reached {times} {}", one_line(point)));
        }
        for (outcome, times) in &self.record.outcomes {
            line(format_args!("outcome {times} {}", one_line(outcome)));
        }
        for text in &self.trace {
            line(format_args!("trace {text}"));
        }
        match &self.failure {
            Some(Failure { kind, message, at }) => {
                let at = at.as_ref().map_or_else(|| "-".to_owned(), At::to_string);
                line(format_args!("failed {} {at} {}", kind.name(), one_line(message)));
            }
            None => line(format_args!("passed")),
        }
        lines
    }

    /// Reads the last report in what a child printed; `None` if there is no whole one.
    pub fn parse(stdout: &str) -> Option<Self> {
        let mut report = Self::default();
        let mut whole = None;
        for line in stdout.lines().filter_map(|line| line.strip_prefix(MARK)) {
            if report.read_line(line)? {
                whole = Some(std::mem::take(&mut report));
            }
        }
        whole
    }

    /// Whether the line was the last of a report; `None` if there is no such line.
    fn read_line(&mut self, line: &str) -> Option<bool> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (first, text) = rest.split_once(' ').unwrap_or((rest, ""));
        let record = &mut self.record;
        match word {
            "progress" => {}
            "executions" => {
                let mut counts = text.split(' ').map(|count| count.parse().ok());
                record.executions = first.parse().ok()?;
                record.redundant = counts.next()??;
                record.depth = counts.next()??;
                record.recovered = counts.next()??;
            }
            "reached" => {
                record.reached.insert(text.to_owned(), first.parse().ok()?);
            }
            "outcome" => {
                record.outcomes.insert(text.to_owned(), first.parse().ok()?);
            }
            "trace" => self.trace.push(rest.to_owned()),
            "failed" => {
                let kind = Kind::ALL.into_iter().find(|kind| kind.name() == first)?;
                let (at, message) = text.split_once(' ')?;
                let at = if at == "-" { None } else { Some(at.parse().ok()?) };
                self.failure = Some(Failure { kind, message: message.to_owned(), at });
                return Some(true);
            }
            "passed" => return Some(true),
            _ => return None,
        }
        Some(false)
    }
}

/// What a child prints from time to time.
pub fn progress_line(executions: u64, depth: u64) -> String {
    format!("{MARK}progress {executions} {depth}\n")
}

/// Reads what [`progress_line`] wrote: executions and depth.
pub fn parse_progress(line: &str) -> Option<(u64, u64)> {
    let (executions, depth) =
        line.strip_prefix(MARK)?.strip_prefix("progress ")?.split_once(' ')?;
    Some((executions.parse().ok()?, depth.parse().ok()?))
}

fn one_line(text: &str) -> String {
    text.lines().collect::<Vec<_>>().join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Report {
        let counts = |name: &str| [(name.to_owned(), 7)].into_iter().collect();
        let (reached, outcomes) = (counts("a b"), counts("1 2"));
        let (executions, redundant, depth, recovered) = (9, 2, 30, 4);
        let record = Record { executions, redundant, depth, recovered, reached, outcomes };
        Report { record, failure: None, trace: vec!["a  load".to_owned()] }
    }

    #[test]
    fn a_report_survives_the_pipe() {
        let message = "deadlock! blocked tasks: [1, 2]".to_owned();
        let failure = Some(Failure::of_panic(message, "a3b".parse().expect("a schedule")));
        for report in [sample(), Report { failure, ..sample() }] {
            let piped = format!("noise\n{}more noise\n", report.to_lines());
            assert_eq!(Report::parse(&piped), Some(report));
        }
    }

    #[test]
    fn the_last_report_counts() {
        let first = Report::of_panic(3, "caught by the model".to_owned(), At::Execution(3));
        let piped = first.to_lines() + &sample().to_lines();
        assert_eq!(Report::parse(&piped), Some(sample()));
        assert_eq!(Report::parse(&first.to_lines()), Some(first));
    }

    #[test]
    fn progress_is_no_part_of_a_report() {
        let piped = progress_line(5, 7) + &sample().to_lines();
        assert_eq!(parse_progress(piped.lines().next().expect("a line")), Some((5, 7)));
        assert_eq!(Report::parse(&piped), Some(sample()));
    }

    #[test]
    fn half_a_report_is_none() {
        let lines = sample().to_lines();
        let half = lines.strip_suffix("@seawall passed\n").expect("its last line");
        assert_eq!(Report::parse(half), None);
        assert_eq!(Report::parse(""), None);
    }
}
