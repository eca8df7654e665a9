//! A disk in memory that can lose power at any point.
//!
//! A [`SimDisk`] keeps apart what is durable and what is merely written. [`SimDisk::crash_images`]
//! enumerates the disks that a crash at this moment may leave behind; recovery runs on each of
//! them. It also counts operations, shows each to an observer before it happens, and makes chosen
//! ones fail.
//!
//! # Faults
//! * **Crash**: each sector of each file is its durable version or any one of its unsynced
//!   versions; the length is the durable one, any that a call has given the file since, or the
//!   end of any sector written since, beyond one of these; bytes of an extension that did not
//!   survive are zero; each entry operation of a directory is kept or lost, a rename as a whole;
//!   nothing orders different files or different items. That is what a page cache over a disk
//!   without barriers may do.
//! * **Cut** ([`DiskFile::set_len`](crate::disk::DiskFile::set_len)): a length like any other,
//!   and for each sector that it takes bytes from a version without them. Reads see both at once.
//!   A crash before the next sync may leave the longer length of before, or of a regrowth, and in
//!   each cut-off sector, one by one, the durable bytes, those of any write since, or zeros. A
//!   sync after the cut leaves nothing of what was cut off.
//! * **Torn write**: a write survives by sectors (512 bytes, or as the disk is made).
//! * **Failed call** and **failed sync**: see [`Fault`].
//! * **Damage**: tests read, overwrite, cut and remove files behind the back of their holders.
//!
//! # Rules
//! * A sync covers the writes that happened before it and the file's length, not the entry; what
//!   is written while it runs is, in every schedule, written before or after it.
//! * A rename between two directories is durable with a sync of either. A sync of a directory
//!   also makes the earlier entry operations durable that its own ones build on.
//! * Creating a directory, or linking one to a target, is durable at once. The targets are only
//!   names: nothing else has them, they are always there, and two of them share no files.
//! * Start of writeback makes nothing durable, and nothing more likely to survive.
//! * A file without a name works on for its holders.
//! * Every call of the traits is one scheduling point of the checkers, on a word of the file or,
//!   for names, of the disk; but a prefetch is none, for it changes nothing. The methods of
//!   [`SimDisk`] itself are none: they are the test's. The global order of pending items is that
//!   of the schedule at hand.
//! * A crash image shows all files at once. A model that takes images while threads run needs
//!   [`SimDisk::with_one_point`]: otherwise a partial-order reduction takes calls on different
//!   files for independent, and may skip the order in between which the crash hurts.
//! * State sits behind a lock of std on purpose: an I/O call is no step of a protocol.
//!
//! # Not modelled
//! Sticky errors per descriptor (there is one descriptor per file), stale bytes in an extension,
//! sectors that are garbage because power went while they were written, a device that lies about a
//! sync, hard links, renames of directories, limits on space (a fault stands in for them).
//!
//! Called by: tests and models of this crate, and those of engines built on it.

mod choice;
mod content;
mod crash;
mod disk;
mod fault;
mod names;
mod random;
mod small;
mod state;
mod tree;

#[cfg(test)]
mod tests;

pub use choice::CrashOptions;
pub use crash::CrashImage;
pub use fault::{EIO, ENOSPC, Fault, Op, OpKind};
pub use random::SplitMix64;
pub use small::{NoClock, smallest_config};
pub use tree::Tree;

use crate::sync::atomic::AtomicU64;
use content::Content;
use fault::{EEXIST, EFBIG, EINVAL, EISDIR, ENOENT, ENOTDIR};
use names::Names;
use state::{Ino, State};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError};

// Not `expect`: the lint is on in one of the three compilations only.
#[allow(clippy::disallowed_types, reason = "an I/O call is no step of a protocol")]
type Lock<T> = std::sync::Mutex<T>;
type Locked<'a, T> = std::sync::MutexGuard<'a, T>;

/// What is called before every operation.
pub type Observer = Box<dyn FnMut(&SimDisk, &Op) + Send>;

