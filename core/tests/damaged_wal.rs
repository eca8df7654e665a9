//! A log that is damaged, forged or mutilated: what was durable is not given up, what was not is
//! cut off where the damage begins, and the message says which and why.
//!
//! # Bounds
//! Whatever the log says, recovery allocates no more than a record may have (16 MiB), before its
//! body has been checked; what replay takes is in `recovery/batch.rs`.

mod common;

use common::{
    BODY_BYTES, Change, Recovered, config, content, create, files_of, forged::forged_record, open,
    recover, set_flushed_upto, survey,
};
use proptest::prelude::*;
use seawall_core::checkpoint::Urgency;
use seawall_core::config::{Config, Format};
use seawall_core::control::{Control, ControlFile, Slots};
use seawall_core::engine::Engine;
use seawall_core::error::{Error, WalFault};
use seawall_core::files::FileOptions;
use seawall_core::lsn::Lsn;
use seawall_core::page::{FileId, PageId};
use seawall_core::poison::Poison;
use seawall_core::sim::SimDisk;
use seawall_core::sync::atomic::{AtomicU64, Ordering};
use seawall_core::wal::position::{BLOCK_HEADER_BYTES, Geometry, RECORD_ALIGNMENT, segment_path};
use seawall_core::wal::reader::WalReader;
use seawall_core::wal::record::{MAX_RECORD_BYTES, RECORD_HEADER_BYTES};
use std::sync::Arc;

const FILE: FileId = FileId(1);
const PAGES: u32 = 8;

/// Segments of 64 blocks of 1 KiB, and no checkpoint by itself.
fn large() -> Config {
    let format = Format { wal_segment_bytes: 64 << 10, ..config().format };
    Config { format, wal_max_bytes: 2 << 30, wal_buffer_bytes: 16 << 10, ..config() }
}

/// A store that has crashed, the states that it went through, and where each record ends.
struct Bed {
    disk: SimDisk,
    geometry: Geometry,
    states: Vec<Recovered>,
    ends: Vec<Lsn>,
    /// The greatest position that was durable.
    flushed: Lsn,
}

impl Bed {
    /// `durable` commits that waited, then some that did not and are written but for the last.
    fn new(durable: u64, others: u64) -> Self {
        let disk = SimDisk::new();
        create(&disk, &large()).unwrap();
        let engine = open(&disk, &large()).unwrap();
        engine.create_file(FileOptions::default()).unwrap();
        engine.extend(FILE, PAGES).unwrap();
        engine.checkpoint(Urgency::Immediate).unwrap();
        let geometry = Geometry::new(&large().format);
        let states = vec![content(&engine).unwrap()];
        let mut bed = Self { disk, geometry, states, ends: Vec::new(), flushed: Lsn::ZERO };
        bed.ends.push(engine.wal_positions().0);
        for number in 1..=durable + others {
            let end = bed.commit(&engine, number);
            if number <= durable {
                engine.wait_durable(end).unwrap();
            }
        }
        bed.flushed = engine.wal_positions().2;
        bed
    }

    fn commit(&mut self, engine: &Engine, number: u64) -> Lsn {
        let page = PageId::new(FILE, number as u32 % PAGES);
        let len = 100 + number as usize * 31 % 700;
        let offset = number as usize * 97 % (BODY_BYTES - len);
        let change = Change(vec![(page, offset, vec![number as u8; len])]);
        let end = engine.commit_async(change.make(engine)).unwrap();
        let mut state = self.states.last().unwrap().clone();
        change.apply(&mut state);
        self.states.push(state);
        self.ends.push(end);
        end
    }

    /// The position that a byte of a segment is of; of a block header, the block's first.
    fn position(&self, segment: u64, offset: u64) -> Lsn {
        let block = segment * self.geometry.blocks_per_segment + offset / self.geometry.block_bytes;
        let within = (offset % self.geometry.block_bytes).saturating_sub(BLOCK_HEADER_BYTES);
        self.geometry.block_start(block).plus(within)
    }

    fn last_segment(&self) -> u64 {
        self.geometry.segment(self.flushed)
    }

