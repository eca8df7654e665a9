//! The engine's view of a simulated disk: the traits of [`crate::disk`].
//!
//! Every call but a prefetch passes its scheduling point first. A call that changes or syncs is
//! then numbered and shown to the observer, a fault may strike it, and what it does happens in one
//! step under the lock.

use super::content::pieces;
use super::errors::Cursor;
use super::fault::{EINVAL, Effect, Failure};
use super::op::{Op, OpKind};
use super::state::{Ino, Opened, State, errno};
use super::{Lock, SimDisk};
use crate::disk::{Disk, DiskFile, LockOutcome, OnWrite, OpenMode};
use crate::sync::atomic::{AtomicU64, Ordering};
use std::io;
use std::path::Path;
use std::sync::{Arc, PoisonError};

impl Disk for SimDisk {
    fn open_with(&self, path: &str, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>> {
        self.pass();
        if mode.direct && self.state().no_direct_io {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "no direct I/O here"));
        }
        let mut state = self.state();
        if let Some(failure) = state.strike(&Op::new(OpKind::Open, path)) {
            return failure.error();
        }
        let opened = state.open(path)?;
        drop(state);
        Ok(self.handle(path, opened, mode))
    }

    /// A sector.
    fn direct_alignment(&self) -> u64 {
        self.state().medium.sector_bytes as u64
    }

    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.pass();
        let opened = self.run(Op::new(OpKind::Create, path), |state, op| {
            state.create(op, path)?;
            state.open(path)
        })?;
        Ok(self.handle(path, opened, OpenMode::default()))
    }

    fn create_dir(&self, path: &str) -> io::Result<()> {
        self.pass();
        self.run(Op::new(OpKind::CreateDir, path), |state, _| state.names.create_dir(path))
    }

    fn link_dir(&self, path: &str, target: &Path) -> io::Result<()> {
        self.pass();
        let to = Some(target.display().to_string());
        let op = Op { to, ..Op::new(OpKind::LinkDir, path) };
        self.run(op, |state, _| state.names.link_dir(path, target))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.pass();
        let op = Op { to: Some(to.to_owned()), ..Op::new(OpKind::Rename, from) };
        self.run(op, |state, op| state.rename(op, from, to))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.pass();
        self.run(Op::new(OpKind::Remove, path), |state, op| state.remove(op, path))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.pass();
        self.state().names.list(dir)
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        self.pass();
        let call = self.begin(Op::new(OpKind::SyncDir, dir));
        let mut state = self.state();
        let Some(mut failure) = call.failure else { return state.sync_dir(dir, || true) };
        state.sync_dir(dir, || failure.random.coin())?;
        failure.error()
    }

    fn lock(&self, path: &str) -> io::Result<LockOutcome> {
        self.pass();
        if !self.exists(path) {
            let op = Op::new(OpKind::Create, path);
            self.run(op, |state, op| match state.create(op, path) {
                // Another thread's lock was faster.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                outcome => outcome,
            })?;
        }
        if !self.state().locks.insert(path.to_owned()) {
            return Ok(LockOutcome::Held { holder_pid: None });
        }
        Ok(LockOutcome::Acquired(Box::new(LockGuard { disk: self.clone(), path: path.to_owned() })))
    }
}

/// An operation that has been announced.
struct Call {
    op: Arc<Op>,
    failure: Option<Failure>,
}

impl SimDisk {
    /// The scheduling point of a call on names.
    fn pass(&self) {
        // Relaxed: nobody reads the word, it only tells the checkers that calls conflict.
        self.0.point.fetch_add(1, Ordering::Relaxed);
    }

    fn handle(&self, path: &str, opened: Opened, mode: OpenMode) -> Arc<dyn DiskFile> {
        let Opened { ino, point, cursor } = opened;
        let (disk, path, cursor) = (self.clone(), path.to_owned(), Lock::new(cursor));
        Arc::new(SimFile { disk, ino, point, mode, path, cursor })
    }

    /// Announces an operation and does it, unless it is to fail: then nothing happens.
    fn run<T>(
        &self,
        op: Op,
        effect: impl FnOnce(&mut State, &Arc<Op>) -> io::Result<T>,
    ) -> io::Result<T> {
        let call = self.begin(op);
        match call.failure {
            Some(failure) => failure.error(),
            None => effect(&mut self.state(), &call.op),
        }
    }

    fn begin(&self, mut op: Op) -> Call {
        let mut state = self.state();
        state.operations += 1;
        op.number = state.operations;
        drop(state);
        self.observe(&op);
        let failure = self.state().strike(&op);
        Call { op: Arc::new(op), failure }
    }

    /// Calls the observer outside of all locks; while it runs it is not there to be called.
    fn observe(&self, op: &Op) {
        let mut hook = self.hook();
        if hook.running {
            hook.unobserved += 1;
            return;
        }
        let Some(mut observer) = hook.observer.take() else { return };
        let settings = hook.settings;
        hook.running = true;
        drop(hook);
        observer(self, op);
        let mut hook = self.hook();
        hook.running = false;
        if hook.settings == settings {
            hook.observer = Some(observer);
        }
    }
}

/// An open file: its inode, whatever happens to its names.
struct SimFile {
    disk: SimDisk,
    ino: Ino,
    point: Arc<AtomicU64>,
    mode: OpenMode,
    path: String,
    /// Locked while the state is.
    cursor: Lock<Cursor>,
}

