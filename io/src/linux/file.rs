//! An open file: reads and writes at offsets, hints to the kernel, syncs.
//!
//! Whatever the kernel does in part is repeated until it is done. What is merely a hint, or has a
//! substitute, may be lacking on a file system; what makes durable may not.

use super::sys;
use seawall_core::disk::DiskFile;
use seawall_core::sync::RwLock;
use seawall_core::sync::atomic::{AtomicBool, Ordering};
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::num::NonZeroU64;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Whether the file system takes requests for writeback: yes, until it refuses one.
#[derive(Debug, Default)]
pub(super) struct WritebackSupport {
    lacking: AtomicBool,
}

impl WritebackSupport {
    fn is_lacking(&self) -> bool {
        // Relaxed: a stale value costs one more refused call.
        self.lacking.load(Ordering::Relaxed)
    }

    /// Makes a request, or does without where it is lacking.
    fn request(
        &self,
        request: impl FnOnce() -> io::Result<()>,
        without: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<()> {
        if !self.is_lacking() {
            match request() {
                Err(error) if sys::lacks_call(&error) => {
                    // Relaxed: nothing else is published with it.
                    self.lacking.store(true, Ordering::Relaxed);
                }
                done => return done,
            }
        }
        match without() {
            Err(error) if sys::lacks_call(&error) => Ok(()),
            done => done,
        }
    }
}

/// An open file.
///
/// `zero_fill` is held shared by every write and change of the length, and exclusive by each step
/// of an allocation that has to write zeros, so that zeros never land on bytes written meanwhile.
/// The kernel takes a lock of the inode for each write anyway; next to that, ours is cheap.
pub(super) struct LinuxFile {
    file: File,
    /// Whether it goes past the page cache.
    is_direct: bool,
    zero_fill: RwLock<()>,
    writeback: Arc<WritebackSupport>,
}

/// Bytes of zeros that one write of an allocation takes.
const ZERO_FILL_BYTES: usize = 1 << 20;

impl LinuxFile {
    pub(super) fn new(file: File, is_direct: bool, writeback: Arc<WritebackSupport>) -> Self {
        Self { file, is_direct, zero_fill: RwLock::new(()), writeback }
    }

    /// Extends the file to `end` by writing zeros beyond its length, from `offset` on.
    ///
    /// Holes below the length stay holes: existing bytes are not read, let alone rewritten.
    fn allocate_by_writing(&self, offset: u64, end: u64) -> io::Result<()> {
        let zeros = vec![0; ZERO_FILL_BYTES];
        loop {
            let _exclusive = self.zero_fill.write();
            let start = self.len()?.max(offset);
            if start >= end {
                return Ok(());
            }
            let bytes = (end - start).min(ZERO_FILL_BYTES as u64);
            self.file.write_all_at(&zeros[..bytes as usize], start)?;
        }
    }
}

impl DiskFile for LinuxFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        read_until_full(&self.file, buf, offset)
    }

    fn read_vectored_at(&self, bufs: &mut [&mut [u8]], offset: u64) -> io::Result<usize> {
        read_until_all_full(bufs, offset, |bufs, offset| {
            sys::read_vectored(&self.file, bufs, offset)
        })
    }

    /// Fills the page cache, so it does nothing for direct I/O.
    fn prefetch(&self, offset: u64, len: u64) -> io::Result<()> {
        if self.is_direct {
            return Ok(());
        }
        // To the kernel, a length of 0 means "to the end of the file".
        let Some(len) = NonZeroU64::new(len) else { return Ok(()) };
        match sys::prefetch(&self.file, offset, len) {
            Err(error) if sys::lacks_call(&error) => Ok(()),
            begun => begun,
        }
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        let _shared = self.zero_fill.read();
        self.file.write_all_at(buf, offset)
    }

    fn write_vectored_at(&self, bufs: &[&[u8]], offset: u64) -> io::Result<()> {
        let _shared = self.zero_fill.read();
        write_all_vectored(bufs, offset, |bufs, offset| {
            sys::write_vectored(&self.file, bufs, offset)
        })
    }

    fn start_writeback(&self, offset: u64, len: u64) -> io::Result<()> {
        let request = || sys::start_writeback(&self.file, offset, len);
        self.writeback.request(request, || sys::uncache(&self.file, offset, len))
    }

    fn wait_writeback(&self, offset: u64, len: u64) -> io::Result<()> {
        let request = || sys::wait_writeback(&self.file, offset, len);
        self.writeback.request(request, || self.file.sync_data())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Reserves space for the range and extends the file to its end, reading as zeros.
    ///
    /// # Errors
    /// After one, the file may have grown by a part of the range, which reads as zeros.
    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        match sys::allocate(&self.file, offset, len) {
            Err(error) if sys::lacks_allocate(&error) => {
                self.allocate_by_writing(offset, offset + len)
            }
            done => done,
        }
    }

    fn reserve(&self, offset: u64, len: u64) -> io::Result<()> {
        match sys::reserve(&self.file, offset, len) {
            Err(error) if sys::lacks_allocate(&error) => Ok(()),
            done => done,
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let _shared = self.zero_fill.read();
        self.file.set_len(len)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }
}

/// Reads until `buf` is full or the file ends; returns the bytes read.
pub(super) fn read_until_full(
    file: &impl FileExt,
    buf: &mut [u8],
    offset: u64,
) -> io::Result<usize> {
    let mut done = 0;
    while done < buf.len() {
        match file.read_at(&mut buf[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(bytes) => done += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// Reads until all of `bufs` are full or the file ends; returns the bytes read. `read` may be
/// short, which says nothing of the end, or interrupted.
fn read_until_all_full(
    bufs: &mut [&mut [u8]],
    offset: u64,
    mut read: impl FnMut(&mut [IoSliceMut<'_>], u64) -> io::Result<usize>,
) -> io::Result<usize> {
    // Without the empty ones: reading 0 bytes then means that the file ends.
    let bufs = bufs.iter_mut().filter(|buf| !buf.is_empty());
    let mut slices: Vec<_> = bufs.map(|buf| IoSliceMut::new(buf)).collect();
    let mut left = &mut slices[..];
    let mut done = 0;
    while !left.is_empty() {
        match read(left, offset + done as u64) {
            Ok(0) => break,
            Ok(bytes) => {
                done += bytes;
                IoSliceMut::advance_slices(&mut left, bytes);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// Writes all of `bufs`. `write` may be short or interrupted.
fn write_all_vectored(
    bufs: &[&[u8]],
    offset: u64,
    mut write: impl FnMut(&[IoSlice<'_>], u64) -> io::Result<usize>,
) -> io::Result<()> {
    // Without the empty ones: writing 0 bytes then means that the system takes no more.
    let bufs = bufs.iter().filter(|buf| !buf.is_empty());
    let mut slices: Vec<_> = bufs.map(|buf| IoSlice::new(buf)).collect();
    let mut left = &mut slices[..];
    let mut done = 0;
    while !left.is_empty() {
        match write(left, offset + done as u64) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(bytes) => {
                done += bytes;
                IoSlice::advance_slices(&mut left, bytes);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
