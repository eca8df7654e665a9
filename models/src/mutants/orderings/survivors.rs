//! The weakenings that are equivalent: no execution of C11 can tell, so no model kills them.
//!
//! Each is alone: the argument of one may rest on the ordering of another. One that no model kills
//! and that might be told has no place here; it wants a model.
//!
//! # Arguments
//! *By the lock*: the value is written while, or after, the writer holds a lock. Who reads it and
//! then takes that lock comes after him, whatever the orderings: had he taken it before, his read
//! would happen before the write that it has read.

use crate::mutants::hunt::Survivor;

/// Every one of them.
pub(super) const SURVIVORS: &[Survivor] = &[
    Survivor { name: "files/file.rs:blocks:blocks:Acquire->Relaxed", because: BLOCKS },
    Survivor { name: "files/file.rs:grow_to:blocks:Release->Relaxed", because: BLOCKS },
    Survivor { name: "poison.rs:poison:set:Release->Relaxed", because: POISON },
    Survivor { name: "poison.rs:is_set:set:Acquire->Relaxed", because: POISON },
    Survivor { name: "sync/checked.rs:set:word:Release->Relaxed", because: WAIT_WORD },
    Survivor { name: "sync/checked.rs:wait:word:Acquire->Relaxed", because: WAIT_WORD },
    Survivor {
        name: "wal/ring.rs:step:inserted:Acquire->Relaxed",
        because: "who goes on from the position acquires it by the exchange in advance; who takes \
                  bytes before it, by the load in take; nobody else concludes anything from it",
    },
    Survivor {
        name: "wal/ring.rs:advance:inserted:AcqRel->Release",
        because: "the position only grows, so the exchange finds the very store that the load in \
                  step has acquired; and it continues the release sequences of those before it",
    },
    Survivor {
        name: "wal/ring.rs:take:inserted:Acquire->Relaxed",
        because: "the leader has walked to the end of what he takes, so the loads in step have \
                  acquired it; what was taken before comes with the pipeline's lock",
    },
];

const BLOCKS: &str = "by the lock: who goes on to a page takes the lock of its bucket or of its \
                      content, which who extended the file had taken for that page before";

const POISON: &str = "by the lock: the flag is set under the lock of the cause, and who sees it \
                      takes that; who is woken by the failure comes after it by what wakes him; \
                      nobody concludes anything from a flag that is not set";

const WAIT_WORD: &str = "by the lock: the word is set under the pipeline's, and whoever sees it \
                         takes that, or returns by the flushed position, which he acquires";
