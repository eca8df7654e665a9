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
//! bit  39  PERMANENT          the page's file is logged: its WAL goes before it
//! bit  40  OUTSIDE            the page is not part of its file: not yet, or no longer
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
//! No other combination occurs: JUST_DIRTIED and CHECKPOINT_NEEDED imply DIRTY, DIRTY and OUTSIDE
//! imply VALID, VALID and PERMANENT imply TAG_VALID.
//!
//! | OUTSIDE | because | the page |
//! |---|---|---|
//! | 0 | | is part of its file |
//! | 1 | its file is being extended by it | is formatted; nobody sees it before its record is in |
//! | 1 | the extension failed | is nothing: not written, formatted by the next extension |
//! | 1 | its file is being cut | is given to nobody, but still written: the cut may fail |
//! | 1 | its file was truncated or dropped | is nothing, as above |
//!
//! It changes under the exclusive content lock alone; who has the content lock looks at it before
//! he uses the page (`Pool::check_inside`).
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
//! * B9: so does a frame whose content lock is held: who retires a page has it exclusively, and so
//!   has who fills a frame, before VALID is set. A lock alone is enough to read a page, then.
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
//! `cleanup`, `cleanup_waiters`, `cleanup_after`.

mod victim;
mod word;

pub use victim::{Ahead, Sweep};
pub use word::Snapshot;

use crate::sync::atomic::{AtomicU64, Ordering};
use std::fmt;
use word::{
    CHECKPOINT_NEEDED, DIRTY, IO_ERROR, IO_IN_PROGRESS, JUST_DIRTIED, OUTSIDE, PERMANENT, PIN,
    TAG_VALID, TOO_MANY_PINS, VALID, WAITER,
};

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
pub enum Awaited {
    /// The page is there.
    Valid,
    /// Its error is for those who waited as well; they do not try again.
    Failed,
}

/// How a page came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadEnd {
    /// From the disk: it is part of its file.
    Read,
    /// By formatting: it will be part of its file.
    Formatted,
    /// It did not.
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

