//! A disk in memory that can lose power at any point.
//!
//! A [`SimDisk`] keeps apart what is durable and what is merely written. [`SimDisk::crash_images`]
//! enumerates the disks that a crash at this moment may leave behind; recovery runs on each of
//! them. It also counts operations, shows each to an observer before it happens, and makes chosen
//! ones fail.
//!
//! ```
//! use seawall_core::disk::Disk;
//! use seawall_core::sim::{CrashOptions, SimDisk};
//!
//! /// The engine under test: a number that is replaced as a whole.
//! fn save(disk: &dyn Disk, number: u64) -> std::io::Result<()> {
//!     let file = disk.create("number.new")?;
//!     file.write_at(&number.to_le_bytes(), 0)?;
//!     file.sync_data()?; // without this line, or the last one, the assertion below fails
//!     disk.rename("number.new", "number")?;
//!     disk.sync_dir("")
//! }
//!
//! fn load(disk: &dyn Disk) -> std::io::Result<u64> {
//!     let mut bytes = [0; 8];
//!     disk.open("number")?.read_at(&mut bytes, 0)?;
//!     Ok(u64::from_le_bytes(bytes))
//! }
//!
//! let disk = SimDisk::new();
//! save(&disk, 1)?;
//! disk.set_observer(Some(Box::new(|disk, op| {
//!     for image in disk.crash_images(&CrashOptions::default()) {
//!         let number = load(&image.mount());
//!         assert!(matches!(number, Ok(1 | 2)), "{number:?} before {op}; {}", image.describe());
//!     }
//! })));
//! save(&disk, 2)?;
//! disk.set_observer(None);
//! let nothing_else_survives = disk.durable_image();
//! assert_eq!(load(&nothing_else_survives.mount())?, 2);
//! # std::io::Result::Ok(())
//! ```
//! `docs/simulated-disk.md` has all of the faults in a table, and tells how seawall is tested on
//! it.
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
//! * **Failed call** and **failed sync**: see [`Fault`]. Each descriptor is told once of a failure
//!   of writeback, as on Linux; after [`Fault::aborting`] nothing can be changed any more.
//! * **Wrong read**: see [`ReadFault`].
//! * **Full disk**: see [`SimDisk::set_space_left`].
//! * **Junk after a crash**, for those who ask for it: [`SimDisk::with_stale_tails`],
//!   [`SimDisk::with_garbage`].
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
//! * Reads and writes are never merely short: who implements the traits retries until the system
//!   has done all, so an engine on them never sees that. A file that ends early is another matter
//!   ([`ReadFault::Short`]), and so is a write that fails after a part.
//! * Every call of the traits is one scheduling point of the checkers, on a word of the file or,
//!   for names, of the disk; but a prefetch is none, for it changes nothing. The methods of
//!   [`SimDisk`] itself are none: they are the test's. The global order of pending items is that
//!   of the schedule at hand.
//! * A crash image shows all files at once, and a partial-order reduction takes calls on different
//!   files for independent: it may skip the order in between which the crash hurts. A model that
//!   takes images while threads run needs either [`SimDisk::with_one_point`], or to put together
//!   each [`Moment`] that the order of the calls allows.
//! * State sits behind a lock of std on purpose: an I/O call is no step of a protocol.
//!
//! # Not modelled
//! A device that lies about a sync, interrupted calls, hard links, renames of directories, file
//! systems that find out at a sync that there is no space (an ENOSPC from a sync is a [`Fault`]).
//!
//! Called by: tests and models of this crate, and those of engines built on it.

mod choice;
mod content;
mod crash;
mod damage;
mod disk;
mod errors;
mod fault;
mod junk;
mod moment;
mod names;
mod op;
mod random;
mod read;
mod small;
mod space;
mod state;
mod tree;

#[cfg(test)]
mod tests;

pub use choice::CrashOptions;
pub use crash::CrashImage;
pub use fault::{EIO, EMFILE, ENOSPC, EROFS, Effect, Fault};
pub use moment::{Moment, Part};
pub use op::{Op, OpKind, Place};
pub use random::SplitMix64;
pub use read::ReadFault;
pub use small::{NoClock, smallest_config};
pub use tree::Tree;

use crate::sync::atomic::AtomicU64;
use fault::{EEXIST, EFBIG, EINVAL, EISDIR, ENOENT, ENOTDIR};
use junk::Medium;
use names::Names;
use state::State;
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
        let names = Names::surviving(Arc::default(), Arc::default());
        Self::from_state(State::new(Medium::new(sector_bytes), names, BTreeMap::new()))
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

    /// The first call that a fault has struck. A read has the number 0.
    pub fn first_failure(&self) -> Option<Op> {
        self.state().first_failure.clone()
    }

    /// Ends persistent faults and disarms those that have not struck.
    pub fn clear_faults(&self) {
        self.state().faults.clear();
    }

    fn state(&self) -> Locked<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hook(&self) -> Locked<'_, Hook> {
        self.0.hook.lock().unwrap_or_else(PoisonError::into_inner)
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
