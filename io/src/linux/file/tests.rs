//! What no file on a healthy file system shows: interruptions, and calls that are not supported.

use super::*;
use seawall_core::sync::Mutex;
use std::os::fd::OwnedFd;

/// A file whose every other read is interrupted, the others giving one byte.
struct Flaky {
    content: &'static [u8],
    interrupt: Mutex<bool>,
}

impl FileExt for Flaky {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut interrupt = self.interrupt.lock();
        *interrupt = !*interrupt;
        if !*interrupt {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let rest = self.content.get(offset as usize..).unwrap_or_default();
        let bytes = rest.len().min(buf.len()).min(1);
        buf[..bytes].copy_from_slice(&rest[..bytes]);
        Ok(bytes)
    }

    fn write_at(&self, _buf: &[u8], _offset: u64) -> io::Result<usize> {
        unreachable!("only read")
    }
}

fn temporary_file() -> LinuxFile {
    LinuxFile::new(tempfile::tempfile().unwrap(), false, Arc::default())
}

#[test]
fn interrupted_and_short_reads_are_completed() {
    let flaky = Flaky { content: b"seawall", interrupt: Mutex::new(true) };
    let mut buf = [0; 4];
    assert_eq!(read_until_full(&flaky, &mut buf, 3).unwrap(), 4);
    assert_eq!(&buf, b"wall");
    let mut buf = [0; 8];
    assert_eq!(read_until_full(&flaky, &mut buf, 3).unwrap(), 4);
}

#[test]
fn interrupted_and_short_reads_into_several_buffers_are_completed() {
    let flaky = Flaky { content: b"seawall", interrupt: Mutex::new(true) };
    let mut reads = 0;
    let mut read = |bufs: &mut [IoSliceMut<'_>], offset| {
        reads += 1;
        flaky.read_at(&mut bufs[0], offset)
    };
    let (mut a, mut b) = ([0; 2], [0; 3]);
    let bufs: &mut [&mut [u8]] = &mut [&mut [], &mut a, &mut [], &mut b, &mut []];
    assert_eq!(read_until_all_full(bufs, 1, &mut read).unwrap(), 5);
    assert_eq!((&a, &b), (b"ea", b"wal"));
    assert_eq!(read_until_all_full(&mut [&mut a, &mut b], 4, &mut read).unwrap(), 3);
    assert_eq!((&a, &b[..1]), (b"al", &b"l"[..]));
    assert!(reads > 8, "each other one was interrupted");
}

#[test]
fn a_read_into_several_buffers_reports_any_other_error() {
    let failing = |_: &mut [IoSliceMut<'_>], _| Err(io::Error::from_raw_os_error(libc::EIO));
    let error = read_until_all_full(&mut [&mut [0; 2]], 0, failing).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EIO));
}

#[test]
fn a_prefetch_that_is_not_supported_does_nothing() {
    let (_reader, writer) = io::pipe().unwrap();
    let pipe = LinuxFile::new(File::from(OwnedFd::from(writer)), false, Arc::default());
    assert!(sys::prefetch(&pipe.file, 0, NonZeroU64::MIN).is_err(), "no pipe can be prefetched");
    pipe.prefetch(0, 4096).unwrap();
}

#[test]
fn what_the_kernel_writes_of_several_buffers_in_part_is_repeated_until_done() {
    let (first, second) = ([1; 3], [2; 4]);
    let (mut written, mut calls) = (Vec::new(), 0);
    let partly = |bufs: &[IoSlice<'_>], offset: u64| {
        calls += 1;
        assert_eq!(offset, 100 + written.len() as u64);
        if calls % 2 == 0 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let all: Vec<u8> = bufs.iter().flat_map(|buf| buf.iter().copied()).collect();
        written.extend_from_slice(&all[..all.len().min(2)]);
        Ok(all.len().min(2))
    };
    write_all_vectored(&[&first, &[], &second], 100, partly).unwrap();
    assert_eq!(written, [1, 1, 1, 2, 2, 2, 2]);
    let nothing = write_all_vectored(&[&[0; 2]], 0, |_, _| Ok(0)).unwrap_err();
    assert_eq!(nothing.kind(), io::ErrorKind::WriteZero);
}

