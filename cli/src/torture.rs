//! A workload that can prove afterwards that nothing was lost: operations over several pages that
//! carry their own number and checksums, acknowledged on stdout once they are durable.
//!
//! Operation `n` of thread `t` changes the thread's page and two to four data pages, as [`plan`]
//! says. With its pages locked it draws the next number `K` of all operations and enters the log
//! before anybody else can draw: so the order of the numbers is that of the log, and what
//! survives a crash must be the operations 1 to some `L`. `verify` recomputes every page from
//! that.

mod acks;
pub(crate) mod layout;
pub(crate) mod page;
pub(crate) mod plan;
mod report;
mod run;
mod worker;

use crate::args::TortureArgs;
use crate::exit::{Failure, note};
use crate::open::stored_format;
use crate::trace;
use layout::Layout;
pub(crate) use report::{CHECKPOINT_COMPLETE, CHECKPOINT_STARTED, LATENCY};
use run::Run;
use seawall::{Config, Format, Store, Trace, WalSync};
use std::sync::Arc;
use std::time::Duration;

const DEFAULT_WAL_SEGMENT_BYTES: u32 = 1 << 20;

/// Segments of log: few, so that they are recycled a lot.
const WAL_SEGMENTS: u64 = 8;

pub(crate) fn run(args: &TortureArgs) -> Result<(), Failure> {
    if args.report {
        report::end_with_stdin()?;
    }
    let trace = args.trace.begin()?;
    let done = torture(args, trace.as_ref()).map_err(|failure| failure.within(&args.dir));
    done.and(trace::end(trace.as_ref()))
}

fn torture(args: &TortureArgs, trace: Option<&Arc<Trace>>) -> Result<(), Failure> {
    let store = open(args, trace)?;
    note!("torture: {}", store.recovery());
    let layout = Layout::prepare(&store, args.seed, args.pages)?;
    note!("torture: seed {}, {} data pages", layout.plan.seed, layout.plan.pages);
    let summary = Run::new(&store, layout, args, trace)?.go()?;
    let checkpoints = store.checkpoints().done;
    let last = store.close()?;
    note!("torture: {summary}, {checkpoints} checkpoints");
    note!("torture: {last}");
    Ok(())
}

/// Opens the store; creates it if there is none. Options that are not possible, or contradict the
/// store's format, are noticed before anything is touched.
fn open(args: &TortureArgs, trace: Option<&Arc<Trace>>) -> Result<Store, Failure> {
    let stored = stored_format(&args.dir)?;
    let base = Format { wal_segment_bytes: DEFAULT_WAL_SEGMENT_BYTES, ..Format::default() };
    let config = config(args, args.format.over(stored.unwrap_or(base)));
    config.validate()?;
    let disk = trace::disk(&args.dir, trace);
    match stored {
        Some(found) => config.format.must_match(&found)?,
        None => Store::init_on(&disk, &config)?,
    }
    Ok(Store::open_on(disk, config, None)?)
}

fn config(args: &TortureArgs, format: Format) -> Config {
    let several = u64::from(format.wal_segment_bytes) * WAL_SEGMENTS;
    let wal_max_bytes = args.wal_max_bytes.unwrap_or(several);
    let mut config = Config {
        format,
        buffers: args.buffers as usize,
        wal_buffer_bytes: args.wal_buffer_bytes,
        wal_min_bytes: Config::default().wal_min_bytes.min(wal_max_bytes),
        wal_max_bytes,
        sync_queue_capacity: args.sync_queue,
        ..Config::default()
    };
    if args.checkpoint_every > Duration::ZERO {
        config.checkpoint_timeout = args.checkpoint_every;
    }
    if args.buffered {
        (config.data_direct, config.wal_direct) = (false, false);
        config.wal_sync = WalSync::Fdatasync;
    }
    config
}
