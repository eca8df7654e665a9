//! The buffer header: one atomic word that says who may do what with a frame.
//! PostgreSQL: `BufferDesc.state`.
//!
//! # State
//! ```text
//! bits   0..18  pins    threads that keep the frame's page in place
//! bits  18..22  usage   0..=5, raised by a pin, lowered by the clock sweep
//! bit  32  VALID              the bytes are the page
//! bit  33  TAG_VALID          the frame stands for a page and is in the page table
//! bit  34  DIRTY              memory is newer than the disk
//! bit  35  JUST_DIRTIED       changed since the flusher took its copy
//! bit  36  IO_IN_PROGRESS     one thread reads or writes the frame
//! bit  37  IO_ERROR           the last read or write failed
//! bit  38  CHECKPOINT_NEEDED  the running checkpoint has to write the page
//! bits 46..64  waiters  of the pins, those that wait for a cleanup lock
//! ```
//! | TAG_VALID | VALID | IO | DIRTY | meaning |
//! |---|---|---|---|---|
//! | 0 | 0 | 0 | 0 | free: in no table, anybody's to claim |
//! | 1 | 0 | 1 | 0 | being read in |
//! | 1 | 0 | 0 | 0 | a read failed (IO_ERROR): an error for who waited; the next tries again |
//! | 1 | 1 | 0 | 0 | clean |
//! | 1 | 1 | 0 | 1 | dirty |
//! | 1 | 1 | 1 | 1 | being written; JUST_DIRTIED if it was changed meanwhile |
//!
//! No other combination occurs: JUST_DIRTIED and CHECKPOINT_NEEDED imply DIRTY, DIRTY implies
//! VALID, VALID implies TAG_VALID.
//!
//! | pins | waiters | meaning |
//! |---|---|---|
//! | n | 0 | n threads may know where things are in the page |
//! | n | m < n | n - m of them; m have let go of what they knew and sleep, or are about to |
//! | n | n | left to the waiters: whoever gave the last other pin back wakes them |
//!
//! A cleanup lock may be taken by the owner of a pin that is the only one not waiting, and by a
//! waiter if there is no such pin. PostgreSQL has a flag, `BM_PIN_COUNT_WAITER`, for one waiter; it
//! is `waiters > 0` here.
//!
//! # Rules
//! * B1: pins are never negative; a frame with a pin that is not one's own keeps its page.
//! * B4: DIRTY is cleared only by the owner of IO_IN_PROGRESS, and only if every change is in the
//!   image that was written: JUST_DIRTIED is not set.
//! * B7: VALID is set after the bytes are there.
//! * B8: waiters <= pins. Pins and waiters become equal by an unpin alone, and that unpin wakes: a
//!   waiter joins only while there are other pins, and one that leaves has its pin among them.
//! * I1: IO_IN_PROGRESS has one owner. I3: after a failed write DIRTY stays.
//! * Every change is one read-modify-write; there is no header lock. (PostgreSQL has one, for
//!   changes of several fields; here the tag is the only other field, and only the claimer of a
//!   free frame writes it.)
//!
//! # Checked by
//! models `dirty_flag`, `flush_two_dirtiers`, `pin_evict`, `read_in`, `read_fails`, `mark_flush`,
//! `cleanup`, `cleanup_waiters`.

use crate::sync::atomic::{AtomicU64, Ordering};
use std::fmt;

const PIN: u64 = 1;
const PINS_MASK: u64 = (1 << 18) - 1;
const USAGE: u64 = 1 << 18;
const USAGE_MASK: u64 = 0b1111 << 18;
/// PostgreSQL: `BM_MAX_USAGE_COUNT`.
const USAGE_MAX: u64 = 5 * USAGE;
const VALID: u64 = 1 << 32;
const TAG_VALID: u64 = 1 << 33;
const DIRTY: u64 = 1 << 34;
const JUST_DIRTIED: u64 = 1 << 35;
const IO_IN_PROGRESS: u64 = 1 << 36;
const IO_ERROR: u64 = 1 << 37;
const CHECKPOINT_NEEDED: u64 = 1 << 38;
/// As wide as the pins, which are never fewer.
const WAITER: u64 = 1 << 46;
const _: () = assert!(u64::MAX / WAITER == PINS_MASK);

/// What a header word said at one moment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Snapshot(u64);

impl Snapshot {
    /// Threads that keep the page in place.
    pub fn pins(self) -> u64 {
        self.0 & PINS_MASK
    }

    /// Those of the pins whose owners wait for a cleanup lock.
    pub fn waiters(self) -> u64 {
        self.0 / WAITER
    }

