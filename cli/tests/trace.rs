//! `--trace-io`: what a trace of real torture says of the order of its operations, and that its
//! writes are the files.

mod support;

use seawall::seawall_core::wal::position::{BLOCK_HEADER_BYTES, Geometry};
use seawall::{Format, Lsn};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use support::{last, run, snapshot, tool};

/// Small segments that are recycled, a pool that evicts, checkpoints all the time.
const HARD: [&str; 12] = [
    "--buffers",
    "16",
    "--checkpoint-every",
    "0",
    "--wal-segment-bytes",
    "65536",
    "--wal-block-bytes",
    "4096",
    "--pages",
    "200",
    "--data-segment-bytes",
    "524288",
];

const FORMAT: Format = Format {
    page_bytes: 8192,
    wal_block_bytes: 4096,
    wal_segment_bytes: 65536,
    data_segment_bytes: 524_288,
};

const OPS: u64 = 300;

/// One line of a trace, and what the one with which its operation ends says.
struct Line {
    is_first: bool,
    first: Value,
    end: Value,
}

impl Line {
    fn text(&self, name: &str) -> &str {
        self.first[name].as_str().unwrap_or_default()
    }

    fn number(&self, name: &str) -> u64 {
        self.first[name].as_u64().unwrap_or_else(|| panic!("no {name} in {}", self.first))
    }

    fn is_done(&self) -> bool {
        self.end.is_object() && self.end["error"].is_null()
    }
}

struct Trace {
    lines: Vec<Line>,
    bytes: Vec<u8>,
}

impl Trace {
    /// Runs torture on a new store in `parent`.
    fn of_torture(parent: &Path, options: &[&str]) -> Self {
        let (lines, bytes) = (parent.join("trace"), parent.join("bytes"));
        let ops = OPS.to_string();
        let files =
            ["--trace-io", lines.to_str().unwrap(), "--trace-bytes", bytes.to_str().unwrap()];
        let options = [&["--ops", &ops][..], &files, &HARD, options].concat();
        run("torture", &parent.join("store"), &options).fine();
        Self::read(&lines, &bytes)
    }

    fn read(lines: &Path, bytes: &Path) -> Self {
        let text = fs::read_to_string(lines).unwrap();
        let lines = text.lines().zip(1u64..).map(|(line, number)| {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
            assert_eq!(line["seq"], number, "{line}");
            line
        });
        let lines: Vec<Value> = lines.collect();
        let ends = lines.iter().filter_map(|line| Some((line["of"].as_u64()?, line.clone())));
        let ends: BTreeMap<u64, Value> = ends.collect();
        let by_number = |number: u64| lines[number as usize - 1].clone();
        let lines = lines.iter().map(|line| {
            let is_first = line["of"].is_null();
            let number = line[if is_first { "seq" } else { "of" }].as_u64().unwrap();
            let end = ends.get(&number).cloned().unwrap_or_default();
            Line { is_first, first: by_number(number), end }
        });
        Self { lines: lines.collect(), bytes: fs::read(bytes).unwrap() }
    }

    /// The bytes of a write.
    fn written(&self, line: &Line) -> &[u8] {
        let bytes = &self.bytes[line.number("at") as usize..][..line.number("len") as usize];
        assert_eq!(line.text("crc32c"), format!("{:08x}", crc32c::crc32c(bytes)));
        bytes
    }
}

#[test]
fn the_writes_of_a_trace_are_the_files_byte_for_byte() {
    let parent = tempfile::tempdir().unwrap();
    let trace = Trace::of_torture(parent.path(), &["--threads", "4"]);
    let replayed = parent.path().join("replayed");
    replay(&trace, &replayed);
    assert_eq!(snapshot(&replayed), snapshot(&parent.path().join("store")));
    assert_eq!(last(&run("verify", &replayed, &[]).fine()), OPS);
}

/// Does to a new directory what a trace says was done to the store's.
fn replay(trace: &Trace, dir: &Path) {
    let mut handles: BTreeMap<u64, File> = BTreeMap::new();
    for line in trace.lines.iter().filter(|line| line.is_first && line.is_done()) {
        let path = dir.join(line.text("file"));
        let file = || &handles[&line.number("handle")];
        match line.text("op") {
            "create_dir" if !path.is_dir() => fs::create_dir(&path).unwrap(),
            "create" | "open" => {
                let is_new = line.text("op") == "create";
                let mut options = OpenOptions::new();
                let file = options.read(true).write(true).create_new(is_new).open(&path);
                handles.insert(line.number("seq"), file.unwrap());
            }
            "rename" => fs::rename(&path, dir.join(line.text("to"))).unwrap(),
            "remove" => fs::remove_file(&path).unwrap(),
            "write" => file().write_all_at(trace.written(line), line.number("offset")).unwrap(),
            "set_len" => file().set_len(line.number("len")).unwrap(),
            "allocate" => {
                let len = file().metadata().unwrap().len();
                let end = line.number("offset") + line.number("len");
                file().set_len(len.max(end)).unwrap();
            }
            "link_dir" => panic!("torture links no directory"),
            _ => {}
        }
    }
}

