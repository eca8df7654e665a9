//! From the ring to the disk: writing blocks, syncing, group commit.
//! PostgreSQL: `XLogWrite`, `XLogFlush`.
//!
//! Who leads a group and who sleeps meanwhile is decided in `pipeline.rs`. No lock is held while a
//! group is written: insertions go on.
//!
//! # Rules
//! * W4: only bytes before `inserted` are taken from the ring. W6: the ring gets them back once
//!   they are copied to where they are written from.
//! * W5: `flushed` is raised after a sync that began after all bytes before it were written; the
//!   sync of a segment's end comes before the first write to the next.
//! * W8: nobody waits for an insertion while he leads. An inserter may need the next leader, for
//!   room.
//! * A failed write or sync poisons before anybody who waits for it is woken. So does a leader that
//!   panics: nobody waits for ever for one.
//!
//! # Checked by
//! models `wal_insert`, `wal_room`, `group_flush`.

use super::images::Images;
use super::pipeline::{Goal, Join, Pipeline, Wake, parity};
use super::position::{Geometry, WAL_DIR};
use super::request::Request;
use super::ring::{Epoch, Ring};
use super::segment::Segments;
use super::stage::{Group, Stager};
use super::stats::Counters;
use super::tasks::wake_all;
use crate::buffer::DurableLog;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::lsn::Lsn;
use crate::poison::{Poison, PoisonWatcher};
use crate::probe::event;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, MutexGuard, WaitWord};
use std::fmt;
use std::sync::{Arc, Weak};

/// The write-ahead log.
pub struct Wal {
    pub(super) ring: Arc<Ring>,
    pub(super) poison: Arc<Poison>,
    pub(super) geometry: Geometry,
    segments: Segments,
    clock: Arc<dyn Clock>,
    pub(super) images: Images,
    pub(super) counters: Counters,
    written: AtomicU64,
    flushed: AtomicU64,
    pub(super) async_commits: Request,
    pub(super) flush_requests: Request,
    pub(super) pipeline: Mutex<Pipeline>,
    /// What followers of even and of odd groups sleep on: the last such group that has ended.
    ended: [WaitWord; 2],
    /// What the candidate sleeps on: turns given.
    turn: WaitWord,
    /// What those sleep on who wait for room: how many times they were woken.
    room: WaitWord,
}

/// Where a log goes on.
pub struct ResumeAt {
    /// The end of the last record, durable.
    pub end: Lsn,
    /// The payload of the block that `end` is in, up to it.
    pub last_block: Vec<u8>,
    /// The redo point until the next checkpoint fixes one.
    pub redo: Lsn,
}

/// How much a leader takes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// What he needs himself.
    Goal,
    /// Everything that is inserted.
    Inserted,
}

impl Wal {
    /// A log that goes on at `at`, over a ring of `ring_bytes` (a power of two).
    pub fn resume(
        at: &ResumeAt,
        system_id: u64,
        geometry: Geometry,
        ring_bytes: usize,
        segments: Segments,
        poison: Arc<Poison>,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        let (ring, reader) = Ring::new(ring_bytes, at.end, Arc::clone(&poison));
        segments.resume_in(geometry.segment(at.end));
        let stager = Stager::new(reader, geometry, system_id, &at.last_block);
        let wal = Arc::new(Self {
            ring,
            poison,
            geometry,
            segments,
            clock,
            images: Images::new(at.redo),
            counters: Counters::new(at.end),
            written: AtomicU64::new(at.end.0),
            flushed: AtomicU64::new(at.end.0),
            async_commits: Request::new(at.end),
            flush_requests: Request::new(at.end),
            pipeline: Mutex::new(Pipeline::new(stager, at.end)),
            ended: [WaitWord::new(0), WaitWord::new(0)],
            turn: WaitWord::new(0),
            room: WaitWord::new(0),
        });
        let watcher: Weak<Self> = Arc::downgrade(&wal);
        wal.poison.watch(watcher);
        wal
    }

    /// The end of everything that has a place in the log.
    pub fn reserved(&self) -> Lsn {
        self.ring.reserved()
    }

    /// The end of what is in the page cache.
    pub fn written(&self) -> Lsn {
        // Acquire: pairs with the Release in publish: who loads flushed, then this, then
        // reserved, sees them ascending (W1).
        Lsn(self.written.load(Ordering::Acquire))
    }

