//! A reader that follows the log while it is written: every record once, in order, none before it
//! is durable; and an error when the log is recycled under it.

mod common;

use common::{config, engine_on};
use proptest::prelude::*;
use seawall_core::checkpoint::Urgency;
use seawall_core::disk::Disk;
use seawall_core::engine::Engine;
use seawall_core::error::{Error, WalFault};
use seawall_core::files::FileOptions;
use seawall_core::lsn::Lsn;
use seawall_core::page::{FileId, PageId};
use seawall_core::sim::{Fault, ReadFault, SimDisk};
use seawall_core::wal::background::WalWriter;
use seawall_core::wal::position::{Geometry, WAL_DIR, segment_path};
use seawall_core::wal::reader::Record;
use seawall_core::wal::record::RecordKind;
use seawall_core::wal::tail::TailReader;
use std::collections::VecDeque;

const BLOCKS: u32 = 4;

#[derive(Debug, Clone)]
enum Step {
    /// Writes this many bytes, and waits until they are durable or does not.
    Commit { block: u32, bytes: usize, durably: bool },
    /// A round of the WAL writer, which makes a part durable.
    Round,
    /// Moves the redo point, and retires segments.
    Checkpoint,
    /// Reads until there is nothing more, or this many records.
    Read(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let commit = (0..BLOCKS, 8..3000_usize, any::<bool>())
        .prop_map(|(block, bytes, durably)| Step::Commit { block, bytes, durably });
    prop_oneof![
        6 => commit,
        2 => Just(Step::Round),
        1 => Just(Step::Checkpoint),
        4 => (1..6_usize).prop_map(Step::Read),
    ]
}

/// A store, and who follows its log.
struct Bed {
    disk: SimDisk,
    engine: Engine,
    file: FileId,
    writer: WalWriter,
    commits: u64,
    /// The ends of the operations that the reader has not seen.
    expected: VecDeque<Lsn>,
    reader: TailReader,
    recycled: u32,
}

impl Bed {
    fn new() -> Self {
        let disk = SimDisk::new();
        let engine = engine_on(&disk, &config());
        let file = engine.create_file(FileOptions::default()).unwrap();
        engine.extend(file, BLOCKS).unwrap();
        engine.checkpoint(Urgency::Immediate).unwrap();
        let (_, _, flushed) = engine.wal_positions();
        let reader = engine.wal_reader(flushed).unwrap();
        let (writer, expected) = (WalWriter::default(), VecDeque::new());
        Self { disk, engine, file, writer, commits: 0, expected, reader, recycled: 0 }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Commit { block, bytes, durably } => self.commit(*block, *bytes, *durably),
            Step::Round => {
                self.engine.wal_writer_round(&mut self.writer).unwrap();
            }
            Step::Checkpoint => {
                self.engine.checkpoint(Urgency::Immediate).unwrap();
            }
            Step::Read(records) => {
                for _ in 0..*records {
                    if !self.read() {
                        break;
                    }
                }
            }
        }
    }

    fn commit(&mut self, block: u32, bytes: usize, durably: bool) {
        self.commits += 1;
        let content = self.commits.to_le_bytes().repeat(bytes.div_ceil(8));
        let mut operation = self.engine.operation();
        operation.page(PageId::new(self.file, block)).unwrap().write(0, &content).unwrap();
        let end = match durably {
            true => self.engine.commit(operation).unwrap(),
            false => self.engine.commit_async(operation).unwrap(),
        };
        self.expected.push_back(end);
    }

    /// Reads a record, if there is one, and checks that it is the next.
    fn read(&mut self) -> bool {
        let position = self.reader.position();
        match self.reader.next() {
            Ok(Some(record)) => self.check(position, &record),
            Ok(None) => {
                let (_, _, flushed) = self.engine.wal_positions();
                let next = self.expected.front();
                assert!(next.is_none_or(|end| *end > flushed), "{next:?} is durable");
                return false;
            }
            Err(error) => self.start_again(position, &error),
        }
        true
    }

    fn check(&mut self, position: Lsn, record: &Record) {
        let (_, _, flushed) = self.engine.wal_positions();
        assert_eq!(record.start, position);
        assert!(record.end <= flushed, "{} is durable up to {flushed}", record.end);
        if record.kind == RecordKind::Pages {
            assert_eq!(Some(record.end), self.expected.pop_front());
        } else {
            assert_eq!(record.kind, RecordKind::Checkpoint);
        }
    }

    /// The segment is gone: whoever wants to go on begins where there is something.
    fn start_again(&mut self, position: Lsn, error: &Error) {
        let name = segment_path(Geometry::new(&config().format).segment(position));
        let Error::Wal(WalFault::Recycled { lsn, segment }) = error else { panic!("{error}") };
        assert_eq!((*lsn, segment), (position, &name));
        let present = self.disk.list(WAL_DIR).unwrap();
        assert!(present.iter().all(|found| format!("{WAL_DIR}/{found}") != name), "{error}");
        self.recycled += 1;
        // Not where the last commit ends: the checkpoints since may have recycled that segment.
        let (end, ..) = self.engine.wal_positions();
        self.engine.wait_durable(end).unwrap();
        self.expected.clear();
        self.reader = self.engine.wal_reader(end).unwrap();
    }

