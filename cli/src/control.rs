//! `control`: both slots of the control file, and which one counts. Changes nothing, takes no lock.

use crate::exit::{EXIT_CODES, Failure};
use crate::open;
use crate::output::Output;
use clap::Args;
use seawall::seawall_core::control::{Control, FORMAT_VERSION, Slots, StoreState, slot_offset};
use seawall::{ControlFault, Error};
use serde_json::{Value, json};
use std::path::PathBuf;

const HELP: &str = "\
Also while the store is open elsewhere. With --json each slot is an object: slot, offset_bytes,
is_taken, reason, and the fields of the slot if it is valid (docs/format.md).
";

#[derive(Debug, Args)]
#[command(after_help = format!("{HELP}\n{EXIT_CODES}"))]
pub(crate) struct ControlArgs {
    /// Directory of the store
    dir: PathBuf,
    /// Print JSON, one object a line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &ControlArgs) -> Result<(), Failure> {
    show(args).map_err(|failure| failure.within(&args.dir))
}

fn show(args: &ControlArgs) -> Result<(), Failure> {
    let slots = Slots::read(&open::for_looking(&args.dir)?)?;
    let latest = slots.latest();
    let mut output = Output::new();
    for (slot, content) in slots.0.iter().enumerate() {
        let taken = latest.as_ref().ok().map(|(taken, _)| *taken);
        let reason = reason(content, &slots, slot, &latest);
        let offset = slot_offset(slot as u64);
        if args.json {
            let mut object = content.as_ref().map_or_else(|_| json!({}), object);
            object["slot"] = json!(slot);
            object["offset_bytes"] = json!(offset);
            object["is_taken"] = json!(taken == Some(slot));
            object["reason"] = json!(reason);
            output.line(object)?;
        } else {
            let verb = if taken == Some(slot) { "taken" } else { "not taken" };
            output.line(format_args!("slot {slot} at offset {offset}: {verb}: {reason}"))?;
            if let Ok(control) = content {
                text(control).iter().try_for_each(|line| output.line(line))?;
            }
        }
    }
    output.finish()?;
    latest?;
    match slots.0.iter().find_map(|slot| slot.as_ref().err()) {
        Some(fault) => Err(Failure::Finding(format!("one slot is not valid: {fault}"))),
        None => Ok(()),
    }
}

/// Why a slot counts, or does not.
fn reason(
    content: &Result<Control, ControlFault>,
    slots: &Slots,
    slot: usize,
    latest: &Result<(usize, Control), Error>,
) -> String {
    match (content, &slots.0[1 - slot], latest) {
        (Err(fault), ..) => fault.to_string(),
        (Ok(_), _, Err(error)) => format!("the other slot may know better: {error}"),
        (Ok(_), Err(_), Ok(_)) => "the other slot is not valid".to_owned(),
        (Ok(own), Ok(other), Ok((taken, _))) => {
            let (relation, so) = match *taken == slot {
                true => ("after", "it counts"),
                false => ("before", "the other one counts"),
            };
            let (own, other) = (own.sequence, other.sequence);
            format!("its sequence is {own}, {relation} the other's {other}: {so}")
        }
    }
}

fn state(control: &Control) -> &'static str {
    match control.state {
        StoreState::InProduction => "in production",
        StoreState::Closed => "closed",
    }
}

fn text(control: &Control) -> Vec<String> {
    let format = &control.format;
    vec![
        format!("  format version      {FORMAT_VERSION}"),
        format!("  sequence            {}", control.sequence),
        format!("  system id           {:016x}", control.system_id),
        format!("  page bytes          {}", format.page_bytes),
        format!("  WAL block bytes     {}", format.wal_block_bytes),
        format!("  WAL segment bytes   {}", format.wal_segment_bytes),
        format!("  data segment bytes  {}", format.data_segment_bytes),
        format!("  checkpoint          {} to {}", control.checkpoint, control.checkpoint_end),
        format!("  redo point          {}", control.redo),
        format!("  state               {}", state(control)),
        format!("  last file           {}", control.last_file),
    ]
}

fn object(control: &Control) -> Value {
    let format = &control.format;
    json!({
        "format_version": FORMAT_VERSION,
        "sequence": control.sequence,
        "system_id": format!("{:016x}", control.system_id),
        "page_bytes": format.page_bytes,
        "wal_block_bytes": format.wal_block_bytes,
        "wal_segment_bytes": format.wal_segment_bytes,
        "data_segment_bytes": format.data_segment_bytes,
        "checkpoint_lsn": control.checkpoint.to_string(),
        "checkpoint_end_lsn": control.checkpoint_end.to_string(),
        "redo_lsn": control.redo.to_string(),
        "state": state(control),
        "last_file": control.last_file.0,
    })
}
