//! The options of `lab stall`.

use super::engine::{self, Engine};
use crate::args::parse_duration;
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Args)]
pub(crate) struct StallArgs {
    /// Only this engine; may be given several times
    #[arg(long, value_name = "ENGINE", value_parser = engine::parse, long_help = engine::help())]
    only: Vec<Engine>,
    /// How often each engine has its turn
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(super) repeats: u32,
    /// How long to measure
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(super) seconds: u64,
    /// How long to work on the limited devices before that
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(0..=86_400))]
    pub(super) warmup_seconds: u64,
    /// Rows of the table
    #[arg(long, default_value_t = 8_000_000, value_parser = clap::value_parser!(u64).range(1..=1 << 31))]
    pub(super) rows: u64,
    /// Bytes that a row takes in its page, with what the engine adds to it
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(64..=1024))]
    pub(super) row_bytes: u32,
    /// Clients that commit
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(super) clients: u32,
    /// MiB of the engine's pool
    #[arg(long, default_value_t = 448, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub(super) pool_mib: u32,
    /// MiB that engine and page cache share
    #[arg(long, default_value_t = 640, value_parser = clap::value_parser!(u32).range(64..=131_072))]
    pub(super) memory_mib: u32,
    /// Write operations per second of the data device; 0: no limit
    #[arg(long, default_value_t = 800)]
    pub(super) data_iops: u32,
    /// MB per second written to the data device; 0: no limit
    #[arg(long, default_value_t = 0)]
    pub(super) data_mb_per_s: u32,
    /// Write operations per second of the log's device; 0: no limit
    #[arg(long, default_value_t = 4000)]
    pub(super) wal_iops: u32,
    /// MB per second written to the log's device; 0: no limit
    #[arg(long, default_value_t = 0)]
    pub(super) wal_mb_per_s: u32,
    /// Time between checkpoints, as 30s, 1m or milliseconds; PostgreSQL's are 30s or more apart
    #[arg(long, default_value = "30s", value_name = "DURATION", value_parser = parse_duration)]
    pub(super) checkpoint_every: Duration,
    /// Where the devices' files come and go: sparse, a few GiB in the end; the user `postgres` must
    /// be able to reach it [default: the directory for temporary files]
    #[arg(long, value_name = "DIR")]
    pub(super) work_dir: Option<PathBuf>,
    /// Directory for report.html, runs.csv, seconds.csv and checkpoints.csv
    #[arg(long, value_name = "DIR", default_value = "stall-report")]
    pub(super) out: PathBuf,
    /// PostgreSQL's programs [default: the highest version in /usr/lib/postgresql]
    #[arg(long, value_name = "DIR")]
    pub(super) postgres_bin: Option<PathBuf>,
}

impl StallArgs {
    pub(super) fn engines(&self) -> Vec<Engine> {
        if self.only.is_empty() { engine::all() } else { self.only.clone() }
    }

    /// Bytes of the data device: tables grow, indexes come on top.
    pub(super) fn data_device_bytes(&self) -> u64 {
        (1 << 30) + 4 * self.rows * u64::from(self.row_bytes)
    }

    /// Clients work for so long.
    pub(super) fn work_seconds(&self) -> u64 {
        self.warmup_seconds + self.seconds
    }
}
