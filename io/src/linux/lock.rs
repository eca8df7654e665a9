//! The lock file: one process at a time, told by its pid.
//!
//! The lock is `flock`'s, on the open file: the kernel drops it with the process, however that
//! ends. The file stays, for whoever removed it would let a second holder lock a new one.
//! The pid inside is a courtesy, never trusted: it is of whoever opened the store last, not of who
//! only looks, and is another's in another pid namespace.

use super::file::read_until_full;
use seawall_core::disk::LockOutcome;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::process;

/// Bytes of the greatest pid (`u32::MAX`) with its newline; a longer file holds no pid.
const PID_BYTES_MAX: usize = 11;

/// Tries to take the exclusive lock on the file, creating it if need be.
pub(super) fn try_lock(path: &Path) -> io::Result<LockOutcome> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(super::FILE_MODE);
    let file = options.open(path)?;
    match file.try_lock() {
        Ok(()) => {
            let lock = HeldLock(file);
            lock.name_holder()?;
            Ok(LockOutcome::Acquired(Box::new(lock)))
        }
        Err(TryLockError::WouldBlock) => Ok(LockOutcome::Held { holder_pid: holder_pid(&file)? }),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Tries to take the lock shared, with others who only look; changes nothing. A file that is not
/// there is locked by nobody, and cannot be: who looks is alone with what he sees then.
pub(super) fn try_lock_shared(path: &Path) -> io::Result<LockOutcome> {
    // Without waiting for a writer where that is a pipe.
    let opened = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    let file = match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(LockOutcome::Acquired(Box::new(())));
        }
        opened => opened?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(LockOutcome::Acquired(Box::new(HeldLock(file)))),
        Err(TryLockError::WouldBlock) => Ok(LockOutcome::Held { holder_pid: holder_pid(&file)? }),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The lock, held until dropped.
struct HeldLock(File);

impl HeldLock {
    fn name_holder(&self) -> io::Result<()> {
        self.0.set_len(0)?;
        // A full disk must not keep a store from being opened: then the file names nobody.
        let _ = self.0.write_all_at(format!("{}\n", process::id()).as_bytes(), 0);
        Ok(())
    }
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        // Closing is not enough: a child forked meanwhile holds the same open file until it execs.
        // If this fails, closing is all there is.
        let _ = self.0.unlock();
    }
}

/// The pid in the lock file, if that is what it holds: decimal, with the newline that shows that
/// it is all there.
fn holder_pid(file: &File) -> io::Result<Option<u32>> {
    let mut bytes = [0; PID_BYTES_MAX + 1];
    let len = read_until_full(file, &mut bytes, 0)?;
    let text = std::str::from_utf8(&bytes[..len]).ok();
    Ok(text.and_then(|text| text.strip_suffix('\n')).and_then(|pid| pid.parse().ok()))
}