    /// Pins whose owners may know where things are in the page.
    pub fn active_pins(self) -> u64 {
        self.pins() - self.waiters()
    }

    /// Whether somebody waits for a cleanup lock and nobody is in the way.
    pub fn is_left_to_waiters(self) -> bool {
        self.waiters() > 0 && self.pins() == self.waiters()
    }

    /// How recently the page was used: 0 to 5.
    pub fn usage(self) -> u64 {
        (self.0 & USAGE_MASK) / USAGE
    }

    /// Whether the bytes are the page.
    pub fn is_valid(self) -> bool {
        self.0 & VALID != 0
    }

    /// Whether the frame stands for a page.
    pub fn has_tag(self) -> bool {
        self.0 & TAG_VALID != 0
    }

    /// Whether memory is newer than the disk.
    pub fn is_dirty(self) -> bool {
        self.0 & DIRTY != 0
    }

    /// Whether the page was changed since a flusher took its copy.
    pub fn is_just_dirtied(self) -> bool {
        self.0 & JUST_DIRTIED != 0
    }

    /// Whether somebody reads or writes the frame.
    pub fn has_io(self) -> bool {
        self.0 & IO_IN_PROGRESS != 0
    }

    /// Whether the last read or write failed.
    pub fn has_failed(self) -> bool {
        self.0 & IO_ERROR != 0
    }

    /// How the read ended that the owner of a pin has waited for; `None` while it goes on.
    pub fn read_end(self) -> Option<ReadEnd> {
        if self.is_valid() {
            Some(ReadEnd::Valid)
        } else {
            (!self.has_io()).then_some(ReadEnd::Failed)
        }
    }

    /// Whether the running checkpoint has to write the page.
    pub fn is_marked(self) -> bool {
        self.0 & CHECKPOINT_NEEDED != 0
    }

    fn with(self, bits: u64) -> Self {
        Self(self.0 | bits)
    }

    fn without(self, bits: u64) -> Self {
        Self(self.0 & !bits)
    }

    fn pinned(self) -> Self {
        Self(self.0 + PIN)
    }

    fn used(self) -> Self {
        let has_room = self.0 & USAGE_MASK < USAGE_MAX;
        if has_room { Self(self.0 + USAGE) } else { self }
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [(u64, &str); 7] = [
            (VALID, "VALID"),
            (TAG_VALID, "TAG_VALID"),
            (DIRTY, "DIRTY"),
            (JUST_DIRTIED, "JUST_DIRTIED"),
            (IO_IN_PROGRESS, "IO_IN_PROGRESS"),
            (IO_ERROR, "IO_ERROR"),
            (CHECKPOINT_NEEDED, "CHECKPOINT_NEEDED"),
        ];
        write!(f, "pins {} waiters {} usage {}", self.pins(), self.waiters(), self.usage())?;
        for (_, name) in NAMES.iter().filter(|(bit, _)| self.0 & bit != 0) {
            write!(f, " {name}")?;
        }
        Ok(())
    }
}

/// Whether a thread that gave a pin back has somebody to wake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Unpinned {
    /// Nobody waits for this.
    Quietly,
    /// All pins that are left are those of waiters: notify them.
    LeftToWaiters,
}

/// Whether a thread with the content lock has the cleanup lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum AskCleanup {
    /// It has.
    Granted,
    /// Others have the page pinned: the caller is a waiter now, has to give the content lock back
    /// and to sleep until the page is left to the waiters.
    Waiting,
}

/// What the clock sweep found at a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Sweep {
    /// Pinned: not to be had.
    InUse,
    /// Used lately: its usage is lower by one now.
    Aged,
    /// The caller has pinned it, as the only one.
    Claimed(Snapshot),
}

/// Whether the caller may read the page in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum BeginRead {
    /// The caller owns the I/O and has to end it.
    Started,
    /// The page is there.
    AlreadyValid,
    /// Somebody else reads it: wait for that I/O, fail if it does, else ask again.
    Busy,
}

/// How a read ended that somebody has waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum ReadEnd {
    /// The page is there.
    Valid,
    /// Its error is for those who waited as well; they do not try again.
    Failed,
}

/// Whether the caller may write the page out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum BeginWrite {
    /// The caller owns the I/O and has to end it.
    Started,
    /// There is nothing to write.
    AlreadyClean,
    /// Somebody else writes it: wait for that I/O, then ask again.
    Busy,
}

/// How a write ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteEnd {
    /// The image is on the disk, and its file is registered for sync.
    Written,
    /// The write was not begun: the content lock was not to be had.
    Abandoned,
    /// The write failed.
    Failed,
}

/// The atomic word of a frame.
pub struct Header {
    word: AtomicU64,
}