#[test]
fn more_buffers_than_the_kernel_takes_at_once_are_written_all() {
    let file = temporary_file();
    let parts: Vec<[u8; 1]> = (0..3000).map(|number| [number as u8]).collect();
    let bufs: Vec<&[u8]> = parts.iter().map(|part| &part[..]).collect();
    file.write_vectored_at(&bufs, 10).unwrap();
    let mut found = vec![0; 3000];
    assert_eq!(file.read_at(&mut found, 10).unwrap(), 3000);
    assert!(found.iter().zip(&parts).all(|(found, part)| *found == part[0]));
}

#[test]
fn allocation_by_writing_extends_with_zeros_and_keeps_existing_bytes() {
    let file = temporary_file();
    file.write_at(&[7; 5000], 0).unwrap();
    let end = (2 << 20) + 123;
    file.allocate_by_writing(1000, end).unwrap();
    assert_eq!(file.len().unwrap(), end);
    let mut content = vec![1; end as usize];
    assert_eq!(file.read_at(&mut content, 0).unwrap(), content.len());
    assert!(content[..5000].iter().all(|byte| *byte == 7));
    assert!(content[5000..].iter().all(|byte| *byte == 0));
}

#[test]
fn allocation_by_writing_below_the_length_changes_nothing() {
    let file = temporary_file();
    file.write_at(b"sea", 100).unwrap();
    file.allocate_by_writing(0, 50).unwrap();
    assert_eq!(file.len().unwrap(), 103);
}

#[test]
fn allocation_by_writing_never_lands_on_bytes_written_meanwhile() {
    for round in 0..5 {
        let file = temporary_file();
        for offset in write_ahead_of_zeros(&file) {
            let mut found = [0; 512];
            assert_eq!(file.read_at(&mut found, offset).unwrap(), 512);
            assert_eq!(found, [1; 512], "at {offset} in round {round}");
        }
    }
}

/// Writes where the next zeros are about to be written, until an allocation is complete; returns
/// the offsets.
fn write_ahead_of_zeros(file: &LinuxFile) -> Vec<u64> {
    std::thread::scope(|scope| {
        let zeros = scope.spawn(|| file.allocate_by_writing(0, 32 << 20).unwrap());
        let mut written = Vec::new();
        while !zeros.is_finished() {
            let end = file.len().unwrap();
            file.write_at(&[1; 512], end).unwrap();
            written.push(end);
        }
        written
    })
}

#[test]
fn writeback_that_is_not_supported_is_remembered_and_does_nothing() {
    let (_reader, writer) = io::pipe().unwrap();
    let support = Arc::new(WritebackSupport::default());
    let pipe = LinuxFile::new(File::from(OwnedFd::from(writer)), false, Arc::clone(&support));
    assert!(!support.is_lacking());
    pipe.start_writeback(0, 4096).unwrap();
    assert!(support.is_lacking());
    pipe.start_writeback(0, 4096).unwrap();
}

#[test]
fn where_writeback_is_lacking_its_substitutes_leave_the_bytes() {
    let support = Arc::new(WritebackSupport::default());
    support.lacking.store(true, Ordering::Relaxed);
    let file = LinuxFile::new(tempfile::tempfile().unwrap(), false, support);
    file.write_at(&[3; 8192], 0).unwrap();
    file.start_writeback(0, 4096).unwrap();
    file.wait_writeback(4096, 4096).unwrap();
    let mut found = [0; 8192];
    assert_eq!(file.read_at(&mut found, 0).unwrap(), 8192);
    assert_eq!(found, [3; 8192]);
}

#[test]
fn writeback_of_a_regular_file_is_supported_here_or_remembered() {
    let file = temporary_file();
    file.write_at(&[1; 4096], 0).unwrap();
    file.start_writeback(0, 4096).unwrap();
    file.wait_writeback(0, 4096).unwrap();
}

#[test]
fn an_empty_range_never_reaches_the_kernel() {
    let file = temporary_file();
    let outcomes = [file.start_writeback(0, 0), file.wait_writeback(0, 0), file.allocate(0, 0)];
    for error in outcomes.map(Result::unwrap_err) {
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
    assert!(!file.writeback.is_lacking());
}
