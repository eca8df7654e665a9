//! The system calls that std lacks: the only unsafe code of this crate, as far as rustix has no
//! safe function for them.
//!
//! `1 <= len` and `offset + len <= i64::MAX` hold of every range that is written back or allocated:
//! a length of 0 means "to the end of the file" to `sync_file_range` and is an error to
//! `fallocate`. Both calls are repeated after a signal: neither had done anything that a second
//! call undoes.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::num::NonZeroU64;
use std::os::fd::AsRawFd;

/// Reads into the buffers in their order, or into the first of them if they are more than the
/// kernel takes at once; may be short or interrupted.
pub(super) fn read_vectored(
    file: &File,
    bufs: &mut [IoSliceMut<'_>],
    offset: u64,
) -> io::Result<usize> {
    // rustix passes on no more than IOV_MAX buffers.
    Ok(rustix::io::preadv(file, bufs, offset)?)
}

/// Starts reading the range into the page cache; waits for nothing.
pub(super) fn prefetch(file: &File, offset: u64, len: NonZeroU64) -> io::Result<()> {
    use rustix::fs::{Advice, fadvise};
    Ok(fadvise(file, offset, Some(len), Advice::WillNeed)?)
}

/// Writes the buffers in their order, or the first of them if they are more than the kernel takes
/// at once; may be short or interrupted.
pub(super) fn write_vectored(file: &File, bufs: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
    // rustix passes on no more than IOV_MAX buffers.
    Ok(rustix::io::pwritev(file, bufs, offset)?)
}

/// Starts writing the range's dirty pages back; waits for nothing.
pub(super) fn start_writeback(file: &File, offset: u64, len: u64) -> io::Result<()> {
    sync_file_range(file, offset, len, libc::SYNC_FILE_RANGE_WRITE)
}

/// Writes the range's dirty pages back, and waits until the device has taken them.
///
/// Only with all three flags does the kernel write, and wait for, pages that were under writeback
/// already and have changed since.
pub(super) fn wait_writeback(file: &File, offset: u64, len: u64) -> io::Result<()> {
    let flags = libc::SYNC_FILE_RANGE_WAIT_BEFORE
        | libc::SYNC_FILE_RANGE_WRITE
        | libc::SYNC_FILE_RANGE_WAIT_AFTER;
    sync_file_range(file, offset, len, flags)
}

/// Gives up the range's pages in the page cache, which starts writing the dirty ones back.
pub(super) fn uncache(file: &File, offset: u64, len: u64) -> io::Result<()> {
    use rustix::fs::{Advice, fadvise};
    Ok(fadvise(file, offset, NonZeroU64::new(len), Advice::DontNeed)?)
}

fn sync_file_range(file: &File, offset: u64, len: u64, flags: libc::c_uint) -> io::Result<()> {
    let (offset, len) = kernel_range(offset, len)?;
    retry_interrupted(|| {
        // SAFETY: the call takes no pointers, and `file` keeps the descriptor open throughout.
        unsafe { libc::sync_file_range(file.as_raw_fd(), offset, len, flags) }
    })
}

/// Whether an error of a writeback or of a [`prefetch`] says that the platform cannot do it,
/// rather than that it failed.
///
/// The range of a writeback was checked, so `EINVAL` is about the call; a prefetch of an impossible
/// range has nothing to do. `EPERM` is no error of these calls: a seccomp filter answers so.
pub(super) fn lacks_call(error: &io::Error) -> bool {
    let lacking = [libc::ENOSYS, libc::EINVAL, libc::ESPIPE, libc::EOPNOTSUPP, libc::EPERM];
    error.raw_os_error().is_some_and(|errno| lacking.contains(&errno))
}

/// Reserves space for the range and extends the file to its end. Existing bytes stay.
pub(super) fn allocate(file: &File, offset: u64, len: u64) -> io::Result<()> {
    fallocate(file, 0, offset, len)
}

/// Reserves space for the range; the file's length stays.
pub(super) fn reserve(file: &File, offset: u64, len: u64) -> io::Result<()> {
    fallocate(file, libc::FALLOC_FL_KEEP_SIZE, offset, len)
}

fn fallocate(file: &File, mode: libc::c_int, offset: u64, len: u64) -> io::Result<()> {
    let (offset, len) = kernel_range(offset, len)?;
    retry_interrupted(|| {
        // SAFETY: the call takes no pointers, and `file` keeps the descriptor open throughout.
        unsafe { libc::fallocate64(file.as_raw_fd(), mode, offset, len) }
    })
}

/// Whether an error of [`allocate`] or [`reserve`] says that the file system cannot do it.
pub(super) fn lacks_allocate(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EOPNOTSUPP))
}

fn kernel_range(offset: u64, len: u64) -> io::Result<(libc::off64_t, libc::off64_t)> {
    let signed = libc::off64_t::try_from(offset).ok().zip(libc::off64_t::try_from(len).ok());
    signed.filter(|(offset, len)| *len > 0 && offset.checked_add(*len).is_some()).ok_or_else(|| {
        let what = format!("{len} bytes at offset {offset} are no range of a file");
        io::Error::new(io::ErrorKind::InvalidInput, what)
    })
}

fn retry_interrupted(call: impl Fn() -> libc::c_int) -> io::Result<()> {
    loop {
        if call() == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_neither_empty_nor_beyond_what_a_file_can_be() {
        let max = i64::MAX as u64;
        assert_eq!(kernel_range(0, max).unwrap(), (0, i64::MAX));
        assert_eq!(kernel_range(max - 1, 1).unwrap(), (i64::MAX - 1, 1));
        for (offset, len) in [(0, 0), (max, 1), (max + 1, 1), (0, max + 1), (u64::MAX, u64::MAX)] {
            let error = kernel_range(offset, len).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{offset} {len}");
        }
    }

    #[test]
    fn what_failed_is_not_taken_for_what_is_lacking() {
        for errno in [libc::EIO, libc::ENOSPC, libc::EDQUOT, libc::EROFS, libc::EBADF] {
            let error = io::Error::from_raw_os_error(errno);
            assert!(!lacks_call(&error) && !lacks_allocate(&error), "{error}");
        }
    }
}