    /// The end of what is durable.
    pub fn flushed(&self) -> Lsn {
        // Acquire: pairs with the Release in publish (W1, and W9 for whoever acts on it).
        Lsn(self.flushed.load(Ordering::Acquire))
    }

    /// The redo point that new records go by, with its epoch. PostgreSQL: `GetRedoRecPtr`.
    pub fn redo(&self) -> (Epoch, Lsn) {
        let (epoch, _) = self.ring.reserved_now();
        (epoch, self.images.load().redo())
    }

    /// Fixes the redo point of a checkpoint at the end of everything reserved. Every record from
    /// there on is assembled in the knowledge of it (W11), and every change before it has set
    /// DIRTY (C1).
    pub fn fix_redo(&self) -> Lsn {
        self.ring.begin_epoch(|redo| self.images.set_redo(redo))
    }

    /// The segment files.
    pub fn segments(&self) -> &Segments {
        &self.segments
    }

    /// The sizes of the log's files.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Returns once everything before `lsn` is durable. PostgreSQL: `XLogFlush`.
    ///
    /// # Errors
    /// [`Error::Poisoned`]; [`Error::BeyondWal`]; [`Error::Io`] if there is no space for a new
    /// segment: the log can go on once there is.
    pub fn flush(&self, lsn: Lsn) -> Result<()> {
        if self.flushed() >= lsn {
            return Ok(());
        }
        let end = self.reserved();
        if lsn > end {
            return Err(Error::BeyondWal { lsn, end });
        }
        event!(wal__flush__start, position = lsn.0);
        self.ring.wait_inserted(lsn);
        let reached = self.reach(Goal::Flushed(lsn), Extent::Inserted);
        event!(wal__flush__done, position = lsn.0);
        reached
    }

    /// Has everything before `lsn` written, and nothing behind it; makes it durable too if `sync`
    /// says so. Waits for no write of somebody else unless it does.
    pub(super) fn write_upto(&self, lsn: Lsn, sync: bool) -> Result<()> {
        self.ring.wait_inserted(lsn);
        self.reach(if sync { Goal::Flushed(lsn) } else { Goal::Staged(lsn) }, Extent::Goal)
    }

    /// Writes what is inserted, so that the ring has room before `end`. PostgreSQL:
    /// `AdvanceXLInsertBuffer`.
    ///
    /// The caller's own bytes there are not inserted. He waits for those one lap earlier, whose
    /// inserters have room or are here as well; the earliest of all has it or makes it (W8).
    pub(super) fn make_room(&self, end: Lsn) -> Result<()> {
        let needed = Lsn(end.0.saturating_sub(self.ring.capacity()));
        self.ring.wait_inserted(needed);
        self.reach(Goal::Staged(needed), Extent::Inserted)
    }

    /// Waits until a goal is reached, and leads groups towards it when it is its turn.
    fn reach(&self, goal: Goal, extent: Extent) -> Result<()> {
        loop {
            let mut pipeline = self.pipeline.lock();
            if self.is_reached(goal, &pipeline) {
                return Ok(());
            }
            // Durable before the failure is durable all the same; so this comes second.
            self.poison.check()?;
            let part = pipeline.join(goal);
            drop(pipeline);
            match part {
                Join::Lead(stager) => self.lead(stager, goal, extent)?,
                Join::Await { turn } => {
                    self.turn.wait(|given| has_come(given, turn));
                    let stager = self.pipeline.lock().take_turn();
                    stager.map_or(Ok(()), |stager| self.lead(stager, goal, extent))?;
                }
                Join::Follow { group } => {
                    self.ended[parity(group)].wait(|ended| has_come(ended, group));
                }
                Join::AwaitRoom { room } => self.room.wait(|woken| has_come(woken, room)),
            }
            // Without the lock: most of those who were woken leave here, all at once.
            if matches!(goal, Goal::Flushed(lsn) if self.flushed() >= lsn) {
                return Ok(());
            }
        }
    }

    fn is_reached(&self, goal: Goal, pipeline: &Pipeline) -> bool {
        match goal {
            Goal::Staged(lsn) => pipeline.is_staged(lsn),
            Goal::Flushed(lsn) => self.flushed() >= lsn,
        }
    }