    /// The commits before a position; the first end is that of none.
    fn commits_to(&self, end: Lsn) -> usize {
        self.ends.partition_point(|other| *other <= end).saturating_sub(1)
    }

    /// The store refuses to open, changes no byte, and names the hole.
    fn refused(&self, disk: &SimDisk) -> WalFault {
        let before = files_of(disk);
        let error = open(disk, &large()).map(drop).unwrap_err();
        assert_eq!(files_of(disk), before, "changed by an opening that was refused: {error}");
        let Error::Wal(fault) = error else { panic!("{error}") };
        fault
    }

    /// Writes a record at a position of the stream, with right checksums.
    fn forge(&self, disk: &SimDisk, at: Lsn, length: u32, lsn: Lsn, kind: u8, body: &[u8]) {
        self.overwrite(disk, at, &forged_record(length, lsn.0, kind, body));
    }

    /// Makes a segment as if all of it had been written and nothing synced.
    fn make_undurable(&self, disk: &SimDisk, segment: u64) {
        let first = segment * self.geometry.blocks_per_segment;
        let upto = self.geometry.segment_start(segment);
        for block in first..self.geometry.block(self.flushed) + 1 {
            set_flushed_upto(disk, &self.geometry, block, upto);
        }
    }

    /// Replaces bytes of the stream.
    fn overwrite(&self, disk: &SimDisk, at: Lsn, bytes: &[u8]) {
        for (byte, at) in bytes.iter().zip(at.0..) {
            let path = segment_path(self.geometry.segment(Lsn(at)));
            disk.overwrite(&path, self.geometry.offset(Lsn(at)), &[*byte]);
        }
    }
}

fn zero(disk: &SimDisk, segment: u64, offset: u64, bytes: usize) {
    disk.overwrite(&segment_path(segment), offset, &vec![0; bytes]);
}

/// What `dd bs=1 seek=100 count=10000` makes of a file when it is not told to leave the rest.
fn dd(disk: &SimDisk, segment: u64) {
    let path = segment_path(segment);
    disk.truncate(&path, 100);
    disk.truncate(&path, 10_100);
}

#[test]
fn a_hole_in_the_durable_log_is_refused_with_its_place_and_what_lies_beyond() {
    let bed = Bed::new(500, 0);
    let last = bed.last_segment();
    assert!(last >= 4, "{last} segments");
    type Damage = fn(&SimDisk, u64);
    let damages: [(&str, Damage); 2] =
        [("zeroed", |disk, segment| zero(disk, segment, 100, 10_000)), ("dd", dd)];
    for (name, damage) in damages {
        let disk = bed.disk.crash_image(1).mount();
        let undamaged = [last - 1, last].map(|segment| disk.read_file(&segment_path(segment)));
        [last - 1, last].iter().for_each(|segment| damage(&disk, *segment));
        let fault = bed.refused(&disk);
        let message = fault.to_string();
        let WalFault::Hole { valid_end, segment, offset, durable, beyond, .. } = fault else {
            panic!("{name}: {message}")
        };
        // The record that the damage begins in, or the one before that reaches into the segment.
        let damaged = bed.geometry.segment_start(last - 1).plus(100 - 32);
        let before = bed.ends[bed.commits_to(damaged)];
        assert_eq!(valid_end, before, "{name}");
        assert_eq!(segment, segment_path(bed.geometry.segment(before)));
        assert_eq!(offset, bed.geometry.offset(before));
        assert!(durable > before && durable <= bed.flushed, "{name}: {durable}");
        assert!(beyond.blocks > 0 && beyond.end >= bed.geometry.segment_start(last), "{beyond:?}");
        for word in [&valid_end.to_string(), &segment, &format!("offset {offset}"), "valid block"] {
            assert!(message.contains(word), "{word} in {message}");
        }
        // Whoever puts the bytes back has everything back.
        for (segment, bytes) in [last - 1, last].iter().zip(undamaged) {
            disk.write_file(&segment_path(*segment), &bytes);
        }
        assert_eq!(recover(&disk, &large()).unwrap(), bed.states[500]);
    }
}

