//! Many lines of results on stdout, until nobody reads them any more.

use crate::exit::Failure;
use serde::Serialize;
use std::fmt::Display;
use std::io::{self, BufWriter, ErrorKind, StdoutLock, Write};

/// Stdout, buffered.
pub(crate) struct Output {
    out: BufWriter<StdoutLock<'static>>,
    has_reader: bool,
}

impl Output {
    pub(crate) fn new() -> Self {
        Self { out: BufWriter::new(io::stdout().lock()), has_reader: true }
    }

    /// Whether somebody reads: without, there is no reason to go on.
    pub(crate) fn has_reader(&self) -> bool {
        self.has_reader
    }

    /// Prints a line.
    pub(crate) fn line(&mut self, line: impl Display) -> Result<(), Failure> {
        let written = writeln!(self.out, "{line}");
        self.note(written)
    }

    /// Prints a line of JSON, as it is made: it may be long.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let Self { out, .. } = self;
        let written = serde_json::to_writer(&mut *out, value).map_err(io::Error::from);
        let written = written.and_then(|()| writeln!(out));
        self.note(written)
    }

    /// Hands over bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = self.out.write_all(bytes);
        self.note(written)
    }

    /// Hands over what is buffered.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        let flushed = self.out.flush();
        self.note(flushed)
    }

    fn note(&mut self, done: io::Result<()>) -> Result<(), Failure> {
        match done {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => self.has_reader = false,
            Err(error) => return Err(Failure::io("stdout", &error)),
            Ok(()) => {}
        }
        Ok(())
    }
}
