//! The last positions of a log: what is refused there, by whom, and that nothing is lost.

mod common;

use common::{config, create, files_of, forged::forged_record, open};
use seawall_core::checkpoint::Urgency;
use seawall_core::control::{CONTROL_FILE, Control, ControlFile, Slots};
use seawall_core::engine::Engine;
use seawall_core::error::{Error, Result, WalFault};
use seawall_core::files::FileOptions;
use seawall_core::lsn::Lsn;
use seawall_core::page::{FileId, PageId};
use seawall_core::sim::SimDisk;
use seawall_core::wal::position::{Geometry, segment_path};
use seawall_core::wal::record::RECORD_HEADER_BYTES;

/// Behind every position.
const LIMIT: Lsn = Lsn(1 << 51);
/// Where operations end.
const OPERATIONS: Lsn = Lsn(LIMIT.0 - (1 << 40));

fn geometry() -> Geometry {
    Geometry::new(&config().format)
}

/// An empty store whose log begins so many segments before the one that a position is in.
fn store_before(lsn: Lsn, segments: u64) -> SimDisk {
    let disk = SimDisk::new();
    create(&disk, &config()).unwrap();
    let (_, control) = Slots::read(&disk).unwrap().latest().unwrap();
    disk.remove_now(CONTROL_FILE);
    disk.remove_now(&segment_path(1));
    let segment = geometry().segment(lsn) - segments;
    let start = geometry().segment_start(segment);
    disk.write_file(&segment_path(segment), &vec![0; geometry().segment_bytes() as usize]);
    let control = Control { redo: start, checkpoint: start, checkpoint_end: start, ..control };
    ControlFile::create(&disk, control).unwrap();
    disk
}

fn commit(engine: &Engine, value: u8) -> Result<Lsn> {
    let mut operation = engine.operation();
    operation.page(PageId::new(FileId(1), 0))?.write(0, &[value; 8])?;
    engine.commit(operation)
}

fn is_exhausted<T>(result: &Result<T>) -> bool {
    matches!(result, Err(Error::WalExhausted { .. }))
}

#[test]
fn operations_are_refused_at_the_end_and_the_store_can_be_read_closed_and_opened() {
    let disk = store_before(OPERATIONS, 1);
    let engine = open(&disk, &config()).unwrap();
    let file = engine.create_file(FileOptions::default()).unwrap();
    engine.extend(file, 1).unwrap();
    let (mut value, mut last) = (0, Lsn::ZERO);
    let refused = loop {
        match commit(&engine, value + 1) {
            Ok(end) => (value, last) = (value + 1, end),
            refused => break refused,
        }
    };
    assert!(is_exhausted(&refused), "{refused:?}");
    assert!(last <= OPERATIONS && last > geometry().segment_start(geometry().segment(OPERATIONS)));
    assert!(is_exhausted(&engine.extend(file, 1)) && is_exhausted(&engine.truncate(file, 0)));
    assert!(is_exhausted(&engine.drop_file(file)));
    engine.checkpoint(Urgency::Immediate).unwrap();
    drop(engine);
    for is_closed in [true, false] {
        let engine = open(&disk, &config()).unwrap();
        assert_eq!(engine.read(PageId::new(file, 0)).unwrap()[..8], [value; 8]);
        assert_eq!(engine.blocks(file).unwrap(), 1);
        assert!(is_exhausted(&commit(&engine, 0)) && engine.poisoned().is_none());
        if is_closed {
            engine.close().unwrap();
        }
    }
}

/// A store whose log has no position for a further checkpoint.
fn at_the_end() -> SimDisk {
    let disk = store_before(Lsn(LIMIT.0 - 8), 0);
    // Each opening takes a record of 32 bytes at least, of a segment of less than 4096.
    for _ in 0..128 {
        let Ok(engine) = open(&disk, &config()) else { return disk };
        let closed = engine.close();
        assert!(closed.is_ok() || is_exhausted(&closed), "{closed:?}");
    }
    panic!("positions without an end");
}

#[test]
fn where_there_is_no_position_for_a_checkpoint_a_store_is_not_opened_and_stays_as_it_is() {
    let disk = at_the_end();
    let before = files_of(&disk);
    for _ in 0..2 {
        let refused = open(&disk, &config()).map(drop);
        assert!(is_exhausted(&refused), "{refused:?}");
        assert_eq!(files_of(&disk), before);
    }
}

#[test]
fn a_record_that_ends_where_no_position_is_was_written_by_nobody() {
    let disk = at_the_end();
    let (_, control) = Slots::read(&disk).unwrap().latest().unwrap();
    let end = control.checkpoint_end;
    let path = segment_path(geometry().segment(end));
    let mut bytes = disk.read_file(&path);
    let (last, offset) = (geometry().offset(control.checkpoint), geometry().offset(end));
    let (kind, length) = (bytes[last as usize + 16], (LIMIT.0 - end.0) as usize);
    let record = forged_record(length as u32, end.0, kind, &vec![0; length - RECORD_HEADER_BYTES]);
    bytes[offset as usize..][..record.len()].copy_from_slice(&record);
    disk.write_file(&path, &bytes);
    let Err(Error::Wal(WalFault::BadContent { lsn, reason })) = open(&disk, &config()).map(drop)
    else {
        panic!("a position that does not exist")
    };
    assert_eq!(lsn, end);
    assert!(reason.contains("expected below"), "{reason}");
}
