//! Settings, their ranges, their defaults.

use crate::error::{Error, Result};
use crate::wal::segment::{SyncMethod, WalSync};
use std::ops::RangeInclusive;
use std::time::Duration;

/// What is fixed when a store is created. An existing store is opened with the same values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// Bytes of a page: a power of two, 4 KiB to 64 KiB. Default 8 KiB.
    pub page_bytes: u32,
    /// Bytes of a WAL block: a power of two, 1 KiB to 64 KiB. Default 8 KiB.
    pub wal_block_bytes: u32,
    /// Bytes of a WAL segment file: a power of two, at least two blocks, at most 1 GiB. Default
    /// 16 MiB.
    pub wal_segment_bytes: u32,
    /// Bytes of a data file's segment: a power of two, at least a page, at most 1 GiB. Default
    /// 1 GiB.
    pub data_segment_bytes: u32,
}

impl Default for Format {
    fn default() -> Self {
        Self {
            page_bytes: 8 << 10,
            wal_block_bytes: 8 << 10,
            wal_segment_bytes: 16 << 20,
            data_segment_bytes: 1 << 30,
        }
    }
}

/// Whether the first change of a page after a redo point puts an image of the page into the log,
/// from which a torn page is repaired. PostgreSQL: `full_page_writes`, `wal_compression`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FullPageImages {
    /// It does.
    #[default]
    On,
    /// It does, compressed where that is shorter: less log for more work.
    Compressed,
    /// It does not. For file systems and devices that never tear a page: elsewhere, a page that a
    /// crash tears is lost.
    Off,
}

