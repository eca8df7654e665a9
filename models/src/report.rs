//! The result of one search, and its form on the pipe between a child and the runner.
//!
//! One fact a line, behind a mark, so that whatever else lands on stdout does no harm:
//! ```text
//! @seawall executions 12
//! @seawall reached 3 both slept
//! @seawall outcome 12 left 0
//! @seawall failed deadlock deadlock! blocked tasks: ...
//! ```

use crate::record::Record;
use std::fmt::{self, Write};

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What it counted.
    pub record: Record,
    /// Why it failed.
    pub failure: Option<Failure>,
}

/// Why a model failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The sort of failure.
    pub kind: Kind,
    /// The message, whose first line says it all.
    pub message: String,
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
}

const MARK: &str = "@seawall ";

impl Kind {
    const ALL: [Self; 5] =
        [Self::Check, Self::Deadlock, Self::Race, Self::Livelock, Self::Unreached];

    /// One word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Deadlock => "deadlock",
            Self::Race => "race",
            Self::Livelock => "livelock",
            Self::Unreached => "unreached",
        }
    }
}

impl Failure {
    /// Tells the sort of failure by the words that loom and shuttle use.
    pub fn of_panic(message: String) -> Self {
        let kind = if message.starts_with("deadlock") {
            Kind::Deadlock
        } else if message.starts_with("Causality violation") {
            Kind::Race
        } else if message.starts_with("Model exceeded maximum number of branches")
            || message.starts_with("exceeded max_steps bound")
        {
            Kind::Livelock
        } else {
            Kind::Check
        };
        Self { kind, message }
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
    pub fn of_panic(executions: u64, message: String) -> Self {
        let record = Record { executions, ..Record::default() };
        Self { record, failure: Some(Failure::of_panic(message)) }
    }

    /// The lines that [`Report::parse`] reads.
    pub fn to_lines(&self) -> String {
        let mut lines = String::new();
        let mut line = |text: fmt::Arguments<'_>| {
            writeln!(lines, "{MARK}{text}").expect("a String takes everything");
        };
        line(format_args!("executions {}", self.record.executions));
        for (point, times) in &self.record.reached {
            line(format_args!("reached {times} {}", one_line(point)));
        }
        for (outcome, times) in &self.record.outcomes {
            line(format_args!("outcome {times} {}", one_line(outcome)));
        }
        match &self.failure {
            Some(Failure { kind, message }) => {
                line(format_args!("failed {} {}", kind.name(), one_line(message)));
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
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            let (first, text) = rest.split_once(' ').unwrap_or((rest, ""));
            match word {
                "executions" => report.record.executions = first.parse().ok()?,
                "reached" => {
                    report.record.reached.insert(text.to_owned(), first.parse().ok()?);
                }
                "outcome" => {
                    report.record.outcomes.insert(text.to_owned(), first.parse().ok()?);
                }
                "failed" => {
                    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == first)?;
                    report.failure = Some(Failure { kind, message: text.to_owned() });
                    whole = Some(std::mem::take(&mut report));
                }
                "passed" => whole = Some(std::mem::take(&mut report)),
                _ => return None,
            }
        }
        whole
    }
}

fn one_line(text: &str) -> String {
    text.lines().collect::<Vec<_>>().join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Report {
        let counts = |name: &str| [(name.to_owned(), 7)].into_iter().collect();
        let record = Record { executions: 9, reached: counts("a b"), outcomes: counts("1 2") };
        Report { record, failure: None }
    }

    #[test]
    fn a_report_survives_the_pipe() {
        let failure = Some(Failure::of_panic("deadlock! blocked tasks: [1, 2]".to_owned()));
        for report in [sample(), Report { failure, ..sample() }] {
            let piped = format!("noise\n{}more noise\n", report.to_lines());
            assert_eq!(Report::parse(&piped), Some(report));
        }
    }

    #[test]
    fn the_last_report_counts() {
        let first = Report::of_panic(3, "caught by the model".to_owned());
        let piped = first.to_lines() + &sample().to_lines();
        assert_eq!(Report::parse(&piped), Some(sample()));
        assert_eq!(Report::parse(&first.to_lines()), Some(first));
    }

    #[test]
    fn half_a_report_is_none() {
        let lines = sample().to_lines();
        let half = lines.strip_suffix("@seawall passed\n").expect("its last line");
        assert_eq!(Report::parse(half), None);
        assert_eq!(Report::parse(""), None);
    }
}
