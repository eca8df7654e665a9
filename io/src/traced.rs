//! A disk that tells: every operation, one JSON object a line, for who checks their order or what
//! a crash has left from outside. The format is in `docs/trace.md`.
//!
//! # Rules
//! * An operation has two lines: one before it begins, one when it has ended. So `b` began when `a`
//!   had ended if and only if the last line of `a` comes before the first of `b`.
//! * Lines are written at once, unbuffered: of a process that was killed, every operation that may
//!   have had an effect is there, those that were under way with their first line alone.
//! * The trace never fails an operation. What cannot be written ends it; [`Trace::finish`] tells.

mod line;

use line::Line;
use seawall_core::disk::{Disk, DiskFile, LockOutcome, OnWrite, OpenMode};
use seawall_core::lsn::Lsn;
use seawall_core::sync::Mutex;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

/// Where the lines go.
pub struct Trace {
    state: Mutex<State>,
}

struct State {
    next: u64,
    lines: Box<dyn Write + Send>,
    /// The bytes of all writes, and how many there are.
    bytes: Option<(Box<dyn Write + Send>, u64)>,
    failed: Option<io::Error>,
}

impl Trace {
    /// A trace of operations. What `lines` buffers is lost to a kill.
    pub fn new(lines: impl Write + Send + 'static) -> Arc<Self> {
        Self::over(Box::new(lines), None)
    }

    /// The same, with the bytes of all writes one after the other in `bytes`: each write says where
    /// its own begin.
    pub fn with_bytes(
        lines: impl Write + Send + 'static,
        bytes: impl Write + Send + 'static,
    ) -> Arc<Self> {
        Self::over(Box::new(lines), Some((Box::new(bytes), 0)))
    }

    fn over(
        lines: Box<dyn Write + Send>,
        bytes: Option<(Box<dyn Write + Send>, u64)>,
    ) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State { next: 1, lines, bytes, failed: None }) })
    }

    /// Notes that somebody was told of the operation with this number, which ends at `end` in the
    /// log: that it is durable.
    pub fn acknowledge(&self, number: u64, end: Lsn) {
        self.line(Line::of("ack").number("number", number).text("lsn", &end.to_string()));
    }

    /// Hands over what is buffered.
    ///
    /// # Errors
    /// The first one that the trace has met: it ends before that.
    pub fn finish(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        if let Some(error) = state.failed.take() {
            return Err(error);
        }
        if let Some((bytes, _)) = &mut state.bytes {
            bytes.flush()?;
        }
        state.lines.flush()
    }

    /// Writes a line; returns its number.
    fn line(&self, line: Line) -> u64 {
        self.state.lock().line(line)
    }

    /// The first line of a write of `parts`.
    fn write(&self, line: Line, parts: &[&[u8]]) -> u64 {
        let hashed = line.hash(parts);
        let mut state = self.state.lock();
        let line = match state.keep(parts) {
            Some(at) => hashed.number("at", at),
            None => hashed,
        };
        state.line(line)
    }

    /// The last line of the operation whose first one is `of`.
    fn end<T>(&self, of: u64, done: &io::Result<T>, tell: impl FnOnce(Line, &T) -> Line) {
        let line = Line::end(of);
        self.line(match done {
            Ok(value) => tell(line, value),
            Err(error) => line.error(error),
        });
    }
}

impl State {
    fn line(&mut self, line: Line) -> u64 {
        let number = self.next;
        self.next += 1;
        if self.failed.is_none() {
            self.failed = self.lines.write_all(line.finish(number).as_bytes()).err();
        }
        number
    }

    /// Keeps the bytes of a write; returns where.
    fn keep(&mut self, parts: &[&[u8]]) -> Option<u64> {
        let (out, end) = self.bytes.as_mut()?;
        let at = *end;
        *end += total(parts);
        if self.failed.is_none() {
            self.failed = parts.iter().try_for_each(|part| out.write_all(part)).err();
        }
        Some(at)
    }
}

fn total(parts: &[&[u8]]) -> u64 {
    parts.iter().map(|part| part.len() as u64).sum()
}

/// A disk whose operations are traced.
pub struct TracedDisk {
    disk: Arc<dyn Disk>,
    trace: Arc<Trace>,
}

impl TracedDisk {
    /// The operations on `disk`, told to `trace`.
    pub fn new(disk: Arc<dyn Disk>, trace: Arc<Trace>) -> Self {
        Self { disk, trace }
    }

    fn run<T>(&self, line: Line, call: impl FnOnce(&dyn Disk) -> io::Result<T>) -> io::Result<T> {
        let of = self.trace.line(line);
        let done = call(&*self.disk);
        self.trace.end(of, &done, |line, _| line);
        done
    }

    fn open_file(
        &self,
        (line, path, on_write): (Line, &str, OnWrite),
        call: impl FnOnce(&dyn Disk) -> io::Result<Arc<dyn DiskFile>>,
    ) -> io::Result<Arc<dyn DiskFile>> {
        let handle = self.trace.line(line);
        let opened = call(&*self.disk);
        self.trace.end(handle, &opened, |line, _| line);
        let (path, trace) = (path.to_owned(), Arc::clone(&self.trace));
        Ok(Arc::new(TracedFile { file: opened?, path, handle, on_write, trace }))
    }
}

