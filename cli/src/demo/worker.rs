//! The process that works until it is killed, and what it says.
//!
//! Its stdout carries the acknowledgements and reports of `torture`; what is in the pipe when it
//! dies is still read. Its stdin is held open and never written to: it ends when this process does.

use super::{Killed, THREADS};
use crate::exit::Failure;
use crate::torture::{CHECKPOINT_COMPLETE, CHECKPOINT_STARTED, LATENCY};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Pages of the pool, and of the data: more, so that evictions write as well.
const BUFFERS: u32 = 2048;
const PAGES: u32 = 2500;
/// So much that the time paces the checkpoints, not the log.
const WAL_MAX_BYTES: u64 = 8 << 30;

/// What the worker reports.
pub(super) enum Event {
    CheckpointStarted(u64),
    CheckpointComplete,
    /// It has closed its stdout.
    Ended,
}

/// The working process.
pub(super) struct Worker {
    child: Child,
    events: Receiver<Event>,
    acknowledged: Arc<AtomicU64>,
    reader: Option<JoinHandle<Transcript>>,
}

/// Everything that was read.
#[derive(Default)]
struct Transcript {
    acknowledged: u64,
    first_ack: Option<Instant>,
    latency: Option<String>,
    complete: Option<String>,
    /// What should not have been said.
    fault: Option<String>,
}

impl Worker {
    pub(super) fn start(dir: &Path, interval: Duration) -> Result<Self, Failure> {
        let failed = |error| Failure::io("start of the worker", &error);
        let program = std::env::current_exe().map_err(failed)?;
        let mut command = Command::new(program);
        command.arg("torture").arg("--report").arg("--dir").arg(dir);
        let numbers = [
            ("--threads", THREADS.to_string()),
            ("--buffers", BUFFERS.to_string()),
            ("--pages", PAGES.to_string()),
            ("--checkpoint-every", format!("{}ms", interval.as_millis())),
            ("--wal-max-bytes", WAL_MAX_BYTES.to_string()),
        ];
        for (option, value) in numbers {
            command.arg(option).arg(value);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        // The child says on stderr what this process says already, but for its last words.
        let mut child = command.stderr(Stdio::piped()).spawn().map_err(failed)?;
        let stdout = child.stdout.take();
        let (sender, events) = mpsc::channel();
        let acknowledged = Arc::new(AtomicU64::new(0));
        let mut worker = Self { child, events, acknowledged, reader: None };
        let seen = Arc::clone(&worker.acknowledged);
        let read = move || stdout.map(|out| read(out, &seen, &sender)).unwrap_or_default();
        let reader = std::thread::Builder::new().name("reader".to_owned()).spawn(read);
        worker.reader = Some(reader.map_err(failed)?);
        Ok(worker)
    }

    /// The next report, if one comes in time.
    pub(super) fn next_event(&self, wait: Duration) -> Option<Event> {
        match self.events.recv_timeout(wait) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Event::Ended),
        }
    }

    /// Commits acknowledged until now.
    pub(super) fn acknowledged(&self) -> u64 {
        // Relaxed: a number to be shown.
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Kills the process with SIGKILL, in a checkpoint that has begun at `since`, and reads what
    /// it had said.
    pub(super) fn kill(mut self, checkpoint: u64, since: Instant) -> Result<Killed, Failure> {
        let failed = |error| Failure::io("kill of the worker", &error);
        self.child.kill().map_err(failed)?;
        let killed_at = Instant::now();
        self.child.wait().map_err(failed)?;
        let transcript = self.transcript();
        if let Some(fault) = transcript.fault {
            return Err(Failure::Finding(fault));
        }
        let worked = transcript.first_ack.map(|first| killed_at.saturating_duration_since(first));
        Ok(Killed {
            acknowledged: transcript.acknowledged,
            worked: worked.unwrap_or_default(),
            latency: transcript.latency,
            complete: transcript.complete,
            checkpoint,
            checkpoint_age: killed_at.saturating_duration_since(since),
        })
    }

    /// What to say of a worker that has ended before it was killed.
    pub(super) fn ended_by_itself(&mut self) -> Failure {
        let mut words = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            let _ = std::io::Read::read_to_string(&mut stderr, &mut words);
        }
        let last = words.lines().last().unwrap_or("without a word").to_owned();
        match self.child.wait() {
            Ok(status) if status.code() == Some(1) => Failure::Finding(last),
            Ok(status) => Failure::Io(format!("the worker has ended by itself, {status}: {last}")),
            Err(error) => Failure::io("the worker", &error),
        }
    }

    fn transcript(&mut self) -> Transcript {
        let joined = self.reader.take().map(JoinHandle::join);
        joined.and_then(Result::ok).unwrap_or_default()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Both fail if it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads to the end. A last line without an end was cut by the kill and says nothing.
fn read(out: ChildStdout, acknowledged: &AtomicU64, events: &Sender<Event>) -> Transcript {
    let mut transcript = Transcript::default();
    let mut lines = BufReader::new(out);
    let mut line = String::new();
    while matches!(lines.read_line(&mut line), Ok(bytes) if bytes > 0) && line.ends_with('\n') {
        if let Some(event) = transcript.take(line.trim_end()) {
            // Nobody listens any more once the worker is killed.
            let _ = events.send(event);
        }
        // Relaxed: a number to be shown.
        acknowledged.store(transcript.acknowledged, Ordering::Relaxed);
        line.clear();
    }
    let _ = events.send(Event::Ended);
    transcript
}

impl Transcript {
    fn take(&mut self, line: &str) -> Option<Event> {
        let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
        match kind {
            "ack" if rest.parse() == Ok(self.acknowledged + 1) => {
                self.acknowledged += 1;
                self.first_ack.get_or_insert_with(Instant::now);
            }
            LATENCY => self.latency = Some(rest.to_owned()),
            CHECKPOINT_STARTED => return rest.parse().ok().map(Event::CheckpointStarted),
            CHECKPOINT_COMPLETE => {
                let (_, told) = rest.split_once(' ')?;
                self.complete = Some(told.to_owned());
                return Some(Event::CheckpointComplete);
            }
            _ => {
                let after = self.acknowledged;
                self.fault.get_or_insert(format!("the worker said {line:?} after ack {after}"));
            }
        }
        None
    }
}