impl Header {
    /// A free frame.
    pub fn new() -> Self {
        Self { word: AtomicU64::new(0) }
    }

    /// What the word says now; outdated at once unless the caller's own pin or I/O keeps it.
    pub fn snapshot(&self) -> Snapshot {
        // Acquire: who sees VALID or a tag flag sees what was written before it (pairs with the
        // release half of update).
        Snapshot(self.word.load(Ordering::Acquire))
    }

    /// Pins the frame on behalf of somebody who found it in the page table and holds the table's
    /// lock, so that the page cannot leave it meanwhile.
    pub fn pin(&self) -> Snapshot {
        self.update(|word| Some((word.pinned().used(), word.pinned()))).expect("always an edge")
    }

    /// Pins the frame on behalf of somebody who was told of it without a lock, if it stands for a
    /// page. Which one it is has to be compared afterwards: from then on the tag stays (B1).
    #[must_use]
    pub fn pin_if_tagged(&self) -> Option<Snapshot> {
        self.update(|word| word.has_tag().then(|| (word.pinned().used(), word))).ok()
    }

    /// Pins the frame for the checkpointer, if it still has to write the page. Usage stays: a
    /// checkpoint is no sign that a page is wanted.
    #[must_use]
    pub fn pin_if_marked(&self) -> bool {
        self.update(|word| word.is_marked().then(|| (word.pinned(), ()))).is_ok()
    }

    /// Gives a pin back. The caller notifies the waiters if the page is left to them.
    pub fn unpin(&self) -> Unpinned {
        // Release: pairs with the Acquire of the sweep's claim and with that of a cleanup lock, so
        // that the next owner of the frame, or of the page's bytes, comes after everything that
        // was done under this pin.
        let before = Snapshot(self.word.fetch_sub(PIN, Ordering::Release));
        debug_assert!(before.pins() > 0, "unpin without a pin: {before:?}");
        // Of the word that was replaced: of two who unpin at a time, one is the last.
        let is_last = Snapshot(before.0 - PIN).is_left_to_waiters();
        if is_last { Unpinned::LeftToWaiters } else { Unpinned::Quietly }
    }

    /// Asks for a cleanup lock: granted if every other pin is a waiter's, else the caller's pin
    /// becomes a waiter's in the same step. The caller has a pin and holds the content lock
    /// exclusively. PostgreSQL: `LockBufferForCleanup`.
    ///
    /// A grant may rest on a word that is outdated: who has read the page under another pin has had
    /// the content lock before the caller, so that pin is in the word; other pins do not matter.
    pub fn ask_cleanup(&self) -> AskCleanup {
        let is_crowded = |word: Snapshot| word.active_pins() > 1;
        let waiting = self.update(|word| is_crowded(word).then(|| (Snapshot(word.0 + WAITER), ())));
        if waiting.is_ok() { AskCleanup::Waiting } else { AskCleanup::Granted }
    }

    /// Ends the wait for a cleanup lock if the page is left to the waiters still: the caller's pin
    /// is like any other again, so the other waiters wait for it. The caller is a waiter and holds
    /// the content lock exclusively.
    #[must_use]
    pub fn end_cleanup_wait(&self) -> bool {
        let ended =
            |word: Snapshot| word.is_left_to_waiters().then(|| (Snapshot(word.0 - WAITER), ()));
        self.update(ended).is_ok()
    }

    /// One step of the clock sweep: pins the frame if nobody uses it, else lowers its usage.
    pub fn sweep(&self) -> Sweep {
        self.update(|word| {
            if word.pins() > 0 {
                None
            } else if word.usage() > 0 {
                Some((Snapshot(word.0 - USAGE), Sweep::Aged))
            } else {
                Some((word.pinned(), Sweep::Claimed(word.pinned())))
            }
        })
        .unwrap_or(Sweep::InUse)
    }

    /// Pins the frame whatever its usage, if nobody else has it pinned.
    pub fn claim(&self) -> Sweep {
        self.update(|word| {
            (word.pins() == 0).then(|| (word.pinned(), Sweep::Claimed(word.pinned())))
        })
        .unwrap_or(Sweep::InUse)
    }

    /// Lets the page go: the frame becomes free, pinned by the caller. Refused if somebody else
    /// has pinned or dirtied it meanwhile. The caller holds the table's lock and one pin (E3).
    #[must_use]
    pub fn retire(&self) -> bool {
        let retired = |word: Snapshot| {
            let ours = word.pins() == 1 && !word.is_dirty();
            ours.then_some((Snapshot(PIN), ()))
        };
        self.update(retired).is_ok()
    }

