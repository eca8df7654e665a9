//! RocksDB, whose build is a feature: it takes long.

use super::{Committer, Entered, Entrant, Keys, Record, TempDir, each, temp_dir};
use ::rocksdb::{DB, WriteOptions};

struct Rocks {
    database: DB,
    keys: Keys,
    // Last: removed when the database is gone.
    _dir: TempDir,
}

pub(super) fn rocksdb() -> Entered {
    let dir = temp_dir();
    let database = DB::open_default(dir.path()).expect("a database");
    Ok(Box::new(Rocks { database, keys: Keys::default(), _dir: dir }))
}

impl Entrant for Rocks {
    fn committers(&self, count: usize) -> Vec<Committer<'_>> {
        each(count, |_| {
            let mut options = WriteOptions::default();
            options.set_sync(true);
            move |record: &Record| {
                let key = self.keys.next().to_be_bytes();
                self.database.put_opt(key, record, &options).expect("a commit");
            }
        })
    }
}
