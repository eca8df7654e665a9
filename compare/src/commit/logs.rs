//! Logs, which have no index or a small one: raft-engine and okaywal.

use super::{Committer, Entered, Entrant, RECORD_BYTES, Record, TempDir, each, temp_dir};
use ::okaywal::{LogVoid, WriteAheadLog};
use ::raft_engine::{Config, Engine, LogBatch, ReadableSize};

struct RaftEngine {
    engine: Engine,
    // Last: removed when the engine is gone.
    _dir: TempDir,
}

/// The key that each thread puts, in a raft group of its own: the engine keeps one value of it.
const KEY: &[u8] = b"record";

/// Files of 128 MiB: 6 of them, by the engine's own reckoning.
const FILLED_BYTES: u64 = 512 << 20;

pub(super) fn raft_engine() -> Entered {
    Ok(Box::new(RaftEngine::new(Config::default())))
}

pub(super) fn raft_engine_filled() -> Entered {
    let config = Config {
        prefill_for_recycle: true,
        prefill_limit: Some(ReadableSize(FILLED_BYTES)),
        ..Config::default()
    };
    let file_bytes = config.target_file_size.0 as usize;
    let entrant = RaftEngine::new(config);
    entrant.write_first_file(file_bytes);
    Ok(Box::new(entrant))
}

impl RaftEngine {
    fn new(config: Config) -> Self {
        let dir = temp_dir();
        let path = dir.path().to_str().expect("a path of characters").to_owned();
        let engine = Engine::open(Config { dir: path, ..config }).expect("an engine");
        Self { engine, _dir: dir }
    }

    /// Writes more than a file: the first one is not among those that are filled in advance.
    fn write_first_file(&self, file_bytes: usize) {
        let big = vec![0; 1 << 10];
        let mut written = 0;
        while written <= file_bytes {
            written += self.put(0, &big, false);
        }
        self.put(0, &big, true);
    }

    fn put(&self, group: u64, value: &[u8], sync: bool) -> usize {
        let mut batch = LogBatch::with_capacity(1);
        batch.put(group, KEY.to_vec(), value.to_vec()).expect("not too big");
        self.engine.write(&mut batch, sync).expect("a good disk")
    }
}

impl Entrant for RaftEngine {
    fn committers(&self, count: usize) -> Vec<Committer<'_>> {
        each(count, |thread| {
            let group = thread as u64 + 1;
            move |record: &Record| {
                let written = self.put(group, record, true);
                assert!(written >= RECORD_BYTES, "{written} bytes were written");
            }
        })
    }
}

struct OkayWal {
    log: WriteAheadLog,
    _dir: TempDir,
}

pub(super) fn okaywal() -> Entered {
    let dir = temp_dir();
    let log = WriteAheadLog::recover(dir.path().join("log"), LogVoid).expect("a log");
    Ok(Box::new(OkayWal { log, _dir: dir }))
}

impl Entrant for OkayWal {
    fn committers(&self, count: usize) -> Vec<Committer<'_>> {
        each(count, |_| {
            |record: &Record| {
                let mut entry = self.log.begin_entry().expect("an entry");
                entry.write_chunk(record).expect("a write");
                entry.commit().expect("a commit");
            }
        })
    }
}
