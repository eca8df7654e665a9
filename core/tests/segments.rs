//! Segments of the log: how many are kept, who keeps them, and what old ones are taken for.

mod common;

use common::{TestClock, config, engine_on, open};
use seawall_core::checkpoint::{CheckpointStats, Urgency};
use seawall_core::config::Config;
use seawall_core::disk::Disk;
use seawall_core::engine::Engine;
use seawall_core::error::Error;
use seawall_core::files::FileOptions;
use seawall_core::lsn::Lsn;
use seawall_core::page::{FileId, PageId};
use seawall_core::recovery::RecoveryReport;
use seawall_core::sim::{CrashOptions, ENOSPC, Fault, OpKind, SimDisk};
use seawall_core::sync::Mutex;
use seawall_core::wal::position::{Geometry, parse_segment, segment_path};
use seawall_core::wal::reader::WalReader;
use seawall_core::wal::record::{BlockHeader, RECORD_HEADER_BYTES, RecordHeader};
use std::collections::BTreeMap;
use std::sync::Arc;

const PAGE: PageId = PageId::new(FileId(1), 0);

/// A record of a commit is 64 bytes long, 62 of them fill a segment.
const CHANGE_BYTES: usize = 24;
const PER_SEGMENT: u64 = 62;

/// A store with one page.
fn store(config: &Config) -> (SimDisk, Engine) {
    let disk = SimDisk::new();
    let engine = engine_on(&disk, config);
    let file = engine.create_file(FileOptions::default()).unwrap();
    engine.extend(file, 1).unwrap();
    commit(&engine, 1);
    (disk, engine)
}

fn commit(engine: &Engine, commits: u64) {
    for number in 1..=commits {
        let mut operation = engine.operation();
        operation.page(PAGE).unwrap().write(0, &[number as u8; CHANGE_BYTES]).unwrap();
        engine.commit(operation).unwrap();
    }
}

fn checkpoint(engine: &Engine) -> CheckpointStats {
    engine.checkpoint(Urgency::Immediate).unwrap()
}

fn segments(disk: &SimDisk) -> Vec<u64> {
    disk.list("wal").unwrap().iter().filter_map(|name| parse_segment(name)).collect()
}

fn geometry() -> Geometry {
    Geometry::new(&config().format)
}

fn segment_of(lsn: Lsn) -> u64 {
    geometry().segment(lsn)
}

