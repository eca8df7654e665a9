//! Damage to any file of a whole store, and files that nobody made: it opens with exactly what was
//! committed, or it refuses, or it reports the pages that are lost. A check beforehand says which.
//!
//! # What no store can notice, and may so be missing
//! The end of the log from a position on, if no valid block at or behind it, nor the control file,
//! says that it was durable.
//!
//! Where the end of the log is missing, a page on disk may be newer than what is left: to report
//! that is as good.

use crate::base::{Base, PAGES, Tree, UNLOGGED, check_effort, crash, id, read_stamp, stamp, tree};
use crate::memory::bounded;
use crate::oracle::{commits_min, first_damage};
use crate::{Outcome, take_array, take_byte};
use seawall_core::check::check;
use seawall_core::checkpoint::Urgency;
use seawall_core::control::ControlFile;
use seawall_core::disk::Disk;
use seawall_core::engine::Engine;
use seawall_core::error::{Error, PageFault, Result};
use seawall_core::files::DATA_DIR;
use seawall_core::page::FileId;
use seawall_core::poison::Poison;
use seawall_core::sim::SimDisk;
use std::sync::Arc;

pub(crate) const OUTCOMES: &[Outcome] = &["pages lost", "refused", "shorter log", "whole"];

/// Pieces of damage in one input at most.
const DAMAGES_MAX: usize = 6;

/// Files that are no part of the store, until damage makes them.
const STRAYS: [&str; 10] = [
    "wal/0000000000000000",
    "wal/0000000000000001",
    "wal/0000000000000002",
    "wal/0000000000000040",
    "wal/new",
    "data/00000000.0",
    "data/00000001.3",
    "data/00000003.0",
    "data/00000003.1",
    "data/00000001.unlogged.0",
];

/// Commits after an opening.
const COMMITS: u64 = 12;

/// Input: the store (1), then damages: kind (1), file (1), place (2), amount or other file (2).
///
/// # Panics
/// On a finding.
pub fn store_files(mut data: &[u8]) -> Outcome {
    let bases = [Base::roomy, Base::evicting, Base::closed, Base::reopened];
    let which = usize::from(take_byte(&mut data)) % bases.len();
    let base = bases[which]();
    let disk = base.mount();
    let before = tree(&disk);
    let mut damaged = before.clone();
    for _ in 0..DAMAGES_MAX {
        if data.is_empty() || damaged.is_empty() {
            break;
        }
        damage(&mut damaged, take_array(&mut data));
    }
    put(&disk, &before, &damaged);
    let expected = Expected::of(base, &disk, &before, &damaged);
    let bytes = damaged.values().map(Vec::len).sum();
    let opened = open(base, &disk, bytes);
    check_effort(&disk);
    match opened {
        Err(error) => {
            assert!(before != damaged, "refused without a reason: {error}");
            "refused"
        }
        Ok(engine) => {
            let outcome = expected.compare(base, &engine);
            goes_on(base, &disk, engine);
            outcome
        }
    }
}

/// Checks and opens a store; fails if the check has said something else.
fn open(base: &Base, disk: &SimDisk, bytes: usize) -> Result<Engine> {
    let any: Arc<dyn Disk> = Arc::new(disk.clone());
    let says = bounded(&base.config, bytes, || check(&any, &mut |_| ()));
    let opened = base.open(disk);
    let is_said = says.as_ref().is_ok_and(seawall_core::check::Verdict::opens);
    assert_eq!(opened.is_ok(), is_said, "{:?}, {:?}", opened.as_ref().err(), says.err());
    opened
}

fn put(disk: &SimDisk, before: &Tree, damaged: &Tree) {
    for path in before.keys().filter(|path| !damaged.contains_key(*path)) {
        disk.remove_now(path);
    }
    for (path, bytes) in damaged.iter().filter(|(path, bytes)| before.get(*path) != Some(bytes)) {
        disk.write_file(path, bytes);
    }
}

fn damage(tree: &mut Tree, [kind, file, low, high, amount, other]: [u8; 6]) {
    let paths: Vec<String> = tree.keys().cloned().collect();
    let nth = |n: u8| paths[usize::from(n) % paths.len()].clone();
    let (path, at) = (nth(file), usize::from(u16::from_le_bytes([low, high])));
    let theirs = tree[&nth(other)].clone();
    let bytes = tree.get_mut(&path).expect("it was listed");
    let at = at % bytes.len().max(1);
    let to_the_end = bytes.len() - at.min(bytes.len());
    let amount = usize::from(amount);
    match kind % 11 {
        0 if to_the_end > 0 => bytes[at] ^= 1 << (amount % 8),
        1 => bytes[at..][..amount.min(to_the_end)].fill(other),
        2 => bytes[at / 512 * 512..].iter_mut().take(512).for_each(|byte| *byte = 0),
        3 => bytes.truncate(at),
        4 => bytes.truncate(at / 4096 * 4096),
        5 => bytes.extend(vec![other; amount * 64]),
        6 => *bytes = theirs,
        7 => {
            let mine = std::mem::replace(bytes, theirs);
            tree.insert(nth(other), mine);
        }
        8 => {
            let from = amount * 512 % bytes.len().max(1);
            let piece: Vec<u8> = bytes[from..].iter().copied().take(4096).collect();
            let len = piece.len().min(to_the_end);
            bytes[at..at + len].copy_from_slice(&piece[..len]);
        }
        9 => _ = tree.remove(&path),
        _ => {
            let mut bytes = theirs;
            bytes.truncate(usize::from(u16::from_le_bytes([low, high])));
            tree.insert(STRAYS[usize::from(file) % STRAYS.len()].to_owned(), bytes);
        }
    }
}

