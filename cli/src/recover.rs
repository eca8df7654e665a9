//! `recover`, and `recover --dry-run`: what it would do, with nothing changed.

use crate::args::{MAX_BUFFERS, OpenArgs};
use crate::exit::{EXIT_CODES, Failure, result};
use crate::open;
use clap::Args;
use seawall::seawall_core::control::StoreState;
use seawall::seawall_core::disk::Disk;
use seawall::seawall_core::engine;
use seawall::seawall_core::recovery::{Rehearsal, Survey};
use seawall::seawall_core::wal::position::Geometry;
use seawall::seawall_core::wal::segment;
use seawall::{CheckpointStats, Error, RecoveryReport};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;

const HELP: &str = "\
With --dry-run the log is read as recovery reads it, and the pages that it would need; nothing is
changed. The exit code is that of `recover`. With --json the result is one object: was_closed,
redo_lsn, end_lsn, end_segment, end_offset_bytes, stop_reason, records, images, steps, notes, cuts,
pages, lost_pages, blocks_behind_end, removed_segments, and refusal (null if the store would open).
";

#[derive(Debug, Args)]
#[command(after_help = format!("{HELP}\n{EXIT_CODES}"))]
pub(crate) struct RecoverArgs {
    /// Directory of the store
    #[arg(value_name = "DIR", required_unless_present = "named", conflicts_with = "named")]
    dir: Option<PathBuf>,
    /// Directory of the store
    #[arg(long = "dir", id = "named", value_name = "DIR")]
    named: Option<PathBuf>,
    /// Pages in the pool
    #[arg(
        long,
        default_value_t = 1024,
        value_parser = clap::value_parser!(u32).range(4..=MAX_BUFFERS)
    )]
    buffers: u32,
    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON, of a dry run
    #[arg(long, requires = "dry_run")]
    json: bool,
}

pub(crate) fn run(args: &RecoverArgs) -> Result<(), Failure> {
    let dir = args.dir.as_ref().or(args.named.as_ref()).cloned().unwrap_or_default();
    let open = OpenArgs { dir, buffers: args.buffers };
    let done = if args.dry_run { rehearse(&open, args.json) } else { recover(&open) };
    done.map_err(|failure| failure.within(&open.dir))
}

fn recover(args: &OpenArgs) -> Result<(), Failure> {
    let (report, last) = open_and_close(args)?;
    result(&report.to_string())?;
    last.map_or(Ok(()), |last| result(&last.to_string()))
}

/// Recovers; returns the reports of that and of its checkpoint.
fn open_and_close(args: &OpenArgs) -> Result<(RecoveryReport, Option<CheckpointStats>), Failure> {
    let store = open::open(args)?;
    let reports = (store.recovery().clone(), store.checkpoints().last);
    store.close()?;
    Ok(reports)
}

fn rehearse(args: &OpenArgs, json: bool) -> Result<(), Failure> {
    let disk: Arc<dyn Disk> = Arc::new(open::for_looking(&args.dir)?);
    let _lock = engine::lock(&*disk)?;
    let control = open::control(&*disk)?;
    let survey = Survey::read(Arc::clone(&disk), &control, None)?;
    let rehearsal = survey.rehearse()?;
    let geometry = Geometry::new(&control.format);
    let last = geometry.segment(survey.end());
    let removed = segment::list(&*disk, &geometry)?.iter().filter(|n| **n > last).count();
    // As `recover` would say: this program knows no custom kinds.
    let refusal = survey.refusal(false).map(Error::Wal).or(rehearsal.refusal);
    let Rehearsal { pages, lost_pages, .. } = rehearsal;
    let dry = DryRun { survey: &survey, pages, lost_pages, removed, refusal: &refusal };
    result(&if json { dry.json() } else { dry.text() })?;
    refusal.map_or(Ok(()), |error| Err(error.into()))
}

/// What recovery would do.
struct DryRun<'r> {
    survey: &'r Survey,
    pages: u64,
    /// Not on disk any more.
    lost_pages: u64,
    /// Segments behind the end.
    removed: usize,
    refusal: &'r Option<Error>,
}

impl DryRun<'_> {
    fn text(&self) -> String {
        let Self { survey, pages, lost_pages, removed, refusal } = self;
        let (control, counts) = (survey.control(), survey.counts());
        let (segment, offset) = survey.place(survey.end());
        let closed = if is_closed(survey) { "was closed" } else { "was not closed" };
        let fate = match refusal {
            Some(_) => "recovery would refuse it; nothing was changed",
            None => "recovery would do this; nothing was changed",
        };
        format!(
            "the store {closed}; redo from {} to {}: {} records, {} images, {} changes by steps, \
             {} notes, {} cuts, for {pages} pages\n\
             the log stops in {segment} at offset {offset}: {}; {}\n\
             {removed} segments behind it hold nothing that counts, and would be removed\n\
             {lost_pages} pages that were there at the last checkpoint are not on disk\n\
             {fate}",
            control.redo,
            survey.end(),
            counts.records,
            counts.images,
            counts.steps,
            counts.notes,
            counts.cuts,
            survey.stop_reason(),
            survey.beyond(),
        )
    }

    fn json(&self) -> String {
        let Self { survey, pages, lost_pages, removed, refusal } = self;
        let (control, counts) = (survey.control(), survey.counts());
        let (segment, offset) = survey.place(survey.end());
        json!({
            "was_closed": is_closed(survey),
            "redo_lsn": control.redo.to_string(),
            "end_lsn": survey.end().to_string(),
            "end_segment": segment,
            "end_offset_bytes": offset,
            "stop_reason": survey.stop_reason(),
            "records": counts.records,
            "images": counts.images,
            "steps": counts.steps,
            "notes": counts.notes,
            "cuts": counts.cuts,
            "pages": pages,
            "lost_pages": lost_pages,
            "blocks_behind_end": survey.beyond().blocks,
            "removed_segments": removed,
            "refusal": refusal.as_ref().map(ToString::to_string),
        })
        .to_string()
    }
}

fn is_closed(survey: &Survey) -> bool {
    survey.control().state == StoreState::Closed
}