#[test]
fn damage_to_what_was_written_and_not_known_durable_ends_the_log_there() {
    let bed = Bed::new(570, 0);
    let last = bed.last_segment();
    let start = bed.geometry.segment_start(last);
    assert!(bed.flushed > start.plus(20_000), "{} in {start}", bed.flushed);
    let disk = bed.disk.crash_image(1).mount();
    bed.make_undurable(&disk, last);
    zero(&disk, last, 100, 10_000);
    let engine = open(&disk, &large()).unwrap();
    let report = engine.recovery();
    println!("{report}");
    let commits = bed.commits_to(start.plus(68));
    assert_eq!(report.end, bed.ends[commits]);
    assert_eq!(content(&engine).unwrap(), bed.states[commits], "nothing behind it");
    assert!(report.beyond.blocks > 1, "{:?}", report.beyond);
    assert!(report.to_string().contains(&report.stop_reason));
    drop(engine);
    assert_eq!(recover(&disk, &large()).unwrap(), bed.states[commits], "it stays so");
}

/// What is cut off may have been durable, and with it goes whatever could tell.
#[test]
fn a_segment_that_is_too_short_is_refused_also_where_nothing_says_that_the_rest_was_durable() {
    let bed = Bed::new(570, 0);
    let last = bed.last_segment();
    let disk = bed.disk.crash_image(1).mount();
    bed.make_undurable(&disk, last);
    dd(&disk, last);
    let fault = bed.refused(&disk);
    let WalFault::ShortSegment { segment, bytes, expected_bytes, valid_end } = &fault else {
        panic!("{fault}")
    };
    assert_eq!((segment, *bytes, *expected_bytes), (&segment_path(last), 10_100, 64 << 10));
    let commits = bed.commits_to(bed.geometry.segment_start(last).plus(68));
    assert_eq!(*valid_end, bed.ends[commits]);
}

#[test]
fn a_header_with_an_impossible_length_or_position_ends_the_log_or_is_refused() {
    let bed = Bed::new(60, 0);
    let end = *bed.ends.last().unwrap();
    let middle = bed.ends[30];
    let max = MAX_RECORD_BYTES as u32;
    let lengths = [0, 23, max + 1, 1 << 31, u32::MAX].map(|length| (length, 0, "record length is"));
    let positions = [8, 1 << 20].map(|wrong| (64, wrong, "record says it starts at"));
    for (length, wrong, words) in lengths.into_iter().chain(positions) {
        let disk = bed.disk.crash_image(1).mount();
        bed.forge(&disk, end, length, end.plus(wrong), 1, &[]);
        let engine = open(&disk, &large()).unwrap();
        assert!(engine.recovery().stop_reason.contains(words), "{}", engine.recovery());
        assert_eq!(content(&engine).unwrap(), bed.states[60]);

        let disk = bed.disk.crash_image(1).mount();
        bed.forge(&disk, middle, length, middle.plus(wrong), 1, &[]);
        let fault = bed.refused(&disk);
        assert!(
            matches!(&fault, WalFault::Hole { valid_end, reason, .. }
            if *valid_end == middle && reason.contains(words)),
            "{fault}"
        );
    }
}

#[test]
fn a_header_of_the_greatest_length_is_read_to_where_the_log_ends() {
    let bed = Bed::new(60, 0);
    let end = *bed.ends.last().unwrap();
    let disk = bed.disk.crash_image(1).mount();
    bed.forge(&disk, end, MAX_RECORD_BYTES as u32, end, 1, &[]);
    let engine = open(&disk, &large()).unwrap();
    assert!(engine.recovery().stop_reason.contains("block"));
    assert_eq!(content(&engine).unwrap(), bed.states[60]);
}

#[test]
fn the_search_for_a_record_ends_where_too_much_looks_like_one() {
    let bed = Bed::new(60, 0);
    let (disk, from) = (bed.disk.crash_image(1).mount(), bed.ends[10]);
    for at in (0..5).map(|n| from.plus(n * RECORD_HEADER_BYTES as u64)) {
        bed.forge(&disk, at, MAX_RECORD_BYTES as u32, at, 1, &[]);
    }
    let id = survey(&disk).control().system_id;
    let found = WalReader::new(Arc::new(disk), bed.geometry, id, from).find_record().unwrap();
    assert!(found.unwrap_err().reason.starts_with("what looks like records"));
}

