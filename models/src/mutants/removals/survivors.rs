//! The removals that nothing kills, and why nothing can.
//!
//! One that something might tell has no place here; it wants a model or a test.

use crate::mutants::hunt::Survivor;

/// Every one of them.
pub(super) const SURVIVORS: &[Survivor] = &[
    Survivor {
        name: "buffer/flush.rs:write_out:!file.options().unlogged->true",
        because: "only slower: the log is made durable up to a page that is in no record of it",
    },
    Survivor { name: "buffer/state.rs:note_use:used != word->true", because: SAME_WORD },
    Survivor {
        name: "fsync/queue.rs:register:pending.len() == self.capacity->true",
        because: MERGED,
    },
    Survivor { name: "fsync/table.rs:sync_all:self.in_progress->true", because: RENEWED },
    Survivor { name: "fsync/table.rs:sync_all:synced > 0->true", because: ABSORBED },
    Survivor {
        name: "fsync/table.rs:sync_all:synced > 0 && synced % SYNCS_PER_ABSORB == 0->true",
        because: ABSORBED,
    },
    Survivor {
        name: "fsync/table.rs:sync_all:synced % SYNCS_PER_ABSORB == 0->true",
        because: ABSORBED,
    },
    Survivor { name: "fsync/table.rs:sync_all:last = Some(tag)->nothing", because: FROM_THE_FRONT },
    Survivor {
        name: "fsync/table.rs:sync_all:self.in_progress = false->nothing",
        because: RENEWED,
    },
    Survivor { name: "wal/flush.rs:flush:self.flushed() >= lsn->false", because: SHORT_CUT },
    Survivor { name: REACHED, because: SHORT_CUT },
    Survivor { name: "wal/flush.rs:lead:is_flush->true", because: COMPANY },
    Survivor {
        name: "wal/flush.rs:lead:is_flush && extent == Extent::Inserted->true",
        because: COMPANY,
    },
    Survivor {
        name: "wal/flush.rs:lead:is_flush && extent == Extent::Inserted->false",
        because: COMPANY,
    },
    Survivor { name: "wal/flush.rs:lead:extent == Extent::Inserted->true", because: COMPANY },
    Survivor {
        name: "wal/flush.rs:lead:group.is_durable = is_durable->nothing",
        because: "only slower: who wanted the group durable finds that it is not, and leads the \
                  next",
    },
    Survivor { name: "wal/request.rs:ask:before & ASLEEP != 0->true", because: IN_VAIN },
    Survivor {
        name: "wal/request.rs:ask:before & ASLEEP != 0 && position.0 > before->true",
        because: IN_VAIN,
    },
    Survivor { name: "wal/request.rs:ask:position.0 > before->true", because: IN_VAIN },
];

/// The look after a sleep.
const REACHED: &str = "wal/flush.rs:reach:matches!(goal, Goal::Flushed(lsn) if self.fl…->false";

const SAME_WORD: &str = "the exchange puts the word there that is there";

const MERGED: &str = "only slower: requests that are equal are merged before there is need to";

const RENEWED: &str = "a phase that renews what the last one left may do so if it has left \
                       nothing: what is in the table is due either way";

const ABSORBED: &str = "what is absorbed earlier is of this phase's cycle, so it is due in the \
                        next either way; and it is absorbed before a sync, never after it (S2)";

const FROM_THE_FRONT: &str = "only slower: what was synced is out of the table, and what came in \
                              since is not due";

const SHORT_CUT: &str = "only slower: the position is looked at again under the lock";

const COMPANY: &str = "only slower, or faster: whether a leader waits for company";

const IN_VAIN: &str = "only slower: a wake in vain; who sleeps looks at the word again";
