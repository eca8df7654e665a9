//! `wal dump`: a line for each record, and one for the end.

use super::WalArgs;
use super::content::Content;
use super::walk::Walk;
use crate::exit::Failure;
use crate::output::Output;
use seawall::Record;
use seawall::seawall_core::wal::record::RECORD_HEADER_BYTES;
use serde_json::{Value, json};
use std::ops::ControlFlow;

pub(super) fn run(args: &WalArgs) -> Result<(), Failure> {
    let mut output = Output::new();
    let end = Walk::new(args)?.run(|record, content| {
        match args.json {
            true => output.line(object(record, content))?,
            false => output.line(text(record, content).trim_end())?,
        }
        Ok(if output.has_reader() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    let Some(end) = end else { return Ok(()) };
    match args.json {
        true => output.line(json!({ "end": end.json() }))?,
        false => output.line(&end)?,
    }
    output.finish()?;
    end.verdict()
}

/// Bytes of header and body.
fn length_bytes(record: &Record) -> usize {
    RECORD_HEADER_BYTES + record.body.len()
}

fn text(record: &Record, content: &Content) -> String {
    let (start, end, length) = (record.start, record.end, length_bytes(record));
    format!("{start} {end} {length:>7} {:<10} {content}", record.kind.name())
}

fn object(record: &Record, content: &Content) -> Value {
    let mut object = content.json();
    object["lsn"] = json!(record.start.to_string());
    object["end_lsn"] = json!(record.end.to_string());
    object["length_bytes"] = json!(length_bytes(record));
    object["kind"] = json!(record.kind.name());
    object
}
