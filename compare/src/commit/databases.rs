//! Stores that live in the process: redb, fjall, SQLite.

use super::{Committer, Entered, Entrant, Keys, Record, TempDir, each, temp_dir};
use ::fjall::{KeyspaceCreateOptions, PersistMode};
use ::redb::{Durability, TableDefinition};
use rusqlite::Connection;
use std::path::PathBuf;
use std::time::Duration;

struct Redb {
    database: ::redb::Database,
    keys: Keys,
    // Last, here and below: removed when the database is gone.
    _dir: TempDir,
}

const RECORDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("records");

pub(super) fn redb() -> Entered {
    let dir = temp_dir();
    let database = ::redb::Database::create(dir.path().join("redb")).expect("a database");
    Ok(Box::new(Redb { database, keys: Keys::default(), _dir: dir }))
}

impl Redb {
    fn insert(&self, record: &Record) -> Result<(), ::redb::Error> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        transaction.open_table(RECORDS)?.insert(self.keys.next(), record.as_slice())?;
        Ok(transaction.commit()?)
    }
}

impl Entrant for Redb {
    fn committers(&self, count: usize) -> Vec<Committer<'_>> {
        each(count, |_| |record: &Record| self.insert(record).expect("a commit"))
    }
}

struct Fjall {
    database: ::fjall::Database,
    keyspace: ::fjall::Keyspace,
    keys: Keys,
    _dir: TempDir,
}

pub(super) fn fjall() -> Entered {
    let dir = temp_dir();
    let database = ::fjall::Database::builder(dir.path()).open().expect("a database");
    let keyspace =
        database.keyspace("records", KeyspaceCreateOptions::default).expect("a keyspace");
    Ok(Box::new(Fjall { database, keyspace, keys: Keys::default(), _dir: dir }))
}

impl Entrant for Fjall {
    fn committers(&self, count: usize) -> Vec<Committer<'_>> {
        each(count, |_| {
            |record: &Record| {
                let key = self.keys.next().to_be_bytes();
                self.keyspace.insert(key, record.as_slice()).expect("a write");
                self.database.persist(PersistMode::SyncData).expect("a sync");
            }
        })
    }
}

struct Sqlite {
    path: PathBuf,
    // Keeps the WAL: the last connection to close removes it.
    _open: Connection,
    _dir: TempDir,
}

/// Longer than any wait for the others' commits.
const BUSY_TIMEOUT: Duration = Duration::from_secs(60);

pub(super) fn sqlite() -> Entered {
    let dir = temp_dir();
    let path = dir.path().join("sqlite");
    let open = connect(&path).expect("a database");
    open.execute_batch("CREATE TABLE records (id INTEGER PRIMARY KEY, payload BLOB)")
        .expect("a table");
    Ok(Box::new(Sqlite { path, _open: open, _dir: dir }))
}

fn connect(path: &PathBuf) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

impl Entrant for Sqlite {
    fn committers(&self, count: usize) -> Vec<Committer<'_>> {
        each(count, |_| {
            let connection = connect(&self.path).expect("a connection");
            move |record: &Record| {
                let sql = "INSERT INTO records (payload) VALUES (?1)";
                let mut insert = connection.prepare_cached(sql).expect("a statement");
                insert.execute([record.as_slice()]).expect("a commit");
            }
        })
    }
}