    fn finish(mut self) -> u32 {
        let (reserved, _, _) = self.engine.wal_positions();
        self.engine.wait_durable(reserved).unwrap();
        while self.read() {}
        assert!(self.expected.is_empty(), "{:?} were not seen", self.expected);
        self.recycled
    }
}

/// A failing case prints its steps: they are the replay.
fn settings() -> ProptestConfig {
    ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn a_reader_sees_every_durable_record_once_and_in_order_or_says_that_it_was_too_slow(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut bed = Bed::new();
        steps.iter().for_each(|step| bed.take(step));
        bed.finish();
    }
}

#[test]
fn a_reader_that_is_too_slow_names_the_segment_that_is_gone() {
    let mut bed = Bed::new();
    bed.commit(0, 100, true);
    assert!(bed.read());
    for number in 0..20 {
        bed.commit(number % BLOCKS, 3000, true);
    }
    for _ in 0..2 {
        bed.engine.checkpoint(Urgency::Immediate).unwrap();
    }
    // What it has open, or in memory, may still be what it was.
    let error = loop {
        match bed.reader.next() {
            Ok(record) => assert!(record.is_some(), "there are more"),
            Err(error) => break error,
        }
    };
    let words = error.to_string();
    assert!(words.contains("wal/0") && words.contains("was recycled or removed"), "{words}");
    bed.start_again(bed.reader.position(), &error);
    assert_eq!(bed.finish(), 1);
}

#[test]
fn a_reader_begins_at_a_record_and_nowhere_else() {
    let mut bed = Bed::new();
    bed.commit(0, 100, true);
    bed.commit(1, 100, true);
    let start = bed.expected[0];
    let refused = |lsn: Lsn| bed.engine.wal_reader(lsn).err().expect("refused");
    for lsn in [start.plus(8), start.plus(80), start.plus(4), Lsn::ZERO, Lsn(8)] {
        let error = refused(lsn);
        let expected =
            matches!(error, Error::Wal(WalFault::NotARecord { lsn: at, .. }) if at == lsn);
        assert!(expected, "{lsn}: {error}");
    }
    for lsn in [Lsn(u64::MAX), bed.expected[1].plus(8)] {
        assert!(matches!(refused(lsn), Error::BeyondWal { .. }), "{lsn}");
    }
    let mut reader = bed.engine.wal_reader(start).unwrap();
    assert_eq!(reader.next().unwrap().unwrap().start, start);
}

#[test]
fn a_start_that_no_record_can_have_is_refused_before_it_is_durable() {
    let mut bed = Bed::new();
    bed.commit(0, 100, true);
    bed.commit(0, 100, false);
    let unaligned = bed.expected[1].plus(4);
    bed.commit(0, 100, false);
    let error = bed.engine.wal_reader(unaligned).err().expect("refused");
    assert!(error.to_string().contains("expected a multiple of 8"), "{error}");
}

#[test]
fn a_record_that_is_read_wrong_once_is_read_again() {
    for fault in ReadFault::ALL {
        let mut bed = Bed::new();
        bed.commit(0, 100, true);
        bed.disk.fail_at(1, Fault::read(fault));
        assert!(bed.read(), "{fault:?}");
        assert!(bed.disk.first_failure().is_some() || fault == ReadFault::Stale, "{fault:?}");
    }
}

#[test]
fn a_start_that_is_not_durable_yet_is_checked_once_it_is() {
    let mut bed = Bed::new();
    bed.commit(0, 100, true);
    let durable = bed.expected[0];
    bed.commit(0, 100, false);
    bed.commit(0, 100, false);
    let mut good = bed.engine.wal_reader(bed.expected[1]).unwrap();
    let mut bad = bed.engine.wal_reader(durable.plus(8)).unwrap();
    assert!(good.next().unwrap().is_none() && bad.next().unwrap().is_none());
    bed.engine.wait_durable(bed.expected[2]).unwrap();
    assert_eq!(good.next().unwrap().unwrap().end, bed.expected[2]);
    let error = bad.next().unwrap_err();
    assert!(matches!(error, Error::Wal(WalFault::NotARecord { .. })), "{error}");
}

#[test]
fn a_durable_record_that_is_damaged_is_no_end() {
    let mut bed = Bed::new();
    bed.commit(0, 100, true);
    bed.commit(0, 100, true);
    let geometry = Geometry::new(&config().format);
    let end = bed.expected[0];
    bed.disk.overwrite(&segment_path(geometry.segment(end)), geometry.offset(end), &[0; 16]);
    assert!(bed.read());
    let error = bed.reader.next().unwrap_err();
    assert!(matches!(error, Error::Wal(WalFault::BadContent { lsn, .. }) if lsn == end), "{error}");
    assert_eq!(bed.reader.position(), end);
}
