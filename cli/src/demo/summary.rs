//! What the demo has found, in words.

use super::{Killed, THREADS};
use crate::exit::Failure;
use crate::verify::Verified;
use seawall::RecoveryReport;
use std::fmt;

/// What is known after recovery.
pub(crate) struct Recovered {
    pub(crate) report: RecoveryReport,
    pub(crate) verified: Verified,
}

/// All of it.
pub(crate) struct Summary {
    pub(crate) killed: Killed,
    pub(crate) recovered: Recovered,
}

impl Summary {
    /// An error unless every acknowledged commit is there, and nothing that was never begun.
    pub(crate) fn verdict(&self) -> Result<(), Failure> {
        let (acknowledged, last) = (self.killed.acknowledged, self.recovered.verified.last);
        if last < acknowledged {
            return Err(Failure::Finding(format!(
                "commit {acknowledged} was acknowledged, but only {last} are there"
            )));
        }
        // Each thread waits for its commit before it begins the next.
        if last > acknowledged + u64::from(THREADS) {
            return Err(Failure::Finding(format!(
                "{last} commits are there, but only {acknowledged} were acknowledged and \
                 {THREADS} under way"
            )));
        }
        Ok(())
    }

    /// Whether the running checkpoint had not become the one to recover from: recovery began at
    /// the redo point of the last one that was reported complete.
    fn hit_checkpoint(&self) -> bool {
        let redo = format!("redo lsn={}", self.recovered.report.redo);
        self.killed.complete.as_ref().is_some_and(|line| line.ends_with(&redo))
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Killed { acknowledged, worked, checkpoint, checkpoint_age, .. } = &self.killed;
        let Recovered { report, verified } = &self.recovered;
        let seconds = worked.as_secs_f64();
        let rate = if seconds > 0.0 { *acknowledged as f64 / seconds } else { 0.0 };
        writeln!(f, "commits       {acknowledged} in {seconds:.1} s: {rate:.0} commits/s")?;
        let unknown = || "nothing was reported".to_owned();
        let latency = self.killed.latency.clone().unwrap_or_else(unknown);
        writeln!(f, "latency       {latency}")?;
        let complete = self.killed.complete.clone().unwrap_or_else(unknown);
        writeln!(f, "checkpoints   {complete}")?;
        let age_ms = checkpoint_age.as_millis();
        write!(f, "SIGKILL       {age_ms} ms into checkpoint {checkpoint}, ")?;
        match self.hit_checkpoint() {
            true => writeln!(f, "which was not complete")?,
            false => writeln!(f, "which was complete just before")?,
        }
        writeln!(f, "recovery      {report}")?;
        let (last, pages) = (verified.last, verified.pages);
        let more = last.saturating_sub(*acknowledged);
        write!(f, "commits found {last}: the {acknowledged} acknowledged ")?;
        writeln!(f, "and {more} that were under way")?;
        match self.verdict() {
            Ok(()) => write!(
                f,
                "verdict       fine: {pages} pages checked, every acknowledged commit is there, \
                 none is half there"
            ),
            Err(failure) => write!(f, "verdict       {failure}"),
        }
    }
}
