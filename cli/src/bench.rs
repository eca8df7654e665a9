//! `bench`: threads give random rows of one table new values, each durably, while checkpoints come
//! and go; told second by second, since averages hide stalls.
//!
//! Clients wait for their commit before the next: in a stall few commits are late, and the seconds
//! without commits tell how long it was.

mod clients;
pub(crate) mod line;
mod place;
mod rows;
pub(crate) mod table;
pub(crate) mod timeline;
pub(crate) mod variant;

use crate::args::{MAX_BUFFERS, parse_duration};
use crate::exit::{EXIT_CODES, Failure, note, result};
use crate::interrupt::Interrupt;
use crate::torture::layout::draw;
use crate::trace::{self, TraceArgs};
use clap::Args;
use clients::Plan;
use line::Line;
use place::Place;
use rows::Rows;
use seawall::{Config, Store};
use std::io::{self, BufRead};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use timeline::Summary;
use variant::Variant;

#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct BenchArgs {
    /// Directory for the store, empty or absent
    dir: PathBuf,
    /// Directory for the log, perhaps on another device; empty or absent [default: within DIR]
    #[arg(long)]
    wal_dir: Option<PathBuf>,
    /// Rows of the table
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=1 << 34))]
    rows: u64,
    /// Bytes of a row
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(8..=4096))]
    row_bytes: u32,
    /// Threads that commit
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1024))]
    clients: u32,
    /// How long to measure
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// How long to work before that
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(0..=86_400))]
    warmup_seconds: u64,
    /// Pages in the pool
    #[arg(long, default_value_t = 8192, value_parser = clap::value_parser!(u32).range(16..=MAX_BUFFERS))]
    buffers: u32,
    /// Time between checkpoints, as 500ms, 2s, 1m or milliseconds
    #[arg(long, default_value = "15s", value_name = "DURATION", value_parser = parse_duration)]
    checkpoint_every: Duration,
    /// What keeps checkpoints from stalling commits: a way of `lab stall`, without `seawall-`
    #[arg(long, default_value = variant::DEFAULT, value_parser = variant::parse)]
    variant: &'static Variant,
    /// Seed of the rows that are drawn [default: drawn]
    #[arg(long)]
    seed: Option<u64>,
    /// Leave the store where it is
    #[arg(long)]
    keep: bool,
    /// Print a JSON object for each second, each checkpoint and the summary
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    trace: TraceArgs,
    /// Begin when a line is on stdin, and end with stdin: for the laboratory
    #[arg(long, hide = true)]
    wait: bool,
}

pub(crate) fn run(args: &BenchArgs) -> Result<(), Failure> {
    let interrupt = Interrupt::install()?;
    let place = Place::make(&args.dir, args.wal_dir.as_deref())?;
    let measured = measure(args, &interrupt).map_err(|failure| failure.within(&args.dir));
    match args.keep {
        true => place.keep(),
        false => return measured.and(place.remove()),
    }
    measured
}

fn measure(args: &BenchArgs, interrupt: &Interrupt) -> Result<(), Failure> {
    note!("{} rows of {} bytes are loaded", args.rows, args.row_bytes);
    let began = Instant::now();
    let rows = load(args, interrupt)?;
    let load_ms = began.elapsed().as_millis() as u64;
    args.tell(&Line::Loaded { rows: args.rows, load_ms })?;
    if args.wait && !is_told_to_go()? {
        return Ok(());
    }
    let trace = args.trace.begin()?;
    let store = Store::open_on(trace::disk(&args.dir, trace.as_ref()), args.config(), None)?;
    note!("{} clients work, measured after {} s", args.clients, args.warmup_seconds);
    let plan = Plan {
        clients: args.clients,
        warmup: Duration::from_secs(args.warmup_seconds),
        seconds: args.seconds as usize,
        seed: args.seed.unwrap_or_else(draw),
    };
    let summary = clients::work(&store, &rows, &plan, interrupt, &mut |line| args.tell(&line))?;
    args.summarize(&summary)?;
    if args.keep {
        store.close()?;
    }
    trace::end(trace.as_ref())
}

/// The store is closed afterwards: whatever the load was like, work begins with an empty pool, and
/// the first checkpoint comes when the time between two of them is over.
fn load(args: &BenchArgs, interrupt: &Interrupt) -> Result<Rows, Failure> {
    let config = args.config();
    let store = Store::create(&args.dir, config)?;
    let row_bytes = args.row_bytes as usize;
    let rows = Rows::load(&store, &config.format, args.rows, row_bytes, interrupt)?;
    store.close()?;
    Ok(rows)
}

impl BenchArgs {
    fn config(&self) -> Config {
        let mut config = Config {
            buffers: self.buffers as usize,
            wal_buffer_bytes: 16 << 20,
            checkpoint_timeout: self.checkpoint_every,
            // So much that the time paces the checkpoints, not the log.
            wal_max_bytes: 6 << 30,
            wal_min_bytes: 2 << 30,
            ..Config::default()
        };
        (self.variant.set)(&mut config);
        config
    }

    fn tell(&self, line: &Line) -> Result<(), Failure> {
        if self.json {
            return print_json(line);
        }
        if let Line::Second(second) = line {
            note!(
                "   {:>4} s: {:>7} commits, p99 {:>8.2} ms, max {:>8.2} ms",
                second.second,
                second.commits,
                table::ms(second.p99_us),
                table::ms(second.max_us)
            );
        }
        if let Line::Checkpoint(checkpoint) = line
            && let Some(phases) = checkpoint.phases
        {
            note!(
                "   checkpoint: {} pages, write {} ms, sync {} ms",
                phases.buffers_written,
                phases.write_ms,
                phases.sync_ms
            );
        }
        Ok(())
    }

    fn summarize(&self, summary: &Summary) -> Result<(), Failure> {
        if self.json {
            return print_json(&Line::Summary(*summary));
        }
        result(&table::header())?;
        result(&table::row(self.variant.name, summary))
    }
}

fn print_json(line: &Line) -> Result<(), Failure> {
    let text = serde_json::to_string(line);
    result(&text.map_err(|error| Failure::Io(format!("JSON of {line:?}: {error}")))?)
}

/// Whether a line has come, and not the end.
fn is_told_to_go() -> Result<bool, Failure> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    Ok(read.map_err(|error| Failure::io("stdin", &error))? > 0)
}