impl DiskFile for SimFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.read_vectored_at(&mut [buf], offset)
    }

    fn read_vectored_at(&self, bufs: &mut [&mut [u8]], offset: u64) -> io::Result<usize> {
        self.pass();
        bufs.iter().try_for_each(|buf| self.check_aligned(buf, offset))?;
        let mut state = self.disk.state();
        state.reads += 1;
        let len = bufs.iter().map(|buf| buf.len() as u64).sum();
        match state.strike(&self.op(OpKind::Read, offset, len)) {
            None => Ok(state.read(self.ino, bufs, offset)),
            Some(mut failure) => state.read_wrong(self.ino, bufs, offset, &mut failure),
        }
    }

    /// Is counted. No scheduling point: it touches nothing that another call sees.
    fn prefetch(&self, _offset: u64, _len: u64) -> io::Result<()> {
        self.disk.state().prefetches += 1;
        Ok(())
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.check_aligned(buf, offset)?;
        self.write_through(buf, offset)
    }

    /// One write of all the bytes: it is torn at any sector.
    fn write_vectored_at(&self, bufs: &[&[u8]], offset: u64) -> io::Result<()> {
        bufs.iter().try_for_each(|buf| self.check_aligned(buf, offset))?;
        self.write_through(&bufs.concat(), offset)
    }

    fn start_writeback(&self, offset: u64, len: u64) -> io::Result<()> {
        self.pass();
        match self.disk.begin(self.op(OpKind::Writeback, offset, len)).failure {
            None => Ok(()),
            Some(mut failure) => {
                self.disk.state().lose(self.ino, &mut failure);
                failure.error()
            }
        }
    }

    fn wait_writeback(&self, offset: u64, len: u64) -> io::Result<()> {
        self.pass();
        let op = self.op(OpKind::WaitWriteback, offset, len);
        self.end_sync(op, |_| ())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync(OpKind::SyncData)
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync(OpKind::SyncAll)
    }

    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        self.pass();
        let op = self.op(OpKind::Allocate, offset, len);
        self.disk.run(op, |state, op| state.allocate(op, self.ino))
    }

    fn reserve(&self, offset: u64, len: u64) -> io::Result<()> {
        self.pass();
        let op = self.op(OpKind::Reserve, offset, len);
        self.disk.run(op, |state, op| state.reserve(op, self.ino))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.pass();
        let op = self.op(OpKind::SetLen, 0, len);
        self.disk.run(op, |state, op| state.set_len(op, self.ino))
    }

    fn len(&self) -> io::Result<u64> {
        self.pass();
        Ok(self.disk.state().inode(self.ino).cached.len())
    }
}

impl SimFile {
    fn op(&self, kind: OpKind, offset: u64, len: u64) -> Op {
        Op::on_file(kind, self.ino, &self.path, offset, len)
    }

    /// The scheduling point of a call on this file.
    fn pass(&self) {
        if self.disk.state().one_point {
            return self.disk.pass();
        }
        // Relaxed: nobody reads the word, it only tells the checkers that calls conflict.
        self.point.fetch_add(1, Ordering::Relaxed);
    }

    fn check_aligned(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        let sector_bytes = self.disk.direct_alignment();
        let is_aligned = |number: u64| number.is_multiple_of(sector_bytes);
        let all = [offset, buf.len() as u64, buf.as_ptr() as u64];
        if self.mode.direct && !all.into_iter().all(is_aligned) {
            return Err(errno(EINVAL));
        }
        Ok(())
    }

    /// A write that makes durable is two operations: the write, and a sync of its range.
    fn write_through(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.write(buf, offset)?;
        match self.mode.on_write {
            OnWrite::Nothing => Ok(()),
            OnWrite::SyncData | OnWrite::SyncAll => self.sync_range(offset, buf.len() as u64),
        }
    }

    fn write(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.pass();
        let op = self.op(OpKind::Write, offset, buf.len() as u64);
        let call = self.disk.begin(op);
        let mut state = self.disk.state();
        let Some(mut failure) = call.failure else {
            return state.write(&call.op, self.ino, buf, usize::MAX);
        };
        if failure.effect == Effect::FailsLater && !self.mode.direct {
            state.write(&call.op, self.ino, buf, usize::MAX)?;
            state.lose(self.ino, &mut failure);
            return Ok(());
        }
        let sectors = pieces(state.medium.sector_bytes, offset, buf.len()).count();
        state.write(&call.op, self.ino, buf, failure.written(sectors))?;
        failure.error()
    }

    fn sync_range(&self, offset: u64, len: u64) -> io::Result<()> {
        self.pass();
        let op = self.op(OpKind::SyncRange, offset, len);
        self.end_sync(op, |state| state.sync_range(self.ino, offset, len))
    }

    fn sync(&self, kind: OpKind) -> io::Result<()> {
        self.pass();
        self.end_sync(self.op(kind, 0, 0), |state| state.sync(self.ino))
    }

    /// A call that tells of failures: this one, or one that nobody has told this descriptor of.
    fn end_sync(&self, op: Op, effect: impl FnOnce(&mut State)) -> io::Result<()> {
        let call = self.disk.begin(op);
        let mut state = self.disk.state();
        match call.failure {
            Some(mut failure) => state.lose(self.ino, &mut failure),
            None => effect(&mut state),
        }
        let mut cursor = self.cursor.lock().unwrap_or_else(PoisonError::into_inner);
        state.inode(self.ino).errors.tell(&mut cursor)
    }
}

struct LockGuard {
    disk: SimDisk,
    path: String,
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        self.disk.state().locks.remove(&self.path);
    }
}
