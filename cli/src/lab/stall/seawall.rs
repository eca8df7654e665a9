//! A run of seawall: `bench` as a process in the group.

use super::args::StallArgs;
use super::bed::Bed;
use super::program::{Program, TICK};
use super::results::Measured;
use super::watch::Watch;
use crate::bench::line::Line;
use crate::bench::variant::Variant;
use crate::exit::{Failure, note};
use crate::interrupt::Interrupt;
use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};

/// Bytes of a page of the pool.
const PAGE_BYTES: u32 = 8 << 10;

pub(super) fn run(
    args: &StallArgs,
    bed: &Bed,
    variant: &Variant,
    watch: &mut Watch<'_>,
    interrupt: &Interrupt,
) -> Result<Measured, Failure> {
    let mut bench = Bench::start(args, bed, variant)?;
    let mut measured = Measured::default();
    // After the process: dropped before it is ended. It could not end while its writes wait.
    let mut limits = Vec::new();
    loop {
        let Some(line) = bench.line(interrupt)? else {
            if !limits.is_empty() {
                watch.look()?;
            }
            continue;
        };
        match line {
            Line::Loaded { load_ms, .. } => {
                note!("   loaded in {load_ms} ms");
                measured.load_ms = load_ms;
                limits = bed.limit(args, interrupt)?;
                bench.go()?;
            }
            Line::Measuring { epoch_ms } => measured.start_epoch_ms = epoch_ms,
            Line::Second(second) => measured.seconds.push(second),
            Line::Checkpoint(checkpoint) => measured.checkpoints.push(checkpoint),
            Line::Summary(summary) => {
                measured.summary = summary;
                return Ok(measured);
            }
        }
        watch.look()?;
    }
}

struct Bench {
    program: Program,
    stdin: Option<ChildStdin>,
    lines: Receiver<Result<Line, String>>,
}

impl Bench {
    fn start(args: &StallArgs, bed: &Bed, variant: &Variant) -> Result<Self, Failure> {
        let failed = |error| Failure::io("start of bench", &error);
        let mut command = bed.group.command(std::env::current_exe().map_err(failed)?);
        command.arg("bench").arg(bed.data.path().join("store"));
        command.arg("--wal-dir").arg(bed.wal.path().join("wal"));
        options(&mut command, args).args(["--variant", variant.name, "--json", "--wait"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut program = Program::start("bench", &mut command, bed.dir())?;
        let (stdin, stdout) = (program.child().stdin.take(), program.child().stdout.take());
        let (sender, lines) = mpsc::channel();
        let reader = std::thread::Builder::new().name("reader".to_owned());
        let reading = reader.spawn(move || stdout.map(|stdout| read(stdout, &sender)));
        reading.map_err(failed)?;
        Ok(Self { program, stdin, lines })
    }

    /// The next line, if it comes soon.
    fn line(&mut self, interrupt: &Interrupt) -> Result<Option<Line>, Failure> {
        interrupt.check()?;
        match self.lines.recv_timeout(TICK) {
            Ok(Ok(line)) => Ok(Some(line)),
            Ok(Err(what)) => Err(Failure::Finding(what)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => match self.program.is_running()? {
                true => Ok(None),
                false => Err(Failure::Io("bench has ended without a summary".to_owned())),
            },
        }
    }

    fn go(&mut self) -> Result<(), Failure> {
        let told = self.stdin.as_mut().map_or(Ok(()), |stdin| stdin.write_all(b"go\n"));
        told.map_err(|error| Failure::io("stdin of bench", &error))
    }
}

fn options<'c>(command: &'c mut Command, args: &StallArgs) -> &'c mut Command {
    let buffers = (u64::from(args.pool_mib) << 20) / u64::from(PAGE_BYTES);
    let numbers = [
        ("--rows", args.rows),
        ("--row-bytes", u64::from(args.row_bytes)),
        ("--clients", u64::from(args.clients)),
        ("--seconds", args.seconds),
        ("--warmup-seconds", args.warmup_seconds),
        ("--buffers", buffers),
        ("--checkpoint-every", args.checkpoint_every.as_millis() as u64),
    ];
    for (option, number) in numbers {
        command.arg(option).arg(number.to_string());
    }
    command
}

fn read(stdout: ChildStdout, lines: &Sender<Result<Line, String>>) {
    for line in BufReader::new(stdout).lines() {
        let line = line.map_err(|error| error.to_string()).and_then(|line| {
            serde_json::from_str(&line).map_err(|error| format!("bench said {line:?}: {error}"))
        });
        // Nobody listens any more once the run is over.
        if lines.send(line).is_err() {
            return;
        }
    }
}