/// The settings of a store. Most of them can change while it is open: [`Config::check_change`],
/// [`Engine::configure`](crate::engine::Engine::configure).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Config {
    /// Sizes on disk.
    pub format: Format,
    /// Pages in the pool, at least 4. An operation needs one for each page that it holds, and a
    /// miss one more; checkpointer and background writer have one now and then. Each costs its page
    /// and 97 bytes at the most. Default 1024.
    pub buffers: usize,
    /// Bytes of WAL kept in memory until written: a power of two, 4 KiB to 1 GiB. Default 1 MiB.
    pub wal_buffer_bytes: usize,
    /// How the log becomes durable. `seawall testfsync` measures the methods. Default
    /// [`WalSync::OpenDatasync`].
    pub wal_sync: WalSync,
    /// Whether the log is written past the page cache, with the methods whose writes are durable,
    /// where the file system can and the WAL block is a multiple of 4 KiB. Default `true`.
    pub wal_direct: bool,
    /// Time from the start of a checkpoint to the start of the next: 1 ms to 1 day. Default 5 min.
    pub checkpoint_timeout: Duration,
    /// Part of `checkpoint_timeout` over which a checkpoint spreads its writes: 0 to 1. Default
    /// 0.9.
    pub checkpoint_completion_target: f64,
    /// What the WAL segments may take on disk if no slot holds them back: at least two segments.
    /// A goal, not a limit: checkpoints start early enough to reach it, see
    /// [`Config::checkpoint_wal_bytes`]. Default 1 GiB. PostgreSQL: `max_wal_size`.
    pub wal_max_bytes: u64,
    /// So much of the WAL segments is kept for reuse, whatever the distance between checkpoints:
    /// 0 to `wal_max_bytes`. Default 80 MiB. PostgreSQL: `min_wal_size`.
    pub wal_min_bytes: u64,
    /// What a torn page is repaired from. Default [`FullPageImages::On`].
    pub full_page_images: FullPageImages,
    /// Whether data files are read and written past the page cache, where the file system can and
    /// the page is a multiple of 4 KiB: a sync then finds nothing left to write, so it stalls
    /// nobody. Recovery reads through the page cache all the same, for its read-ahead. Default
    /// `true`.
    pub data_direct: bool,
    /// A page that is written takes dirty neighbours along, in one write of so many bytes at most:
    /// 0 (none) to 1 MiB. Default 128 KiB. PostgreSQL: `io_combine_limit`, for reads.
    pub write_combine_bytes: u32,
    /// Writeback starts after this many bytes of checkpoint writes: 0 (never) to 2 MiB. Default
    /// 256 KiB. Like all writeback, only of what is written through the page cache. PostgreSQL:
    /// `checkpoint_flush_after`.
    pub checkpoint_flush_after_bytes: u32,
    /// Whether a checkpoint waits for its writeback. Default `false`. (Method 1, step e.)
    pub checkpoint_flush_waits: bool,
    /// Writeback starts after this many bytes of writes by those who evict a page: 0 (never) to
    /// 2 MiB. Default 0. PostgreSQL: `backend_flush_after`.
    pub backend_flush_after_bytes: u32,
    /// Before its syncs, a checkpoint waits for the writeback of what others have written since it
    /// began, and again for what they have written meanwhile, so many times at most: 0 (never) to
    /// 1000. Default 0. (Method 1.)
    pub evict_sync_rounds: u32,
    /// No further such round is made if the last one had fewer pages: 1 to 65536. Default 128.
    pub evict_sync_threshold_pages: u32,
    /// Nor if the rounds have taken so long: 0 to 1 day. Default 30 s.
    pub evict_sync_time: Duration,
    /// Time between two rounds of the WAL writer: 1 ms to 10 s. Default 200 ms.
    pub wal_writer_delay: Duration,
    /// The WAL writer syncs once this much is unsynced, or [`Config::wal_writer_delay`] after its
    /// last sync, and writes without a sync before: 0 (sync in every round) or more. Default 1 MiB.
    /// PostgreSQL: `wal_writer_flush_after`.
    pub wal_writer_flush_after_bytes: u64,
    /// Time between two rounds of the background writer: 1 ms to 10 s. Default 200 ms.
    pub background_writer_delay: Duration,
    /// Pages that the background writer writes in a round at most: 0 (there is none) to 2^30.
    /// Default 100. PostgreSQL: `bgwriter_lru_maxpages`.
    pub background_writer_max_pages: u32,
    /// The background writer keeps so many times the frames reusable that it expects to be
    /// allocated until its next round: 0 to 10. Default 2. PostgreSQL: `bgwriter_lru_multiplier`.
    pub background_writer_multiplier: f64,
    /// Writeback starts after this many bytes of background writes: 0 (never) to 2 MiB. Default
    /// 512 KiB. PostgreSQL: `bgwriter_flush_after`.
    pub background_writer_flush_after_bytes: u32,
    /// Requests that wait for the checkpointer before a writer must sync for itself: at least 1.
    /// Default 1024.
    pub sync_queue_capacity: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            format: Format::default(),
            buffers: 1024,
            wal_buffer_bytes: 1 << 20,
            wal_sync: WalSync::OpenDatasync,
            wal_direct: true,
            checkpoint_timeout: Duration::from_secs(300),
            checkpoint_completion_target: 0.9,
            wal_max_bytes: 1 << 30,
            wal_min_bytes: 80 << 20,
            full_page_images: FullPageImages::On,
            data_direct: true,
            write_combine_bytes: 128 << 10,
            checkpoint_flush_after_bytes: 256 << 10,
            checkpoint_flush_waits: false,
            backend_flush_after_bytes: 0,
            evict_sync_rounds: 0,
            evict_sync_threshold_pages: 128,
            evict_sync_time: Duration::from_secs(30),
            wal_writer_delay: Duration::from_millis(200),
            wal_writer_flush_after_bytes: 1 << 20,
            background_writer_delay: Duration::from_millis(200),
            background_writer_max_pages: 100,
            background_writer_multiplier: 2.0,
            background_writer_flush_after_bytes: 512 << 10,
            sync_queue_capacity: 1024,
        }
    }
}

const DAY: Duration = Duration::from_secs(24 * 3600);
const GIB: u64 = 1 << 30;

impl Format {
    /// Checks every size.
    ///
    /// # Errors
    /// [`Error::Config`] for the first that is out of range.
    pub fn validate(&self) -> Result<()> {
        power_of_two("page_bytes", u64::from(self.page_bytes), 4 << 10..=64 << 10)?;
        power_of_two("wal_block_bytes", u64::from(self.wal_block_bytes), 1 << 10..=64 << 10)?;
        let two_blocks = u64::from(self.wal_block_bytes) * 2;
        power_of_two("wal_segment_bytes", u64::from(self.wal_segment_bytes), two_blocks..=GIB)?;
        let page = u64::from(self.page_bytes);
        power_of_two("data_segment_bytes", u64::from(self.data_segment_bytes), page..=GIB)
    }

