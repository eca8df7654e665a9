//! Removed steps: every step of the protocols of `core`, left out, one at a time.
//!
//! They are found in the sources (`scan.rs`), so none is forgotten, and woven into a copy of their
//! own, which holds no other mutants. Each must be killed by a model or by a test of `core`, or
//! `survivors.rs` says why nothing can tell ([`hunt`](super::hunt)).
//!
//! # Steps
//! * a statement that is a call or an assignment: left out (`->nothing`);
//! * the last call of a function that returns `Result<()>`: `->Ok(())`;
//! * a value that is only held, as in `let _lock = ...`: `->let go` at once;
//! * a condition of `if`, `while`, a match guard or `then`: `->true` and `->false`; of a `while`
//!   not true, which would only go on for ever;
//! * a part of `&&` or `||`, wherever it is: `->true` or `->false`, so that the others decide.
//!
//! So an early return, `continue` or `break` goes with its condition.

mod scan;
mod survivors;

use super::found::{Found, number_namesakes, sources};
use super::hunt::Hunt;
use crate::profile::Profile;
use scan::{Place, places};
use std::error::Error;
use std::fs;
use std::path::Path;

/// How they are hunted.
pub const HUNT: Hunt = Hunt {
    noun: "removals",
    all,
    survivors: survivors::SURVIVORS,
    sees: |_, from| from <= Profile::Ci,
    has_tests: true,
};

/// Where the protocols are: files and folders below `core/src`.
const PROTOCOLS: &[&str] = &[
    "buffer/",
    "checkpoint/",
    "control.rs",
    "engine.rs",
    "engine/",
    "event.rs",
    "files/",
    "fsync/",
    "length.rs",
    "operation.rs",
    "poison.rs",
    "recovery.rs",
    "recovery/",
    "wal/",
    "writeback.rs",
    "writeback/",
];

/// What in them is no protocol: what is counted for people, arithmetic of how much and how fast,
/// names and byte layouts, what reads a log or a directory that is at rest, what tests stand on.
const NO_PROTOCOLS: &[&str] = &[
    "buffer/bed.rs",
    "buffer/forecast.rs",
    "buffer/stats.rs",
    "checkpoint/distance.rs",
    "checkpoint/pace.rs",
    "checkpoint/simulate.rs",
    "checkpoint/stats.rs",
    "files/directory.rs",
    "files/name.rs",
    "recovery/report.rs",
    "wal/blocks.rs",
    "wal/gather.rs",
    "wal/position.rs",
    "wal/reader.rs",
    "wal/record.rs",
    "wal/stats.rs",
];

/// Every removal in the sources below `core_src`, in the order of the files and of their texts.
fn all(core_src: &Path) -> Result<Vec<Found>, Box<dyn Error>> {
    let mut all = Vec::new();
    for file in sources(core_src, "")?.into_iter().filter(|file| is_protocol(file)) {
        let source = fs::read_to_string(core_src.join(&file))?;
        let places = places(&source).map_err(|error| format!("{file}: {error}"))?;
        all.extend(places.into_iter().map(|place| found(&source, &file, place)));
    }
    number_namesakes(&mut all);
    Ok(all)
}

fn is_protocol(file: &str) -> bool {
    let is_in = |folders: &[&str]| folders.iter().any(|folder| file.starts_with(folder));
    is_in(PROTOCOLS) && !is_in(NO_PROTOCOLS)
}

fn found(source: &str, file: &str, place: Place) -> Found {
    let Place { function, line, range, text, site, replace, to } = place;
    Found {
        name: format!("{file}:{function}:{}->{to}", brief(&source[text])),
        file: file.to_owned(),
        line,
        used_by: file.to_owned(),
        range,
        site,
        replace,
    }
}

/// A code on one line, of a length that a name may have.
fn brief(code: &str) -> String {
    const LONGEST: usize = 44;
    let line = code.split_whitespace().collect::<Vec<_>>().join(" ").replace(" .", ".");
    let line = line.trim_end_matches(';');
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests;