#[test]
fn a_record_of_an_unknown_kind_is_refused_and_never_the_end() {
    let bed = Bed::new(60, 0);
    let end = *bed.ends.last().unwrap();
    let disk = bed.disk.crash_image(1).mount();
    bed.forge(&disk, end, 24, end, 77, &[]);
    let fault = bed.refused(&disk).to_string();
    assert_eq!(fault, format!("record at {end}: record kind 77 is not known to this version"));
}

/// An entry of a pages record: one byte of a page.
fn step(page: PageId) -> Vec<u8> {
    [&page.to_bits().to_le_bytes()[..], &[1, 0, 0, 0], &[0, 0, 1, 0, 9]].concat()
}

/// The same: an image of `len` bytes, of which these are stored.
fn image(page: PageId, len: u16, stored: &[u8]) -> Vec<u8> {
    let lengths = [len, stored.len() as u16].map(u16::to_le_bytes).concat();
    [&page.to_bits().to_le_bytes()[..], &[0; 4], &lengths, stored].concat()
}

/// The body of a truncation.
fn truncation(file: FileId, blocks: u32) -> Vec<u8> {
    [file.0, blocks].map(u32::to_le_bytes).concat()
}

/// Appends records, by kind and body; a store that recovers up to them.
fn forged(bed: &Bed, records: &[(u8, Vec<u8>)]) -> SimDisk {
    let disk = bed.disk.crash_image(1).mount();
    let mut at = *bed.ends.last().unwrap();
    let left = bed.geometry.payload_bytes - at.0 % bed.geometry.payload_bytes;
    assert!(left > 200, "the last valid block has {left} bytes left");
    for (kind, body) in records {
        let length = (RECORD_HEADER_BYTES + body.len()) as u32;
        bed.forge(&disk, at, length, at, *kind, body);
        at = at.plus(u64::from(length).next_multiple_of(RECORD_ALIGNMENT));
    }
    disk
}

#[test]
fn a_record_with_right_checksums_that_makes_no_sense_is_refused_as_a_rehearsal_says() {
    const PAGES_RECORD: u8 = 1;
    const CHECKPOINT: u8 = 2;
    const TRUNCATE: u8 = 4;
    const DROP: u8 = 5;
    let bed = Bed::new(3, 0);
    let (unknown, page) = (FileId(9), |block| PageId::new(FILE, block));
    let pages = |body| vec![(PAGES_RECORD, body)];
    let beyond = "beyond the end";
    let cases = [
        (vec![(TRUNCATE, vec![0; 7])], "a Truncate record with a body of 7 bytes, expected 8"),
        (vec![(DROP, vec![0; 8])], "a Drop record with a body of 8 bytes, expected 4"),
        (vec![(CHECKPOINT, vec![0; 9])], "a Checkpoint record with a body of 9 bytes, expected 8"),
        (vec![(TRUNCATE, truncation(unknown, 0))], "file 9"),
        (pages(step(PageId::new(unknown, 0))), "file 9"),
        (pages(step(page(PAGES))), beyond),
        (pages(image(page(PAGES + 1), 1, &[1])), beyond),
        (pages(image(page(u32::MAX), 1, &[1])), beyond),
        (pages(image(page(0), 100, &[1, 2])), "the image of 100 bytes"),
        (pages([step(page(0)), image(page(1), 5000, &[])].concat()), "image of page 1:1 has 5000"),
        (vec![(TRUNCATE, truncation(FILE, 3)), (PAGES_RECORD, step(page(5)))], beyond),
    ];
    for (records, words) in cases {
        let disk = forged(&bed, &records);
        let survey = survey(&disk);
        let refusal = survey.refusal(true).map(Error::Wal);
        let rehearsed = refusal.or_else(|| survey.rehearse().unwrap().refusal).map_or(Ok(()), Err);
        for refused in [rehearsed, open(&disk, &large()).map(drop)] {
            let Err(Error::Wal(WalFault::BadContent { reason, .. })) = refused else {
                panic!("{words}: {refused:?}");
            };
            assert!(reason.contains(words), "{reason}: expected {words}");
        }
    }
    let disk = forged(&bed, &pages(image(page(PAGES), 1, &[1])));
    assert_eq!(open(&disk, &large()).unwrap().blocks(FILE).unwrap(), PAGES + 1, "the next block");
}