#[test]
fn segments_are_kept_for_the_expected_distance_and_the_others_removed() {
    let (disk, engine) = store(&Config { wal_min_bytes: 0, wal_max_bytes: 1 << 20, ..config() });
    // Without an estimate yet, what is there is recycled as far as it has just been needed.
    commit(&engine, 10 * PER_SEGMENT);
    let busy = checkpoint(&engine);
    assert!(busy.segments.recycled >= 9 && busy.segments.removed == 0, "{busy}");
    let kept = segments(&disk);
    assert_eq!(kept[0], segment_of(busy.redo));
    assert!(kept.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{kept:?}");

    // Expecting less and less, it keeps less.
    let mut removed = 0;
    for _ in 0..40 {
        commit(&engine, PER_SEGMENT);
        removed += checkpoint(&engine).segments.removed;
    }
    assert!(removed > 3 && segments(&disk).len() < 7, "{removed}, {:?}", segments(&disk));
}

#[test]
fn no_more_is_kept_than_the_greatest_size_and_no_less_than_the_least() {
    let sizes = |min: u64, max: u64| {
        let bounds = Config { wal_min_bytes: min * 4096, wal_max_bytes: max * 4096, ..config() };
        let (disk, engine) = store(&bounds);
        commit(&engine, 10 * PER_SEGMENT);
        checkpoint(&engine);
        let after_much = segments(&disk).len();
        for _ in 0..60 {
            commit(&engine, 1);
            checkpoint(&engine);
        }
        (after_much, segments(&disk).len())
    };
    let (after_much, after_little) = sizes(0, 4);
    assert!(after_much == 4 && after_little <= 3, "{after_much}, {after_little}");
    let (after_much, after_little) = sizes(6, 8);
    assert!(after_much == 8 && (6..=8).contains(&after_little), "{after_much}, {after_little}");
}

#[test]
fn a_checkpoint_leaves_a_whole_segment_ahead_for_commits_that_find_no_space() {
    let (disk, engine) = store(&config());
    commit(&engine, 3);
    checkpoint(&engine);
    let (end, ..) = engine.wal_positions();
    assert!(segments(&disk).contains(&(segment_of(end) + 1)));
    disk.fail_at(1, Fault::persistent(ENOSPC).only(OpKind::Allocate));
    commit(&engine, PER_SEGMENT);
    let full = engine.checkpoint(Urgency::Immediate).map(|stats| stats.redo);
    assert_eq!(full.ok(), engine.checkpoints().last.map(|last| last.redo), "it is complete");
    assert!(!disk.exists("wal/new"), "the space is given back");
}

#[test]
fn a_full_disk_refuses_commits_that_have_not_happened_and_completes_every_checkpoint() {
    let (disk, engine) = store(&config());
    disk.fail_at(1, Fault::persistent(ENOSPC).only(OpKind::Allocate));
    let mut last = 1;
    for round in 0..20 {
        // Those that do not wait fill the ring, which no refusal may leave without a way out.
        let waits = round % 2 == 0;
        let error = (0..1000).find_map(|number| {
            let mut operation = engine.operation();
            operation.page(PAGE).unwrap().write(0, &[number as u8; CHANGE_BYTES]).unwrap();
            let done =
                if waits { engine.commit(operation) } else { engine.commit_async(operation) };
            done.map(|_| last = number as u8).err()
        });
        let error = error.expect("there is no space");
        assert!(matches!(&error, Error::Io { op: "allocate", .. }), "round {round}: {error}");
        assert_eq!(engine.read(PAGE).unwrap()[0], last, "round {round}: it is undone");
        checkpoint(&engine);
    }
    disk.clear_faults();
    commit(&engine, 3 * PER_SEGMENT);
    drop(engine);
    assert_eq!(open(&disk, &config()).unwrap().read(PAGE).unwrap()[0], (3 * PER_SEGMENT) as u8);
}

#[test]
fn a_slot_keeps_the_log_from_its_position_on_until_it_advances() {
    let (disk, engine) = store(&config());
    commit(&engine, PER_SEGMENT);
    let (from, ..) = engine.wal_positions();
    let slot = engine.wal_slot("reader", from).unwrap();
    for _ in 0..6 {
        commit(&engine, PER_SEGMENT);
        checkpoint(&engine);
    }
    assert_eq!(segments(&disk)[0], segment_of(from));
    assert_eq!(engine.wal_slots()[0].name, "reader");
    let mut reader = WalReader::new(Arc::new(disk.clone()), geometry(), 0x5EA, from);
    let mut records = 0;
    while reader.read().unwrap().is_ok() {
        records += 1;
    }
    let (_, _, end) = engine.wal_positions();
    assert!(records > 6 * PER_SEGMENT && reader.position() == end, "{records}");

    slot.advance(end);
    checkpoint(&engine);
    assert_eq!(segments(&disk)[0], segment_of(end));
    drop(slot);
    assert!(engine.wal_slots().is_empty());
    let gone = engine.wal_slot("late", from).map(drop).unwrap_err();
    let oldest = engine.wal_oldest();
    assert!(matches!(gone, Error::WalGone { lsn, oldest: o } if lsn == from && o == oldest));
    drop(engine.wal_slot("in time", oldest).unwrap());
    let beyond = engine.wal_slot("early", end.plus(1 << 20)).map(drop);
    assert!(matches!(beyond, Err(Error::BeyondWal { .. })));
}

#[test]
fn the_log_that_a_crash_left_is_there_until_the_first_checkpoint_after_opening() {
    let (disk, engine) = store(&config());
    let (from, ..) = engine.wal_positions();
    commit(&engine, 3 * PER_SEGMENT);
    drop(engine);
    let engine = open(&disk, &config()).unwrap();
    let slot = engine.wal_slot("restarted", from).unwrap();
    assert!(engine.wal_oldest() <= from && engine.wal_slots().len() == 1);
    commit(&engine, 1);
    checkpoint(&engine);
    assert_eq!(segments(&disk)[0], segment_of(from));
    drop(slot);
    checkpoint(&engine);
    assert!(segments(&disk)[0] > segment_of(from));
}

/// Opens every disk that a crash may leave at any moment of `work`, each once; what recovery says.
fn crashes(disk: &SimDisk, seed: u64, work: impl FnOnce()) -> Vec<RecoveryReport> {
    let options = CrashOptions { max_subset: 6, seeded: 6, seed };
    let reports = Arc::new(Mutex::new(BTreeMap::new()));
    let collected = Arc::clone(&reports);
    disk.set_observer(Some(Box::new(move |disk, _| {
        for image in disk.crash_images(&options) {
            let disk = Arc::new(image.mount());
            let recovered = || {
                let engine = Engine::open(disk, config(), Arc::<TestClock>::default());
                let engine = engine.unwrap_or_else(|e| panic!("{e}; {}", image.describe()));
                engine.recovery().clone()
            };
            collected.lock().entry(image.digest()).or_insert_with(recovered);
        }
    })));
    work();
    disk.set_observer(None);
    std::mem::take(&mut *reports.lock()).into_values().collect()
}

#[test]
fn blocks_of_an_earlier_life_of_a_segment_are_not_taken_for_new_ones() {
    let (disk, engine) = store(&config());
    let mut stale = 0;
    for round in 0..PER_SEGMENT {
        if round % 7 == 0 {
            commit(&engine, PER_SEGMENT);
            checkpoint(&engine);
        }
        let (.., durable) = engine.wal_positions();
        let mut operation = engine.operation();
        operation.page(PAGE).unwrap().write(0, &[round as u8; 9 * CHANGE_BYTES]).unwrap();
        engine.commit_async(operation).unwrap();
        let (end, ..) = engine.wal_positions();
        // While the blocks are written and synced: any of their sectors may be there.
        for report in crashes(&disk, round, || engine.wait_durable(end).unwrap()) {
            assert!(report.end >= durable && report.end <= end, "{report}");
            stale += u64::from(report.stop_reason.contains("block address is"));
        }
    }
    println!("{stale} ends by a stale block");
    assert!(stale > 0, "no stale block was met");
}

/// Where a record of an earlier life stands at the start of the first block that is not written.
fn stale_record(disk: &SimDisk, end: Lsn) -> Option<Lsn> {
    let file = disk.read_file(&segment_path(segment_of(end)));
    let bytes = &file[geometry().offset(end) as usize..][..RECORD_HEADER_BYTES];
    let lsn = Lsn(u64::from_le_bytes(bytes[8..16].try_into().unwrap()));
    let is_record = RecordHeader::decode(bytes.try_into().unwrap(), lsn).is_ok();
    (is_record && geometry().block_start(geometry().block(end)) == end).then_some(lsn)
}

#[test]
fn records_of_an_earlier_life_of_a_segment_are_not_taken_for_new_ones() {
    let (disk, engine) = store(&config());
    // From here on records start at multiples of 32, as blocks do; zeros do not go into images.
    let (end, ..) = engine.wal_positions();
    let mut operation = engine.operation();
    let padding = vec![0; (end.0.next_multiple_of(32) - end.0) as usize];
    operation.page(PAGE).unwrap().write(0, &[vec![1; CHANGE_BYTES], padding].concat()).unwrap();
    engine.commit(operation).unwrap();
    commit(&engine, 4 * PER_SEGMENT);
    checkpoint(&engine);
    let mut commits = 0;
    let (end, lsn) = loop {
        let (end, ..) = engine.wal_positions();
        if let Some(lsn) = stale_record(&disk, end) {
            break (end, lsn);
        }
        commits += 1;
        assert!(commits < 40 * PER_SEGMENT, "no stale record was met");
        commit(&engine, 1);
        if commits % 63 == 0 {
            checkpoint(&engine);
        }
    };
    drop(engine);
    // As if the block had been about to be written, and its header alone had made it.
    let mut header = [0; 32];
    BlockHeader { system_id: 0x5EA, address: end, flushed_upto: end }.encode(&mut header);
    let offset = geometry().block_offset(geometry().block(end));
    disk.overwrite(&segment_path(segment_of(end)), offset, &header);
    let engine = open(&disk, &config()).unwrap();
    assert_eq!(engine.recovery().end, end);
    let expected = format!("record says it starts at {lsn}, expected {end}");
    assert_eq!(engine.recovery().stop_reason, expected);
}

/// Damage of what nobody needs any more must not become damage of what everybody needs.
#[test]
fn a_file_in_an_old_segments_place_does_not_become_part_of_the_log() {
    let (disk, engine) = store(&config());
    commit(&engine, 5 * PER_SEGMENT);
    checkpoint(&engine);
    drop(engine);
    let before_the_log = segments(&disk)[0] - 1;
    assert!(before_the_log > 0);
    disk.write_file(&segment_path(before_the_log), &[]);
    let engine = open(&disk, &config()).unwrap();
    assert_eq!(segment_of(engine.wal_oldest()), before_the_log);
    assert!(checkpoint(&engine).segments.removed > 0);
    assert!(!segments(&disk).contains(&before_the_log));
    commit(&engine, 1);
    drop(engine);
    open(&disk.durable_image().mount(), &config()).unwrap();
}
