//! `wal dump` and `wal stats`.

mod support;

use seawall::{Config, FileId, FileOptions, PageId, Store};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use support::forge::{append, entry};
use support::{Ran, snapshot};

fn command(name: &str, dir: &Path, options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seawall"));
    command.args(["wal", name]).arg(dir).args(options).stdin(Stdio::null());
    command
}

fn wal(name: &str, dir: &Path, options: &[&str]) -> Ran {
    Ran::from(command(name, dir, options).output().unwrap())
}

/// The records of a dump, and its end. No line has a blank, and keys are ascending.
fn dump(dir: &Path, options: &[&str]) -> (Vec<Value>, Value) {
    let printed = wal("dump", dir, &[&["--json"], options].concat()).fine();
    let mut lines: Vec<Value> =
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().map(Value::to_string).eq(printed.lines()), "{printed}");
    let mut end = lines.pop().unwrap();
    (lines, end["end"].take())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// An open store with a checkpoint, two files, one that is dropped, and a truncated one.
fn store(dir: &Path) -> Store {
    let store = Store::create(dir, Config::default()).unwrap();
    let first = store.create_file(FileOptions::default()).unwrap();
    let second = store.create_file(FileOptions::default()).unwrap();
    store.extend(first, 3).unwrap();
    store.extend(second, 1).unwrap();
    store.checkpoint().unwrap();
    for number in [1, 2] {
        let mut operation = store.operation();
        operation.page(PageId::new(first, 2)).unwrap().write(100, &[number; 50]).unwrap();
        operation.page(PageId::new(second, 0)).unwrap().write(7, &[number]).unwrap();
        store.commit(operation).unwrap();
    }
    store.truncate(first, 1).unwrap();
    store.drop_file(second).unwrap();
    store
}

#[test]
fn a_dump_of_an_open_store_shows_each_record_and_changes_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path();
    let _store = store(dir);
    let before = snapshot(dir);
    let (records, end) = dump(dir, &[]);
    let kinds: Vec<_> = records.iter().map(|record| text(&record["kind"])).collect();
    assert_eq!(kinds, ["checkpoint", "pages", "pages", "truncate", "drop"]);
    for pair in records.windows(2) {
        assert_eq!(pair[0]["end_lsn"], pair[1]["lsn"]);
    }
    assert_eq!(records[0]["redo_lsn"], records[0]["lsn"]);
    assert_eq!(records[1]["pages"][0]["image_bytes"], 150);
    let ranges = serde_json::json!([
        { "file": 1, "block": 2, "steps": [{ "offset_bytes": 100, "bytes": 50 }] },
        { "file": 2, "block": 0, "steps": [{ "offset_bytes": 7, "bytes": 1 }] },
    ]);
    assert_eq!(records[2]["pages"], ranges);
    assert_eq!((&records[3]["file"], &records[3]["blocks_left"]), (&1.into(), &1.into()));
    assert_eq!(records[4]["file"], 2);
    assert_eq!(end["lsn"], records[4]["end_lsn"]);
    assert!(text(&end["reason"]).contains("zeros"), "{end}");

    let lines = wal("dump", dir, &[]).fine();
    assert_eq!(lines.lines().count(), 6);
    assert!(lines.contains("1:2 bytes 100..150; 2:0 bytes 7..8"), "{lines}");
    assert!(lines.lines().last().unwrap().starts_with("stopped at"), "{lines}");
    assert_eq!(snapshot(dir), before);
}

/// Appends a record of each kind to the log of a store, with all that it can say.
fn append_all(dir: &Path) {
    let (first, other) = (PageId::new(FileId(1), 2), PageId::new(FileId(3), 0));
    let note = |kind| PageId::new(FileId(0), kind);
    let steps = [&[5, 0, 1, 0, 9][..], &[0xFF, 0xFF, 2, 0, 8, 1, 1]].concat();
    let pages = [
        entry(note(7), 0, &[3, 0, 0, 0, 1, 2, 3]),
        entry(first, 2, &steps),
        entry(other, 0, &[4, 0, 2, 0, 1, 1]),
        entry(note(8), 0, &[0; 4]),
    ];
    let listed = [0, 0, 4, 5, 6, 1].map(u32::to_le_bytes);
    let records: [(u8, &[u8]); 6] = [
        (1, &pages.concat()),
        (2, &listed.concat()),
        (3, &[1]),
        (4, &[1; 9]),
        (5, &[1, 0, 0, 0]),
        (1, &[]),
    ];
    append(dir, &records);
}