#[test]
fn another_record_in_the_place_of_the_checkpoints_is_refused() {
    let bed = Bed::new(3, 0);
    let disk = || bed.disk.crash_image(1).mount();
    let (_, control) = Slots::read(&disk()).unwrap().latest().unwrap();
    let (at, redo) = (control.checkpoint, control.redo.0.to_le_bytes());
    // One file is listed.
    let length = control.checkpoint_end.since(at) as u32;
    assert_eq!(length, 48);
    let body = |redo: [u8; 8]| [&redo[..], &1_u32.to_le_bytes(), &[0; 12]].concat();
    let refused = |disk: &SimDisk, at| {
        let fault = bed.refused(disk);
        assert!(matches!(fault, WalFault::NoCheckpoint { lsn, .. } if lsn == at), "{fault}");
    };
    for (kind, body) in [(3, body(redo)), (2, body([0; 8]))] {
        let disk = disk();
        bed.forge(&disk, at, length, at, kind, &body);
        refused(&disk, at);
    }
    // The control file names another end, or the middle of the record.
    for (from, to) in [(at, control.checkpoint_end.plus(8)), (at.plus(8), control.checkpoint_end)] {
        let disk = disk();
        let mut file = ControlFile::open(&disk, Arc::new(Poison::new())).unwrap();
        file.write(Control { checkpoint: from, checkpoint_end: to, ..control }).unwrap();
        refused(&disk, from);
    }
}

#[test]
fn blocks_of_an_earlier_life_of_a_segment_end_the_log() {
    let bed = Bed::new(500, 0);
    let last = bed.last_segment();
    let disk = bed.disk.crash_image(1).mount();
    // As recycling leaves it: the bytes of an old segment in a new one's name.
    let old = disk.read_file(&segment_path(last - 2));
    disk.write_file(&segment_path(last + 1), &old);
    let engine = open(&disk, &large()).unwrap();
    assert_eq!(content(&engine).unwrap(), bed.states[500]);
    assert_eq!(engine.recovery().beyond.blocks, 0, "{}", engine.recovery());
    // The same within the last segment, in place of its blocks behind the end.
    let disk = bed.disk.crash_image(1).mount();
    let block = bed.geometry.block(bed.flushed) + 1;
    let offset = bed.geometry.block_offset(block);
    disk.overwrite(&segment_path(last), offset, &old[offset as usize..]);
    let engine = open(&disk, &large()).unwrap();
    assert_eq!(content(&engine).unwrap(), bed.states[500]);
}

#[test]
fn a_header_that_is_split_over_two_blocks_is_read_and_its_damage_found() {
    let mut bed = Bed::new(0, 0);
    let engine = open(&bed.disk, &large()).unwrap();
    // Until the next header begins less than its length before the end of a block.
    let is_split = |at: Lsn| at.0 % bed.geometry.payload_bytes > bed.geometry.payload_bytes - 24;
    let split = (1..400).find(|_| {
        is_split(engine.wal_positions().0) || {
            let mut operation = engine.operation();
            operation.page(PageId::new(FILE, 0)).unwrap().write(0, &[1; 8]).unwrap();
            engine.commit(operation).is_err()
        }
    });
    assert!(split.is_some());
    let at = engine.wal_positions().0;
    bed.states = vec![content(&engine).unwrap()];
    let mut operation = engine.operation();
    operation.page(PageId::new(FILE, 1)).unwrap().write(0, b"split").unwrap();
    engine.commit(operation).unwrap();
    let after = content(&engine).unwrap();
    drop(engine);
    assert_eq!(recover(&bed.disk.crash_image(1).mount(), &large()).unwrap(), after);
    // What is in the next block.
    let disk = bed.disk.crash_image(1).mount();
    bed.overwrite(&disk, at.plus(23), &[0xEE]);
    let recovered = open(&disk, &large()).unwrap();
    assert!(recovered.recovery().stop_reason.contains("record header checksum"));
    assert_eq!(content(&recovered).unwrap(), bed.states[0]);
}

