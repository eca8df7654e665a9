//! The bits of the header word.

use super::Awaited;
use std::fmt;

pub(super) const PIN: u64 = 1;
pub(super) const PINS_MASK: u64 = (1 << 18) - 1;
/// Half of what fits: for `pin_again`, which finds out afterwards, as many threads as there may be
/// can come in between.
const PINS_MAX: u64 = 1 << 17;
pub(super) const USAGE: u64 = 1 << 18;
const USAGE_MASK: u64 = 0b1111 << 18;
/// PostgreSQL: `BM_MAX_USAGE_COUNT`.
pub(super) const USAGE_MAX: u64 = 5 * USAGE;
pub(super) const VALID: u64 = 1 << 32;
pub(super) const TAG_VALID: u64 = 1 << 33;
pub(super) const DIRTY: u64 = 1 << 34;
pub(super) const JUST_DIRTIED: u64 = 1 << 35;
pub(super) const IO_IN_PROGRESS: u64 = 1 << 36;
pub(super) const IO_ERROR: u64 = 1 << 37;
pub(super) const CHECKPOINT_NEEDED: u64 = 1 << 38;
pub(super) const PERMANENT: u64 = 1 << 39;
pub(super) const OUTSIDE: u64 = 1 << 40;
/// As wide as the pins, which are never fewer.
pub(super) const WAITER: u64 = 1 << 46;
const _: () = assert!(u64::MAX / WAITER == PINS_MASK);

pub(super) const TOO_MANY_PINS: &str = "a page has 2^17 pins, and can have no more";

/// What a header word said at one moment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Snapshot(pub(super) u64);

impl Snapshot {
    /// Threads that keep the page in place.
    #[inline]
    pub fn pins(self) -> u64 {
        self.0 & PINS_MASK
    }

    /// Those of the pins whose owners wait for a cleanup lock.
    #[inline]
    pub fn waiters(self) -> u64 {
        self.0 / WAITER
    }

    /// Pins whose owners may know where things are in the page.
    #[inline]
    pub fn active_pins(self) -> u64 {
        self.pins() - self.waiters()
    }

    /// Whether somebody waits for a cleanup lock and nobody is in the way.
    #[inline]
    pub fn is_left_to_waiters(self) -> bool {
        self.waiters() > 0 && self.pins() == self.waiters()
    }

    /// How recently the page was used: 0 to 5.
    #[inline]
    pub fn usage(self) -> u64 {
        (self.0 & USAGE_MASK) / USAGE
    }

    /// Whether the bytes are the page.
    #[inline]
    pub fn is_valid(self) -> bool {
        self.0 & VALID != 0
    }

    /// Whether the frame stands for a page.
    #[inline]
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
    pub fn awaited_read(self) -> Option<Awaited> {
        if self.is_valid() {
            Some(Awaited::Valid)
        } else {
            (!self.has_io()).then_some(Awaited::Failed)
        }
    }

    /// Whether the running checkpoint has to write the page.
    pub fn is_marked(self) -> bool {
        self.0 & CHECKPOINT_NEEDED != 0
    }

    /// Whether the page's file is logged.
    pub fn is_permanent(self) -> bool {
        self.0 & PERMANENT != 0
    }

    /// Whether the page is not part of its file.
    #[inline]
    pub fn is_outside(self) -> bool {
        self.0 & OUTSIDE != 0
    }

    pub(super) fn with(self, bits: u64) -> Self {
        Self(self.0 | bits)
    }

    pub(super) fn without(self, bits: u64) -> Self {
        Self(self.0 & !bits)
    }

    /// # Panics
    /// With as many pins as a page may have.
    #[inline]
    pub(super) fn pinned(self) -> Self {
        assert!(self.has_room(), "{TOO_MANY_PINS}");
        Self(self.0 + PIN)
    }

    /// Whether there may be one more pin.
    #[inline]
    pub(super) fn has_room(self) -> bool {
        self.pins() < PINS_MAX
    }

    #[inline]
    pub(super) fn used(self) -> Self {
        let has_room = self.0 & USAGE_MASK < USAGE_MAX;
        if has_room { Self(self.0 + USAGE) } else { self }
    }

    pub(super) fn used_at_least_once(self) -> Self {
        if self.usage() == 0 { self.used() } else { self }
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [(u64, &str); 9] = [
            (VALID, "VALID"),
            (TAG_VALID, "TAG_VALID"),
            (DIRTY, "DIRTY"),
            (JUST_DIRTIED, "JUST_DIRTIED"),
            (IO_IN_PROGRESS, "IO_IN_PROGRESS"),
            (IO_ERROR, "IO_ERROR"),
            (CHECKPOINT_NEEDED, "CHECKPOINT_NEEDED"),
            (PERMANENT, "PERMANENT"),
            (OUTSIDE, "OUTSIDE"),
        ];
        write!(f, "pins {} waiters {} usage {}", self.pins(), self.waiters(), self.usage())?;
        for (_, name) in NAMES.iter().filter(|(bit, _)| self.0 & bit != 0) {
            write!(f, " {name}")?;
        }
        Ok(())
    }
}
