//! Inputs for the targets that take theirs for what is done, and for damage to whole stores.

use super::Named;
use crate::base::{Base, tree};
use seawall_core::control::{CONTROL_FILE, slot_offset};
use seawall_core::files::DATA_DIR;
use seawall_core::lsn::Lsn;
use seawall_core::wal::position::segment_path;

const FLIP: u8 = 0;
const ZERO_SECTOR: u8 = 2;
const CUT: u8 = 3;
const CUT_AT_PAGE: u8 = 4;
const APPEND: u8 = 5;
const COPY_FILE: u8 = 6;
const SWAP: u8 = 7;
const REMOVE: u8 = 9;
const STRAY: u8 = 10;

pub(super) fn store_files() -> Vec<Named> {
    let (roomy, evicting, closed) = (Base::roomy(), Base::evicting(), Base::closed());
    let last = |base: &Base| base.records.last().expect("records").start;
    let (page, segment) = (format!("{DATA_DIR}/00000001.1"), format!("{DATA_DIR}/00000001.2"));
    let slot = |sequence: u64| slot_offset(sequence) as u16;
    let reopened = Base::reopened().control.sequence;
    let of = |base: &Base, damages: &[[u8; 6]]| {
        let bases = [roomy, evicting, closed, Base::reopened()];
        let which = bases.iter().position(|other| std::ptr::eq(*other, base)).expect("one");
        [&[which as u8][..], damages.as_flattened()].concat()
    };
    let one = |base: &Base, damage| of(base, &[damage]);
    vec![
        ("nothing", of(roomy, &[])),
        ("nothing_evicting", of(evicting, &[])),
        ("nothing_closed", of(closed, &[])),
        ("nothing_reopened", of(Base::reopened(), &[])),
        ("page_of_a_closed_store", one(closed, at(closed, FLIP, &page, 4200, 3))),
        ("page_with_an_image", one(roomy, at(roomy, FLIP, &page, 4200, 3))),
        ("data_cut_at_a_page", one(closed, at(closed, CUT_AT_PAGE, &page, 4096, 0))),
        ("data_cut_within_a_page", one(closed, at(closed, CUT, &page, 5000, 0))),
        ("data_segment_gone", one(closed, at(closed, REMOVE, &segment, 0, 0))),
        ("data_file_gone", {
            // From the last on: the number of a file in the list stays what it is.
            let gone = [2, 1, 0]
                .map(|segment| at(closed, REMOVE, &format!("{DATA_DIR}/00000001.{segment}"), 0, 0));
            of(closed, &gone)
        }),
        ("data_segment_too_long", one(closed, at(closed, APPEND, &page, 0, 64))),
        ("data_segments_swapped", one(closed, with(closed, SWAP, &page, &segment))),
        ("control_gone", one(roomy, at(roomy, REMOVE, CONTROL_FILE, 0, 0))),
        (
            "last_slot",
            one(roomy, at(roomy, ZERO_SECTOR, CONTROL_FILE, slot(roomy.control.sequence), 0)),
        ),
        (
            "slot_that_said_open",
            one(
                Base::reopened(),
                at(Base::reopened(), ZERO_SECTOR, CONTROL_FILE, slot(reopened), 0),
            ),
        ),
        ("last_record", one(roomy, log(roomy, ZERO_SECTOR, last(roomy)))),
        ("last_record_evicting", one(evicting, log(evicting, ZERO_SECTOR, last(evicting)))),
        ("log_cut_short", one(roomy, log(roomy, CUT, last(roomy)))),
        ("log_segment_gone", one(roomy, log(roomy, REMOVE, last(roomy)))),
        ("log_segment_twice", {
            let first = segment_path(roomy.segments[0].0);
            one(roomy, with(roomy, COPY_FILE, &segment_path(roomy.segments[1].0), &first))
        }),
        ("old_log_segment_empty", one(roomy, [STRAY, 1, 0, 0, 0, 0])),
        ("old_log_segment", one(evicting, [STRAY, 2, 0, 16, 0, 20])),
        ("file_of_no_number", one(closed, [STRAY, 5, 0, 0, 0, 0])),
        ("last_segment_of_no_file", one(closed, [STRAY, 8, 0, 0, 0, 0])),
        (
            "several",
            of(
                evicting,
                &[
                    at(evicting, FLIP, &page, 100, 1),
                    log(evicting, ZERO_SECTOR, last(evicting)),
                    at(evicting, ZERO_SECTOR, CONTROL_FILE, slot(evicting.control.sequence), 0),
                ],
            ),
        ),
    ]
}

