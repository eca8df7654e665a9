//! A small engine, one source over every compilation of core: the native one recovers what a
//! checker's has left.

use super::seawall_core::clock::Clock;
use super::seawall_core::config::{Config, Format, FullPageImages};
use super::seawall_core::disk::Disk;
use super::seawall_core::engine::Engine;
use super::seawall_core::error::Result;
use std::sync::Arc;
use std::time::Duration;

/// No time passes.
pub(crate) struct NoClock;

impl Clock for NoClock {
    fn now(&self) -> Duration {
        Duration::ZERO
    }

    fn nap(&self, _: Duration) {}
}

/// The smallest sizes that there are; nothing is combined, nothing written back early.
pub(crate) fn config() -> Config {
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

/// Opens a store.
pub(crate) fn open(disk: Arc<dyn Disk>) -> Result<Engine> {
    Engine::open(disk, config(), Arc::new(NoClock))
}
