//! Mutants of the write-ahead log.

use crate::mutants::Mutant;
use crate::mutants::Site::{Expression, Statements};

pub(super) const MUTANTS: &[Mutant] = &[
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
        name: "flush-acknowledged-when-written",
        file: "wal/flush.rs",
        site: Statements,
        find: "if self.flushed() >= lsn {
            return Ok(());
        }",
        replace: "if self.written() >= lsn {
            return Ok(());
        }",
        models: &["flush_written"],
        reason: "a commit is acknowledged at the written position (W9)",
    },
    Mutant {
        name: "insert-epoch-not-compared",
        file: "wal/insert.rs",
        site: Expression,
        find: "reservation.epoch() != epoch",
        replace: "false",
        models: &["redo_image", "image_toggle"],
        reason: "a record assembled by the old redo point lands behind the new one (R3, W11)",
    },
    Mutant {
        name: "ring-redo-after-its-epoch",
        file: "wal/ring.rs",
        site: Statements,
        find: "store(end);",
        replace: "if epoch.number > 0 { store(end); }",
        models: &["redo_image"],
        reason: "who sees the new epoch sees the old redo point (W11)",
    },
    Mutant {
        name: "images-on-without-an-epoch",
        file: "wal/images.rs",
        site: Statements,
        find: "let before = self.images.set(images);
        if images == FullPageImages::Off {
            return None;
        }
        if before == FullPageImages::Off {
            *on_since = self.ring.begin_epoch(|_| ());
        }
        Some(*on_since)",
        replace: "self.images.set(images);
        *on_since = self.reserved();
        Some(*on_since)",
        models: &["image_toggle"],
        reason: "a record assembled without images lands behind the position at which they are on \
                 (bc153c941d)",
    },
    Mutant {
        name: "images-on-after-the-epoch",
        file: "wal/images.rs",
        site: Statements,
        find: "let before = self.images.set(images);
        if images == FullPageImages::Off {
            return None;
        }
        if before == FullPageImages::Off {
            *on_since = self.ring.begin_epoch(|_| ());
        }
        Some(*on_since)",
        replace: "*on_since = self.ring.begin_epoch(|_| ());
        self.images.set(images);
        Some(*on_since)",
        models: &["image_toggle"],
        reason: "who sees the new epoch sees the old setting (W11)",
    },
    Mutant {
        name: "images-set-with-an-old-redo-point",
        file: "wal/images.rs",
        site: Statements,
        find: "let (relaxed, changed) = (Ordering::Relaxed, |word| Some(change(Snapshot(word))));
        let (Ok(before) | Err(before)) = self.word.try_update(relaxed, relaxed, changed);
        Snapshot(before)",
        replace: "let before = self.load();
        self.word.store(change(before), Ordering::Relaxed);
        before",
        models: &["image_toggle"],
        reason: "the setting brings back a redo point that has moved on, or the other way round",
    },
    Mutant {
        name: "slots-asked-and-not-heeded",
        file: "wal/segment.rs",
        site: Expression,
        find: "self.slots.let_go_before(first_needed)",
        replace: "{ self.slots.let_go_before(first_needed); first_needed }",
        models: &["slot_removal"],
        reason: "a segment is removed that a slot needs (R5)",
    },
    Mutant {
        name: "slots-taken-of-what-is-gone",
        file: "wal/slot.rs",
        site: Expression,
        find: "self.geometry.segment(lsn) < state.first",
        replace: "false",
        models: &["slot_removal"],
        reason: "a slot is granted on a segment that is gone, or going (R5)",
    },
    Mutant {
        name: "slots-decided-before-they-are-noted",
        file: "wal/slot.rs",
        site: Statements,
        find: "let mut state = self.state.lock();
        let held = state.held.values().map(|slot| self.geometry.segment(slot.lsn)).min();
        let first = held.map_or(first_needed, |held| held.min(first_needed));
        state.first = state.first.max(first);
        state.first",
        replace: "let held = {
            let state = self.state.lock();
            state.held.values().map(|slot| self.geometry.segment(slot.lsn)).min()
        };
        let first = held.map_or(first_needed, |held| held.min(first_needed));
        let mut state = self.state.lock();
        state.first = state.first.max(first);
        state.first",
        models: &["slot_removal"],
        reason: "a slot that is taken between the two steps is not heeded (R5)",
    },
    Mutant {
        name: "ring-publish-before-copy",
        file: "wal/ring.rs",
        site: Statements,
        find: "assert!(end <= self.ring.room(), \"no room in the ring\");",
        replace: "self.ring.link(self.next).publish(end);",
        models: &["wal_insert", "wal_crossing"],
        reason: "bytes are published before they are copied (W4, W2, W3)",
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
        name: "flush-position-before-sync",
        file: "wal/flush.rs",
        site: Statements,
        find: "stager.write(&group, &self.poison)?;",
        replace: "self.flushed.store(group.end.0, Ordering::Release);
        stager.write(&group, &self.poison)?;",
        models: &["group_flush"],
        reason: "somebody else finds his record flushed before the sync (W5)",
    },
    Mutant {
        name: "flush-position-after-failure",
        file: "wal/flush.rs",
        site: Statements,
        find: "stager.write(&group, &self.poison)?;",
        replace: "drop(stager.write(&group, &self.poison));",
        models: &["flush_fails"],
        reason: "what failed to be synced is taken for flushed (W5)",
    },
    Mutant {
        name: "flush-position-beyond-sync",
        file: "wal/flush.rs",
        site: Statements,
        find: "self.flushed.store(group.end.0, Ordering::Release);",
        replace: "self.flushed.store(self.ring.inserted().0, Ordering::Release);",
        models: &["group_flush"],
        reason: "flushed passes what is written (W1, W5)",
    },
    Mutant {
        name: "flush-written-behind-flushed",
        file: "wal/flush.rs",
        site: Statements,
        find: "self.written.store(group.end.0, Ordering::Release);",
        replace: "if !group.is_durable { self.written.store(group.end.0, Ordering::Release); }",
        models: &["wal_positions"],
        reason: "flushed is seen beyond written (W1)",
    },
    Mutant {
        name: "stage-without-sync",
        file: "wal/stage.rs",
        site: Expression,
        find: "durably || end == segment_end",
        replace: "end == segment_end",
        models: &["group_flush"],
        reason: "a group is written for a commit and not synced: nobody gets on",
    },
    Mutant {
        name: "pipeline-follower-sleeps-on",
        file: "wal/pipeline.rs",
        site: Expression,
        find: "(sleepers > 0).then_some(self.group)",
        replace: "(sleepers > 1).then_some(self.group)",
        models: &["group_flush", "flush_task"],
        reason: "the group ends and its one follower is not woken (W8)",
    },
    Mutant {
        name: "pipeline-second-follower-not-counted",
        file: "wal/pipeline.rs",
        site: Statements,
        find: "self.followers[parity(group)] += 1;",
        replace: "self.followers[parity(group)] ^= 1;",
        models: &["group_follow"],
        reason: "the group ends and its two followers are not woken (W8)",
    },
    Mutant {
        name: "flush-no-space-wakes-nobody",
        file: "wal/flush.rs",
        site: Statements,
        find: "let wake = pipeline.end(stager, None);
                self.release(pipeline, wake);",
        replace: "let _ = pipeline.end(stager, None);
                drop(pipeline);",
        models: &["flush_no_space"],
        reason: "a leader without space for a segment goes, and who relied on him sleeps on (W8)",
    },
    Mutant {
        name: "flush-room-of-what-is-not-inserted",
        file: "wal/flush.rs",
        site: Statements,
        find: "self.ring.wait_inserted(needed);",
        replace: "",
        models: &["wal_room_both"],
        reason: "who needs room leads empty groups for as long as another inserts (W8)",
    },
    Mutant {
        name: "pipeline-candidate-sleeps-on",
        file: "wal/pipeline.rs",
        site: Expression,
        find: "Wake { turn: self.take_candidate(), group, room: self.take_room(), tasks }",
        replace: "Wake { turn: None, group, room: self.take_room(), tasks }",
        models: &["group_flush", "wal_room"],
        reason: "the group ends and the candidate for the next is not woken (W8)",
    },
    Mutant {
        name: "poison-wakes-nobody",
        file: "poison.rs",
        site: Statements,
        find: "tell_all(watchers.iter().filter_map(Weak::upgrade), |watcher| watcher.poisoned());",
        replace: "",
        models: &["flush_fails"],
        reason: "the leader has failed, and those who wait for him sleep on",
    },
    Mutant {
        name: "request-without-a-wake",
        file: "wal/request.rs",
        site: Expression,
        find: "before & ASLEEP != 0 && position > before",
        replace: "false",
        models: &["wal_writer_sleep"],
        reason: "the server sleeps through what it is asked for (W10)",
    },
    Mutant {
        name: "request-asleep-without-a-look",
        file: "wal/request.rs",
        site: Expression,
        find: "self.word.compare_exchange(known.0, asleep, order, order).is_err()",
        replace: "{ self.word.store(asleep, order); false }",
        models: &["wal_writer_sleep"],
        reason: "the server goes to sleep over what was asked for meanwhile (W10)",
    },
    Mutant {
        name: "task-entered-without-a-look",
        file: "wal/durable.rs",
        site: Expression,
        find: "wal.flushed() >= lsn",
        replace: "false",
        models: &["flush_task"],
        reason: "the position was published between the last look and the entry into the list",
    },
    Mutant {
        name: "flush-sleepers-sleep-on",
        file: "wal/flush.rs",
        site: Statements,
        find: "words.for_each(|(word, _)| word.wake_all());",
        replace: "drop(words);",
        models: &["group_flush", "wal_room"],
        reason: "who sleeps until a group ends is not woken (W8)",
    },
    Mutant {
        name: "segment-filled-by-two",
        file: "wal/segment.rs",
        site: Statements,
        find: "fill_new(&*self.disk, &self.geometry, &self.poison)?;
                self.name_new()?;",
        replace: "drop(_filling);
                fill_new(&*self.disk, &self.geometry, &self.poison)?;
                self.name_new()?;",
        models: &["segment_fill"],
        reason: "one fills what the other has named, or finds it gone",
    },
];
