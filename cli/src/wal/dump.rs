//! `wal dump`: a line for each record, and one for the end.

use super::WalArgs;
use super::content::Content;
use super::object::Object;
use super::walk::Walk;
use crate::exit::Failure;
use crate::output::Output;
use seawall::Record;
use seawall::seawall_core::wal::record::RECORD_HEADER_BYTES;
use serde_json::json;
use std::fmt;
use std::ops::ControlFlow;

pub(super) fn run(args: &WalArgs) -> Result<(), Failure> {
    let mut output = Output::new();
    let end = Walk::new(args)?.run(|record, content| {
        match args.json {
            true => output.json(&Object { record, content })?,
            false => output.line(Text { record, content })?,
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

/// A record as a line of text.
struct Text<'t> {
    record: &'t Record,
    content: &'t Content<'t>,
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { record, content } = self;
        let length = RECORD_HEADER_BYTES + record.body.len();
        write!(f, "{} {} {length:>7} ", record.start, record.end)?;
        match content.is_empty() {
            true => f.write_str(record.kind.name()),
            false => write!(f, "{:<10} {content}", record.kind.name()),
        }
    }
}
