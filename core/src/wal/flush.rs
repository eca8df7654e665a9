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
//! * A failed write or sync poisons before anybody who waits for it is woken.
//!
//! # Checked by
//! models `wal_insert`, `wal_room`, `group_flush`.

use super::pipeline::{Goal, Join, Pipeline, Wake, parity};
use super::position::{Geometry, WAL_DIR};
use super::ring::{Epoch, Ring};
use super::segment::Segments;
use super::stage::{Group, Stager};
use crate::buffer::DurableLog;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::lsn::Lsn;
use crate::poison::Poison;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, WaitWord};
use std::io;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

/// The write-ahead log.
pub struct Wal {
    pub(super) ring: Arc<Ring>,
    pub(super) poison: Arc<Poison>,
    pub(super) geometry: Geometry,
    segments: Segments,
    clock: Arc<dyn Clock>,
    redo: AtomicU64,
    written: AtomicU64,
    flushed: AtomicU64,
    pub(super) async_commit: AtomicU64,
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
    ) -> Self {
        let (ring, reader) = Ring::new(ring_bytes, at.end, Arc::clone(&poison));
        let stager = Stager::new(reader, geometry, system_id, &at.last_block);
        Self {
            ring,
            poison,
            geometry,
            segments,
            clock,
            redo: AtomicU64::new(at.redo.0),
            written: AtomicU64::new(at.end.0),
            flushed: AtomicU64::new(at.end.0),
            async_commit: AtomicU64::new(at.end.0),
            pipeline: Mutex::new(Pipeline::new(stager, at.end)),
            ended: [WaitWord::new(0), WaitWord::new(0)],
            turn: WaitWord::new(0),
            room: WaitWord::new(0),
        }
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
        // Relaxed: ordered by the acquiring load of the epoch. It may be newer than the epoch,
        // then the record gets more images than it needs, and becomes void.
        (epoch, Lsn(self.redo.load(Ordering::Relaxed)))
    }

    /// Fixes the redo point of a checkpoint at the end of everything reserved. Every record from
    /// there on is assembled in the knowledge of it (W11), and every change before it has set
    /// DIRTY (C1).
    pub fn fix_redo(&self) -> Lsn {
        // Relaxed: published by the exchange in Ring::fix_redo.
        self.ring.fix_redo(|redo| self.redo.store(redo.0, Ordering::Relaxed))
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
        self.ring.wait_inserted(lsn);
        self.reach(Goal::Flushed(lsn), Extent::Inserted)
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
        let _leader = Leader { wal: self };
        let (lsn, is_flush) = match goal {
            Goal::Staged(lsn) => (lsn, false),
            Goal::Flushed(lsn) => (lsn, true),
        };
        if is_flush && extent == Extent::Inserted {
            stager.gather.wait(|| self.reserved(), &*self.clock);
        }
        let upto = match extent {
            Extent::Goal => lsn.max(stager.staged()),
            Extent::Inserted => self.ring.inserted(),
        };
        let mut group = match stager.stage(&self.segments, upto, self.flushed(), is_flush) {
            Ok(group) => group,
            Err(error) => {
                // Unless it is poison, nothing has changed, and who waits sees for himself.
                let wake = self.pipeline.lock().end(stager, None);
                self.wake(wake);
                return Err(error);
            }
        };
        let (is_durable, wake) = self.pipeline.lock().begin(group.end, group.is_durable);
        group.is_durable = is_durable;
        self.wake(wake);
        let started = self.clock.now();
        stager.write(&group, &self.poison)?;
        let write_time = self.clock.now().saturating_sub(started);
        let wake = self.publish(stager, &group, write_time);
        self.wake(wake);
        Ok(())
    }

    /// Publishes what a group has brought. Returns those who wait for it.
    fn publish(&self, mut stager: Box<Stager>, group: &Group, write_time: Duration) -> Wake {
        stager.gather.note_group(self.reserved(), group.stream_bytes, write_time);
        let mut pipeline = self.pipeline.lock();
        // Release: pairs with the Acquire in written.
        self.written.store(group.end.0, Ordering::Release);
        if group.is_durable {
            // Release: pairs with the Acquire in flushed.
            self.flushed.store(group.end.0, Ordering::Release);
        }
        pipeline.end(stager, group.is_durable.then_some(group.end))
    }

    fn wake(&self, wake: Wake) {
        // The candidate first: the disk is idle until he leads.
        if let Some(turn) = wake.turn {
            self.turn.publish(turn);
        }
        if let Some(group) = wake.group {
            self.ended[parity(group)].publish(group);
        }
        if let Some(room) = wake.room {
            self.room.publish(room);
        }
        wake.tasks.into_iter().for_each(Waker::wake);
    }
}

/// Whether a counter has reached a value, which it was short of before by less than half its range.
fn has_come(counter: u32, value: u32) -> bool {
    counter.wrapping_sub(value) as i32 >= 0
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

/// A leader at work. What goes wrong with it ends everybody's wait.
struct Leader<'w> {
    wal: &'w Wal,
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let error = io::Error::other("the thread that wrote it panicked");
            self.wal.poison.poison("write", WAL_DIR, &error);
        }
        if self.wal.poison.is_set() {
            let everybody = self.wal.pipeline.lock().give_up();
            everybody.into_iter().for_each(|wake| self.wal.wake(wake));
        }
    }
}
