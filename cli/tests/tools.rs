//! `check`, `control`, `page dump`, `recover --dry-run` and `salvage`.

mod support;

use seawall::{Config, FileId, FileOptions, Format, PageId, Store};
use serde_json::Value;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use support::{Ran, run, snapshot, tool};

const PAGE_BYTES: u64 = 8192;
const FILE: FileId = FileId(1);
const PAGES: u32 = 10;
const COMMITS: u64 = 60;

/// Small segments of the log; nobody writes pages but a checkpoint.
fn config() -> Config {
    Config {
        format: Format { wal_segment_bytes: 64 << 10, ..Format::default() },
        wal_buffer_bytes: 16 << 10,
        wal_max_bytes: 2 << 30,
        checkpoint_timeout: Duration::from_secs(3600),
        background_writer_max_pages: 0,
        ..Config::default()
    }
}

/// A store that was left without closing it: commits since its checkpoint, all durable.
fn crashed(dir: &Path) {
    let store = Store::create(dir, config()).unwrap();
    assert_eq!(store.create_file(FileOptions::default()).unwrap(), FILE);
    store.extend(FILE, PAGES).unwrap();
    store.checkpoint().unwrap();
    for number in 1..=COMMITS {
        let mut operation = store.operation();
        let mut page = operation.page(PageId::new(FILE, number as u32 % PAGES)).unwrap();
        page.write(0, &number.to_le_bytes()).unwrap();
        page.write(8, &[number as u8; 3000]).unwrap();
        store.commit(operation).unwrap();
    }
}

fn closed(dir: &Path) {
    crashed(dir);
    run("recover", dir, &[]).fine();
}

fn data(dir: &Path) -> PathBuf {
    dir.join("data/00000001.0")
}

fn overwrite(path: &Path, offset: u64, bytes: &[u8]) {
    File::options().write(true).open(path).unwrap().write_all_at(bytes, offset).unwrap();
}

/// The lines of a JSON output.
fn objects(stdout: &str) -> Vec<Value> {
    stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The objects of a tool that ends with this code.
fn json(words: &[&str], dir: &Path, options: &[&str], code: i32) -> Vec<Value> {
    let ran = tool(words, dir, &[options, &["--json"]].concat());
    assert_eq!(ran.code, Some(code), "{ran:?}");
    objects(&ran.stdout)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value}"))
}

/// Runs a tool, and checks that no file has changed, not even the lock's.
fn untouched(words: &[&str], dir: &Path, options: &[&str]) -> Ran {
    let all = || (snapshot(dir), fs::read(dir.join("lock")).ok());
    let before = all();
    let ran = tool(words, dir, options);
    assert_eq!(all(), before, "{words:?} {options:?}");
    ran
}

#[test]
fn a_store_that_is_whole_has_no_finding() {
    let parent = tempfile::tempdir().unwrap();
    for (name, make) in [("closed", closed as fn(&Path)), ("crashed", crashed)] {
        let dir = parent.path().join(name);
        make(&dir);
        let stdout = untouched(&["check"], &dir, &[]).fine();
        assert!(stdout.contains("findings: 0 faults, 0 repaired by recovery, 0 notes"), "{stdout}");
        assert!(stdout.contains("recoverable: everything before"), "{stdout}");
        let verdict = json(&["check"], &dir, &[], 0).pop().unwrap()["verdict"].take();
        assert_eq!((&verdict["pages"], &verdict["opens"]), (&PAGES.into(), &true.into()));
        assert_eq!((&verdict["faults"], &verdict["refusal"]), (&0.into(), &Value::Null));
    }
}

#[test]
fn a_store_that_is_open_is_not_checked_and_can_be_looked_into() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("store");
    closed(&dir);
    let _store = Store::open(&dir, config()).unwrap();
    let words = format!("the store is in use; process {} opened it last", std::process::id());
    for name in [&["check"][..], &["recover", "--dry-run"]] {
        untouched(name, &dir, &[]).failed(3, &[&words]);
    }
    let until = ["--until", "0/00001000"];
    untouched(&["salvage"], &dir, &until).failed(3, &[&words]);
    untouched(&["control"], &dir, &[]).fine();
    untouched(&["page", "dump"], &dir, &["1", "0"]).fine();
    untouched(&["wal", "dump"], &dir, &[]).fine();
}

