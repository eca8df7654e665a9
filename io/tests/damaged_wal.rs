//! The experiment of the posts on real files: zero 10,000 bytes at offset 100 of the last two
//! segments of the log, or cut them there as `dd` does. And files that are no segments.
#![expect(clippy::disallowed_methods, reason = "damages the disk from outside")]
#![expect(clippy::disallowed_types, reason = "damages the disk from outside")]

use seawall::seawall_core::wal::record::BlockHeader;
use seawall::{Config, Error, FileId, FileOptions, Format, Lsn, PageId, Redo, Store, WalFault};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

const FILE: FileId = FileId(1);
const PAGES: u64 = 20;

/// Small segments; nothing is checkpointed, written or synced but by who needs it.
fn config() -> Config {
    Config {
        format: Format { wal_segment_bytes: 64 << 10, ..Format::default() },
        wal_buffer_bytes: 16 << 10,
        wal_max_bytes: 2 << 30,
        checkpoint_timeout: Duration::from_secs(3600),
        wal_writer_delay: Duration::from_secs(10),
        background_writer_max_pages: 0,
        ..Config::default()
    }
}

/// A store with numbered commits: each writes its number and some bytes to one page.
struct Bed {
    dir: PathBuf,
    _parent: TempDir,
    /// What is durable when the store is gone.
    flushed_segment: u64,
}

impl Bed {
    /// `durable` commits that waited, then `others` that did not.
    fn new(durable: u64, others: u64) -> Self {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("store");
        let store = Store::create(&dir, config()).unwrap();
        assert_eq!(store.create_file(FileOptions::default()).unwrap(), FILE);
        store.extend(FILE, PAGES as u32).unwrap();
        store.checkpoint().unwrap();
        for number in 1..=durable + others {
            let mut operation = store.operation();
            let mut page = operation.page(page_of(number)).unwrap();
            page.write(0, &number.to_le_bytes()).unwrap();
            page.write(8, &bytes_of(number)).unwrap();
            let end = store.commit_async(operation).unwrap();
            if number == durable {
                store.wait_durable(end).unwrap();
            }
        }
        // 8 KiB blocks with 32 bytes of header.
        let flushed_segment = store.wal_positions().2.0 / (8160 * 8);
        Self { dir, _parent: parent, flushed_segment }
    }

    fn segment(&self, number: u64) -> PathBuf {
        self.dir.join(format!("wal/{number:016x}"))
    }

    /// Opening fails, and changes no byte.
    fn refused(&self) -> Error {
        let before = files(&self.dir);
        let error = Store::open(&self.dir, config()).map(drop).unwrap_err();
        assert_eq!(files(&self.dir), before, "changed by an opening that was refused: {error}");
        println!("{error}");
        error
    }

    /// The last commit that is there; fails if the pages are not as it left them.
    fn last_commit(&self) -> (u64, Store) {
        let store = Store::open(&self.dir, config()).unwrap();
        let numbers = (0..PAGES).map(|page| number_at(&store, PageId::new(FILE, page as u32)));
        let numbers: Vec<u64> = numbers.collect();
        let last = numbers.iter().copied().max().unwrap();
        for (page, number) in (0..).zip(numbers) {
            let expected =
                (1..=last).rev().find(|number| u64::from(page_of(*number).block()) == page);
            assert_eq!(number, expected.unwrap_or(0), "page {page} of {last} commits");
        }
        (last, store)
    }
}

fn page_of(number: u64) -> PageId {
    PageId::new(FILE, (number * 7 % PAGES) as u32)
}

fn bytes_of(number: u64) -> Vec<u8> {
    vec![number as u8; 200 + number as usize * 13 % 500]
}

fn number_at(store: &Store, page: PageId) -> u64 {
    let body = store.read(page).unwrap();
    let number = u64::from_le_bytes(body[..8].try_into().unwrap());
    let bytes = if number == 0 { Vec::new() } else { bytes_of(number) };
    assert_eq!(body[8..8 + bytes.len()], bytes, "commit {number}");
    number
}

/// Lengths of all files below `dir` and a part of their content: one may be gigantic.
fn files(dir: &Path) -> BTreeMap<PathBuf, (u64, Vec<u8>)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if !path.ends_with("lock") {
            let len = fs::metadata(&path).unwrap().len();
            let mut bytes = vec![0; len.min(1 << 20) as usize];
            File::open(&path).unwrap().read_exact_at(&mut bytes, 0).unwrap();
            found.insert(path, (len, bytes));
        }
    }
    found
}

fn zero(segment: &Path) {
    let file = File::options().write(true).open(segment).unwrap();
    file.write_all_at(&[0; 10_000], 100).unwrap();
}

/// Makes a segment as if all of it had been written and nothing synced.
fn make_undurable(segment: &Path, number: u64) {
    let file = File::options().read(true).write(true).open(segment).unwrap();
    for (block, offset) in (number * 8..number * 8 + 8).zip((0..).step_by(8 << 10)) {
        let mut header = [0; 32];
        file.read_exact_at(&mut header, offset).unwrap();
        let system_id = u64::from_le_bytes(header[8..16].try_into().unwrap());
        let address = Lsn(block * 8160);
        if BlockHeader::decode(&header, system_id, address).is_ok() {
            let flushed_upto = Lsn(number * 8 * 8160);
            BlockHeader { system_id, address, flushed_upto }.encode(&mut header);
            file.write_all_at(&header, offset).unwrap();
        }
    }
}

/// As it stands in the posts: it cuts the file.
fn dd(segment: &Path) {
    let of = format!("of={}", segment.display());
    let options = ["if=/dev/zero", &of, "bs=1", "count=10000", "seek=100", "status=none"];
    assert!(Command::new("dd").args(options).status().unwrap().success());
    assert_eq!(fs::metadata(segment).unwrap().len(), 10_100);
}

