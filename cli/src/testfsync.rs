//! `testfsync`: what it costs to make a log durable in a directory, by each method that the store
//! has. PostgreSQL: `pg_test_fsync`, without the tails.
//!
//! # What is measured
//! * Files as segments of a log are: preallocated, full of zeros, durable; one for each method, so
//!   that no sync pays for another method's writes. Opened as the store opens them.
//! * In turns, a write that rewrites the last block, as the next commit in it does, and one that
//!   goes on to the next block. Every block differs from the last, in case something deduplicates.
//! * Methods and block sizes take turns, in short rounds: a slow minute hits all alike. That also
//!   tells a difference from noise: it shows in most rounds.

mod advice;
mod measure;
mod method;
mod report;

use crate::exit::{EXIT_CODES, Failure};
use crate::interrupt::Interrupt;
use clap::Args;
use measure::Bench;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct TestFsyncArgs {
    /// Directory on the disk in question; files of 4 MiB come and go there
    dir: PathBuf,
    /// How long to measure
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Bytes of a block of the log; may be given several times
    #[arg(long, default_values_t = [4096, 8192], value_parser = parse_block_bytes)]
    block_bytes: Vec<u32>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn parse_block_bytes(text: &str) -> Result<u32, String> {
    let bytes = text.parse().ok().filter(|bytes: &u32| bytes.is_power_of_two());
    let bytes = bytes.filter(|bytes| (1 << 10..=64 << 10).contains(bytes));
    bytes.ok_or_else(|| "expected a power of two, 1024 to 65536".to_owned())
}

pub(crate) fn run(args: &TestFsyncArgs) -> Result<(), Failure> {
    let interrupt = Interrupt::install()?;
    let mut block_bytes = args.block_bytes.clone();
    block_bytes.sort_unstable();
    block_bytes.dedup();
    let measured = Bench::new(&args.dir, &block_bytes)
        .and_then(|bench| bench.run(Duration::from_secs(args.seconds), &interrupt));
    let cells = measured.map_err(|failure| failure.within(&args.dir))?;
    report::print(&cells, &block_bytes, args.json)
}