#[test]
fn every_faulty_page_is_listed_up_to_the_limit_and_can_be_dumped() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("store");
    closed(&dir);
    overwrite(&data(&dir), PAGE_BYTES + 500, &[0xEE]);
    overwrite(&data(&dir), 3 * PAGE_BYTES, &[0; PAGE_BYTES as usize]);
    let whole = fs::read(data(&dir)).unwrap();
    overwrite(&data(&dir), 5 * PAGE_BYTES, &whole[..PAGE_BYTES as usize]);
    let mut lines = json(&["check"], &dir, &[], 1);
    let verdict = lines.pop().unwrap()["verdict"].take();
    let found: Vec<_> = lines.iter().map(|line| (&line["block"], text(&line["effect"]))).collect();
    assert_eq!(found, [(&1.into(), "fault"), (&3.into(), "fault"), (&5.into(), "fault")]);
    assert_eq!(lines[0]["offset_bytes"], PAGE_BYTES);
    assert_eq!((text(&lines[1]["found"]), text(&lines[2]["found"])), ("zeros", "page 1:0"));
    assert_eq!((&verdict["faulty_pages"], &verdict["opens"]), (&3.into(), &true.into()));
    let few = untouched(&["check"], &dir, &["--limit", "1"]);
    assert!(few.stdout.contains("and 2 more findings"), "{few:?}");
    few.failed(1, &["faults found: 3"]);

    let dumped = json(&["page", "dump"], &dir, &["1", "1"], 1).pop().unwrap();
    assert_ne!(dumped["stored_checksum"], dumped["computed_checksum"]);
    assert!(text(&dumped["fault"]).contains(text(&dumped["computed_checksum"])), "{dumped}");
    assert_eq!(text(&dumped["body_hex"]).len() as u64, 2 * (PAGE_BYTES - 24));
    let shown = untouched(&["page", "dump"], &dir, &["1", "0"]).fine();
    assert!(shown.contains("id in the header 1:0") && shown.contains("\n*\n"), "{shown}");
    untouched(&["page", "dump"], &dir, &["1", "3"]).failed(1, &["found zeros"]);
    untouched(&["page", "dump"], &dir, &["1", "5"]).failed(1, &["found page 1:0 in its place"]);
    untouched(&["page", "dump"], &dir, &["1", "10"]).failed(1, &["ends after 0 bytes"]);
    untouched(&["page", "dump"], &dir, &["7", "0"]).failed(1, &["there is no file 7"]);
    untouched(&["page", "dump"], &dir, &["1", "4000000000"]).failed(1, &["is beyond the end"]);
    let raw = std::process::Command::new(env!("CARGO_BIN_EXE_seawall"))
        .args(["page", "dump", "--raw", dir.to_str().unwrap(), "1", "0"])
        .output()
        .unwrap();
    assert_eq!(raw.stdout, whole[..PAGE_BYTES as usize]);
}

#[test]
fn a_torn_page_with_an_image_behind_the_redo_point_is_no_fault() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("store");
    crashed(&dir);
    overwrite(&data(&dir), 2 * PAGE_BYTES + 4096, &[0xEE; 4096]);
    let mut lines = json(&["check"], &dir, &[], 0);
    let verdict = lines.pop().unwrap()["verdict"].take();
    assert_eq!(lines.len(), 1);
    assert_eq!((&lines[0]["block"], text(&lines[0]["effect"])), (&2.into(), "repaired"));
    assert!(text(&lines[0]["outlook"]).starts_with("recovery restores it from the image at"));
    assert_eq!((&verdict["repaired"], &verdict["restored_pages"]), (&1.into(), &1.into()));
    run("recover", &dir, &[]).fine();
    assert_eq!(json(&["check"], &dir, &[], 0).len(), 1);
}