#[test]
fn a_dump_shows_all_that_a_record_can_say() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path();
    Store::create(dir, Config::default()).unwrap().close().unwrap();
    let before = dump(dir, &[]).0.len();
    append_all(dir);
    let mut said = dump(dir, &[]).0.split_off(before);
    for object in said.iter_mut().filter_map(Value::as_object_mut) {
        assert!(["lsn", "end_lsn", "length_bytes"].iter().all(|key| object.remove(*key).is_some()));
    }
    let steps = json!([{ "offset_bytes": 5, "bytes": 1 }, { "custom_kind": 8, "bytes": 2 }]);
    let pages = json!([
        { "file": 1, "block": 2, "steps": steps },
        { "file": 3, "block": 0, "image_bytes": 2 },
    ]);
    let notes = json!([{ "note_kind": 7, "bytes": 3 }, { "note_kind": 8, "bytes": 0 }]);
    let files = json!([{ "file": 4, "blocks": 5, "tablespace": 6, "unlogged": true }]);
    let expected = [
        json!({ "kind": "pages", "pages": pages, "notes": notes }),
        json!({ "kind": "checkpoint", "redo_lsn": "0/00000000", "files": files }),
        json!({ "kind": "void" }),
        json!({ "kind": "truncate", "senseless": "a body of 9 bytes" }),
        json!({ "kind": "drop", "file": 1 }),
        json!({ "kind": "pages", "pages": [], "notes": [] }),
    ];
    assert_eq!(said, expected);
    let words = [
        "1:2 bytes 5..6 custom(8, 2 bytes); 3:0 image of 2 bytes; note of kind 7, 3 bytes; note",
        " checkpoint redo 0/00000000, 1 files\n",
        " void\n",
        " truncate   makes no sense: a body of 9 bytes\n",
        " drop       file 1\n",
        " pages\n",
    ];
    let lines = wal("dump", dir, &[]).fine();
    assert!(words.iter().all(|words| lines.contains(words)), "{words:?} in {lines}");
}

/// A dump whose memory is limited, by its addresses: this many KiB.
fn limited(kib: u32, dir: &Path, options: &[&str]) -> Output {
    let script = "ulimit -v \"$0\" && exec \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, &kib.to_string(), env!("CARGO_BIN_EXE_seawall"), "wal", "dump"]);
    command.arg(dir).args(options).stdin(Stdio::null()).output().unwrap()
}

#[test]
fn a_dump_takes_little_more_memory_than_the_greatest_record() {
    const MANY: usize = 1_000_000;
    const STEPS: usize = 4_194_000;
    // The record has 16 MiB, and 6 are the program; a list of 8 bytes a step would be too much.
    const LIMIT_KIB: u32 = 40 << 10;
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path();
    Store::create(dir, Config::default()).unwrap().close().unwrap();
    let page = PageId::new(FileId(1), 0);
    let steps = entry(page, STEPS as u32, &[0; 4 * STEPS]);
    let notes = entry(PageId::new(FileId(0), 7), 0, &[0; 4]).repeat(MANY);
    let images = entry(page, 0, &[0; 4]).repeat(MANY);
    append(dir, &[(1, &steps), (1, &notes), (1, &images)]);
    // An object for each, for the page that has the steps, and for each line but the last, which
    // has two; or what stands for each in the text.
    let cases: [(&[&str], &[u8], usize); 2] = [
        (&["--json", "--kind", "pages"], b"{", STEPS + 2 * MANY + 1 + 3 + 2),
        (&["--kind", "pages"], b" 0..0", STEPS),
    ];
    for (options, what, expected) in cases {
        let Output { status, stdout, stderr } = limited(LIMIT_KIB, dir, options);
        assert!(status.success(), "{options:?}: {status}, {}", String::from_utf8_lossy(&stderr));
        let found = stdout.windows(what.len()).filter(|found| *found == what).count();
        assert_eq!(found, expected, "{options:?}");
    }
}

#[test]
fn filters_leave_what_was_asked_for() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path();
    store(dir).close().unwrap();
    let (all, end) = dump(dir, &["--from", "start"]);
    let (since_close, _) = dump(dir, &[]);
    assert!(all.ends_with(&since_close) && since_close.len() < all.len());
    let count = |options: &[&str]| dump(dir, &[&["--from", "start"], options].concat()).0.len();
    let of = |test: &dyn Fn(&Value) -> bool| all.iter().filter(|record| test(record)).count();
    assert_eq!(count(&["--kind", "pages"]), of(&|record| record["kind"] == "pages"));
    assert_eq!(count(&["--kind", "pages", "--file", "2"]), 3);
    assert_eq!(count(&["--file", "2"]), 4);
    assert_eq!(count(&["--file", "77"]), 0);
    let (limited, stopped) = dump(dir, &["--from", "start", "--limit", "2"]);
    assert_eq!(limited, all[..2]);
    assert_eq!(text(&stopped["reason"]), "--limit 2");
    let (from, to) = (text(&all[2]["lsn"]), text(&all[5]["lsn"]));
    assert_eq!(dump(dir, &["--from", from, "--to", to]).0, all[2..5]);
    assert_eq!(dump(dir, &["--from", text(&end["lsn"])]).0.len(), 0);
}

