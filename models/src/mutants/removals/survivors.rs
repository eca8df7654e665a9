//! The removals that nothing kills, and why nothing can.
//!
//! One that something might tell has no place here; it wants a model or a test.

use crate::mutants::hunt::Survivor;

/// Every one of them.
pub(super) const SURVIVORS: &[Survivor] = &[
    Survivor {
        name: "buffer/allocations.rs:note:before.is_ok_and(|before| before & ASLEEP !=…->true",
        because: IN_VAIN,
    },
    Survivor { name: "buffer/background.rs:write:drop(pin)->nothing", because: AT_THE_END },
    Survivor {
        name: "buffer/combine.rs:take_along:!file.options().unlogged->true",
        because: "only a shorter look: the pages of an unlogged file have the LSN zero, which is \
                  durable",
    },
    Survivor { name: "buffer/combine.rs:take_along:drop(content)->nothing", because: AT_THE_END },
    Survivor {
        name: "buffer/guard.rs:change:!std::mem::replace(&mut self.is_noted, true)->true",
        because: "only slower: the page is marked again, under the lock under which it was marked",
    },
    Survivor {
        name: "buffer/load.rs:is_in_table:self.table.get(page, tag).is_some()->false",
        because: "only slower: who enters the page finds it under the lock, and the disk is told \
                  in vain",
    },
    Survivor {
        name: "buffer/load.rs:is_in_table:self.table.hint(page).is_some_and(|id| tag(i…->false",
        because: "only slower: it is looked for under the lock",
    },
    Survivor {
        name: "buffer/table.rs:frame:((entry >> 32) as u32 == tag)->true",
        because: "only slower: the page in the frame is compared by whoever is given it",
    },
    Survivor {
        name: "buffer/table.rs:last_with:entry != 0->true",
        because: "only slower: a page whose tag is zero, of which there are a few in a billion, \
                  is found under the lock",
    },
    Survivor {
        name: "buffer/table.rs:new:frames <= WAYS->false",
        because: "only more room for a very small pool",
    },
    Survivor {
        name: "buffer/victim.rs:claim_from:word.is_dirty()->true",
        because: "the log of a clean page is durable, and one that is locked is not to be had \
                  either way",
    },
    Survivor {
        name: "buffer/victim.rs:vacate:!word.is_valid()->true",
        because: "only slower: there is no error to forget of a page that is there",
    },
    Survivor {
        name: "buffer/victim.rs:vacate:word.is_dirty()->true",
        because: "only slower: a clean page needs no flush, says the flush",
    },
    Survivor { name: "checkpoint/request.rs:drop:drop(state)->nothing", because: AT_THE_END },
    Survivor {
        name: "checkpoint/run.rs:run_now:parts.pool.evicted().end()->nothing",
        because: "only memory: what is noted after a checkpoint that failed is dropped by the next",
    },
    Survivor {
        name: "checkpoint/write.rs:rest:self.table.absorb(parts.syncs)->nothing",
        because: FULL_QUEUE,
    },
    Survivor {
        name: "checkpoint/write.rs:sync_files:synced += 1->nothing",
        because: "only what people are told",
    },
    Survivor {
        name: "checkpoint/write.rs:wait_for_evicted:self.table.absorb(parts.syncs)->nothing",
        because: FULL_QUEUE,
    },
    Survivor {
        name: "checkpoint/write.rs:write_pages:index % WRITES_PER_ABSORB == 0->false",
        because: FULL_QUEUE,
    },
    Survivor {
        name: "checkpoint/write.rs:write_pages:index % WRITES_PER_ABSORB == 0->true",
        because: "only slower: the queue is looked at after each page",
    },
    Survivor {
        name: "checkpoint/write.rs:write_pages:self.table.absorb(parts.syncs)->nothing",
        because: FULL_QUEUE,
    },
    Survivor {
        name: "files/segment.rs:open_for_pages:direct && error.kind() == io::ErrorKind::Uns…->true",
        because: OTHERWISE_TOO,
    },
    Survivor {
        name: "files/segment.rs:open_for_pages:direct->true",
        because: "only direct I/O is ever unsupported",
    },
    Survivor {
        name: "files/segment.rs:open_for_pages:error.kind() == io::ErrorKind::Unsupported->true",
        because: OTHERWISE_TOO,
    },
    Survivor {
        name: "length.rs:drop:!self.blocks.is_empty()->true",
        because: "of a cut that was carried out no blocks are left, and to undo none does nothing",
    },
    Survivor {
        name: "length.rs:drop:self.file.end_cut()->nothing",
        because: "the pages of a cut that was undone are inside, so nobody asks; the next cut has \
                  its own end",
    },
    Survivor {
        name: "length.rs:drop_file:let _whole = parts.poison.on_panic(\"drop\", &…->let go",
        because: "nothing from the record to the removal can panic but the log, which has a guard \
                  of its own",
    },
    Survivor {
        name: "operation.rs:finish:self.is_new->true",
        because: "a page that is not new is inside already",
    },
    Survivor {
        name: "poison.rs:cause:self.is_set()->true",
        because: "only slower: the cause is looked for under its lock",
    },
    Survivor {
        name: "wal/durable.rs:poll:drop(pipeline)->nothing",
        because: "only slower: the flusher is woken with the lock held that it needs next",
    },
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
        name: "wal/request.rs:ask:before & ASLEEP != 0 && position > before->true",
        because: IN_VAIN,
    },
    Survivor { name: "wal/request.rs:ask:position > before->true", because: IN_VAIN },
    Survivor {
        name: "wal/ring.rs:pieces:self.inserted()->nothing",
        because: "only what is counted",
    },
    Survivor {
        name: "wal/space.rs:find_space:end.0 <= self.space.end.load(Ordering::Relax…->false",
        because: SHORT_CUT,
    },
    Survivor {
        name: "wal/space.rs:open_upto:*next <= last->true",
        because: "only slower: the directory is synced when nothing is opened",
    },
    Survivor {
        name: "wal/space.rs:open_upto:self.space.end.store(self.geometry.segment_s…->nothing",
        because: SHORT_CUT,
    },
    Survivor {
        name: "wal/space.rs:open_as:method.direct->true",
        because: "only direct I/O is ever unsupported",
    },
    Survivor {
        name: "wal/space.rs:open_as:method.direct && error.kind() == io::ErrorKi…->true",
        because: OTHERWISE_TOO,
    },
    Survivor {
        name: "wal/space.rs:open_as:error.kind() == io::ErrorKind::Unsupported->true",
        because: OTHERWISE_TOO,
    },
    Survivor {
        name: "wal/stage.rs:fill:address >= end->false",
        because: "only slower: blocks behind the end are made and not written",
    },
    Survivor { name: "wal/stage.rs:write:group.bytes > 0->true", because: "a write of no bytes" },
    Survivor {
        name: "wal/stage.rs:keep_last_block:from > 0->true",
        because: "the block is moved to where it is",
    },
    Survivor {
        name: "writeback/evicted.rs:drain:self.0.lock().next = noted->nothing",
        because: NEW_LIST,
    },
    Survivor { name: "writeback/evicted.rs:end:lists.next = appended->nothing", because: NEW_LIST },
    Survivor {
        name: "buffer/flush.rs:note_written:config.backend_flush_after_bytes == 0->false",
        because: "a queue with a limit of zero takes nothing, and has nothing to drain",
    },
    Survivor {
        name: "checkpoint/run.rs:checkpoint:parts.config.get().evict_sync_rounds > 0->true",
        because: "only slower: with no rounds nobody notes anything either",
    },
    Survivor {
        name: "files/mod.rs:read_pages:let _exist = file.lock_for_reading(last)?->let go",
        because: "a page is in the table, its I/O under way, before it is looked for in its file, \
                  and a cut waits for the I/O of every page that it finds there",
    },
    Survivor {
        name: "checkpoint/run.rs:conclude:state == StoreState::InProduction->true",
        because: "only slower: a segment that the next opening would look for is there already",
    },
    Survivor { name: "engine.rs:open_with:drop(opening)->nothing", because: AT_THE_END },
    Survivor {
        name: "recovery/ahead.rs:look:control.ends_closed(at)->false",
        because: "only slower: there is nothing behind it",
    },
    Survivor {
        name: "recovery/batch.rs:push:self.changes.truncate(changes)->nothing",
        because: DECODED,
    },
    Survivor {
        name: "recovery/batch.rs:push:self.notes.truncate(notes)->nothing",
        because: DECODED,
    },
    Survivor {
        name: "recovery/batch.rs:fill:is_truncation->true",
        because: "only slower: a batch of one record",
    },
    Survivor {
        name: "recovery/batch.rs:prefetch:old.contains(page)->false",
        because: TOLD_IN_VAIN,
    },
    Survivor {
        name: "recovery/batch.rs:prefetch:pages.sort_unstable()->nothing",
        because: TOLD_IN_VAIN,
    },
    Survivor { name: "recovery/batch.rs:prefetch:pages.dedup()->nothing", because: TOLD_IN_VAIN },
    Survivor {
        name: "recovery/fates.rs:fates:fates.is_empty()->false",
        because: "only slower: the log is read for no page",
    },
    Survivor {
        name: "recovery/rehearsal.rs:rehearse_in:rehearsal.refusal.is_some()->false",
        because: "only slower: the log is read again, and nothing in it is looked at",
    },
    Survivor {
        name: "recovery/replay.rs:admit:file.id() == page.file()->false",
        because: "only slower: the file is looked up again",
    },
    Survivor {
        name: "recovery/replay.rs:admit:page.block() == u32::MAX->false",
        because: "a file would need 2^32 - 1 blocks",
    },
    Survivor {
        name: "recovery/salvage/aside.rs:put_newer_pages:read.map_err(|e| failed(\"read\", from, \
               offset…->nothing",
        because: "only another error: what was not read is not that page",
    },
    Survivor {
        name: "recovery/salvage/aside.rs:put_newer_pages:page.verify(suspect.page)?->nothing",
        because: "it was found whole by the same pass",
    },
    Survivor {
        name: "recovery.rs:write_again:durable >= self.end()->false",
        because: "only slower: the last block is written again",
    },
    Survivor {
        name: "recovery.rs:clear_tail:is_empty->false",
        because: "a header stays, of a block that has nothing and that the next record begins",
    },
    Survivor {
        name: "recovery/salvage.rs:ensure_block:address == end->false",
        because: "the next block gets the header that its first record gives it anyway",
    },
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

const AT_THE_END: &str = "what is dropped here is dropped at the end of the function anyway";

const FULL_QUEUE: &str = "only slower: who finds the queue full syncs for himself, and every sync \
                          absorbs first (S3)";

const OTHERWISE_TOO: &str = "who cannot open it directly for another reason cannot open it \
                             otherwise, or may: only slower";

const NEW_LIST: &str = "only slower: another list is allocated";

const DECODED: &str =
    "every record was decoded when the log was surveyed, and none is refused here";

const TOLD_IN_VAIN: &str = "only what the disk is told to read: more, or in another order";
