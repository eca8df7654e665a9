//! Other programs: run to their end, or ended.

use crate::exit::Failure;
use crate::interrupt::Interrupt;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Between two looks at a program.
pub(super) const TICK: Duration = Duration::from_millis(100);

/// How long a program has to end by itself once it was asked to.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs a program that takes no time, and gives its stdout.
pub(super) fn tool(name: &str, arguments: &[&str]) -> Result<String, Failure> {
    let ran = Command::new(name).args(arguments).stdin(Stdio::null()).output();
    let ran = ran.map_err(|error| Failure::io(name, &error))?;
    if !ran.status.success() {
        let (said, arguments) = (String::from_utf8_lossy(&ran.stderr), arguments.join(" "));
        let what = format!("{name} {arguments}: {}: {}", ran.status, said.trim());
        return Err(Failure::Io(what));
    }
    Ok(String::from_utf8_lossy(&ran.stdout).trim().to_owned())
}

/// A program that runs; ended when this is dropped.
pub(super) struct Program {
    name: String,
    child: Child,
    /// What it says on stderr.
    log: PathBuf,
    ending: Signal,
}

impl Program {
    /// Starts a program whose stderr goes to a file in `logs`.
    pub(super) fn start(name: &str, command: &mut Command, logs: &Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::io(&format!("start of {name}"), &error);
        let log = logs.join(format!("{name}.log"));
        command.stderr(File::create(&log).map_err(failed)?);
        let child = command.spawn().map_err(failed)?;
        Ok(Self { name: name.to_owned(), child, log, ending: Signal::KILL })
    }

    /// The same, ended by asking for it first.
    pub(super) fn ended_by(mut self, signal: Signal) -> Self {
        self.ending = signal;
        self
    }

    pub(super) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    pub(super) fn log(&self) -> &Path {
        &self.log
    }

    /// Whether it runs; an error if it has failed.
    pub(super) fn is_running(&mut self) -> Result<bool, Failure> {
        let ended = self.child.try_wait().map_err(|error| Failure::io(&self.name, &error))?;
        match ended {
            None => Ok(true),
            Some(status) if status.success() => Ok(false),
            Some(status) => Err(self.failure(status)),
        }
    }

    /// Waits for its end, doing `meanwhile` now and then.
    pub(super) fn finish(
        mut self,
        interrupt: &Interrupt,
        mut meanwhile: impl FnMut() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        while self.is_running()? {
            interrupt.check()?;
            meanwhile()?;
            std::thread::sleep(TICK);
        }
        Ok(())
    }

    /// Asks it to end, and waits for that.
    pub(super) fn end(mut self, signal: Signal, interrupt: &Interrupt) -> Result<(), Failure> {
        if self.is_running()? {
            kill_process(Pid::from_child(&self.child), signal)
                .map_err(|error| Failure::io(&self.name, &error.into()))?;
        }
        self.finish(interrupt, || Ok(()))
    }

    /// What to say of its end.
    fn failure(&self, status: ExitStatus) -> Failure {
        let words = fs::read_to_string(&self.log).unwrap_or_default();
        let last = words.lines().rfind(|line| !line.trim().is_empty());
        Failure::Io(format!("{}: {status}: {}", self.name, last.unwrap_or("without a word")))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        // Each fails if it has gone meanwhile.
        let _ = kill_process(Pid::from_child(&self.child), self.ending);
        let asked = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && asked.elapsed() < PATIENCE {
            std::thread::sleep(TICK);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
