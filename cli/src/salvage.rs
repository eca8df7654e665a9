//! `salvage`: the explicit override for a log that is damaged where it was durable.

use crate::check::List;
use crate::exit::{EXIT_CODES, Failure, note};
use crate::open;
use crate::output::Output;
use clap::Args;
use seawall::seawall_core::disk::Disk;
use seawall::seawall_core::recovery::{Losses, Salvage, Salvaged};
use seawall::{LinuxDisk, Lsn};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;

const HELP: &str = "\
Without --yes it says what would be lost, changes nothing and ends with 2. The position is the end
of a record, at or behind the redo point; `seawall check` names the end of the valid log.

What is cut is put aside first, in DIR/salvaged-<LSN in hexadecimal>: the segments of the log, the
control file, pages. An interrupted salvage is repeated with the same --until; until it is through
the store is refused as before, or opens with all that it had.

A page with changes behind the position, and no image before it, cannot be taken back. Salvage
refuses then. --keep-newer-pages keeps such pages as they are: operations behind the position may
then be there in part, which the engine has to cope with.

With --json: pages and files that stay damaged as in `check`, then one object: until_lsn,
valid_end_lsn, durable_lsn, lost_bytes, cut_records, cut_changes, blocks_behind_end, newer_pages,
damaged_pages, goes_on, outcome (nothing_to_do, asked, cut, failed) and aside_dir.
";

/// Pages that are listed.
const LISTED_MAX: u64 = 1000;

#[derive(Debug, Args)]
#[command(after_help = format!("{HELP}\n{EXIT_CODES}"))]
pub(crate) struct SalvageArgs {
    /// Directory of the store
    dir: PathBuf,
    /// Keep the log up to here
    #[arg(long, value_name = "LSN")]
    until: Lsn,
    /// Do it
    #[arg(long)]
    yes: bool,
    /// Keep pages that have changes behind the cut
    #[arg(long)]
    keep_newer_pages: bool,
    /// Print JSON, one object a line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &SalvageArgs) -> Result<(), Failure> {
    salvage(args).map_err(|failure| failure.within(&args.dir))
}

fn salvage(args: &SalvageArgs) -> Result<(), Failure> {
    let mut list = List { output: Output::new(), json: args.json, left: LISTED_MAX, failed: None };
    let salvage = {
        let looking = open::for_looking(&args.dir)?;
        // Before the lock, whose file is written to: what is no store stays untouched.
        open::control(&looking)?;
        let disk: Arc<dyn Disk> = match args.yes {
            true => Arc::new(LinuxDisk::new(&args.dir)),
            false => Arc::new(looking),
        };
        Salvage::prepare(disk, args.until, &mut |finding| list.add(finding))?
    };
    let List { mut output, failed, .. } = list;
    failed.map_or(Ok(()), Err)?;
    let (losses, dir) = (*salvage.losses(), salvage.dir().to_owned());
    let (outcome, done) = match (salvage.is_nothing(), args.yes) {
        (true, _) => ("nothing_to_do", Ok(Salvaged::Nothing)),
        (false, false) => ("asked", Ok(Salvaged::Nothing)),
        (false, true) => ("cut", salvage.carry_out(args.keep_newer_pages)),
    };
    let outcome = if done.is_ok() { outcome } else { "failed" };
    match args.json {
        true => output.line(object(&losses, outcome, &dir))?,
        false => output.line(text(&losses, outcome, &dir))?,
    }
    output.finish()?;
    done?;
    match outcome {
        "asked" => Err(Failure::Usage("nothing was changed: add --yes to cut the log".to_owned())),
        "cut" => {
            note!(
                "seawall: THE LOG WAS CUT at {}: what was behind it is lost to the store",
                losses.until
            );
            Ok(())
        }
        _ => Ok(()),
    }
}

fn text(losses: &Losses, outcome: &str, dir: &str) -> String {
    let end = match outcome {
        "nothing_to_do" => "the store opens to this position as it is: nothing was done".to_owned(),
        "asked" => format!("what is cut would be put aside in {dir}"),
        "cut" => {
            format!("what was cut is in {dir}; open the store, and check it as its engine can")
        }
        _ => "it was not done".to_owned(),
    };
    let again = if losses.goes_on { "a salvage that was interrupted goes on\n" } else { "" };
    format!("{again}{losses}\n{end}")
}

fn object(losses: &Losses, outcome: &str, dir: &str) -> Value {
    json!({
        "until_lsn": losses.until.to_string(),
        "valid_end_lsn": losses.valid_end.to_string(),
        "durable_lsn": losses.durable.to_string(),
        "lost_bytes": losses.durable.since(losses.until),
        "cut_records": losses.records,
        "cut_changes": losses.changes,
        "blocks_behind_end": losses.beyond.blocks,
        "newer_pages": losses.newer_pages,
        "damaged_pages": losses.damaged_pages,
        "goes_on": losses.goes_on,
        "outcome": outcome,
        "aside_dir": dir,
    })
}
