//! The smallest engine: what models and crash sweeps open on a simulated disk.

use crate::clock::Clock;
use crate::config::{Config, Format, FullPageImages};
use std::time::Duration;

/// A clock that stands still.
#[derive(Debug, Clone, Copy)]
pub struct NoClock;

impl Clock for NoClock {
    fn now(&self) -> Duration {
        Duration::ZERO
    }

    fn nap(&self, _: Duration) {}
}

/// The smallest sizes that there are, for few states and few crash images: four buffers, pages of
/// 4096 bytes, two blocks of log to a segment. Nothing is combined, nothing written back early.
pub fn smallest_config() -> Config {
    Config {
        format: Format {
            page_bytes: 4096,
            wal_block_bytes: 1024,
            wal_segment_bytes: 2048,
            data_segment_bytes: 8192,
        },
        buffers: 4,
        wal_buffer_bytes: 4096,
        wal_min_bytes: 0,
        wal_max_bytes: 4096,
        full_page_images: FullPageImages::Compressed,
        wal_direct: false,
        data_direct: false,
        write_combine_bytes: 0,
        checkpoint_flush_after_bytes: 0,
        backend_flush_after_bytes: 0,
        background_writer_flush_after_bytes: 0,
        ..Config::default()
    }
}