    /// Writes one group.
    fn lead(&self, mut stager: Box<Stager>, goal: Goal, extent: Extent) -> Result<()> {
        let _leader = self.poison.on_panic("write", WAL_DIR);
        let is_flush = matches!(goal, Goal::Flushed(_));
        if is_flush && extent == Extent::Inserted {
            stager.gather.wait(|| self.reserved(), &*self.clock);
        }
        let upto = match extent {
            Extent::Goal => goal.position().max(stager.staged()),
            Extent::Inserted => self.ring.inserted(),
        };
        let mut group = match stager.stage(&self.segments, upto, self.flushed(), is_flush) {
            Ok(group) => group,
            Err(error) => {
                // Unless it is poison, nothing has changed, and who waits sees for himself.
                let mut pipeline = self.pipeline.lock();
                let wake = pipeline.end(stager, None);
                self.release(pipeline, wake);
                return Err(error);
            }
        };
        let mut pipeline = self.pipeline.lock();
        let (is_durable, wake) = pipeline.begin(group.end, group.is_durable);
        group.is_durable = is_durable;
        self.release(pipeline, wake);
        let started = self.clock.now();
        stager.write(&group, &self.poison)?;
        let write_time = self.clock.now().saturating_sub(started);
        stager.gather.note_group(self.reserved(), group.stream_bytes, write_time);
        self.publish(stager, &group);
        Ok(())
    }

    /// Publishes what a group has brought, and wakes those who wait for it.
    fn publish(&self, stager: Box<Stager>, group: &Group) {
        let mut pipeline = self.pipeline.lock();
        // Release: pairs with the Acquire in written.
        self.written.store(group.end.0, Ordering::Release);
        if group.is_durable {
            // Release: pairs with the Acquire in flushed.
            self.flushed.store(group.end.0, Ordering::Release);
        }
        let wake = pipeline.end(stager, group.is_durable.then_some(group.end));
        self.release(pipeline, wake);
    }

    /// An error if the store is poisoned.
    pub(crate) fn check_poison(&self) -> Result<()> {
        self.poison.check()
    }

    /// Releases the lock, and wakes whom it is time to wake.
    fn release(&self, pipeline: MutexGuard<'_, Pipeline>, wake: Wake) {
        // Under the lock: the words never go back, whoever is late with waking. In the order in
        // which they are waited for: the disk is idle until the candidate leads.
        let turn = wake.turn.map(|turn| (&self.turn, turn));
        let group = wake.group.map(|group| (&self.ended[parity(group)], group));
        let room = wake.room.map(|room| (&self.room, room));
        let words = [turn, group, room].into_iter().flatten();
        words.clone().for_each(|(word, value)| word.set(value));
        drop(pipeline);
        words.for_each(|(word, _)| word.wake_all());
        wake_all(wake.tasks);
    }
}

/// Whether a counter has reached a value, which it was short of before by less than half its range.
fn has_come(counter: u32, value: u32) -> bool {
    counter.wrapping_sub(value) as i32 >= 0
}

impl fmt::Debug for Wal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flushed = self.flushed();
        let written = self.written();
        f.debug_struct("Wal")
            .field("reserved", &self.reserved())
            .field("written", &written)
            .field("flushed", &flushed)
            .finish_non_exhaustive()
    }
}

impl DurableLog for Wal {
    fn flush(&self, lsn: Lsn) -> Result<()> {
        Wal::flush(self, lsn)
    }

    fn is_durable(&self, lsn: Lsn) -> bool {
        self.flushed() >= lsn
    }

    fn end(&self) -> Lsn {
        self.reserved()
    }
}

impl PoisonWatcher for Wal {
    fn poisoned(&self) {
        let mut tasks = Vec::new();
        for next in [false, true] {
            let mut pipeline = self.pipeline.lock();
            let mut wake = pipeline.give_up(next);
            tasks.append(&mut wake.tasks);
            self.release(pipeline, wake);
        }
        // Who serves them finds out as well.
        self.close_requests();
        // Last: a waker may panic.
        wake_all(tasks);
    }
}

#[cfg(all(test, not(any(seawall_loom, seawall_shuttle))))]
mod tests;