/// A simulated disk; clones are the same disk.
#[derive(Clone)]
pub struct SimDisk(Arc<Inner>);

struct Inner {
    /// The scheduling point of the calls on names.
    point: AtomicU64,
    state: Lock<State>,
    hook: Lock<Hook>,
}

#[derive(Default)]
struct Hook {
    observer: Option<Observer>,
    running: bool,
    /// Counts the calls of `set_observer`: one made by the running observer has the last word.
    settings: u64,
    /// Operations that happened while the observer ran.
    unobserved: u64,
}

impl SimDisk {
    /// An empty disk with sectors of 512 bytes.
    pub fn new() -> Self {
        Self::with_sector_bytes(512)
    }

    /// An empty disk with sectors of another size; the larger, the fewer crash images.
    ///
    /// # Panics
    /// If the size is no power of two.
    pub fn with_sector_bytes(sector_bytes: usize) -> Self {
        assert!(sector_bytes.is_power_of_two(), "sectors of {sector_bytes} bytes");
        let names = Names::surviving(Arc::default(), Arc::default());
        Self::from_state(State::new(sector_bytes, names, BTreeMap::new()))
    }

    /// Makes all calls of the traits conflict, whatever files they are on, so that a checker
    /// explores every order of them; images do not inherit it. To be called before files are used.
    #[must_use]
    pub fn with_one_point(self) -> Self {
        self.state().one_point = true;
        self
    }

    /// Refuses direct I/O, as some file systems do; images do not inherit it.
    #[must_use]
    pub fn without_direct_io(self) -> Self {
        self.state().no_direct_io = true;
        self
    }

    fn from_state(state: State) -> Self {
        Self(Arc::new(Inner {
            point: AtomicU64::new(0),
            state: Lock::new(state),
            hook: Lock::new(Hook::default()),
        }))
    }

    /// How many operations there have been: calls that change or sync, failed ones included.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// How many reads of files there have been, failed ones included; one into several buffers is
    /// one.
    pub fn reads(&self) -> u64 {
        self.state().reads
    }

    /// How many times a file was asked to prefetch.
    pub fn prefetches(&self) -> u64 {
        self.state().prefetches
    }

    /// How many things are not durable: sector writes, lengths, entry operations.
    pub fn pending(&self) -> usize {
        self.state().pending.len()
    }

    /// Calls `observer` before each operation, with no lock held: it may take crash images, or arm
    /// a fault, which then may strike this very operation.
    ///
    /// There is one observer, and it is not called for operations that happen while it runs, be
    /// they its own or another thread's: [`SimDisk::operations_unobserved`] counts these. In a
    /// model an observer should therefore pass no scheduling point: take the images there, mount
    /// them after the execution or in another compilation of this crate.
    pub fn set_observer(&self, observer: Option<Observer>) {
        let mut hook = self.hook();
        hook.settings += 1;
        let replaced = std::mem::replace(&mut hook.observer, observer);
        drop(hook);
        drop(replaced);
    }

    /// How many operations happened while the observer was busy with another one.
    pub fn operations_unobserved(&self) -> u64 {
        self.hook().unobserved
    }

    /// Makes the `n`-th operation from now fail; 1 is the next one.
    ///
    /// # Panics
    /// If `n` is 0.
    pub fn fail_at(&self, n: u64, fault: Fault) {
        assert!(n > 0, "the next operation is the first");
        self.state().arm(n, fault);
    }

    /// Ends persistent faults and disarms those that have not struck.
    pub fn clear_faults(&self) {
        self.state().faults.clear();
    }

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
        let mut content = Content::empty(state.sector_bytes);
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

    fn state(&self) -> Locked<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hook(&self) -> Locked<'_, Hook> {
        self.0.hook.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn expect(&self, path: &str) -> Ino {
        self.names.find(path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}

impl Default for SimDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("SimDisk")
            .field("files", &state.names.seen.keys())
            .field("operations", &state.operations)
            .field("pending", &state.pending.len())
            .finish_non_exhaustive()
    }
}