    /// Makes a free frame that the caller has claimed stand for a page, with the caller as the
    /// owner of its read. The tag is written before; the caller holds the table's lock.
    pub fn assign(&self) {
        let assigned = |word: Snapshot| {
            debug_assert!(!word.has_tag() && word.pins() == 1, "assign to {word:?}");
            Some((word.with(TAG_VALID | IO_IN_PROGRESS).used(), ()))
        };
        self.update(assigned).expect("always an edge");
    }

    /// Asks to read the page in. PostgreSQL: `StartBufferIO` for input.
    pub fn begin_read(&self) -> BeginRead {
        let begun = self.update(|word| {
            let idle = !word.is_valid() && !word.has_io();
            idle.then(|| (word.with(IO_IN_PROGRESS), ()))
        });
        match begun {
            Ok(()) => BeginRead::Started,
            Err(word) if word.is_valid() => BeginRead::AlreadyValid,
            Err(_) => BeginRead::Busy,
        }
    }

    /// Ends a read of which the caller is the owner. The caller notifies the waiters.
    pub fn end_read(&self, succeeded: bool) {
        let result = if succeeded { VALID } else { IO_ERROR };
        self.update(|word| Some((word.without(IO_IN_PROGRESS | IO_ERROR).with(result), ())))
            .expect("always an edge");
    }

    /// Notes that the page differs from the disk. The caller holds the content lock exclusively,
    /// and inserts the WAL record of the change after this (B5).
    pub fn mark_dirty(&self) {
        self.update(|word| {
            debug_assert!(word.is_valid() && word.pins() > 0, "dirty {word:?}");
            Some((word.with(DIRTY | JUST_DIRTIED), ()))
        })
        .expect("always an edge");
    }

    /// Asks to write the page out. PostgreSQL: `StartBufferIO` for output.
    pub fn begin_write(&self) -> BeginWrite {
        let begun = self.update(|word| {
            let idle = word.is_dirty() && !word.has_io();
            idle.then(|| (word.with(IO_IN_PROGRESS), ()))
        });
        match begun {
            Ok(()) => BeginWrite::Started,
            Err(word) if word.has_io() => BeginWrite::Busy,
            Err(_) => BeginWrite::AlreadyClean,
        }
    }

    /// Notes that the image to be written is about to be copied. The caller owns the I/O and
    /// holds the content lock shared until the copy is taken: a change comes either before this
    /// and into the copy, or after it and sets the flag again (I6).
    pub fn clear_just_dirtied(&self) {
        self.update(|word| Some((word.without(JUST_DIRTIED), ()))).expect("always an edge");
    }

    /// Ends a write of which the caller is the owner. The page becomes clean only if it was
    /// written and not changed since the copy; otherwise the mark of a checkpoint stays as well,
    /// since the change may be older than the mark. The caller notifies the waiters.
    pub fn end_write(&self, end: WriteEnd) {
        self.update(|word| {
            let done = word.without(IO_IN_PROGRESS);
            let next = match end {
                WriteEnd::Written if word.is_just_dirtied() => done.without(IO_ERROR),
                WriteEnd::Written => done.without(IO_ERROR | DIRTY | CHECKPOINT_NEEDED),
                WriteEnd::Abandoned => done,
                WriteEnd::Failed => done.with(IO_ERROR),
            };
            Some((next, ()))
        })
        .expect("always an edge");
    }

    /// Marks the page for the checkpoint that has just fixed its redo point, if it is dirty.
    #[must_use]
    pub fn mark_for_checkpoint(&self) -> bool {
        self.update(|word| word.is_dirty().then(|| (word.with(CHECKPOINT_NEEDED), ()))).is_ok()
    }

    /// The one compare-and-swap loop. `edge` gives the next word and a result, or `None` where
    /// there is no edge; then the word that refused is the error.
    fn update<R>(&self, edge: impl Fn(Snapshot) -> Option<(Snapshot, R)>) -> Result<R, Snapshot> {
        let mut result = None;
        // AcqRel: every edge hands something over: a claim takes what an unpin left, VALID
        // publishes bytes, DIRTY publishes a change to the checkpointer's marking pass.
        // Acquire: who is refused because the page is VALID goes on to its bytes; who is refused as
        // a waiter because he is alone comes after the unpin that left him alone.
        let updated = self.word.try_update(Ordering::AcqRel, Ordering::Acquire, |word| {
            let (next, value) = edge(Snapshot(word))?;
            result = Some(value);
            Some(next.0)
        });
        updated.map_err(Snapshot).map(|_| result.expect("the edge was taken"))
    }
}

impl Default for Header {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.snapshot().fmt(f)
    }
}

#[cfg(test)]
mod tests;