/// Damage at a place of a file.
fn at(base: &Base, kind: u8, path: &str, place: u16, amount: u8) -> [u8; 6] {
    let [low, high] = place.to_le_bytes();
    [kind, number(base, path), low, high, amount, 0]
}

/// Damage to a file by another one.
fn with(base: &Base, kind: u8, path: &str, other: &str) -> [u8; 6] {
    [kind, number(base, path), 0, 0, 0, number(base, other)]
}

/// Damage to the log at a position.
fn log(base: &Base, kind: u8, lsn: Lsn) -> [u8; 6] {
    let path = segment_path(base.geometry.segment(lsn));
    at(base, kind, &path, base.geometry.offset(lsn) as u16, 0)
}

/// Which file this is, in the order of their names.
fn number(base: &Base, path: &str) -> u8 {
    let paths: Vec<String> = tree(&base.mount()).into_keys().collect();
    paths.iter().position(|found| found == path).expect("a file of the store") as u8
}

/// Steps: see `operations.rs`.
pub(super) fn operations() -> Vec<Named> {
    const CREATE: &[u8] = &[6, 0, 0];
    const CREATE_UNLOGGED: &[u8] = &[6, 0, 1];
    const EXTEND: &[u8] = &[8, 0, 12, 0];
    const OF_ANOTHER: &[u8] = &[8, 1, 5, 1];
    const COMMIT: &[u8] = &[0, 2, 5, 0, 3, 1, 9, 1, 7];
    const COMMIT_ASYNC: &[u8] = &[0, 4, 5, 0, 7, 1, 80, 0, 250, 1, 2, 0, 10, 0, 33];
    const UNDO: &[u8] = &[0, 3, 0, 0, 3, 1, 0, 0, 100];
    const TRUNCATE: &[u8] = &[10, 0, 4];
    const DROP: &[u8] = &[12, 1];
    const CHECKPOINT: &[u8] = &[13, 0];
    const ROUNDS: &[u8] = &[15, 16, 2, 17, 19];
    const CLOSE: &[u8] = &[18];
    const CRASH_NOW: &[u8] = &[21, 0, 0, 3, 0];
    const CRASH_SOON: &[u8] = &[21, 9, 0, 5, 0];
    const CRASH_TWICE: &[u8] = &[21, 4, 41, 6, 0];
    const MISUSES: &[u8] = &[23, 0, 3, 23, 1, 4, 23, 2, 5, 23, 3, 6, 23, 4, 7, 23, 5, 8];
    let begin: &[&[u8]] = &[CREATE, CREATE_UNLOGGED, EXTEND, OF_ANOTHER, COMMIT, COMMIT_ASYNC];
    let program = |rest: &[&[u8]]| [begin, rest].concat().concat();
    vec![
        ("nothing", Vec::new()),
        ("all", program(&[UNDO, CHECKPOINT, TRUNCATE, ROUNDS, DROP, MISUSES, CLOSE, COMMIT])),
        ("crash", program(&[CRASH_NOW, COMMIT])),
        ("crash_in_a_commit", program(&[CRASH_SOON, COMMIT, COMMIT, COMMIT, UNDO])),
        ("crash_in_a_checkpoint", program(&[COMMIT_ASYNC, CRASH_SOON, CHECKPOINT, COMMIT])),
        ("crash_in_a_cut", program(&[CHECKPOINT, CRASH_TWICE, TRUNCATE, EXTEND, COMMIT])),
        ("crash_in_a_drop", program(&[CRASH_TWICE, DROP, CHECKPOINT])),
        ("crash_in_a_close", program(&[CRASH_SOON, CLOSE, COMMIT])),
    ]
}

