//! What tests do to files behind the backs of their holders.

use super::SimDisk;
use super::content::Content;
use super::fault::Fault;
use super::state::{Ino, State};
use std::sync::Arc;

impl SimDisk {
    /// Whether a file of this name is to be seen.
    pub fn exists(&self, path: &str) -> bool {
        self.state().names.find(path).is_ok()
    }

    /// The bytes that a read of the whole file sees.
    ///
    /// # Panics
    /// If there is no such file.
    pub fn read_file(&self, path: &str) -> Vec<u8> {
        let mut state = self.state();
        let ino = state.expect(path);
        state.inode(ino).cached.bytes()
    }

    /// Makes a file of these bytes, name and all durable at once, in place of what has the name.
    ///
    /// # Panics
    /// If the directory is missing.
    pub fn write_file(&self, path: &str, bytes: &[u8]) {
        let mut state = self.state();
        state.names.check_target(path).unwrap_or_else(|error| panic!("{path}: {error}"));
        state.settle_names(|name| name == path, || true);
        let mut content = Content::empty(state.medium.sector_bytes);
        content.overwrite(0, bytes);
        let ino = state.new_inode(content);
        Arc::make_mut(&mut state.names.durable).insert(path.into(), ino);
        Arc::make_mut(&mut state.names.seen).insert(path.into(), ino);
    }

    /// Changes bytes of a file, durable at once with all that is pending in the file.
    ///
    /// # Panics
    /// If there is no such file.
    pub fn overwrite(&self, path: &str, offset: u64, bytes: &[u8]) {
        self.damage(path, |content| content.overwrite(offset, bytes));
    }

    /// Cuts or extends a file, durable at once with all that is pending in the file.
    ///
    /// # Panics
    /// If there is no such file.
    pub fn truncate(&self, path: &str, len: u64) {
        self.damage(path, |content| content.resize(len));
    }

    /// Removes a file's entry, durable at once.
    ///
    /// # Panics
    /// If there is no such file.
    pub fn remove_now(&self, path: &str) {
        let mut state = self.state();
        state.expect(path);
        state.settle_names(|name| name == path, || true);
        Arc::make_mut(&mut state.names.durable).remove(path);
        Arc::make_mut(&mut state.names.seen).remove(path);
    }

    fn damage(&self, path: &str, change: impl Fn(&mut Content)) {
        let mut state = self.state();
        let ino = state.expect(path);
        state.sync(ino);
        let inode = state.inode(ino);
        change(&mut inode.durable);
        change(&mut inode.cached);
    }

    /// The kernel writes back what is unsynced in a file, and that fails as the fault says: some of
    /// it is durable, the rest is gone, and who has the file open is told once.
    ///
    /// # Panics
    /// If there is no such file.
    pub fn fail_writeback(&self, path: &str, fault: &Fault) {
        let mut state = self.state();
        let ino = state.expect(path);
        let mut failure = fault.failure(0);
        state.lose(ino, &mut failure);
    }
}

impl State {
    fn expect(&self, path: &str) -> Ino {
        self.names.find(path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}