#[test]
fn the_log_is_written_then_synced_then_acknowledged_and_pages_come_behind_it() {
    for options in [&["--threads", "4"][..], &["--threads", "4", "--buffered"]] {
        let parent = tempfile::tempdir().unwrap();
        let trace = Trace::of_torture(parent.path(), options);
        let mut log = Log::new(&trace);
        let (mut acks, mut pages) = (0, 0);
        for line in &trace.lines {
            match (line.text("op"), line.text("file")) {
                ("ack", _) => {
                    acks += 1;
                    let end: Lsn = line.text("lsn").parse().unwrap();
                    assert!(log.is_durable(end), "acknowledged before durable: {}", line.first);
                }
                ("write", file) if file.starts_with("data/") && line.is_first => {
                    for page in trace.written(line).chunks(FORMAT.page_bytes as usize) {
                        pages += 1;
                        let lsn = Lsn(u64::from_le_bytes(page[8..16].try_into().unwrap()));
                        assert!(lsn > Lsn::ZERO, "sealed without a record: {}", line.first);
                        assert!(log.is_durable(lsn), "before its log {lsn}: {}", line.first);
                    }
                }
                _ => log.note(&trace, line),
            }
        }
        assert_eq!(acks, OPS);
        assert!(pages > OPS, "{pages} pages were written");
        println!("{options:?}: {acks} acknowledgements, {pages} pages behind their log");
    }
}

/// The payload of a block, by its address.
type Blocks = BTreeMap<u64, Vec<u8>>;

/// The log as it would be after a power cut that keeps nothing but what is durable.
struct Log {
    geometry: Geometry,
    /// As it is at the end of the trace: blocks are written again with more in them.
    complete: Blocks,
    durable: Blocks,
    /// Writes that have ended, and were not durable by themselves.
    unsynced: Vec<(String, Blocks)>,
    /// What a sync under way will make durable, by the number of its first line.
    syncing: BTreeMap<u64, Vec<Blocks>>,
    /// Known to be durable.
    upto: Lsn,
}

impl Log {
    fn new(trace: &Trace) -> Self {
        let geometry = Geometry::new(&FORMAT);
        let mut complete = Blocks::new();
        for line in trace.lines.iter().filter(|line| line.is_first && is_log_write(line)) {
            complete.append(&mut blocks(trace.written(line)));
        }
        let (unsynced, syncing, upto) = (Vec::new(), BTreeMap::new(), geometry.start());
        Self { geometry, complete, durable: Blocks::new(), unsynced, syncing, upto }
    }

    fn note(&mut self, trace: &Trace, line: &Line) {
        let (file, is_end) = (line.text("file"), !line.is_first && line.is_done());
        match line.text("op") {
            "write" if is_end && is_log_write(line) => {
                let mut blocks = blocks(trace.written(line));
                match line.text("durable") {
                    "" => self.unsynced.push((file.to_owned(), blocks)),
                    _ => self.durable.append(&mut blocks),
                }
            }
            // It covers what was written before it began.
            "sync_data" | "sync_all" if line.is_first => {
                let covered = self.unsynced.extract_if(.., |(of, _)| of == file);
                let covered = covered.map(|(_, blocks)| blocks).collect();
                self.syncing.insert(line.number("seq"), covered);
            }
            "sync_data" | "sync_all" if is_end => {
                for mut blocks in self.syncing.remove(&line.number("seq")).unwrap() {
                    self.durable.append(&mut blocks);
                }
            }
            _ => {}
        }
    }

    /// Whether every byte of the stream before `end` is durable as it is at last.
    fn is_durable(&mut self, end: Lsn) -> bool {
        if end <= self.upto {
            return true;
        }
        let blocks = self.geometry.block(self.upto)..=self.geometry.block(Lsn(end.0 - 1));
        let is_durable = blocks.into_iter().all(|block| {
            let address = self.geometry.block_start(block);
            let bytes = end.since(address).min(self.geometry.payload_bytes) as usize;
            let payload = |blocks: &Blocks| Some(blocks.get(&address.0)?[..bytes].to_vec());
            payload(&self.durable).is_some() && payload(&self.durable) == payload(&self.complete)
        });
        if is_durable {
            self.upto = end;
        }
        is_durable
    }
}

fn is_log_write(line: &Line) -> bool {
    let file = line.text("file");
    line.text("op") == "write" && file.starts_with("wal/") && file != "wal/new"
}

fn blocks(bytes: &[u8]) -> Blocks {
    let blocks = bytes.chunks(FORMAT.wal_block_bytes as usize).map(|block| {
        let address = u64::from_le_bytes(block[16..24].try_into().unwrap());
        (address, block[BLOCK_HEADER_BYTES as usize..].to_vec())
    });
    blocks.collect()
}

#[test]
fn a_bench_is_traced_once_its_rows_are_loaded() {
    let parent = tempfile::tempdir().unwrap();
    let (dir, lines) = (parent.path().join("store"), parent.path().join("trace"));
    let work = ["--rows", "100", "--seconds", "1", "--warmup-seconds", "0"];
    let trace = ["--trace-io", lines.to_str().unwrap()];
    tool(&["bench"], &dir, &[&work[..], &trace].concat()).fine();
    let text = fs::read_to_string(lines).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let ops: Vec<_> = lines.filter_map(|line| Some(line["op"].as_str()?.to_owned())).collect();
    assert_eq!(ops[0], "open", "a store that is there is opened");
    assert!(ops.iter().any(|op| op == "write") && !ops.iter().any(|op| op == "create_dir"));
}

#[test]
fn a_trace_that_cannot_be_made_is_said_before_anything_is_touched() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("store");
    let nowhere = parent.path().join("none/trace");
    run("torture", &dir, &["--ops", "1", "--trace-io", nowhere.to_str().unwrap()])
        .failed(3, &["none/trace"]);
    assert!(!dir.exists());
    run("torture", &dir, &["--ops", "1", "--trace-io", "/dev/full"]).failed(3, &["the trace: "]);
    assert_eq!(run("verify", &dir, &[]).fine(), "last=1\n", "the work was done");
}