#[test]
fn both_slots_of_the_control_file_are_shown_and_why_one_counts() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("store");
    closed(&dir);
    let slots = json(&["control"], &dir, &[], 0);
    let taken = slots.iter().position(|slot| slot["is_taken"] == true).unwrap();
    let (own, other) = (&slots[taken], &slots[1 - taken]);
    assert!(own["sequence"].as_u64() > other["sequence"].as_u64() && other["is_taken"] == false);
    assert_eq!(
        (text(&own["state"]), text(&own["redo_lsn"])),
        ("closed", text(&own["checkpoint_lsn"]))
    );
    let lines = untouched(&["control"], &dir, &[]).fine();
    assert!(lines.contains(": not taken: its sequence is"), "{lines}");
    overwrite(&dir.join("control"), taken as u64 * 4096 + 20, &[0xEE]);
    let slots = json(&["control"], &dir, &[], 1);
    assert_eq!(slots[1 - taken]["is_taken"], true);
    assert!(text(&slots[taken]["reason"]).contains("checksum"), "{slots:?}");
    tool(&["check"], &dir, &[]).failed(1, &["faults found"]);
    overwrite(&dir.join("control"), (1 - taken as u64) * 4096 + 20, &[0xEE]);
    assert!(json(&["control"], &dir, &[], 1).iter().all(|slot| slot["is_taken"] == false));
}

#[test]
fn a_dry_run_says_what_recovery_then_does_and_changes_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("store");
    crashed(&dir);
    let shown = untouched(&["recover", "--dry-run"], &dir, &[]).fine();
    assert!(shown.contains("nothing was changed"), "{shown}");
    let dry = json(&["recover", "--dry-run"], &dir, &[], 0).pop().unwrap();
    assert_eq!((&dry["was_closed"], &dry["refusal"]), (&false.into(), &Value::Null));
    assert_eq!((&dry["pages"], &dry["images"]), (&PAGES.into(), &PAGES.into()));
    assert_eq!(dry["steps"], COMMITS - u64::from(PAGES));
    let done = run("recover", &dir, &[]).fine();
    let words = format!(
        "redo from {} to {}: {} records, {} images",
        text(&dry["redo_lsn"]),
        text(&dry["end_lsn"]),
        dry["records"],
        dry["images"]
    );
    assert!(done.contains(&words), "{words:?} in {done}");
}

#[test]
fn a_data_file_that_has_lost_its_end_is_named_and_its_other_pages_are_served() {
    for left in [PAGES - 2, 0] {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("store");
        closed(&dir);
        match left {
            0 => fs::remove_file(data(&dir)).unwrap(),
            left => {
                let file = File::options().write(true).open(data(&dir)).unwrap();
                file.set_len(u64::from(left) * PAGE_BYTES).unwrap();
            }
        }
        let lines = json(&["check"], &dir, &[], 1);
        assert_eq!(lines[0]["file"], "data/00000001.0");
        let found = if left == 0 { "no file".to_owned() } else { format!("{left} blocks") };
        let expected = format!("{PAGES} blocks at least: so many it had at the last checkpoint");
        assert_eq!((&lines[0]["found"], &lines[0]["expected"]), (&found.into(), &expected.into()));
        let lost = PAGES - left;
        let dry = json(&["recover", "--dry-run"], &dir, &[], 0).pop().unwrap();
        assert_eq!((&dry["lost_pages"], &dry["refusal"]), (&lost.into(), &Value::Null));
        let shown = untouched(&["recover", "--dry-run"], &dir, &[]).fine();
        let said =
            format!("\n{lost} pages that were there at the last checkpoint are not on disk\n");
        assert!(shown.contains(&said), "{shown}");
        let done = run("recover", &dir, &[]).fine();
        assert!(done.contains(&format!("; {lost} PAGES ARE NOT ON DISK ANY MORE")), "{done}");
        let store = Store::open(&dir, config()).unwrap();
        for block in 0..PAGES {
            assert_eq!(store.read(PageId::new(FILE, block)).is_ok(), block < left, "{block}");
        }
        let records = objects(&tool(&["wal", "dump"], &dir, &["--json"]).fine());
        let listed = records.iter().rfind(|record| record["kind"] == "checkpoint").unwrap();
        let file = serde_json::json!({
            "file": 1, "blocks": PAGES, "tablespace": 0, "unlogged": false,
        });
        assert_eq!(listed["files"], serde_json::json!([file]));
    }
}