    /// Checks that a store of format `found` can be opened with these settings.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first difference.
    pub fn must_match(&self, found: &Format) -> Result<()> {
        let pairs = [
            ("page_bytes", self.page_bytes, found.page_bytes),
            ("wal_block_bytes", self.wal_block_bytes, found.wal_block_bytes),
            ("wal_segment_bytes", self.wal_segment_bytes, found.wal_segment_bytes),
            ("data_segment_bytes", self.data_segment_bytes, found.data_segment_bytes),
        ];
        match pairs.into_iter().find(|(_, asked, found)| asked != found) {
            None => Ok(()),
            Some((setting, asked, found)) => Err(Error::Config {
                setting,
                found: asked.to_string(),
                expected: format!("{found}, with which the store was created"),
            }),
        }
    }
}

impl Config {
    /// Checks every setting.
    ///
    /// # Errors
    /// [`Error::Config`] for the first that is out of range.
    pub fn validate(&self) -> Result<()> {
        self.format.validate()?;
        in_range("buffers", self.buffers as u64, 4..=1 << 31)?;
        power_of_two("wal_buffer_bytes", self.wal_buffer_bytes as u64, 4 << 10..=GIB)?;
        let (ms, day) = (Duration::from_millis(1), DAY);
        duration("checkpoint_timeout", self.checkpoint_timeout, ms..=day)?;
        factor("checkpoint_completion_target", self.checkpoint_completion_target, 0..=1)?;
        let two_segments = u64::from(self.format.wal_segment_bytes) * 2;
        in_range("wal_max_bytes", self.wal_max_bytes, two_segments..=1 << 50)?;
        in_range("wal_min_bytes", self.wal_min_bytes, 0..=self.wal_max_bytes)?;
        self.validate_writes()?;
        duration("wal_writer_delay", self.wal_writer_delay, ms..=Duration::from_secs(10))?;
        self.validate_background_writer()?;
        in_range("sync_queue_capacity", self.sync_queue_capacity as u64, 1..=1 << 24)
    }

    /// Checks that an open store with these settings can take on others. What is fixed until it is
    /// opened again: `format`, `buffers`, `wal_buffer_bytes`, `wal_sync`, `wal_direct`,
    /// `data_direct`, `sync_queue_capacity`.
    ///
    /// # Errors
    /// [`Error::Config`] for the first that differs and is fixed.
    pub fn check_change(&self, to: &Self) -> Result<()> {
        to.format.must_match(&self.format)?;
        let fixed = |config: &Self| {
            [
                ("buffers", config.buffers.to_string()),
                ("wal_buffer_bytes", config.wal_buffer_bytes.to_string()),
                ("wal_sync", format!("{:?}", config.wal_sync)),
                ("wal_direct", config.wal_direct.to_string()),
                ("data_direct", config.data_direct.to_string()),
                ("sync_queue_capacity", config.sync_queue_capacity.to_string()),
            ]
        };
        match fixed(self).into_iter().zip(fixed(to)).find(|(now, to)| now != to) {
            None => Ok(()),
            Some(((setting, now), (_, found))) => Err(Error::Config {
                setting,
                found,
                expected: format!("{now} until the store is opened again"),
            }),
        }
    }

    /// A checkpoint starts once this much WAL was inserted since the last redo point. Until it is
    /// complete, the WAL of the interval before is kept too, and that of its own time is added: so
    /// the two make up `wal_max_bytes`. PostgreSQL: `CalculateCheckpointSegments`.
    pub fn checkpoint_wal_bytes(&self) -> u64 {
        (self.wal_max_bytes as f64 / (1.0 + self.checkpoint_completion_target)) as u64
    }

    /// `wal_sync` and `wal_direct`.
    pub fn wal_sync_method(&self) -> SyncMethod {
        SyncMethod { sync: self.wal_sync, direct: self.wal_direct }
    }

