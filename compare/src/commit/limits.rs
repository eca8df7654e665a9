//! What the disk can do: with every sync shared by all committers, and with none.

use super::{Committer, Entered, Entrant, RECORD_BYTES, Record, each, temp_dir};
use rustix::fs::OFlags;
use seawall::seawall_core::page::{AlignedBytes, IO_ALIGNMENT};
use seawall_benches::zeroed_file;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::Mutex;
use tempfile::TempDir;

const FILE_BYTES: usize = 64 << 20;

/// A file full of zeros in a directory of its own.
struct ZeroedFile {
    file: File,
    path: PathBuf,
    _dir: TempDir,
}

impl ZeroedFile {
    fn new() -> Self {
        let dir = temp_dir();
        let path = dir.path().join("zeroed");
        let file = zeroed_file(&path, FILE_BYTES);
        Self { file, path, _dir: dir }
    }
}

/// Each thread goes round in its own part of the file.
struct Raw(ZeroedFile);

pub(super) fn raw() -> Entered {
    Ok(Box::new(Raw(ZeroedFile::new())))
}

impl Entrant for Raw {
    fn committers(&self, count: usize) -> Vec<Committer<'_>> {
        let ZeroedFile { file, .. } = &self.0;
        let part = FILE_BYTES / count;
        each(count, |thread| {
            let mut at = 0;
            move |record: &Record| {
                file.write_all_at(record, (thread * part + at) as u64).expect("a write");
                file.sync_data().expect("a sync");
                at = (at + RECORD_BYTES) % (part - RECORD_BYTES);
            }
        })
    }
}

/// One thread that appends for all and syncs once. It goes round in the file, from where the last
/// round has ended.
struct Ideal {
    zeroed: ZeroedFile,
    at: Mutex<usize>,
}

pub(super) fn ideal() -> Entered {
    Ok(Box::new(Ideal { zeroed: ZeroedFile::new(), at: Mutex::new(0) }))
}

impl Entrant for Ideal {
    fn committers(&self, count: usize) -> Vec<Committer<'_>> {
        let (file, at) = (&self.zeroed.file, &self.at);
        let mut batch = vec![0; count * RECORD_BYTES];
        vec![Box::new(move |record: &Record| {
            batch.chunks_exact_mut(RECORD_BYTES).for_each(|copy| copy.copy_from_slice(record));
            let mut at = at.lock().expect("no panic");
            file.write_all_at(&batch, *at as u64).expect("a write");
            file.sync_data().expect("a sync");
            *at = (*at + batch.len()) % (FILE_BYTES - batch.len());
        })]
    }

    fn records_per_call(&self, count: usize) -> u64 {
        count as u64
    }
}

/// The same past the page cache, in whole blocks, each written once: the last one of a batch is
/// not filled up by the next.
struct IdealDirect {
    file: File,
    at: Mutex<usize>,
    _zeroed: ZeroedFile,
}

pub(super) fn ideal_direct() -> Entered {
    let zeroed = ZeroedFile::new();
    let flags = (OFlags::DIRECT | OFlags::DSYNC).bits();
    let opened = OpenOptions::new().write(true).custom_flags(flags as i32).open(&zeroed.path);
    let file = opened.map_err(|error| format!("no direct I/O: {error}"))?;
    Ok(Box::new(IdealDirect { file, at: Mutex::new(0), _zeroed: zeroed }))
}

impl Entrant for IdealDirect {
    fn committers(&self, count: usize) -> Vec<Committer<'_>> {
        let (file, at) = (&self.file, &self.at);
        let mut blocks =
            AlignedBytes::zeroed((count * RECORD_BYTES).next_multiple_of(IO_ALIGNMENT));
        vec![Box::new(move |record: &Record| {
            let copies = blocks.chunks_exact_mut(RECORD_BYTES).take(count);
            copies.for_each(|copy| copy.copy_from_slice(record));
            let mut at = at.lock().expect("no panic");
            file.write_all_at(&blocks, *at as u64).expect("a write");
            *at = (*at + blocks.len()) % (FILE_BYTES - FILE_BYTES % blocks.len());
        })]
    }

    fn records_per_call(&self, count: usize) -> u64 {
        count as u64
    }
}
