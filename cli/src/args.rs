//! The command line.

use crate::bench::BenchArgs;
use crate::check::CheckArgs;
use crate::control::ControlArgs;
use crate::exit::EXIT_CODES;
use crate::lab::LabCommand;
use crate::page::PageCommand;
use crate::recover::RecoverArgs;
use crate::salvage::SalvageArgs;
use crate::testfsync::TestFsyncArgs;
use crate::trace::TraceArgs;
use crate::wal::WalCommand;
use clap::{Args, Parser, Subcommand};
use seawall::Format;
use std::path::PathBuf;
use std::time::Duration;

/// Threads that torture data has pages for.
pub(crate) const MAX_THREADS: u32 = 64;

/// Data pages that torture data can have.
pub(crate) const MAX_DATA_PAGES: u32 = 1 << 24;

/// A durable page store that survives kill -9. Without a command: `demo`.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Kill a working store in the middle of a checkpoint, recover it and verify every commit
    #[command(after_help = EXIT_CODES)]
    Demo(DemoArgs),
    /// Create an empty store
    #[command(after_help = EXIT_CODES)]
    Init(InitArgs),
    /// Recover a store, tell what was found, close it; or say what that would do
    Recover(RecoverArgs),
    /// Check a store that is not open: every page, the log, the control file, and what recovery
    /// makes of it
    Check(CheckArgs),
    /// Print both slots of the control file, and which one counts
    Control(ControlArgs),
    /// Look at a page on disk
    #[command(subcommand, after_help = EXIT_CODES)]
    Page(PageCommand),
    /// Cut a log that is damaged where it was durable, after saying what will be lost
    Salvage(SalvageArgs),
    /// Commit operations over several pages, printing `ack K` once the K-th is durable
    #[command(after_help = EXIT_CODES)]
    Torture(Box<TortureArgs>),
    /// Recover a store with torture data, check all of it and print `last=K`
    #[command(after_help = EXIT_CODES)]
    Verify(OpenArgs),
    /// Look into the log of a store, whether another process has it open or not
    #[command(subcommand, after_help = EXIT_CODES)]
    Wal(WalCommand),
    /// Measure what makes a log durable in a directory, and say which way to choose
    #[command(name = "testfsync", after_help = EXIT_CODES)]
    TestFsync(TestFsyncArgs),
    /// Measure durable random upserts, second by second, through checkpoints
    #[command(after_help = EXIT_CODES)]
    Bench(BenchArgs),
    /// Experiments on limited devices, for root
    #[command(subcommand, after_help = EXIT_CODES)]
    Lab(LabCommand),
}

impl Default for Command {
    fn default() -> Self {
        Command::Demo(DemoArgs::default())
    }
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Keep the store in this directory, which must be empty or absent
    #[arg(long)]
    pub(crate) dir: Option<PathBuf>,
    /// How long to work before the kill
    #[arg(
        long,
        default_value_t = DEMO_SECONDS,
        value_parser = clap::value_parser!(u64).range(1..=3600)
    )]
    pub(crate) seconds: u64,
}

const DEMO_SECONDS: u64 = 20;

impl Default for DemoArgs {
    fn default() -> Self {
        Self { dir: None, seconds: DEMO_SECONDS }
    }
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Directory of the store, empty or absent
    #[arg(long)]
    pub(crate) dir: PathBuf,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    /// Directory of the store
    #[arg(long)]
    pub(crate) dir: PathBuf,
    /// Pages in the pool
    #[arg(
        long,
        default_value_t = 1024,
        value_parser = clap::value_parser!(u32).range(4..=MAX_BUFFERS)
    )]
    pub(crate) buffers: u32,
}

pub(crate) const MAX_BUFFERS: i64 = 1 << 24;

/// What is fixed when a store is created.
#[derive(Debug, Args)]
pub(crate) struct FormatArgs {
    /// Bytes of a page [default: 8192]
    #[arg(long)]
    pub(crate) page_bytes: Option<u32>,
    /// Bytes of a block of the log [default: 8192]
    #[arg(long)]
    pub(crate) wal_block_bytes: Option<u32>,
    /// Bytes of a segment of the log [default: 16 MiB, torture 1 MiB]
    #[arg(long)]
    pub(crate) wal_segment_bytes: Option<u32>,
    /// Bytes of a segment of a data file [default: 1 GiB]
    #[arg(long)]
    pub(crate) data_segment_bytes: Option<u32>,
}