    fn validate_writes(&self) -> Result<()> {
        let flush_after = u64::from(self.checkpoint_flush_after_bytes);
        in_range("checkpoint_flush_after_bytes", flush_after, 0..=2 << 20)?;
        let flush_after = u64::from(self.backend_flush_after_bytes);
        in_range("backend_flush_after_bytes", flush_after, 0..=2 << 20)?;
        in_range("write_combine_bytes", u64::from(self.write_combine_bytes), 0..=1 << 20)?;
        in_range("evict_sync_rounds", u64::from(self.evict_sync_rounds), 0..=1000)?;
        let threshold = u64::from(self.evict_sync_threshold_pages);
        in_range("evict_sync_threshold_pages", threshold, 1..=1 << 16)?;
        duration("evict_sync_time", self.evict_sync_time, Duration::ZERO..=DAY)
    }

    fn validate_background_writer(&self) -> Result<()> {
        let delays = Duration::from_millis(1)..=Duration::from_secs(10);
        duration("background_writer_delay", self.background_writer_delay, delays)?;
        let max_pages = u64::from(self.background_writer_max_pages);
        in_range("background_writer_max_pages", max_pages, 0..=1 << 30)?;
        factor("background_writer_multiplier", self.background_writer_multiplier, 0..=10)?;
        let flush_after = u64::from(self.background_writer_flush_after_bytes);
        in_range("background_writer_flush_after_bytes", flush_after, 0..=2 << 20)
    }
}

/// What is no number is in no range.
fn factor(setting: &'static str, found: f64, range: RangeInclusive<u32>) -> Result<()> {
    if (f64::from(*range.start())..=f64::from(*range.end())).contains(&found) {
        return Ok(());
    }
    Err(Error::Config {
        setting,
        found: found.to_string(),
        expected: format!("{} to {}", range.start(), range.end()),
    })
}

fn in_range(setting: &'static str, found: u64, range: RangeInclusive<u64>) -> Result<()> {
    if range.contains(&found) {
        return Ok(());
    }
    Err(Error::Config {
        setting,
        found: found.to_string(),
        expected: format!("{} to {}", range.start(), range.end()),
    })
}

fn power_of_two(setting: &'static str, found: u64, range: RangeInclusive<u64>) -> Result<()> {
    if found.is_power_of_two() && range.contains(&found) {
        return Ok(());
    }
    Err(Error::Config {
        setting,
        found: found.to_string(),
        expected: format!("a power of two, {} to {}", range.start(), range.end()),
    })
}