#[test]
fn a_segment_that_is_missing_in_the_middle_is_a_hole_and_the_first_one_is_named() {
    let bed = Bed::new(500, 0);
    let last = bed.last_segment();
    let disk = bed.disk.crash_image(1).mount();
    disk.remove_now(&segment_path(last - 1));
    let fault = bed.refused(&disk).to_string();
    assert!(fault.contains(&format!("there is no {}", segment_path(last - 1))), "{fault}");
    assert!(fault.contains("valid block"), "{fault}");
    let disk = bed.disk.crash_image(1).mount();
    disk.remove_now(&segment_path(1));
    assert!(matches!(bed.refused(&disk), WalFault::MissingSegment { .. }));
    assert_eq!(survey(&disk).stop_reason(), format!("there is no {}", segment_path(1)));
}

#[test]
fn a_gigantic_segment_is_read_no_further_than_a_segment_goes() {
    let bed = Bed::new(500, 0);
    let last = bed.last_segment();
    for segment in [last - 1, last, last + 1] {
        let disk = bed.disk.crash_image(1).mount();
        if segment > last {
            disk.write_file(&segment_path(segment), &[]);
        }
        disk.truncate(&segment_path(segment), 1 << 40);
        let reads = disk.reads();
        assert_eq!(recover(&disk, &large()).unwrap(), bed.states[500]);
        assert!(disk.reads() - reads < 5000, "{} reads", disk.reads() - reads);
    }
}

/// Damage: a segment, an offset, the bytes there, whether they are all zero.
fn damage() -> impl Strategy<Value = (u64, u64, Vec<u8>, bool)> {
    let bytes = prop::collection::vec(any::<u8>(), 1..3000);
    (0..6u64, 0..65_536u64, bytes, any::<bool>())
}

#[test]
fn whatever_the_bytes_are_the_store_refuses_or_has_a_state_that_it_went_through() {
    let bed = Arc::new(Bed::new(500, 60));
    let [refused, cut] = [0, 0].map(AtomicU64::new);
    let cases = ProptestConfig { cases: 250, failure_persistence: None, ..Default::default() };
    proptest!(cases, |(damages in prop::collection::vec(damage(), 1..4))| {
        let disk = bed.disk.crash_image(3).mount();
        let mut first = Lsn(u64::MAX);
        for (segment, offset, bytes, is_zero) in damages {
            let number = 1 + segment % bed.last_segment();
            let room = (64 << 10) - offset as usize;
            let mut bytes = bytes[..bytes.len().min(room)].to_vec();
            if is_zero {
                bytes.fill(0);
            }
            disk.overwrite(&segment_path(number), offset, &bytes);
            first = first.min(bed.position(number, offset));
        }
        let before = files_of(&disk);
        match open(&disk, &large()) {
            Ok(engine) => {
                let found = content(&engine).unwrap();
                let state = bed.states.iter().position(|state| *state == found);
                prop_assert!(state.is_some(), "no state: {}", engine.recovery());
                let (present, report) = (bed.commits_to(first).min(500), engine.recovery());
                prop_assert!(state >= Some(present), "{state:?} of {present}: {report}");
                cut.fetch_add(u64::from(state < Some(560)), Ordering::Relaxed);
            }
            Err(error) => {
                prop_assert!(matches!(error, Error::Wal(_)), "{error}");
                prop_assert_eq!(files_of(&disk), before, "changed");
                refused.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let [refused, cut] = [refused, cut].map(AtomicU64::into_inner);
    println!("{refused} refused, {cut} cut short");
    assert!(refused > 50);
}