impl FormatArgs {
    /// What was asked for, and what `base` says of the rest.
    pub(crate) fn over(&self, base: Format) -> Format {
        Format {
            page_bytes: self.page_bytes.unwrap_or(base.page_bytes),
            wal_block_bytes: self.wal_block_bytes.unwrap_or(base.wal_block_bytes),
            wal_segment_bytes: self.wal_segment_bytes.unwrap_or(base.wal_segment_bytes),
            data_segment_bytes: self.data_segment_bytes.unwrap_or(base.data_segment_bytes),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct TortureArgs {
    /// Directory of the store; created, and filled, if it is empty or absent
    #[arg(long)]
    pub(crate) dir: PathBuf,
    /// End after this long; without this and --ops: until killed
    #[arg(
        long,
        conflicts_with = "ops",
        value_parser = clap::value_parser!(u64).range(1..=MAX_SECONDS)
    )]
    pub(crate) seconds: Option<u64>,
    /// End after this many operations
    #[arg(long)]
    pub(crate) ops: Option<u64>,
    /// Threads that commit
    #[arg(
        long,
        default_value_t = 4,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_THREADS))
    )]
    pub(crate) threads: u32,
    /// Pages in the pool; fewer than the threads need at once make them wait for each other
    #[arg(
        long,
        default_value_t = 256,
        value_parser = clap::value_parser!(u32).range(8..=MAX_BUFFERS)
    )]
    pub(crate) buffers: u32,
    /// Data pages; fixed when the data is created [default: 1000]
    #[arg(long, value_parser = clap::value_parser!(u32).range(4..=i64::from(MAX_DATA_PAGES)))]
    pub(crate) pages: Option<u32>,
    /// Seed of the data; fixed when the data is created [default: drawn, and printed]
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Time between checkpoints, as 500ms, 2s, 1m or milliseconds; 0: one after the other, as
    /// fast as possible
    #[arg(long, default_value = "1s", value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) checkpoint_every: Duration,
    /// What the log may take on disk; a checkpoint starts early after about half of it
    /// [default: 8 segments]
    #[arg(long)]
    pub(crate) wal_max_bytes: Option<u64>,
    /// Bytes of log kept in memory
    #[arg(long, default_value_t = 1 << 20)]
    pub(crate) wal_buffer_bytes: usize,
    /// Requests for a sync that may wait for the checkpointer
    #[arg(long, default_value_t = 1024)]
    pub(crate) sync_queue: usize,
    /// Read and write through the page cache, and make the log durable by fdatasync
    #[arg(long)]
    pub(crate) buffered: bool,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
    #[command(flatten)]
    pub(crate) trace: TraceArgs,
    /// Report checkpoints and latencies on stdout, and end with stdin: for the demo
    #[arg(long, hide = true)]
    pub(crate) report: bool,
}

const MAX_SECONDS: u64 = 366 * 24 * 3600;

pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let ms_per_unit = match unit {
        "" | "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        _ => return Err("expected a whole number and ms, s or m".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "expected a number of ms, s or m".to_owned())?;
    let ms = number.checked_mul(ms_per_unit).ok_or("too long")?;
    Ok(Duration::from_millis(ms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_have_units_and_milliseconds_are_the_default() {
        let ms = |text| parse_duration(text).map(|duration| duration.as_millis());
        assert_eq!(ms("0"), Ok(0));
        assert_eq!(ms("250"), Ok(250));
        assert_eq!(ms("500ms"), Ok(500));
        assert_eq!(ms("2s"), Ok(2000));
        assert_eq!(ms("1m"), Ok(60_000));
        for bad in ["", "s", "-1", "1.5s", "2h", "18446744073709551615s", "99999999999999999999"] {
            assert!(parse_duration(bad).is_err(), "{bad:?}");
        }
    }
}
