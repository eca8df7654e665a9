//! From the ring to the disk: writing blocks, syncing, group commit.
//! PostgreSQL: `XLogWrite`, `XLogFlush`.
//!
//! Whoever needs bytes written that nobody is writing leads a group of them ([`Pipeline`]); the
//! others wait, and leave when it is done (group commit). No lock is held meanwhile: insertions go
//! on.
//!
//! # Rules
//! * W4: only bytes before `inserted` are taken from the ring. W6: the ring gets them back once
//!   they are copied to where they are written from.
//! * W5: `flushed` is raised after a sync that began after all bytes before it were written; the
//!   sync of a segment's end comes before the first write to the next, or both are durable when
//!   they are written.
//! * W8: nobody waits for an insertion while he leads. An inserter may need the next leader, for
//!   room.
//! * A failed write or sync poisons before anybody who waits for it is woken.
//!
//! # Checked by
//! models `wal_insert`, `wal_room`, `group_flush`.

use super::gather::{self, Waited};
use super::pipeline::{Goal, Pipeline};
use super::position::{Geometry, WAL_DIR};
use super::ring::{Epoch, Ring};
use super::segment::Segments;
use super::stage::{Staged, Stager};
use super::waiters::{Parker, Woken};
use crate::buffer::DurableLog;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::lsn::Lsn;
use crate::poison::Poison;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// The write-ahead log.
pub struct Wal {
    pub(super) ring: Arc<Ring>,
    pub(super) poison: Arc<Poison>,
    pub(super) geometry: Geometry,
    segments: Segments,
    redo: AtomicU64,
    written: AtomicU64,
    flushed: AtomicU64,
    pub(super) async_commit: AtomicU64,
    pub(super) pipeline: Mutex<Pipeline>,
    clock: Arc<dyn Clock>,
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
#[derive(Debug, Clone, Copy)]
enum Extent {
    /// What he needs himself.
    Goal,
    /// Everything that is inserted; of it the whole blocks, if these are enough for him.
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
        let stager = Stager::new(reader, geometry, system_id, at.last_block.clone());
        Self {
            ring,
            poison,
            geometry,
            segments,
            redo: AtomicU64::new(at.redo.0),
            written: AtomicU64::new(at.end.0),
            flushed: AtomicU64::new(at.end.0),
            async_commit: AtomicU64::new(at.end.0),
            pipeline: Mutex::new(Pipeline::new(stager, at.end)),
            clock,
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

    /// Waits until a goal is reached, and leads groups towards it when nobody else does.
    fn reach(&self, goal: Goal, extent: Extent) -> Result<()> {
        loop {
            let mut pipeline = self.pipeline.lock();
            if self.is_reached(goal, &pipeline) {
                return Ok(());
            }
            // Durable before the failure is durable all the same; so this comes second.
            self.poison.check()?;
            if let Some(stager) = pipeline.take_stager(goal, &self.geometry) {
                let expected = pipeline.gather.expect();
                drop(pipeline);
                self.lead(stager, goal, extent, expected)?;
            } else {
                let parker = Parker::new();
                pipeline.enter(goal, Arc::clone(&parker).into(), true);
                drop(pipeline);
                parker.park();
            }
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
    fn lead(
        &self,
        mut stager: Box<Stager>,
        goal: Goal,
        extent: Extent,
        expected: Option<Lsn>,
    ) -> Result<()> {
        let _leader = Leader { wal: self };
        let (lsn, is_flush) = match goal {
            Goal::Staged(lsn) => (lsn, false),
            Goal::Flushed(lsn) => (lsn, true),
        };
        let mut waited = None;
        let upto = match extent {
            Extent::Goal => lsn.max(stager.staged()),
            Extent::Inserted => {
                waited = expected.filter(|_| is_flush).and_then(|expected| self.gather(expected));
                self.whole_if_enough(&stager, lsn)
            }
        };
        let staged = match stager.stage(&self.segments, upto, self.flushed(), is_flush) {
            Ok(staged) => staged,
            Err(error) => {
                // Unless it is poison, nothing has changed, and who waits sees for himself.
                let next = self.pipeline.lock().give_back(stager, &self.geometry);
                next.wake();
                return Err(error);
            }
        };
        let (end, is_durable) = (staged.end, staged.is_durable);
        let mut pipeline = self.pipeline.lock();
        if let Some(waited) = waited {
            pipeline.gather.note_wait(waited);
        }
        let next = pipeline.begin(stager, end, is_durable, &self.geometry);
        drop(pipeline);
        next.wake();
        let started = self.clock.now();
        staged.write(&self.poison)?;
        let write_time = self.clock.now().saturating_sub(started);
        self.publish(staged, write_time).wake();
        Ok(())
    }

    fn gather(&self, expected: Lsn) -> Option<Waited> {
        gather::wait(expected, || self.reserved(), || self.clock.now())
    }

    /// Everything that is inserted, or the whole blocks of it if these hold what is before `lsn`.
    fn whole_if_enough(&self, stager: &Stager, lsn: Lsn) -> Lsn {
        let inserted = self.ring.inserted();
        stager.whole_blocks(inserted).filter(|end| *end >= lsn).unwrap_or(inserted)
    }

    /// Publishes the positions that a group brings out. Returns those who waited for them.
    fn publish(&self, staged: Staged, write_time: Duration) -> Woken {
        let mut pipeline = self.pipeline.lock();
        pipeline.gather.note_group(self.reserved(), staged.stream_bytes, write_time);
        let published = pipeline.end(staged.end);
        if let Some(written) = published.written {
            // Release: pairs with the Acquire in written.
            self.written.store(written.0, Ordering::Release);
        }
        if let Some(flushed) = published.flushed {
            // Release: pairs with the Acquire in flushed.
            self.flushed.store(flushed.0, Ordering::Release);
        }
        pipeline.take_reached(self.flushed(), &self.geometry)
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
            let all = self.wal.pipeline.lock().take_all();
            all.wake();
        }
    }
}
