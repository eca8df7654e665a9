//! How the program ends, and its two ways of saying something.
//!
//! A reader who has left is no reason to fail, let alone to panic as `println!` does: what cannot
//! be said is not said.

use seawall::Error;
use seawall::seawall_core::recovery::SalvageFault;
use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

/// The exit codes, for `--help`.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  fine
  1  a finding about the data: not a store, a control file that is missing, damaged or of another
     version, a damaged log or page, a fault that `check` has found, a salvage that would leave a
     store in pieces, or torture data that is not what it should be
  2  usage: an unknown or impossible option, or one that contradicts the store
  3  I/O: the system refused something, or another process has the store open";

/// Why the program does not end with 0.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something is wrong with the data.
    Finding(String),
    /// Something is wrong with what was asked for.
    Usage(String),
    /// Something is wrong with the system, or the store is in use.
    Io(String),
}

impl Failure {
    /// The same failure with the store's directory in front.
    pub(crate) fn within(self, dir: &Path) -> Self {
        self.named(&dir.display().to_string())
    }

    /// The same failure with the name of what failed in front.
    pub(crate) fn named(self, name: &str) -> Self {
        let at = |what: String| format!("{name}: {what}");
        match self {
            Failure::Finding(what) => Failure::Finding(at(what)),
            Failure::Usage(what) => Failure::Usage(at(what)),
            Failure::Io(what) => Failure::Io(at(what)),
        }
    }

    pub(crate) fn io(what: &str, error: &io::Error) -> Self {
        Failure::Io(format!("{what}: {error}"))
    }

    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Finding(_) => 1,
            Failure::Usage(_) => 2,
            Failure::Io(_) => 3,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Finding(what) | Failure::Usage(what) | Failure::Io(what) => f.write_str(what),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let what = error.to_string();
        match error {
            Error::Page { .. }
            | Error::Wal(_)
            | Error::Control(_)
            | Error::NotAStore { .. }
            | Error::NoSuchFile { .. }
            | Error::BeyondEnd { .. }
            | Error::BeyondWal { .. }
            | Error::WalExhausted { .. } => Failure::Finding(what),
            Error::Salvage(SalvageFault::NotABoundary { .. }) => Failure::Usage(what),
            Error::Salvage(_) => Failure::Finding(what),
            Error::Config { .. } | Error::AlreadyExists { .. } => Failure::Usage(what),
            Error::NoUnpinnedBuffers { .. } => Failure::Usage(what),
            _ => Failure::Io(what),
        }
    }
}

/// Prints one line of result on stdout, flushed.
pub(crate) fn result(line: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::io("stdout", &error)),
        _ => Ok(()),
    }
}

/// Prints one line of diagnostics on stderr; if that fails there is nobody to tell.
macro_rules! note {
    ($($part:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($part)*);
    }};
}
pub(crate) use note;
