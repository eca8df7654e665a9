//! `page dump`: one page as it is on disk, whole or damaged. Changes nothing, takes no lock.

use crate::exit::{EXIT_CODES, Failure};
use crate::open;
use crate::output::Output;
use clap::{Args, Subcommand};
use seawall::seawall_core::files;
use seawall::seawall_core::page::{PAGE_HEADER_BYTES, Page};
use seawall::{Error, FileId, PageFault, PageId};
use serde_json::json;
use std::fmt::Write as _;
use std::path::PathBuf;

const HELP: &str = "\
Also while the store is open elsewhere: then the log may be ahead of the disk, and a page that is
being written may be seen half; look again. With --json the page is one object: data_file, block,
file, offset_bytes, stored_checksum, computed_checksum, reserved, lsn, data_file_in_header,
block_in_header, fault (null if it is whole) and body_hex.
";

#[derive(Debug, Subcommand)]
pub(crate) enum PageCommand {
    /// Print the header and the bytes of a page, whole or damaged
    #[command(after_help = format!("{HELP}\n{EXIT_CODES}"))]
    Dump(DumpArgs),
}

#[derive(Debug, Args)]
pub(crate) struct DumpArgs {
    /// Directory of the store
    dir: PathBuf,
    /// Number of the data file
    file: u32,
    /// Block in it, from 0
    block: u32,
    /// Print the bytes of the page and nothing else
    #[arg(long, conflicts_with = "json")]
    raw: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: &PageCommand) -> Result<(), Failure> {
    let PageCommand::Dump(args) = command;
    dump(args).map_err(|failure| failure.within(&args.dir))
}

fn dump(args: &DumpArgs) -> Result<(), Failure> {
    let disk = open::for_looking(&args.dir)?;
    let format = open::control(&disk)?.format;
    let id = PageId::new(FileId(args.file), args.block);
    let (path, offset) = files::place_of(&disk, &format, id)?;
    let failed = |error| Failure::io(&format!("{path} at offset {offset}"), &error);
    let file = seawall::seawall_core::disk::Disk::open(&disk, &path).map_err(failed)?;
    let mut page = Page::zeroed(format.page_bytes as usize);
    let bytes = file.read_at(page.bytes_mut(), offset).map_err(failed)?;
    let fault = match bytes < page.bytes().len() {
        true => Some(Error::Page { page: id, fault: PageFault::Short { bytes } }),
        false => page.verify(id).err(),
    };
    let mut output = Output::new();
    if args.raw {
        output.bytes(&page.bytes()[..bytes])?;
    } else if args.json {
        output.line(json!({
            "data_file": args.file,
            "block": args.block,
            "file": path,
            "offset_bytes": offset,
            "stored_checksum": format!("{:08x}", page.stored_checksum()),
            "computed_checksum": format!("{:08x}", page.computed_checksum()),
            "reserved": page.reserved(),
            "lsn": page.lsn().to_string(),
            "data_file_in_header": page.id().file().0,
            "block_in_header": page.id().block(),
            "fault": fault.as_ref().map(ToString::to_string),
            "body_hex": hex(page.body()),
        }))?;
    } else {
        output.line(format_args!("page {id}: {path} offset {offset}"))?;
        output.line(format_args!(
            "checksum {:08x}, of its bytes {:08x}; reserved {:08x}; LSN {}; id in the header {}",
            page.stored_checksum(),
            page.computed_checksum(),
            page.reserved(),
            page.lsn(),
            page.id()
        ))?;
        body(page.body(), &mut output)?;
    }
    output.finish()?;
    fault.map_or(Ok(()), |fault| Err(fault.into()))
}

/// The body by rows, with its offsets in the body; rows that repeat the one before are one `*`.
fn body(body: &[u8], output: &mut Output) -> Result<(), Failure> {
    const ROW_BYTES: usize = 16;
    let (mut last, mut repeats): (Option<&[u8]>, bool) = (None, false);
    for (row, bytes) in body.chunks(ROW_BYTES).enumerate() {
        if last == Some(bytes) {
            if !repeats {
                output.line("*")?;
            }
            repeats = true;
            continue;
        }
        (last, repeats) = (Some(bytes), false);
        let mut line = format!("{:6}  ", row * ROW_BYTES);
        for byte in bytes {
            let _ = write!(line, "{byte:02x} ");
        }
        let text = bytes.iter().map(|byte| match byte {
            0x20..=0x7E => char::from(*byte),
            _ => '.',
        });
        let text: String = text.collect();
        output.line(format_args!("{line:<56} {text}"))?;
    }
    output.line(format_args!(
        "{:6}  the end of the body, {PAGE_HEADER_BYTES} bytes of header before it",
        body.len()
    ))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
