//! A reader that follows the log of an open store on real files, past the page cache's back.

use seawall::{
    Config, Error, FileOptions, Format, Lsn, PageId, Record, RecordKind, Store, WalFault,
};
use std::time::Duration;

/// One segment holds everything, and no checkpoint takes it away.
fn config() -> Config {
    let format = Format { wal_segment_bytes: 64 << 20, ..Format::default() };
    Config { format, checkpoint_timeout: Duration::from_secs(3600), ..Config::default() }
}

#[test]
fn a_reader_beside_writers_sees_each_commit_once_and_none_before_it_is_durable() {
    const COMMITS: u64 = 2000;
    let parent = tempfile::tempdir().unwrap();
    let store = Store::create(parent.path().join("store"), config()).unwrap();
    let file = store.create_file(FileOptions::default()).unwrap();
    store.extend(file, 2).unwrap();
    let (end, _, _) = store.wal_positions();
    store.wait_durable(end).unwrap();
    let mut reader = store.wal_reader(end).unwrap();
    let commits = |block: u32| -> Vec<Lsn> {
        let commit = |number: u64| {
            let mut operation = store.operation();
            let bytes = number.to_le_bytes();
            operation.page(PageId::new(file, block)).unwrap().write(8, &bytes).unwrap();
            match number % 4 {
                0 => store.commit(operation).unwrap(),
                _ => store.commit_async(operation).unwrap(),
            }
        };
        (1..=COMMITS).map(commit).collect()
    };
    let mut read = |count: u64| -> Vec<Record> {
        let mut records = Vec::new();
        while (records.len() as u64) < count {
            let Some(record) = reader.next().unwrap() else { continue };
            let (_, _, flushed) = store.wal_positions();
            assert!(record.end <= flushed, "{} is durable up to {flushed}", record.end);
            records.extend((record.kind == RecordKind::Pages).then_some(record));
        }
        records
    };
    let (mut committed, records) = std::thread::scope(|scope| {
        let writers = [0, 1].map(|block| scope.spawn(move || commits(block)));
        let records = read(2 * COMMITS);
        (writers.map(|writer| writer.join().unwrap()).concat(), records)
    });
    committed.sort_unstable();
    assert_eq!(records.iter().map(|record| record.end).collect::<Vec<_>>(), committed);
    assert!(records.is_sorted_by(|before, after| before.end <= after.start));
}

#[test]
fn a_reader_that_checkpoints_have_overtaken_is_told_so() {
    let parent = tempfile::tempdir().unwrap();
    let format = Format { wal_segment_bytes: 64 << 10, ..Format::default() };
    let config = Config { format, wal_min_bytes: 0, wal_max_bytes: 256 << 10, ..config() };
    let store = Store::create(parent.path().join("store"), config).unwrap();
    let file = store.create_file(FileOptions::default()).unwrap();
    store.extend(file, 1).unwrap();
    let (_, _, start) = store.wal_positions();
    let mut reader = store.wal_reader(start).unwrap();
    for number in 0..100_u8 {
        let mut operation = store.operation();
        operation.page(PageId::new(file, 0)).unwrap().write(0, &[number; 4000]).unwrap();
        store.commit(operation).unwrap();
        if number % 20 == 19 {
            store.checkpoint().unwrap();
        }
    }
    let mut last = start;
    let error = loop {
        match reader.next() {
            Ok(record) => last = record.expect("more is durable").end,
            Err(error) => break error,
        }
    };
    let expected = matches!(error, Error::Wal(WalFault::Recycled { lsn, .. }) if lsn == last);
    assert!(expected, "{error}");
}