/// What the store may hold if it opens.
struct Expected {
    log_is_whole: bool,
    /// Commits that must be there.
    commits_min: usize,
    /// Pages on disk that are not as they were.
    damaged: [bool; PAGES],
}

impl Expected {
    fn of(base: &Base, disk: &SimDisk, before: &Tree, after: &Tree) -> Self {
        let control = ControlFile::open(disk, Arc::new(Poison::new()));
        let checkpoint_end = control.map_or(base.control.checkpoint_end, |file| {
            // The slot before the last tells less.
            file.latest().checkpoint_end
        });
        let page = |tree: &Tree, page: usize| {
            let (segment, block) = (page / 4, page % 4);
            let bytes = tree.get(&format!("{DATA_DIR}/00000001.{segment}"));
            bytes.and_then(|bytes| bytes.get(block * 4096..(block + 1) * 4096)).map(<[u8]>::to_vec)
        };
        Self {
            log_is_whole: first_damage(base, disk).is_none(),
            commits_min: commits_min(base, disk, checkpoint_end),
            damaged: std::array::from_fn(|at| page(before, at) != page(after, at)),
        }
    }

    /// Compares what was opened with what was committed.
    fn compare(&self, base: &Base, engine: &Engine) -> Outcome {
        let blocks = engine.blocks(FileId(1)).unwrap_or(0) as usize;
        assert!(blocks >= PAGES, "silently shorter: {blocks} blocks");
        let found: Vec<Result<u64>> = (0..PAGES).map(|page| read_stamp(engine, page)).collect();
        for page in PAGES..blocks.min(PAGES + 3) {
            engine.read(id(page)).map(drop).expect_err("a page that nobody made");
        }
        let unlogged = engine.blocks(UNLOGGED).unwrap_or(0);
        let was_closed = std::ptr::eq(base, Base::closed());
        assert_eq!(engine.recovery().was_closed, was_closed);
        match was_closed {
            true => assert!(unlogged as usize >= PAGES, "silently shorter: {unlogged} unlogged"),
            false => assert_eq!(unlogged, 0, "unlogged pages after a crash"),
        }
        let stamps =
            || found.iter().enumerate().filter_map(|(n, found)| Some((n, *found.as_ref().ok()?)));
        let is_state = |state: &[u64; PAGES]| stamps().all(|(page, stamp)| state[page] == stamp);
        let state =
            (self.commits_min..base.states.len()).rev().find(|n| is_state(&base.states[*n]));
        if self.log_is_whole {
            assert!(is_state(base.states.last().expect("states")), "different: {found:?}");
        } else if state.is_none() {
            self.check_newer(base, &found);
        }
        for (page, error) in
            found.iter().enumerate().filter_map(|(n, r)| Some((n, r.as_ref().err()?)))
        {
            let is_newer =
                matches!(error, Error::Page { fault: PageFault::NewerThanWal { .. }, .. });
            let is_excused = self.damaged[page] || is_newer && !self.log_is_whole;
            assert!(is_excused, "page {page} is as it was: {error}");
        }
        match (found.iter().any(Result::is_err), state) {
            (true, _) => "pages lost",
            (false, Some(state)) if state + 1 == base.states.len() => "whole",
            _ => "shorter log",
        }
    }

    /// Pages that were evicted may be newer than the log that is left. None is older than what
    /// must be there, and none is made up.
    fn check_newer(&self, base: &Base, found: &[Result<u64>]) {
        assert!(base.evicts(), "half of a commit: {found:?}");
        for (page, found) in found.iter().enumerate() {
            if let Ok(stamp) = found {
                base.check_history(page, *stamp);
                let least = base.states[self.commits_min][page];
                assert!(*stamp >= least, "page {page} has {stamp}, expected {least} at least");
            }
        }
    }
}

/// What has opened can be used: what is committed, over several segments of the log and a
/// checkpoint, survives the next crash, and then a close.
fn goes_on(base: &Base, disk: &SimDisk, engine: Engine) {
    // The limit was for the opening.
    disk.clear_faults();
    let whole: Vec<usize> = (0..PAGES).filter(|page| read_stamp(&engine, *page).is_ok()).collect();
    for (number, page) in (1..=COMMITS).zip(whole.iter().cycle()) {
        let end = stamp(&engine, &[*page], 1000 + number).expect("no fault");
        engine.wait_durable(end).expect("no fault");
        if number == COMMITS / 2 {
            engine.checkpoint(Urgency::Immediate).expect("no fault");
        }
    }
    let stamps = |engine: &Engine| -> Vec<_> {
        whole.iter().map(|page| read_stamp(engine, *page).expect("it was")).collect()
    };
    let before = stamps(&engine);
    drop(engine);
    let disk = crash(disk).mount();
    let engine = base.open(&disk).expect("nothing was damaged since");
    assert_eq!(stamps(&engine), before);
    engine.close().expect("no fault");
    drop(engine);
    let engine = base.open(&crash(&disk).mount()).expect("it was closed");
    assert!(engine.recovery().was_closed);
    assert_eq!(stamps(&engine), before);
}
