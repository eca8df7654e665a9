//! Signals: those that ask for the end are noted, so that what was made can be put away first.

use crate::exit::Failure;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// From now on a write beyond what a file may have fails, as one to a full disk does, and does not
/// end the process. PostgreSQL: the postmaster ignores SIGXFSZ.
pub(crate) fn survive_size_limits() {
    // If it fails, the first such write ends the process: like a crash, which loses nothing.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
}

/// Whether SIGINT, SIGTERM or SIGHUP has come.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// From now on these signals no longer end the process: who works long asks.
    pub(crate) fn install() -> Result<Self, Failure> {
        let flag = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(&flag))
                .map_err(|error| Failure::io("handler of a signal", &error))?;
        }
        Ok(Self(flag))
    }

    /// An error once one has come.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        // Relaxed: whoever sees it late asks again soon.
        match self.0.load(Ordering::Relaxed) {
            true => Err(Failure::Io("interrupted".to_owned())),
            false => Ok(()),
        }
    }
}
