//! Every mutant, in the order of the files that it changes.

use super::Mutant;
use super::Site::{Expression, Statements};

/// Every mutant.
pub const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "event-notify-past-the-gate",
        file: "event.rs",
        site: Statements,
        find: "drop(self.gate.lock());",
        replace: "",
        models: &["event"],
        reason: "the change and its wake fall between a waiter's test and its sleep (B3)",
    },
    Mutant {
        name: "turn-back-without-a-wake",
        file: "turn.rs",
        site: Statements,
        find: "self.turn.returned.notify_all();",
        replace: "",
        models: &["turn"],
        reason: "the thing comes back and nobody is told",
    },
    Mutant {
        name: "turn-taken-without-a-test",
        file: "turn.rs",
        site: Statements,
        find: "self.returned.wait(&mut slot);",
        replace: "self.returned.wait(&mut slot);
            if let Some(value) = slot.take() {
                return Some(TurnGuard { turn: self, value: Some(value) });
            }",
        models: &["turn"],
        reason: "done is tested before the first sleep only: the work is done again (M57)",
    },
    Mutant {
        name: "state-dirty-cleared-anyway",
        file: "buffer/state.rs",
        site: Expression,
        find: "word.is_just_dirtied()",
        replace: "false",
        models: &["dirty_flag", "flush_two_dirtiers"],
        reason: "a page changed during its write is marked clean (M06)",
    },
    Mutant {
        name: "state-change-of-dirty-not-noted",
        file: "buffer/state.rs",
        site: Expression,
        find: "word.with(DIRTY | JUST_DIRTIED)",
        replace: "if word.is_dirty() { word } else { word.with(DIRTY | JUST_DIRTIED) }",
        models: &["dirty_flag", "flush_two_dirtiers"],
        reason: "a dirty page is changed during its write, and marked clean (B4)",
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
        name: "state-failed-read-not-tried-again",
        file: "buffer/state.rs",
        site: Expression,
        find: "!word.is_valid() && !word.has_io()",
        replace: "!word.is_valid() && !word.has_io() && !word.has_failed()",
        models: &["read_fails"],
        reason: "a page that could not be read once is lost for good",
    },
    Mutant {
        name: "state-failed-read-valid",
        file: "buffer/state.rs",
        site: Expression,
        find: "match end {
            ReadEnd::Read => VALID,
            ReadEnd::Formatted => VALID | OUTSIDE,
            ReadEnd::Failed => IO_ERROR,
        }",
        replace: "VALID",
        models: &["read_fails"],
        reason: "what a failed read left in the frame is taken for the page (B7)",
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
        name: "state-waiter-in-the-way",
        file: "buffer/state/word.rs",
        site: Expression,
        find: "self.waiters() > 0 && self.pins() == self.waiters()",
        replace: "self.waiters() > 0 && self.pins() == 1",
        models: &["cleanup_waiters"],
        reason: "two waiters wait for each other (B8)",
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
        name: "guard-sleeps-with-the-lock",
        file: "buffer/guard.rs",
        site: Statements,
        find: "drop(page);",
        replace: "",
        models: &["cleanup"],
        reason: "who is waited for cannot read the page to get done with it",
    },
    Mutant {
        name: "frame-unpin-unnoticed",
        file: "buffer/frame.rs",
        site: Statements,
        find: "if self.header.unpin() == Unpinned::LeftToWaiters {
            self.changed.notify_all();
        }",
        replace: "let _ = self.header.unpin();",
        models: &["cleanup", "cleanup_waiters"],
        reason: "the last pin goes and the waiters are not told (B3)",
    },
    Mutant {
        name: "frame-sleep-without-a-look",
        file: "buffer/frame.rs",
        site: Statements,
        find: "self.changed.wait_until(|| {
            let word = self.header.snapshot();
            word.is_left_to_waiters().then_some(())
        });",
        replace: "let mut has_slept = false;
            self.changed.wait_until(|| {
                let is_left = has_slept && self.header.snapshot().is_left_to_waiters();
                has_slept = true;
                is_left.then_some(())
            });",
        models: &["cleanup"],
        reason: "the last pin goes between the waiter's flag and his sleep (B3, M01)",
    },
    Mutant {
        name: "flush-just-dirtied-cleared-late",
        file: "buffer/flush.rs",
        site: Expression,
        find: "Copied::Image(file, content.clone())",
        replace: "{
            let copy = content.clone();
            drop(content);
            frame.header.clear_just_dirtied();
            Copied::Image(file, copy)
        }",
        models: &["dirty_flag"],
        reason: "JUST_DIRTIED is cleared after the image was taken (M17)",
    },
    Mutant {
        name: "frame-read-ends-unnoticed",
        file: "buffer/frame.rs",
        site: Statements,
        find: "self.frame.header.end_read(self.end);
        self.frame.changed.notify_all();",
        replace: "self.frame.header.end_read(self.end);",
        models: &["read_in", "read_fails"],
        reason: "who waits for a read sleeps on (I4)",
    },
    Mutant {
        name: "frame-write-ends-unnoticed",
        file: "buffer/frame.rs",
        site: Statements,
        find: "self.frame.header.end_write(self.end);
        self.frame.changed.notify_all();",
        replace: "self.frame.header.end_write(self.end);",
        models: &["mark_write"],
        reason: "who waits for a write sleeps on (I4)",
    },
    Mutant {
        name: "flush-contended-page-passed-over",
        file: "buffer/flush.rs",
        site: Expression,
        find: "self.flush(&Pin::adopt(self, id), Patience::Wait)",
        replace: "self.flush(&Pin::adopt(self, id), Patience::Try)",
        models: &["mark_flush"],
        reason: "the checkpoint does not wait for the content lock (C1, M63)",
    },
    Mutant {
        name: "table-insert-without-a-look",
        file: "buffer/table.rs",
        site: Statements,
        find: "if let Some(present) = self.find(place, page, page_in, &overflow) {
            pin(present);
            return Err(Present(present));
        }",
        replace: "let _ = (&pin, &page_in);",
        models: &["read_in"],
        reason: "a page gets into two frames (E1)",
    },
    Mutant {
        name: "pool-tag-not-compared",
        file: "buffer/pool.rs",
        site: Expression,
        find: "(pin.page() == page)",
        replace: "true",
        models: &["pin_evict"],
        reason: "the frame that the table named holds another page by now (E4)",
    },
    Mutant {
        name: "pool-error-not-noted",
        file: "buffer/pool.rs",
        site: Statements,
        find: "self.failures.note(pin.id(), error.clone());",
        replace: "",
        models: &["read_fails"],
        reason: "all who waited for a read that failed try again, one after the other",
    },
    Mutant {
        name: "clock-pinned-not-counted",
        file: "buffer/clock.rs",
        site: Expression,
        find: "in_use += 1",
        replace: "in_use = 0",
        models: &["all_pinned"],
        reason: "with everything pinned the sweep goes round for ever (E5)",
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
        name: "guard-dirty-after-insert",
        file: "buffer/guard.rs",
        site: Expression,
        find: "!std::mem::replace(&mut self.is_noted, true)",
        replace: "std::mem::replace(&mut self.is_noted, true)",
        models: &["mark_flush"],
        reason: "the checkpoint finds the page clean though its record is before redo (M63)",
    },
    Mutant {
        name: "extend-length-before-the-page",
        file: "length.rs",
        site: Expression,
        find: "Operation::new(parts.pool, parts.wal)",
        replace: "{
            file.grow_to(end);
            Operation::new(parts.pool, parts.wal)
        }",
        models: &["extend_read"],
        reason: "who sees the new length finds no page, in the pool or on disk",
    },
    Mutant {
        name: "cut-outside-without-the-lock",
        file: "buffer/cut.rs",
        site: Statements,
        find: "pin.write().put_outside();",
        replace: "pin.frame().header.put_outside();",
        models: &["truncate_commit"],
        reason: "an operation that has the page commits after the cut: recovery finds no such page",
    },
    Mutant {
        name: "cut-outside-before-it-is-read",
        file: "buffer/cut.rs",
        site: Statements,
        find: "// Who has just read the page in may still have to say so; only then it is a page.
            pin.frame().wait_for_io();",
        replace: "",
        models: &["truncate_commit"],
        reason: "who reads the page in makes it valid afterwards, and inside",
    },
    Mutant {
        name: "cut-past-a-reader",
        file: "files/file.rs",
        site: Statements,
        find: "drop(self.reading.write());",
        replace: "",
        models: &["truncate_commit"],
        reason: "who has seen the old length brings the page in after the pool was looked through",
    },
    Mutant {
        name: "guard-outside-unnoticed",
        file: "buffer/guard.rs",
        site: Expression,
        find: "!self.frame().header.snapshot().is_outside()",
        replace: "true",
        models: &["truncate_commit"],
        reason: "a page that was cut off is used",
    },
    Mutant {
        name: "cut-not-waiting-for-writes",
        file: "length.rs",
        site: Statements,
        find: "self.pool.wait_for_writes(self.file.id(), &self.blocks);",
        replace: "",
        models: &["truncate_flush", "drop_flush"],
        reason: "a write that had begun makes the file longer again, or its segment anew",
    },
    Mutant {
        name: "flush-of-a-page-cut-off",
        file: "buffer/flush.rs",
        site: Expression,
        find: "word.is_outside() && file.has_lost(page.block())",
        replace: "false",
        models: &["truncate_flush"],
        reason: "a page that was cut off is written behind the end of its file",
    },
    Mutant {
        name: "insert-epoch-not-compared",
        file: "wal/insert.rs",
        site: Expression,
        find: "reservation.epoch() != epoch",
        replace: "false",
        models: &["redo_image"],
        reason: "a record assembled by the old redo point lands behind the new one (W11)",
    },
    Mutant {
        name: "ring-redo-after-its-epoch",
        file: "wal/ring.rs",
        site: Statements,
        find: "store(redo);",
        replace: "if epoch.0 > 0 { store(redo); }",
        models: &["redo_image"],
        reason: "who sees the new epoch sees the old redo point (W11)",
    },
    Mutant {
        name: "ring-publish-before-copy",
        file: "wal/ring.rs",
        site: Statements,
        find: "assert!(end <= self.ring.room(), \"no room in the ring\");",
        replace: "self.ring.link(self.next).publish(end);",
        models: &["wal_insert"],
        reason: "bytes are published before they are copied (W2, W3)",
    },
    Mutant {
        name: "spin-publish-relaxed",
        file: "sync/loom.rs",
        site: Expression,
        find: "self.word.store(value, Ordering::Release)",
        replace: "self.word.store(value, Ordering::Relaxed)",
        models: &["wal_insert"],
        reason: "a link is seen before the bytes that it publishes (W2)",
    },
    Mutant {
        name: "ring-reserve-relaxed",
        file: "wal/ring.rs",
        site: Expression,
        find: "self.reserved.fetch_add(bytes / RECORD_ALIGNMENT, Ordering::Release)",
        replace: "self.reserved.fetch_add(bytes / RECORD_ALIGNMENT, Ordering::Relaxed)",
        models: &["mark_flush"],
        reason: "the redo point is after the record, the DIRTY flag not seen yet (C1)",
    },
    Mutant {
        name: "flush-room-after-position",
        file: "wal/flush.rs",
        site: Statements,
        find: "writer.reader.release();
        // Release: pairs with the Acquire in written.
        self.written.store(end.0, Ordering::Release);",
        replace: "self.written.store(end.0, Ordering::Release);
        writer.reader.release();",
        models: &["wal_room"],
        reason: "who waits for room is told of it before it is there, and spins",
    },
    Mutant {
        name: "flush-acknowledged-when-written",
        file: "wal/flush.rs",
        site: Statements,
        find: "if self.flushed() >= lsn {
            return Ok(());
        }",
        replace: "if self.written() >= lsn {
            return Ok(());
        }",
        models: &["group_flush"],
        reason: "a commit is acknowledged at the written position (W9)",
    },
    Mutant {
        name: "flush-position-before-sync",
        file: "wal/flush.rs",
        site: Statements,
        find: "file.sync_data()
            .map_err(|error| self.poison.poison(\"sync\", &segment_path(*number), &error))?;
        // Release: pairs with the Acquire in flushed.
        self.flushed.store(written.0, Ordering::Release);",
        replace: "self.flushed.store(written.0, Ordering::Release);
        file.sync_data()
            .map_err(|error| self.poison.poison(\"sync\", &segment_path(*number), &error))?;",
        models: &["group_flush"],
        reason: "somebody else finds his record flushed before the sync (W5)",
    },
    Mutant {
        name: "flush-position-of-the-inserted",
        file: "wal/flush.rs",
        site: Statements,
        find: "file.sync_data()
            .map_err(|error| self.poison.poison(\"sync\", &segment_path(*number), &error))?;
        // Release: pairs with the Acquire in flushed.
        self.flushed.store(written.0, Ordering::Release);",
        replace: "file.sync_data()
            .map_err(|error| self.poison.poison(\"sync\", &segment_path(*number), &error))?;
        self.flushed.store(self.ring.inserted().0, Ordering::Release);",
        models: &["group_flush"],
        reason: "flushed passes what is written (W1, W5)",
    },
    Mutant {
        name: "sync-entry-removed-first",
        file: "fsync/table.rs",
        site: Statements,
        find: "sync(tag)?;
            self.entries.remove(&tag);",
        replace: "self.entries.remove(&tag);
            sync(tag)?;",
        models: &["sync_cycle"],
        reason: "a failed sync loses its request (M25)",
    },
    Mutant {
        name: "sync-absorb-before-removal",
        file: "fsync/table.rs",
        site: Statements,
        find: "sync(tag)?;
            self.entries.remove(&tag);",
        replace: "sync(tag)?;
            self.absorb(queue);
            self.entries.remove(&tag);",
        models: &["sync_cycle"],
        reason: "a request that arrived during the sync goes with its entry (M23)",
    },
    Mutant {
        name: "sync-cycles-not-renewed",
        file: "fsync/table.rs",
        site: Statements,
        find: "self.entries.values_mut().for_each(|cycle| *cycle = self.cycle);",
        replace: "",
        models: &["sync_cycle"],
        reason: "what failed phases left looks new once the counter has wrapped",
    },
    Mutant {
        name: "sync-full-queue-drops",
        file: "fsync/queue.rs",
        site: Statements,
        find: "return Registered::Full;",
        replace: "return Registered::Queued;",
        models: &["sync_cycle"],
        reason: "a request that found no room is nobody's (S4, S9)",
    },
];

#[cfg(test)]
mod tests;