#[test]
fn stats_add_up_what_a_dump_shows() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path();
    store(dir).close().unwrap();
    let (all, end) = dump(dir, &["--from", "start"]);
    let printed = wal("stats", dir, &["--from", "start", "--json"]).fine();
    let stats: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(stats["end"], end);
    let sum = |rows: &str, column: &str| -> u64 {
        stats[rows].as_array().unwrap().iter().map(|row| row[column].as_u64().unwrap()).sum()
    };
    let changes = || all.iter().filter_map(|record| record["pages"].as_array()).flatten();
    let images = || changes().filter_map(|change| change["image_bytes"].as_u64());
    assert_eq!(sum("kinds", "records"), all.len() as u64);
    assert_eq!(sum("kinds", "images"), images().count() as u64);
    assert_eq!(sum("kinds", "image_bytes"), images().sum::<u64>());
    assert_eq!(sum("files", "changes"), changes().count() as u64);
    assert_eq!(sum("files", "images"), images().count() as u64);
    let lines = wal("stats", dir, &["--file", "1", "--from", "start"]).fine();
    assert!(lines.contains("\npages ") && lines.contains("stopped at"), "{lines}");
}

#[test]
fn a_hole_in_the_log_is_a_finding_after_what_precedes_it() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path();
    store(dir).close().unwrap();
    let (all, _) = dump(dir, &["--from", "start"]);
    let (segment, offset) = ("wal/0000000000000001", 32);
    let file = File::options().write(true).open(dir.join(segment)).unwrap();
    file.write_all_at(&[0; 8], offset).unwrap();
    let shown = |name: &str| wal(name, dir, &["--from", text(&all[0]["lsn"])]);
    shown("dump").failed(2, &["no record starts at"]);
    // Before the redo point nothing need be there: the first that is valid is the first.
    assert_eq!(dump(dir, &["--from", "start"]).0, all[1..]);
    let (after, _) = dump(dir, &[]);
    let lsn = text(&after[0]["lsn"]).to_owned();
    let (high, low) = lsn.split_once('/').unwrap();
    let lsn = u64::from_str_radix(high, 16).unwrap() << 32 | u64::from_str_radix(low, 16).unwrap();
    let (payload, blocks) = (8192 - 32, (16 << 20) / 8192);
    let at = (lsn / payload - blocks) * 8192 + 32 + lsn % payload;
    file.write_all_at(&[0xFF; 4], at).unwrap();
    for name in ["dump", "stats"] {
        let ran = wal(name, dir, &[]);
        assert!(ran.stdout.contains("checksum") && ran.stdout.contains("offset"), "{ran:?}");
        ran.failed(1, &["bytes are lost", segment]);
    }
}

#[test]
fn what_is_no_store_or_no_position_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let (dir, absent) = (parent.path().join("store"), parent.path().join("absent"));
    store(&dir).close().unwrap();
    wal("dump", &absent, &[]).failed(1, &["not a seawall store"]);
    assert!(!absent.exists());
    for bad in ["x", "12", "0/123456789", "FFFFFFFF/FFFFFFFF"] {
        wal("dump", &dir, &["--from", bad]).failed(2, &["is no LSN"]);
    }
    wal("stats", &dir, &["--kind", "commit"]).failed(2, &["pages", "checkpoint", "void"]);
    let (records, _) = dump(&dir, &[]);
    let middle = text(&records[0]["lsn"]).to_owned();
    let last = if middle.ends_with('0') { "8" } else { "0" };
    let middle = format!("{}{last}", &middle[..middle.len() - 1]);
    wal("dump", &dir, &["--from", &middle]).failed(2, &["no record starts at", &middle]);
    wal("dump", &dir, &["--from", "0/00000008"]).failed(2, &["no record starts at"]);
}

#[test]
fn a_reader_who_leaves_is_no_error() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path();
    support::run("torture", dir, &["--ops", "3000", "--seed", "3"]).fine();
    let options = ["--from", "start"];
    assert!(wal("dump", dir, &options).fine().lines().count() > 1);
    let mut dump = command("dump", dir, &options).stdout(Stdio::piped()).spawn().unwrap();
    drop(dump.stdout.take());
    assert!(dump.wait().unwrap().success());
    assert!(fs::read_dir(dir).unwrap().count() > 0);
}
