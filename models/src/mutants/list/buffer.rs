//! Mutants of the pool, its guards, and what writes its pages out.

use crate::mutants::Mutant;
use crate::mutants::Site::{Expression, Statements};

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "allocations-flag-looked-for-first",
        file: "buffer/allocations.rs",
        site: Expression,
        find: "self.word.try_update(Ordering::Release, Ordering::Relaxed, counted)",
        replace: "{
            let before = self.word.load(Ordering::Acquire);
            let _ = self.word.try_update(Ordering::Release, Ordering::Relaxed, counted);
            Ok::<u64, u64>(before)
        }",
        models: &["background_sleep"],
        reason: "the writer falls asleep between the look and the count (B3)",
    },
    Mutant {
        name: "allocations-flag-cleared-late",
        file: "buffer/allocations.rs",
        site: Expression,
        find: "self.word.try_update(Ordering::Release, Ordering::Relaxed, counted)",
        replace: "{
            let before = self.word.fetch_add(ALLOCATION, Ordering::Release);
            if before & ASLEEP != 0 {
                let relaxed = Ordering::Relaxed;
                let _ = self.word.try_update(relaxed, relaxed, |word| Some(word & !ASLEEP));
            }
            let _ = counted;
            Ok::<u64, u64>(before)
        }",
        models: &["background_sleep"],
        reason: "the flag of the next sleep is cleared, and the next allocation wakes nobody (B3)",
    },
    Mutant {
        name: "allocations-count-relaxed",
        file: "buffer/allocations.rs",
        site: Expression,
        find: "self.word.load(Ordering::Acquire)",
        replace: "self.word.load(Ordering::Relaxed)",
        models: &["background_stop"],
        reason: "a wake is seen before what it tells of, and the writer sleeps for good",
    },
    Mutant {
        name: "allocations-nobody-woken",
        file: "buffer/allocations.rs",
        site: Statements,
        find: "self.changed.notify_all();",
        replace: "",
        models: &["background_sleep"],
        reason: "the flag goes and the writer is not told (B3)",
    },
    Mutant {
        name: "allocations-sleep-without-a-look",
        file: "buffer/allocations.rs",
        site: Expression,
        find: "(self.count() != counted)",
        replace: "{
            let _ = counted;
            self.word.load(Ordering::Acquire) & ASLEEP == 0
        }",
        models: &["background_sleep"],
        reason: "the writer sleeps on after an allocation that came before its flag (B3)",
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
        name: "flush-contended-page-passed-over",
        file: "buffer/flush.rs",
        site: Expression,
        find: "self.flush(&Pin::adopt(self, id), Writer::Checkpoint)",
        replace: "self.flush(&Pin::adopt(self, id), Writer::Background)",
        models: &["mark_flush"],
        reason: "the checkpoint does not wait for the content lock (C1, M63)",
    },
    Mutant {
        name: "flush-io-taken-for-written",
        file: "buffer/flush.rs",
        site: Expression,
        find: "frame.wait_for_io()",
        replace: "return Ok(Flush::NotNeeded)",
        models: &["background_checkpoint"],
        reason: "the checkpointer goes on while somebody else still writes the page (C2)",
    },
    Mutant {
        name: "flush-registered-when-clean",
        file: "buffer/flush.rs",
        site: Statements,
        find: "self.register_for_sync(written)?;
        let marks = run.into_iter().map(|page| u64::from(page.io.end(WriteEnd::Written))).sum();
        self.counters.note_marks(marks);",
        replace: "run.into_iter().for_each(|page| _ = page.io.end(WriteEnd::Written));
        self.register_for_sync(written)?;",
        models: &["background_checkpoint"],
        reason: "the checkpoint finds the page clean and its file not registered (F3, S1, M30)",
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
        find: "self.frame.changed.notify_all();
        was_marked",
        replace: "was_marked",
        models: &["mark_write"],
        reason: "who waits for a write sleeps on (I4)",
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
        name: "guard-dirty-after-insert",
        file: "buffer/guard.rs",
        site: Expression,
        find: "!std::mem::replace(&mut self.is_noted, true)",
        replace: "std::mem::replace(&mut self.is_noted, true)",
        models: &["mark_flush"],
        reason: "the checkpoint finds the page clean though its record is before redo (B5, M63)",
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
        name: "pool-error-not-noted",
        file: "buffer/read.rs",
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
        name: "load-failed-read-taken-for-done",
        file: "buffer/load.rs",
        site: Expression,
        find: "self.files.read_pages(run[0].pin.page(), &mut bytes).is_ok()",
        replace: "{
            let _ = self.files.read_pages(run[0].pin.page(), &mut bytes);
            true
        }",
        models: &["load_read"],
        reason: "what is in the frame is taken for the page, and a good page for a damaged one",
    },
    Mutant {
        name: "load-waits-with-reads-of-its-own",
        file: "buffer/load.rs",
        site: Expression,
        find: "self.is_in_table(page)",
        replace: "self.is_in_table(page) && {
            run.iter().for_each(|incoming: &Incoming<'_>| incoming.pin.frame().wait_for_io());
            true
        }",
        models: &["load_read"],
        reason: "it waits for reads that it is to make itself",
    },
    Mutant {
        name: "read-not-looking-for-valid",
        file: "buffer/pool.rs",
        site: Expression,
        find: "!word.is_valid()",
        replace: "false",
        models: &["read_filled"],
        reason: "the page has gone, or is being read in, and its bytes are anybody's (B9)",
    },
    Mutant {
        name: "read-tag-not-compared",
        file: "buffer/pool.rs",
        site: Expression,
        find: "frame.tag() != page",
        replace: "false",
        models: &["read_evict"],
        reason: "the frame that the table named holds another page by now (E4)",
    },
    Mutant {
        name: "evict-past-a-reader",
        file: "buffer/victim.rs",
        site: Expression,
        find: "unread.is_none()",
        replace: "false",
        models: &["read_evict"],
        reason: "a page is evicted while somebody reads it without a pin (B9)",
    },
    Mutant {
        name: "evict-not-keeping-readers-out",
        file: "buffer/victim.rs",
        site: Expression,
        find: "unread.is_none()",
        replace: "{
            let is_read = unread.is_none();
            drop(unread);
            is_read
        }",
        models: &["read_evict"],
        reason: "a reader comes between the look for readers and the eviction (B9)",
    },
];
