//! Looking into the log: `wal dump` prints its records, `wal stats` adds them up.
//!
//! Nothing is locked nor changed, and the files are opened for reading only; so the store may be
//! open in another process. Memory: one record, of 16 MiB at the most, and of one of a checkpoint
//! the list of files, which takes up to twice the record (see [`content`]); for `stats` also a row
//! for each data file, up to a limit.

mod content;
mod dump;
mod object;
mod stats;
mod walk;

use crate::exit::{EXIT_CODES, Failure};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use seawall::{Lsn, RecordKind};
use std::path::PathBuf;
use std::str::FromStr;

#[derive(Debug, Subcommand)]
pub(crate) enum WalCommand {
    /// Print the records of a log, one a line, and why it ends where it does
    #[command(after_help = EXIT_CODES)]
    Dump(WalArgs),
    /// Add up the records of a log, by kind and by data file
    #[command(after_help = EXIT_CODES)]
    Stats(WalArgs),
}

#[derive(Debug, Args)]
pub(crate) struct WalArgs {
    /// Directory of the store
    pub(crate) dir: PathBuf,
    /// Begin at the record that starts here, or with `start` at the first of the oldest segment
    /// [default: the redo point]
    #[arg(long, value_name = "LSN|start")]
    pub(crate) from: Option<From>,
    /// End before the record that starts here or behind
    #[arg(long, value_name = "LSN")]
    pub(crate) to: Option<Lsn>,
    /// Only records about this data file
    #[arg(long, value_name = "NUMBER")]
    pub(crate) file: Option<u32>,
    /// Only records of this kind
    #[arg(long, value_parser = kinds())]
    pub(crate) kind: Option<RecordKind>,
    /// End after so many of these records
    #[arg(long, value_name = "NUMBER")]
    pub(crate) limit: Option<u64>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    /// At the first record of the oldest segment.
    Start,
    /// At a record.
    Lsn(Lsn),
}

impl FromStr for From {
    type Err = seawall::seawall_core::lsn::ParseLsnError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "start" { Ok(Self::Start) } else { text.parse().map(Self::Lsn) }
    }
}

fn kinds() -> impl TypedValueParser<Value = RecordKind> {
    PossibleValuesParser::new(RecordKind::ALL.map(RecordKind::name)).try_map(|name| {
        let kind = RecordKind::ALL.into_iter().find(|kind| kind.name() == name);
        kind.ok_or("no kind of records")
    })
}

pub(crate) fn run(command: &WalCommand) -> Result<(), Failure> {
    let (args, done) = match command {
        WalCommand::Dump(args) => (args, dump::run(args)),
        WalCommand::Stats(args) => (args, stats::run(args)),
    };
    done.map_err(|failure| failure.within(&args.dir))
}
