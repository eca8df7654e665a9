//! `wal stats`: what a log consists of, by kind of record and by data file.

use super::WalArgs;
use super::content::{Change, Content};
use super::walk::{End, Walk};
use crate::exit::Failure;
use crate::output::Output;
use seawall::Record;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// Data files that get a row of their own; the rest share one. Bounds the memory.
const FILES_MAX: usize = 1 << 16;

pub(super) fn run(args: &WalArgs) -> Result<(), Failure> {
    let mut stats = Stats::default();
    let end = Walk::new(args)?.run(|record, content| {
        stats.add(record, content, args.file);
        Ok(ControlFlow::Continue(()))
    })?;
    let Some(end) = end else { return Ok(()) };
    let mut output = Output::new();
    match args.json {
        true => output.line(stats.json(&end))?,
        false => stats.print(&end, &mut output)?,
    }
    output.finish()?;
    end.verdict()
}

#[derive(Default)]
struct Stats {
    kinds: BTreeMap<&'static str, Kind>,
    files: BTreeMap<u32, File>,
    other_files: File,
}

/// Records of a kind. The bytes are those that they take in the stream.
#[derive(Default)]
struct Kind {
    records: u64,
    bytes: u64,
    images: u64,
    image_bytes: u64,
}

/// Changes of a data file's pages. The bytes are those that the pages get.
#[derive(Default)]
struct File {
    changes: u64,
    bytes: u64,
    images: u64,
}

impl Stats {
    fn add(&mut self, record: &Record, content: &Content<'_>, only: Option<u32>) {
        let kind = self.kinds.entry(record.kind.name()).or_default();
        kind.records += 1;
        kind.bytes += record.end.since(record.start);
        for change in content.changes() {
            if change.is_image() {
                kind.images += 1;
                kind.image_bytes += change.bytes();
            }
            let number = change.page().file().0;
            if only.is_none_or(|only| only == number) {
                let has_row = self.files.len() < FILES_MAX || self.files.contains_key(&number);
                match has_row {
                    true => self.files.entry(number).or_default().add(&change),
                    false => self.other_files.add(&change),
                }
            }
        }
    }

    /// The rows of the files, by name.
    fn files(&self) -> impl Iterator<Item = (String, &File)> {
        let files = self.files.iter().map(|(number, file)| (number.to_string(), file));
        let others = Some(&self.other_files).filter(|file| file.changes > 0);
        files.chain(others.map(|file| ("others".to_owned(), file)))
    }

    fn print(&self, end: &End, output: &mut Output) -> Result<(), Failure> {
        let heads = ["kind", "records", "bytes", "images", "image bytes"];
        output.line(row(heads))?;
        for (name, kind) in &self.kinds {
            let Kind { records, bytes, images, image_bytes } = kind;
            let counts = [records, bytes, images, image_bytes].map(u64::to_string);
            output.line(row([name, &counts[0], &counts[1], &counts[2], &counts[3]]))?;
        }
        output.line("")?;
        output.line(row(["file", "changes", "bytes", "images", ""]))?;
        for (name, File { changes, bytes, images }) in self.files() {
            let counts = [changes, bytes, images].map(u64::to_string);
            output.line(row([&name, &counts[0], &counts[1], &counts[2], ""]))?;
        }
        output.line("")?;
        output.line(end)
    }

    fn json(&self, end: &End) -> Value {
        let kinds = self.kinds.iter().map(|(name, kind)| {
            json!({
                "kind": name,
                "records": kind.records,
                "bytes": kind.bytes,
                "images": kind.images,
                "image_bytes": kind.image_bytes,
            })
        });
        let files = self.files().map(|(name, file)| {
            json!({
                "file": name,
                "changes": file.changes,
                "bytes": file.bytes,
                "images": file.images,
            })
        });
        json!({
            "kinds": kinds.collect::<Vec<_>>(),
            "files": files.collect::<Vec<_>>(),
            "end": end.json(),
        })
    }
}

impl File {
    fn add(&mut self, change: &Change<'_>) {
        self.changes += 1;
        self.bytes += change.bytes();
        self.images += u64::from(change.is_image());
    }
}

fn row(columns: [&str; 5]) -> String {
    let [name, a, b, c, d] = columns;
    format!("{name:<10} {a:>12} {b:>14} {c:>10} {d:>14}").trim_end().to_owned()
}
