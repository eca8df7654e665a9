//! A store whose content tells how far it has come.
//!
//! The n-th operation writes n all over one of a few pages in turns, and over the last page: so
//! what survives must be the first so many operations, none by half.

use seawall::{Config, Error, FileId, FileOptions, Format, PageId, Result, Store};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Pages that take turns.
const PAGES: u32 = 40;
const LAST: u32 = PAGES;
const BODY_BYTES: usize = 4000;

pub(crate) struct Work {
    dir: PathBuf,
    pub(crate) config: Config,
    store: Option<Store>,
    file: FileId,
    /// Operations that were acknowledged.
    pub(crate) acked: u64,
}

/// A log of small segments, and no checkpoint but those that are asked for.
pub(crate) fn config() -> Config {
    Config {
        format: Format {
            wal_segment_bytes: 256 << 10,
            data_segment_bytes: 1 << 20,
            ..Format::default()
        },
        buffers: 64,
        wal_buffer_bytes: 64 << 10,
        wal_min_bytes: 1 << 20,
        checkpoint_timeout: Duration::from_secs(3600),
        ..Config::default()
    }
}

/// The same through the page cache, made durable by syncs.
pub(crate) fn buffered() -> Config {
    let wal_sync = seawall::WalSync::Fdatasync;
    Config { data_direct: false, wal_direct: false, wal_sync, ..config() }
}

impl Work {
    pub(crate) fn new(dir: &Path, config: Config) -> Self {
        let dir = dir.join("store");
        let store = Store::create(&dir, config).unwrap();
        let file = store.create_file(FileOptions::default()).unwrap();
        store.extend(file, PAGES + 1).unwrap();
        store.checkpoint().unwrap();
        Self { dir, config, store: Some(store), file, acked: 0 }
    }

    pub(crate) fn store(&self) -> &Store {
        self.store.as_ref().expect("it is open")
    }

    pub(crate) fn file(&self) -> FileId {
        self.file
    }

    fn page(&self, block: u32) -> PageId {
        PageId::new(self.file, block)
    }

    /// The next operation.
    pub(crate) fn commit(&mut self) -> Result<()> {
        let number = self.acked + 1;
        let store = self.store();
        let mut operation = store.operation();
        for block in [turn_of(number), LAST] {
            let body = number.to_le_bytes().repeat(BODY_BYTES / 8);
            operation.page(self.page(block))?.write(0, &body)?;
        }
        store.commit(operation)?;
        self.acked = number;
        Ok(())
    }

    /// Operations until one fails, at most so many.
    pub(crate) fn commit_until_refused(&mut self, most: u64) -> Option<Error> {
        (0..most).find_map(|_| self.commit().err())
    }

    /// Checks that what is there are the operations up to one, and returns that.
    pub(crate) fn found(&self) -> u64 {
        let number = |block| {
            let body = self.store().read(self.page(block)).unwrap();
            let words = body[..BODY_BYTES].chunks(8);
            let mut words = words.map(|word| u64::from_le_bytes(word.try_into().unwrap()));
            let first = words.next().unwrap();
            assert!(words.all(|word| word == first), "block {block} is half {first}");
            first
        };
        let last = number(LAST);
        for block in 0..PAGES {
            let of_the_block = |number: &u64| turn_of(*number) == block;
            let expected = (1..=last).rev().find(of_the_block).unwrap_or(0);
            assert_eq!(number(block), expected, "block {block}, the last operation is {last}");
        }
        last
    }

    /// Drops the store as it is: as a crash of the process does.
    pub(crate) fn drop_store(&mut self) {
        self.store = None;
    }

    pub(crate) fn try_open(&mut self) -> Result<()> {
        self.store = Some(Store::open(&self.dir, self.config)?);
        Ok(())
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Opens the store again and checks that all that was acknowledged is there, and at most the
    /// one operation besides that was under way; that it goes on, and can be closed.
    pub(crate) fn recover(&mut self) -> u64 {
        self.drop_store();
        self.try_open().unwrap();
        let found = self.found();
        assert!((self.acked..=self.acked + 1).contains(&found), "{} of {found}", self.acked);
        self.acked = found;
        self.commit().unwrap();
        self.store.take().expect("it is open").close().unwrap();
        self.try_open().unwrap();
        assert_eq!(self.found(), self.acked);
        found
    }
}

fn turn_of(number: u64) -> u32 {
    (number % u64::from(PAGES)) as u32
}

/// Checks an error that leaves nothing in doubt: it names the operation, the file and what the
/// system has said.
pub(crate) fn refused(error: &Error, op_and_file: &str, errno: i32) {
    let said = error.to_string();
    assert!(matches!(error, Error::Io { .. }), "{said}");
    assert!(said.starts_with(op_and_file), "{said:?}, expected {op_and_file:?}");
    assert!(said.contains(&format!("(os error {errno})")), "{said}");
}

/// Checks that a store is poisoned, and what it says of the reason.
pub(crate) fn poisoned(error: &Error) -> String {
    match error {
        Error::Poisoned(cause) => {
            assert!(cause.errno.is_some(), "{cause}");
            cause.to_string()
        }
        other => panic!("expected poison, got {other}"),
    }
}