impl Disk for TracedDisk {
    fn open_with(&self, path: &str, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>> {
        let line = Line::on("open", path).durable(mode.on_write).flag("direct", mode.direct);
        self.open_file((line, path, mode.on_write), |disk| disk.open_with(path, mode))
    }

    fn direct_alignment(&self) -> u64 {
        self.disk.direct_alignment()
    }

    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        let opening = (Line::on("create", path), path, OnWrite::Nothing);
        self.open_file(opening, |disk| disk.create(path))
    }

    fn create_dir(&self, path: &str) -> io::Result<()> {
        self.run(Line::on("create_dir", path), |disk| disk.create_dir(path))
    }

    fn link_dir(&self, path: &str, target: &Path) -> io::Result<()> {
        let line = Line::on("link_dir", path).text("to", &target.to_string_lossy());
        self.run(line, |disk| disk.link_dir(path, target))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.run(Line::on("rename", from).text("to", to), |disk| disk.rename(from, to))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.run(Line::on("remove", path), |disk| disk.remove(path))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.run(Line::on("list", dir), |disk| disk.list(dir))
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        self.run(Line::on("sync_dir", dir), |disk| disk.sync_dir(dir))
    }

    fn lock(&self, path: &str) -> io::Result<LockOutcome> {
        self.run(Line::on("lock", path), |disk| disk.lock(path))
    }
}

struct TracedFile {
    file: Arc<dyn DiskFile>,
    /// As it was opened.
    path: String,
    handle: u64,
    on_write: OnWrite,
    trace: Arc<Trace>,
}

impl TracedFile {
    fn line(&self, op: &str) -> Line {
        Line::on(op, &self.path).number("handle", self.handle)
    }

    fn run<T>(
        &self,
        line: Line,
        call: impl FnOnce(&dyn DiskFile) -> io::Result<T>,
    ) -> io::Result<T> {
        let of = self.trace.line(line);
        let done = call(&*self.file);
        self.trace.end(of, &done, |line, _| line);
        done
    }

    fn range(&self, op: &str, offset: u64, len: u64) -> Line {
        self.line(op).range(offset, len)
    }

    fn write(
        &self,
        parts: &[&[u8]],
        offset: u64,
        call: impl FnOnce(&dyn DiskFile) -> io::Result<()>,
    ) -> io::Result<()> {
        let line = self.range("write", offset, total(parts)).durable(self.on_write);
        let of = self.trace.write(line, parts);
        let done = call(&*self.file);
        self.trace.end(of, &done, |line, ()| line);
        done
    }
}

impl DiskFile for TracedFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.read_vectored_at(&mut [buf], offset)
    }

    fn read_vectored_at(&self, bufs: &mut [&mut [u8]], offset: u64) -> io::Result<usize> {
        let len = bufs.iter().map(|buf| buf.len() as u64).sum();
        let of = self.trace.line(self.range("read", offset, len));
        let done = self.file.read_vectored_at(bufs, offset);
        self.trace.end(of, &done, |line, read| {
            let mut left = *read;
            let parts = bufs.iter().map(|buf| {
                let part = &buf[..left.min(buf.len())];
                left -= part.len();
                part
            });
            line.number("read", *read as u64).hash(&parts.collect::<Vec<_>>())
        });
        done
    }

    fn prefetch(&self, offset: u64, len: u64) -> io::Result<()> {
        self.run(self.range("prefetch", offset, len), |file| file.prefetch(offset, len))
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.write(&[buf], offset, |file| file.write_at(buf, offset))
    }

    fn write_vectored_at(&self, bufs: &[&[u8]], offset: u64) -> io::Result<()> {
        self.write(bufs, offset, |file| file.write_vectored_at(bufs, offset))
    }

    fn start_writeback(&self, offset: u64, len: u64) -> io::Result<()> {
        let line = self.range("start_writeback", offset, len);
        self.run(line, |file| file.start_writeback(offset, len))
    }

    fn wait_writeback(&self, offset: u64, len: u64) -> io::Result<()> {
        let line = self.range("wait_writeback", offset, len);
        self.run(line, |file| file.wait_writeback(offset, len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.run(self.line("sync_data"), |file| file.sync_data())
    }

    fn sync_all(&self) -> io::Result<()> {
        self.run(self.line("sync_all"), |file| file.sync_all())
    }

    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        self.run(self.range("allocate", offset, len), |file| file.allocate(offset, len))
    }

    fn reserve(&self, offset: u64, len: u64) -> io::Result<()> {
        self.run(self.range("reserve", offset, len), |file| file.reserve(offset, len))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.run(self.line("set_len").number("len", len), |file| file.set_len(len))
    }

    fn len(&self) -> io::Result<u64> {
        let of = self.trace.line(self.line("len"));
        let done = self.file.len();
        self.trace.end(of, &done, |line, len| line.number("len", *len));
        done
    }
}

#[cfg(test)]
mod tests;
