//! What opening a store takes in memory: no more than its settings and its files justify,
//! whatever is in the files.
//!
//! # The bound
//! `4 (pool + log buffer) + 16 MiB + 32 (bytes of the files) + 1 MiB`. The 16 MiB are the greatest
//! record: a forged header can ask for it, and then it is found that the log ends before. A record
//! that is there is in the files. The simulated disk keeps its bytes in the same memory, several
//! times: hence the factor. The rest is pieces of the log, names, and the control file.

use peak_alloc::PeakAlloc;
use seawall_core::config::Config;
use seawall_core::wal::record::MAX_RECORD_BYTES;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Pieces of the log, names, the control file: several of each.
const PIECES_BYTES: usize = 1 << 20;

/// Does something with a store of so many bytes; fails if it takes more memory than that may.
///
/// The count is that of the process: nothing else may run meanwhile.
///
/// # Panics
/// If it does.
pub(crate) fn bounded<T>(config: &Config, file_bytes: usize, act: impl FnOnce() -> T) -> T {
    let pool = config.buffers * (config.format.page_bytes as usize + 97);
    let memory = 4 * (pool + config.wal_buffer_bytes);
    let most = memory + MAX_RECORD_BYTES + 32 * file_bytes + PIECES_BYTES;
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let result = act();
    let peak = MEMORY.peak_usage().saturating_sub(before);
    assert!(peak <= most, "{peak} bytes of memory, {most} are justified by {file_bytes} of files");
    result
}
