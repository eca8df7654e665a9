//! `--trace-io`: a store whose operations on the disk are written down. The format is in
//! `docs/trace.md`.

use crate::exit::Failure;
use clap::Args;
use seawall::seawall_core::disk::Disk;
use seawall::{LinuxDisk, Trace, TracedDisk};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug, Args)]
pub(crate) struct TraceArgs {
    /// Write every operation of the disk to this file, one JSON object a line, with what is
    /// acknowledged between them: docs/trace.md
    #[arg(long, value_name = "FILE")]
    trace_io: Option<PathBuf>,
    /// Write the bytes of all writes to this file, to replay them
    #[arg(long, value_name = "FILE", requires = "trace_io")]
    trace_bytes: Option<PathBuf>,
}

impl TraceArgs {
    /// The trace, if one is wanted. Its files are made, or made empty.
    pub(crate) fn begin(&self) -> Result<Option<Arc<Trace>>, Failure> {
        let Some(lines) = &self.trace_io else { return Ok(None) };
        let lines = create(lines)?;
        Ok(Some(match &self.trace_bytes {
            Some(bytes) => Trace::with_bytes(lines, create(bytes)?),
            None => Trace::new(lines),
        }))
    }
}

fn create(path: &Path) -> Result<File, Failure> {
    File::create(path).map_err(|error| Failure::io(&path.display().to_string(), &error))
}

/// The disk of a store in `dir`, traced if there is a trace.
pub(crate) fn disk(dir: &Path, trace: Option<&Arc<Trace>>) -> Arc<dyn Disk> {
    let disk = Arc::new(LinuxDisk::new(dir));
    match trace {
        Some(trace) => Arc::new(TracedDisk::new(disk, Arc::clone(trace))),
        None => disk,
    }
}

/// Ends a trace: whatever came of the work, a trace that is not complete is a failure.
pub(crate) fn end(trace: Option<&Arc<Trace>>) -> Result<(), Failure> {
    let finished = trace.map_or(Ok(()), |trace| trace.finish());
    finished.map_err(|error| Failure::io("the trace", &error))
}
