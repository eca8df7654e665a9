//! Mutants of the buffer header's edges.

use crate::mutants::Mutant;
use crate::mutants::Site::Expression;

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "state-dirty-cleared-anyway",
        file: "buffer/state.rs",
        site: Expression,
        find: "word.is_just_dirtied()",
        replace: "false",
        models: &["dirty_flag"],
        reason: "a page changed during its write is marked clean (M06)",
    },
    Mutant {
        name: "state-mark-dropped",
        file: "buffer/state.rs",
        site: Expression,
        find: "done.without(IO_ERROR)",
        replace: "done.without(IO_ERROR | CHECKPOINT_NEEDED)",
        models: &["mark_write"],
        reason: "the mark goes, though the copy was taken before a change that it is for (C2)",
    },
    Mutant {
        name: "state-retire-pinned",
        file: "buffer/state.rs",
        site: Expression,
        find: "word.pins() == 1 && !word.is_dirty()",
        replace: "!word.is_dirty()",
        models: &["pin_evict"],
        reason: "a page is evicted under somebody's pin (B1)",
    },
    Mutant {
        name: "state-retire-dirty",
        file: "buffer/state.rs",
        site: Expression,
        find: "word.pins() == 1 && !word.is_dirty()",
        replace: "word.pins() == 1",
        models: &["evict_dirty"],
        reason: "a page that was dirtied again after its write is evicted (E3)",
    },
    Mutant {
        name: "state-read-twice",
        file: "buffer/state.rs",
        site: Expression,
        find: "!word.is_valid() && !word.has_io()",
        replace: "!word.is_valid()",
        models: &["read_in"],
        reason: "two own the same read (I1)",
    },
    Mutant {
        name: "state-write-twice",
        file: "buffer/state.rs",
        site: Expression,
        find: "word.is_dirty() && !word.has_io()",
        replace: "word.is_dirty()",
        models: &["mark_write"],
        reason: "two own the same write: the older copy may land last (I1, F4)",
    },
    Mutant {
        name: "state-unpin-looks-first",
        file: "buffer/state.rs",
        site: Expression,
        find: "Snapshot(self.word.fetch_sub(PIN, Ordering::Release))",
        replace: "{
            let before = self.snapshot();
            self.word.fetch_sub(PIN, Ordering::Release);
            before
        }",
        models: &["cleanup"],
        reason: "who becomes a waiter between the look and the unpin sleeps on (B3)",
    },
    Mutant {
        name: "state-cleanup-unchecked",
        file: "buffer/state.rs",
        site: Expression,
        find: "word.is_left_to_waiters().then(|| (Snapshot(word.0 - WAITER), ()))",
        replace: "Some((Snapshot(word.0 - WAITER), ()))",
        models: &["cleanup"],
        reason: "a pin that came between the wake and the content lock is overlooked (B8)",
    },
    Mutant {
        name: "state-late-pin-of-a-free-frame",
        file: "buffer/state.rs",
        site: Expression,
        find: "word.has_tag().then(|| (word.pinned().used(), word))",
        replace: "Some((word.pinned().used(), word))",
        models: &["pin_evict"],
        reason: "a frame that is about to get another page is pinned for its last one (B1, E4)",
    },
    Mutant {
        name: "state-waiter-in-the-way",
        file: "buffer/state/word.rs",
        site: Expression,
        find: "self.waiters() > 0 && self.pins() == self.waiters()",
        replace: "self.waiters() > 0 && self.pins() == 1",
        models: &["cleanup_waiters"],
        reason: "two waiters wait for each other (B8)",
    },
];