#[test]
fn a_hole_in_the_durable_log_is_refused_with_its_place_and_what_lies_beyond() {
    let bed = Bed::new(700, 0);
    let last = bed.flushed_segment;
    assert!(last >= 4, "{last} segments");
    for (name, damage) in [("zeroed", zero as fn(&Path)), ("dd", dd)] {
        let good = [last - 1, last].map(|number| fs::read(bed.segment(number)).unwrap());
        [last - 1, last].iter().for_each(|number| damage(&bed.segment(*number)));
        let error = bed.refused();
        let message = error.to_string();
        let Error::Wal(WalFault::Hole { valid_end, segment, offset, durable, beyond, .. }) = error
        else {
            panic!("{name}: {message}")
        };
        // In that segment, or where the record began that reaches into it.
        let begin = (last - 1) * 8160 * 8;
        assert!(valid_end.0 <= begin + 68 && valid_end.0 > begin - 9000, "{name}: {message}");
        assert!(durable > valid_end && beyond.blocks > 0, "{name}: {message}");
        let place = format!("the WAL ends at {valid_end} ({segment} offset {offset}: ");
        assert!(message.starts_with(&place) && message.contains("valid block"), "{message}");
        for (number, bytes) in [last - 1, last].into_iter().zip(good) {
            fs::write(bed.segment(number), bytes).unwrap();
        }
    }
    assert_eq!(bed.last_commit().0, 700, "whoever puts the bytes back has everything back");
}

#[test]
fn damage_to_what_was_written_and_not_known_durable_ends_the_log_there() {
    let bed = Bed::new(860, 0);
    make_undurable(&bed.segment(bed.flushed_segment), bed.flushed_segment);
    zero(&bed.segment(bed.flushed_segment));
    let (last, store) = bed.last_commit();
    let report = store.recovery();
    println!("{report}");
    assert!((500..860).contains(&last), "{last}");
    let begin = bed.flushed_segment * 8160 * 8;
    assert!(report.end.0 <= begin + 68 && report.end.0 > begin - 9000, "{report}");
    let place = format!("stopped in {} at offset {}: ", report.end_segment, report.end_offset);
    assert!(report.to_string().contains(&place), "{report}");
    assert!(report.beyond.blocks > 1, "{report}");
    drop(store);
    assert_eq!(bed.last_commit().0, last, "nothing comes back");
}

/// What `dd` has cut off may have been durable, and with it goes whatever could tell.
#[test]
fn a_segment_that_is_too_short_is_refused_also_where_nothing_says_that_the_rest_was_durable() {
    let bed = Bed::new(860, 0);
    make_undurable(&bed.segment(bed.flushed_segment), bed.flushed_segment);
    dd(&bed.segment(bed.flushed_segment));
    let error = bed.refused().to_string();
    assert!(error.contains("has 10100 bytes, expected 65536"), "{error}");
}

#[test]
fn a_gigantic_segment_is_read_no_further_than_a_segment_goes() {
    let bed = Bed::new(300, 0);
    let last = bed.flushed_segment;
    for number in [1, last, last + 1] {
        let options = File::options().write(true).create(true).truncate(false).clone();
        options.open(bed.segment(number)).unwrap().set_len(1 << 40).unwrap();
    }
    assert_eq!(bed.last_commit().0, 300);
}

#[test]
fn a_missing_segment_and_a_directory_in_its_place_are_refused_by_name() {
    let bed = Bed::new(500, 0);
    let number = bed.flushed_segment - 1;
    let (segment, aside) = (bed.segment(number), bed.dir.join("aside"));
    fs::rename(&segment, &aside).unwrap();
    let error = bed.refused().to_string();
    assert!(error.contains(&format!("there is no wal/{number:016x}")), "{error}");
    fs::create_dir(&segment).unwrap();
    let error = bed.refused();
    let path = format!("wal/{number:016x}");
    assert!(matches!(&error, Error::Io { op: "open", file, .. } if *file == path), "{error}");
    fs::remove_dir(&segment).unwrap();
    fs::rename(&aside, &segment).unwrap();
    assert_eq!(bed.last_commit().0, 500);
}

/// Kind 1 counts.
struct Counts;

impl Redo for Counts {
    fn change(&self, kind: u8, _: PageId, _: &[u8], body: &mut [u8]) -> Result<(), String> {
        body[0] = body[0].wrapping_add(kind);
        Ok(())
    }

    fn note(&self, _: Lsn, _: u8, _: &[u8]) -> Result<(), String> {
        Ok(())
    }
}

#[test]
fn a_store_with_custom_changes_opens_with_who_knows_them_and_is_refused_without() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("store");
    Store::init(&dir, &config()).unwrap();
    let store = Store::open_with(&dir, config(), Arc::new(Counts)).unwrap();
    let file = store.create_file(FileOptions::default()).unwrap();
    let page = PageId::new(file, store.extend(file, 1).unwrap());
    for _ in 0..100 {
        let mut operation = store.operation();
        operation.page(page).unwrap().apply(1, &[]).unwrap();
        store.commit_async(operation).unwrap();
    }
    store.wait_durable(store.wal_positions().0).unwrap();
    drop(store);
    let error = Store::open(&dir, config()).map(drop).unwrap_err().to_string();
    let words = "custom change of kind 1 of page 1:0: the store was opened without a Redo";
    assert!(error.ends_with(words), "{error}");
    let store = Store::open_with(&dir, config(), Arc::new(Counts)).unwrap();
    assert_eq!(store.read(page).unwrap()[0], 100);
}