fn duration(setting: &'static str, found: Duration, range: RangeInclusive<Duration>) -> Result<()> {
    if range.contains(&found) {
        return Ok(());
    }
    Err(Error::Config {
        setting,
        found: format!("{found:?}"),
        expected: format!("{:?} to {:?}", range.start(), range.end()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        Config::default().validate().unwrap();
    }

    #[test]
    fn a_setting_out_of_range_is_named_with_its_range() {
        let page = Format { page_bytes: 5000, ..Format::default() };
        let config = Config { format: page, ..Config::default() };
        assert_eq!(
            config.validate().unwrap_err().to_string(),
            "page_bytes is 5000, expected a power of two, 4096 to 65536"
        );
        let config = Config { checkpoint_completion_target: f64::NAN, ..Config::default() };
        assert_eq!(
            config.validate().unwrap_err().to_string(),
            "checkpoint_completion_target is NaN, expected 0 to 1"
        );
        let config = Config { background_writer_multiplier: 10.5, ..Config::default() };
        assert_eq!(
            config.validate().unwrap_err().to_string(),
            "background_writer_multiplier is 10.5, expected 0 to 10"
        );
        let config = Config { background_writer_flush_after_bytes: u32::MAX, ..Config::default() };
        assert_eq!(
            config.validate().unwrap_err().to_string(),
            "background_writer_flush_after_bytes is 4294967295, expected 0 to 2097152"
        );
        let config = Config { buffers: 3, ..Config::default() };
        assert!(config.validate().unwrap_err().to_string().starts_with("buffers is 3"));
    }

    #[test]
    fn sizes_are_valid_up_to_their_limits_and_not_beyond() {
        type Set = fn(&mut Config, u64);
        let cases: [(Set, u64, u64); 8] = [
            (|c, v| c.format.page_bytes = v as u32, 4096, 65536),
            (|c, v| c.format.wal_block_bytes = v as u32, 1024, 65536),
            (|c, v| c.format.wal_segment_bytes = v as u32, 16384, 1 << 29),
            (|c, v| c.format.data_segment_bytes = v as u32, 8192, 1 << 30),
            (|c, v| c.wal_buffer_bytes = v as usize, 4096, 1 << 30),
            (|c, v| c.checkpoint_flush_after_bytes = v as u32, 0, 2 << 20),
            (|c, v| c.backend_flush_after_bytes = v as u32, 0, 2 << 20),
            (|c, v| c.wal_max_bytes = v, 32 << 20, 1 << 50),
        ];
        for (number, (set, least, most)) in cases.into_iter().enumerate() {
            let is_valid = |value| {
                let mut config = Config { wal_min_bytes: 0, ..Config::default() };
                set(&mut config, value);
                config.validate().is_ok()
            };
            assert!(is_valid(least) && is_valid(most), "{number}: {least} to {most}");
            assert!(!is_valid(2 * most + 1) && !is_valid(2 * most), "{number}: beyond {most}");
            assert!(least == 0 || !is_valid(least / 2), "{number}: below {least}");
        }
    }

    #[test]
    fn times_are_valid_up_to_their_limits_and_not_beyond() {
        type Set = fn(&mut Config, Duration);
        let (ms, day) = (Duration::from_millis(1), Duration::from_secs(86_400));
        let cases: [(Set, Duration, Duration); 4] = [
            (|c, v| c.checkpoint_timeout = v, ms, day),
            (|c, v| c.evict_sync_time = v, Duration::ZERO, day),
            (|c, v| c.wal_writer_delay = v, ms, Duration::from_secs(10)),
            (|c, v| c.background_writer_delay = v, ms, Duration::from_secs(10)),
        ];
        for (number, (set, least, most)) in cases.into_iter().enumerate() {
            let is_valid = |value| {
                let mut config = Config::default();
                set(&mut config, value);
                config.validate().is_ok()
            };
            assert!(is_valid(least) && is_valid(most), "{number}: {least:?} to {most:?}");
            assert!(!is_valid(most + ms), "{number}: beyond {most:?}");
            assert!(least.is_zero() || !is_valid(least / 2), "{number}: below {least:?}");
        }
    }

    #[test]
    fn a_checkpoint_starts_early_enough_for_the_log_of_two_intervals() {
        let bytes = |checkpoint_completion_target| {
            let wal_max_bytes = 3 << 20;
            Config { wal_max_bytes, checkpoint_completion_target, ..Config::default() }
                .checkpoint_wal_bytes()
        };
        assert_eq!([0.0, 0.5, 1.0].map(bytes), [3 << 20, 2 << 20, 3 << 19]);
    }

    #[test]
    fn a_store_of_another_page_size_is_refused_by_name() {
        let found = Format { page_bytes: 16384, ..Format::default() };
        assert_eq!(
            Format::default().must_match(&found).unwrap_err().to_string(),
            "page_bytes is 8192, expected 16384, with which the store was created"
        );
    }

    #[test]
    fn settings_that_contradict_each_other_are_refused() {
        let config = Config { wal_min_bytes: 2 << 30, ..Config::default() };
        assert_eq!(
            config.validate().unwrap_err().to_string(),
            "wal_min_bytes is 2147483648, expected 0 to 1073741824"
        );
    }

    #[test]
    fn what_is_fixed_while_a_store_is_open_is_named() {
        let now = Config::default();
        let change = |change: fn(&mut Config)| {
            let mut config = now;
            change(&mut config);
            now.check_change(&config).map_err(|error| error.to_string())
        };
        change(|config| config.evict_sync_rounds = 9).unwrap();
        change(|config| config.checkpoint_timeout = Duration::from_secs(1)).unwrap();
        assert_eq!(
            change(|config| config.data_direct = false).unwrap_err(),
            "data_direct is false, expected true until the store is opened again"
        );
        assert!(change(|config| config.format.page_bytes = 4096).unwrap_err().contains("8192"));
    }
}