/// Destroys a durable record in the middle of a crashed store's log. Returns where.
fn make_hole(dir: &Path) -> String {
    let records = objects(&tool(&["wal", "dump"], dir, &["--json"]).fine());
    let lsn = text(&records[40]["lsn"]).to_owned();
    let (_, low) = lsn.split_once('/').unwrap();
    let at = u64::from_str_radix(low, 16).unwrap();
    let (segment, block) = (at / (8160 * 8), at / 8160 % 8);
    let path = dir.join(format!("wal/{segment:016x}"));
    overwrite(&path, block * 8192 + 32 + at % 8160, &[0xEE; 4]);
    lsn
}

#[test]
fn a_log_with_a_hole_is_refused_told_and_cut_only_if_asked_for() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("store");
    crashed(&dir);
    let lsn = make_hole(&dir);
    run("recover", &dir, &[]).failed(1, &["bytes are lost", &lsn]);
    untouched(&["recover", "--dry-run"], &dir, &[]).failed(1, &["bytes are lost", &lsn]);
    let dry = json(&["recover", "--dry-run"], &dir, &[], 1).pop().unwrap();
    assert!(text(&dry["refusal"]).contains(&lsn), "{dry}");
    let checked = untouched(&["check"], &dir, &[]);
    assert!(checked.stdout.contains(&format!("salvage --until {lsn}")), "{checked:?}");
    checked.failed(1, &["faults found: 1"]);

    let until = ["--until", &lsn];
    let asked = untouched(&["salvage"], &dir, &until);
    assert!(asked.stdout.contains("bytes of it are given up"), "{asked:?}");
    asked.failed(2, &["nothing was changed", "--yes"]);
    let middle = format!("{}9", &lsn[..lsn.len() - 1]);
    untouched(&["salvage"], &dir, &["--until", &middle]).failed(2, &["no record ends at", &lsn]);
    let segments = fs::read_dir(dir.join("wal")).unwrap().count();
    let done = json(&["salvage"], &dir, &["--until", &lsn, "--yes"], 0).pop().unwrap();
    assert_eq!((text(&done["outcome"]), text(&done["until_lsn"])), ("cut", lsn.as_str()));
    assert!(done["lost_bytes"].as_u64().unwrap() > 10_000, "{done}");
    let aside = dir.join(text(&done["aside_dir"]));
    assert!(aside.join("losses.txt").exists() && aside.join("control").exists());
    assert!(fs::read_dir(dir.join("wal")).unwrap().count() < segments);
    assert!(tool(&["check"], &dir, &[]).fine().contains("the log was cut at"));
    let recovered = run("recover", &dir, &[]).fine();
    assert!(recovered.contains("THE LOG WAS CUT AT"), "{recovered}");
    let store = Store::open(&dir, config()).unwrap();
    // The records are the checkpoint's and 39 commits.
    for block in 0..PAGES {
        let number = (1..40).rev().find(|number| number % PAGES == block).unwrap();
        let body = store.read(PageId::new(FILE, block)).unwrap();
        assert_eq!(body[..8], u64::from(number).to_le_bytes(), "block {block}");
    }
}

#[test]
fn what_is_no_store_is_refused_by_every_tool() {
    let parent = tempfile::tempdir().unwrap();
    let (absent, empty) = (parent.path().join("absent"), parent.path().join("empty"));
    fs::create_dir(&empty).unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "dear reader").unwrap();
    let tools: [(&[&str], &[&str]); 5] = [
        (&["check"], &[]),
        (&["control"], &[]),
        (&["page", "dump"], &["1", "0"]),
        (&["recover", "--dry-run"], &[]),
        (&["salvage", "--yes"], &["--until", "0/00001000"]),
    ];
    for (words, options) in tools {
        for dir in [&absent, &empty] {
            tool(words, dir, options).failed(1, &["not a seawall store"]);
        }
        tool(words, &file, options).failed(3, &["Not a directory"]);
        assert!(!absent.exists() && fs::read_dir(&empty).unwrap().next().is_none(), "{words:?}");
    }
}
