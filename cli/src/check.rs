//! `check`: everything that is wrong with a store, and what is recoverable. Changes nothing.
//!
//! The store's lock is held, shared with others who look: what somebody is writing would look
//! damaged. Memory: see [`seawall::seawall_core::check`]; findings are printed as they come.

use crate::exit::{EXIT_CODES, Failure};
use crate::open;
use crate::output::Output;
use clap::Args;
use seawall::seawall_core::check::{Finding, Verdict, check};
use seawall::seawall_core::disk::Disk;
use seawall::seawall_core::engine;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;

/// What `check --help` says of its output.
const HELP: &str = "\
The store must not be open: of one that is, `wal dump`, `page dump` and `control` tell.

Each finding is a line: fault (damage), repaired (what a crash may leave, and recovery puts right)
or note. The last lines say what is recoverable. With --json a finding has the fields kind, effect,
file, offset_bytes, data_file, block, found, expected, outlook; the last line is the verdict.

Not seen: a file that is missing, if it was created since the last checkpoint and the log has
nothing about it; an older version of a page; the log before the redo point.
";

#[derive(Debug, Args)]
#[command(after_help = format!("{HELP}\n{EXIT_CODES}"))]
pub(crate) struct CheckArgs {
    /// Directory of the store
    dir: PathBuf,
    /// Print so many findings; the rest is counted
    #[arg(long, value_name = "NUMBER", default_value_t = 1000)]
    limit: u64,
    /// Print JSON, one object a line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &CheckArgs) -> Result<(), Failure> {
    look(args).map_err(|failure| failure.within(&args.dir))
}

fn look(args: &CheckArgs) -> Result<(), Failure> {
    let disk: Arc<dyn Disk> = Arc::new(open::for_looking(&args.dir)?);
    let _lock = engine::lock(&*disk)?;
    let mut list = List { output: Output::new(), json: args.json, left: args.limit, failed: None };
    let verdict = check(&disk, &mut |finding| list.add(finding))?;
    let List { mut output, left, failed, .. } = list;
    failed.map_or(Ok(()), Err)?;
    let found = verdict.faults + verdict.repaired + verdict.notes;
    let unlisted = found.saturating_sub(args.limit - left);
    match args.json {
        true => output.line(json!({ "verdict": object(&verdict, unlisted) }))?,
        false => lines(&verdict, unlisted).iter().try_for_each(|line| output.line(line))?,
    }
    output.finish()?;
    match verdict.faults {
        0 => Ok(()),
        faults => Err(Failure::Finding(format!("faults found: {faults}"))),
    }
}

/// Findings on their way out.
pub(crate) struct List {
    pub(crate) output: Output,
    pub(crate) json: bool,
    /// How many more are printed.
    pub(crate) left: u64,
    pub(crate) failed: Option<Failure>,
}

impl List {
    pub(crate) fn add(&mut self, finding: &Finding) {
        if self.left == 0 || self.failed.is_some() {
            return;
        }
        self.left -= 1;
        let printed = match self.json {
            true => self.output.line(finding_object(finding)),
            false => self.output.line(finding),
        };
        self.failed = printed.err();
    }
}

fn finding_object(finding: &Finding) -> Value {
    json!({
        "kind": finding.kind.name(),
        "effect": finding.effect.name(),
        "file": finding.file,
        "offset_bytes": finding.offset,
        "data_file": finding.page.map(|page| page.file().0),
        "block": finding.page.map(|page| page.block()),
        "found": finding.found,
        "expected": finding.expected,
        "outlook": finding.outlook,
    })
}

fn lines(verdict: &Verdict, unlisted: u64) -> Vec<String> {
    let Verdict { survey, pages, control, .. } = verdict;
    let ((segment, offset), counts) = (survey.place(survey.end()), survey.counts());
    let (durable, witness) = survey.beyond().durable(control);
    let mut lines = Vec::new();
    if unlisted > 0 {
        lines.push(format!("and {unlisted} more findings: see --limit"));
    }
    lines.push(format!(
        "log: redo point {}, valid to {} ({segment} offset {offset}): {}",
        control.redo,
        survey.end(),
        survey.stop_reason()
    ));
    lines.push(format!("log: durable to {durable} according to {witness}; {}", survey.beyond()));
    lines.push(format!(
        "log: {} records, {} images, {} changes by steps, {} pages to be replayed",
        counts.records, counts.images, counts.steps, verdict.replayed_pages
    ));
    lines.push(format!(
        "pages: {} in {} files, {} faulty, of which recovery makes {} good; {} files emptied or \
         removed by recovery, not looked at",
        pages.pages, pages.files, pages.faulty, pages.restored, pages.skipped_files
    ));
    lines.push(format!(
        "findings: {} faults, {} repaired by recovery, {} notes",
        verdict.faults, verdict.repaired, verdict.notes
    ));
    lines.push(outlook(verdict));
    lines
}

fn outlook(verdict: &Verdict) -> String {
    let end = verdict.survey.end();
    match (&verdict.log_refusal, &verdict.replay_refusal, verdict.pages.faulty) {
        (Some(_), None, _) => format!(
            "recoverable: not as it is, the log is damaged; all changes before {end} with \
             `seawall salvage --until {end}`"
        ),
        (Some(log), Some(replay), _) => {
            format!("recoverable: not as it is: {log}; and up to there: {replay}")
        }
        (None, Some(replay), _) => format!("recoverable: not as it is: {replay}"),
        (None, None, faulty) if faulty > verdict.pages.restored => format!(
            "recoverable: the store opens with all changes before {end}; {} pages stay unreadable",
            faulty - verdict.pages.restored
        ),
        (None, None, _) => format!("recoverable: everything before {end}"),
    }
}

fn object(verdict: &Verdict, unlisted: u64) -> Value {
    let Verdict { survey, pages, control, .. } = verdict;
    let ((segment, offset), counts) = (survey.place(survey.end()), survey.counts());
    let (durable, witness) = survey.beyond().durable(control);
    json!({
        "opens": verdict.opens(),
        "refusal": verdict.log_refusal.as_ref().map(ToString::to_string),
        "replay_refusal": verdict.replay_refusal.as_ref().map(ToString::to_string),
        "needs_custom_redo": survey.custom().is_some(),
        "redo_lsn": control.redo.to_string(),
        "end_lsn": survey.end().to_string(),
        "end_segment": segment,
        "end_offset_bytes": offset,
        "stop_reason": survey.stop_reason(),
        "durable_lsn": durable.to_string(),
        "durable_according_to": witness,
        "blocks_behind_end": survey.beyond().blocks,
        "records": counts.records,
        "images": counts.images,
        "steps": counts.steps,
        "replayed_pages": verdict.replayed_pages,
        "files": pages.files,
        "skipped_files": pages.skipped_files,
        "pages": pages.pages,
        "faulty_pages": pages.faulty,
        "restored_pages": pages.restored,
        "faults": verdict.faults,
        "repaired": verdict.repaired,
        "notes": verdict.notes,
        "unlisted_findings": unlisted,
    })
}
