//! Frames allocated, counted for the background writer, and its sleep until there is one more.
//! PostgreSQL: `numBufferAllocs`, `StrategyNotifyBgWriter`.
//!
//! # State
//! ```text
//! bit  0       ASLEEP  somebody waits for the count to change, or is about to
//! bits 1..64   count
//! ```
//!
//! # Rules
//! * B3: count and flag are one word. An allocation comes before the flag, and then who has set
//!   the flag sees it and does not sleep; or after it, and then it takes the flag and wakes.
//! * The flag goes in the step that counts. If it went later, it might be that of the next sleep.
//! * With nobody asleep an allocation costs one exchange.
//!
//! # Orderings
//! The word's own order of changes is all that the rule needs. Release and Acquire hand over what
//! was done before an allocation, or a wake that poses as one.
//!
//! # Checked by
//! models `background_sleep`, `background_stop`.

use crate::event::Event;
use crate::poison::PoisonWatcher;
use crate::sync::atomic::{AtomicU64, Ordering};

const ASLEEP: u64 = 1;
const ALLOCATION: u64 = 2;

/// The count of allocations, and who waits for it.
#[derive(Debug)]
pub(super) struct Allocations {
    word: AtomicU64,
    changed: Event,
}

impl Allocations {
    /// None yet.
    pub(super) fn new() -> Self {
        Self { word: AtomicU64::new(0), changed: Event::new() }
    }

    /// How many there were.
    pub(super) fn count(&self) -> u64 {
        // Acquire: pairs with the Release in note.
        self.word.load(Ordering::Acquire) / ALLOCATION
    }

    /// Counts one, and wakes who waits for it.
    pub(super) fn note(&self) {
        let counted = |word: u64| Some((word + ALLOCATION) & !ASLEEP);
        // Release: pairs with the Acquire in count. Relaxed: there is an edge from every word.
        let before = self.word.try_update(Ordering::Release, Ordering::Relaxed, counted);
        if before.is_ok_and(|before| before & ASLEEP != 0) {
            self.changed.notify_all();
        }
    }

    /// Blocks until there are others than the `counted` ones.
    pub(super) fn wait_for_more(&self, counted: u64) {
        // Relaxed: see the module's orderings.
        let relaxed = Ordering::Relaxed;
        let _ = self.word.try_update(relaxed, relaxed, |word| Some(word | ASLEEP));
        self.changed.wait_until(|| (self.count() != counted).then_some(()));
    }
}

impl PoisonWatcher for Allocations {
    fn poisoned(&self) {
        self.note();
    }
}
