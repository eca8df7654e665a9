//! Fuzz targets: what the bytes on a disk may be must not make the engine panic, hang, or give
//! pages that nobody wrote.
//!
//! Each target is a function of bytes that panics on a finding and else says what became of them.
//! `fuzz_targets/` hands them to libFuzzer; `tests/corpus.rs` runs the seeds through them on a
//! stable toolchain and checks that they reach what they are meant to reach.
//!
//! A checksum stops nearly all damage at the first look. So `wal_record`, `control` and
//! `wal_segment` also have a mode that repairs the checksums after the damage: then anything may
//! be believed, but nothing may panic or run for ever.
//!
//! `operations`, `sync_table`, `coalescer` and `pacer` take their input for what is done, and
//! compare with a plain model.

mod base;
mod checksum;
mod coalescer;
mod control;
mod memory;
mod operations;
mod oracle;
mod pacer;
mod page;
mod redo;
pub mod seeds;
mod store_files;
mod sync_table;
mod wal_record;
mod wal_segment;

pub use coalescer::coalescer;
pub use control::control;
pub use operations::operations;
pub use pacer::pacer;
pub use page::page;
pub use redo::redo;
pub use store_files::store_files;
pub use sync_table::sync_table;
pub use wal_record::wal_record;
pub use wal_segment::wal_segment;

/// What became of an input, for the test that looks whether the seeds get everywhere.
pub type Outcome = &'static str;

/// A target's name, its function, and the outcomes that its seeds must reach.
pub type Target = (&'static str, fn(&[u8]) -> Outcome, &'static [Outcome]);

/// All targets.
pub const TARGETS: [Target; 10] = [
    ("page", page, page::OUTCOMES),
    ("redo", redo, redo::OUTCOMES),
    ("wal_record", wal_record, wal_record::OUTCOMES),
    ("control", control, control::OUTCOMES),
    ("wal_segment", wal_segment, wal_segment::OUTCOMES),
    ("store_files", store_files, store_files::OUTCOMES),
    ("operations", operations, operations::OUTCOMES),
    ("sync_table", sync_table, sync_table::OUTCOMES),
    ("coalescer", coalescer, coalescer::OUTCOMES),
    ("pacer", pacer, pacer::OUTCOMES),
];

/// Takes the next byte, or 0.
fn take_byte(data: &mut &[u8]) -> u8 {
    take_array::<1>(data)[0]
}

/// Takes the next bytes, with zeros where the data ends.
fn take_array<const N: usize>(data: &mut &[u8]) -> [u8; N] {
    let (taken, rest) = data.split_at(data.len().min(N));
    *data = rest;
    let mut array = [0; N];
    array[..taken.len()].copy_from_slice(taken);
    array
}