/// Which dirty pages a checkpoint writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marked {
    /// Those of logged files: the others are not needed after a crash.
    Permanent,
    /// All, because the store is being closed.
    All,
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
    #[inline]
    pub fn snapshot(&self) -> Snapshot {
        // Acquire: who sees VALID or a tag flag sees what was written before it (pairs with the
        // release half of update).
        Snapshot(self.word.load(Ordering::Acquire))
    }

    /// Pins the frame once more, on behalf of somebody whose content lock keeps its page (B9).
    ///
    /// # Panics
    /// With as many pins as a page may have.
    pub fn pin_again(&self) {
        // Relaxed: who has to see this pin, to retire the page or to clean it up, has the lock
        // after the caller.
        let before = Snapshot(self.word.fetch_add(PIN, Ordering::Relaxed));
        if !before.has_room() {
            // Relaxed: nothing was done under it.
            self.word.fetch_sub(PIN, Ordering::Relaxed);
            panic!("{TOO_MANY_PINS}");
        }
    }

    /// Raises usage on behalf of somebody who has locked the page and seen this word; whoever comes
    /// between has done the same. Costs nothing where the page is in use all the time.
    #[inline]
    pub fn note_use(&self, word: Snapshot) {
        let used = word.used();
        if used != word {
            // Relaxed: usage is a hint.
            let relaxed = Ordering::Relaxed;
            let _ = self.word.compare_exchange(word.0, used.0, relaxed, relaxed);
        }
    }

    /// Pins the frame on behalf of somebody who found it in the page table and holds the table's
    /// lock, so that the page cannot leave it meanwhile.
    pub fn pin(&self) -> Snapshot {
        self.update(|word| Some((word.pinned().used(), word.pinned()))).expect("always an edge")
    }

    /// Pins the frame on behalf of somebody who was told of it without a lock, if it stands for a
    /// page. Which one it is has to be compared afterwards: from then on the tag stays (B1).
    #[must_use]
    #[inline]
    pub fn pin_if_tagged(&self) -> Option<Snapshot> {
        self.update(|word| word.has_tag().then(|| (word.pinned().used(), word))).ok()
    }

    /// As [`Header::pin_if_tagged`], on behalf of somebody who passes by many pages once: usage is
    /// raised from 0 to 1 at most.
    #[must_use]
    pub fn pin_in_passing(&self) -> Option<Snapshot> {
        self.update(|word| word.has_tag().then(|| (word.pinned().used_at_least_once(), word))).ok()
    }

    /// Pins the frame for the checkpointer, if it still has to write the page. Usage stays: a
    /// checkpoint is no sign that a page is wanted.
    #[must_use]
    pub fn pin_if_marked(&self) -> bool {
        self.update(|word| word.is_marked().then(|| (word.pinned(), ()))).is_ok()
    }

    /// Pins the frame on behalf of somebody who writes a neighbour, if the page is dirty and nobody
    /// writes it. Usage stays. Which page it is has to be compared afterwards.
    #[must_use]
    pub fn pin_if_dirty(&self) -> Option<Snapshot> {
        let is_free = |word: Snapshot| !word.has_io() && word.is_dirty();
        self.update(|word| is_free(word).then(|| (word.pinned(), word))).ok()
    }

    /// Gives a pin back. The caller notifies the waiters if the page is left to them.
    #[inline]
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

    /// Lets the page go: the frame becomes free, pinned by the caller. Refused if somebody else
    /// has pinned or dirtied it meanwhile. The caller holds the table's lock, one pin (E3) and the
    /// content lock, exclusively (B9).
    #[must_use]
    pub fn retire(&self) -> bool {
        let retired = |word: Snapshot| {
            let ours = word.pins() == 1 && !word.is_dirty();
            ours.then_some((Snapshot(PIN), ()))
        };
        self.update(retired).is_ok()
    }

    /// Makes a free frame that the caller has claimed stand for a page of a file that is logged or
    /// not, with the caller as the owner of its read. The tag is written before; the caller holds
    /// the table's lock.
    pub fn assign(&self, is_permanent: bool) {
        let kind = if is_permanent { PERMANENT } else { 0 };
        let assigned = |word: Snapshot| {
            debug_assert!(!word.has_tag() && word.pins() == 1, "assign to {word:?}");
            Some((word.with(TAG_VALID | IO_IN_PROGRESS | kind).used(), ()))
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
    pub fn end_read(&self, end: ReadEnd) {
        let result = match end {
            ReadEnd::Read => VALID,
            ReadEnd::Formatted => VALID | OUTSIDE,
            ReadEnd::Failed => IO_ERROR,
        };
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

    /// Makes the page part of its file. The caller holds the content lock exclusively.
    pub fn put_inside(&self) {
        self.update(|word| Some((word.without(OUTSIDE), ()))).expect("always an edge");
    }

    /// Puts the page outside of its file, if its bytes are there. The caller holds the content
    /// lock exclusively.
    pub fn put_outside(&self) {
        // Without bytes it is read in before anybody has it, and that looks for it in the file.
        let _ = self.update(|word| word.is_valid().then(|| (word.with(OUTSIDE), ())));
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
    /// and into the copy, or after it and sets the flag again (I6). Returns what the word said.
    pub fn clear_just_dirtied(&self) -> Snapshot {
        self.update(|word| Some((word.without(JUST_DIRTIED), word))).expect("always an edge")
    }

    /// Ends a write of which the caller is the owner. The page becomes clean only if it was
    /// written and not changed since the copy; otherwise the mark of a checkpoint stays as well,
    /// since the change may be older than the mark. Returns whether a mark has gone. The caller
    /// notifies the waiters.
    pub fn end_write(&self, end: WriteEnd) -> bool {
        self.update(|word| {
            let done = word.without(IO_IN_PROGRESS);
            let next = match end {
                WriteEnd::Written if word.is_just_dirtied() => done.without(IO_ERROR),
                WriteEnd::Written => done.without(IO_ERROR | DIRTY | CHECKPOINT_NEEDED),
                WriteEnd::Abandoned => done,
                WriteEnd::Failed => done.with(IO_ERROR),
            };
            Some((next, word.is_marked() && !next.is_marked()))
        })
        .expect("always an edge")
    }

    /// Marks the page for the checkpoint that has just fixed its redo point, if it is dirty and of
    /// the kind that the checkpoint writes.
    #[must_use]
    pub fn mark_for_checkpoint(&self, kind: Marked) -> bool {
        let counts = |word: Snapshot| kind == Marked::All || word.is_permanent();
        self.update(|word| {
            let needed = word.is_dirty() && counts(word);
            needed.then(|| (word.with(CHECKPOINT_NEEDED), ()))
        })
        .is_ok()
    }

    /// The one compare-and-swap loop. `edge` gives the next word and a result, or `None` where
    /// there is no edge; then the word that refused is the error.
    #[inline]
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
