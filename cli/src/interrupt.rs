//! Signals that ask for the end: noted, so that what was made can be put away first.

use crate::exit::Failure;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