/// Capacity, then steps: see `sync_table.rs`.
pub(super) fn sync_table() -> Vec<Named> {
    const FAILS: u8 = 255;
    let write = |segment: u8| 3 + 8 * segment;
    vec![
        ("nothing", Vec::new()),
        ("all", vec![7, write(1), write(2), 0, 0, 0]),
        ("full", vec![0, write(1), write(2), write(1)]),
        ("fails", vec![7, write(1), write(2), 0, 0, FAILS, 0]),
        ("arrives_during_its_own_sync", vec![7, write(1), 0, 1, 1, 0]),
        ("early_and_again", vec![7, write(1), 1 + 8, 1, 1, write(2), 0]),
        ("fails_until_the_counter_wraps", [&[7, write(1)][..], &[0, FAILS].repeat(6)].concat()),
    ]
}

/// See `coalescer.rs`.
pub(super) fn coalescer() -> Vec<Named> {
    const LAST: u8 = 128;
    vec![
        ("nothing", vec![0]),
        ("one", vec![0, 4, 0, 0, 0, 1, 5, 0, 1, 6, 0, 1, 6, 0]),
        ("across_segments", vec![0, 4, 0, 0, 0, 1, 3, 0, 1, 4, 0, 1, 5, 0]),
        ("to_the_last_block", vec![0, 4, 0, 0, 0, 1 | LAST, 0, 0, 1 | LAST, 1, 0, 2, 0, 0]),
        ("last_file", vec![0, 255, 255, 255, 255, 64 | LAST, 0, 0, 64 | LAST, 1, 0, 1, 0, 0]),
        ("queue", vec![1, 3, 0, 2, 5, 2, 7, 4, 9, 7]),
        ("queue_turned_off", vec![1, 3, 0, 7, 2, 5, 0, 2, 8, 1]),
    ]
}

/// See `pacer.rs`.
pub(super) fn pacer() -> Vec<Named> {
    const NANOSECONDS: u8 = 0;
    const MILLISECONDS: u8 = 2;
    const AGES: u8 = 3;
    let begin = |spread_ms: u32, wal: u64, pages: u8| {
        [&spread_ms.to_le_bytes()[..], &wal.to_le_bytes(), &[pages]].concat()
    };
    let around = |write: u16, unit: u8, wal: u32, images: u16, others: u8| {
        [&write.to_le_bytes()[..], &[unit], &wal.to_le_bytes(), &images.to_le_bytes(), &[others]]
            .concat()
    };
    let input = |begin: Vec<u8>, around: Vec<u8>| [begin, around].concat();
    vec![
        ("nothing", Vec::new()),
        ("steady", input(begin(10_000, 1 << 30, 100), around(5, MILLISECONDS, 1000, 10, 0))),
        ("slow", input(begin(1000, 1 << 30, 100), around(900, MILLISECONDS, 0, 0, 0))),
        ("no_time", input(begin(0, 0, 10), around(1, NANOSECONDS, 0, 0, 3))),
        ("no_log_left", input(begin(60_000, 1 << 20, 200), around(1, MILLISECONDS, 1 << 20, 0, 1))),
        (
            "images_alone",
            input(begin(60_000, 1 << 20, 99), around(1, MILLISECONDS, 60_000, 60_000, 0)),
        ),
        ("a_clock_that_jumps", input(begin(60_000, 1 << 30, 50), around(u16::MAX, AGES, 9, 9, 1))),
    ]
}
