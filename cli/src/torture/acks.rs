//! Acknowledgements: `ack 1`, `ack 2`, … on stdout, each once it is durable.
//!
//! What is durable is a prefix of the log, and the numbers are in the log's order: when `K` is
//! durable, so is everything before it, whoever waits for that.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::{Mutex, PoisonError};

/// Everything that goes to stdout while torture runs.
pub(crate) struct Acks {
    printed: Mutex<Printed>,
}

struct Printed {
    /// Acknowledged so far: 1 to this.
    upto: u64,
    lines: String,
}

impl Acks {
    /// Goes on after `upto`, which is durable.
    pub(crate) fn after(upto: u64) -> Self {
        Self { printed: Mutex::new(Printed { upto, lines: String::new() }) }
    }

    /// Prints all acknowledgements up to `sequence` that are not printed yet.
    pub(crate) fn acknowledge(&self, sequence: u64) -> io::Result<()> {
        let mut printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        if sequence <= printed.upto {
            return Ok(());
        }
        let Printed { upto, lines } = &mut *printed;
        lines.clear();
        for number in *upto + 1..=sequence {
            let _ = writeln!(lines, "ack {number}");
        }
        *upto = sequence;
        print(lines)
    }

    /// Prints another line, between acknowledgements.
    pub(crate) fn line(&self, line: &str) -> io::Result<()> {
        let _printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        print(&format!("{line}\n"))
    }
}

fn print(lines: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(lines.as_bytes())?;
    out.flush()
}
