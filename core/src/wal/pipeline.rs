//! The way from the ring to the disk: who writes next, what is under way, who waits.
//!
//! Bytes are written in *groups*. Whoever needs some that nobody is writing becomes the leader of
//! a group: it takes the [`Stager`], copies what is inserted, gives the stager back, writes, and
//! publishes. With direct I/O the next group may be written meanwhile, if it begins with a block of
//! its own: two writes to one block could land in either order.
//!
//! # Rules
//! * W5: positions are published in the stream's order, each after all groups before it are done.
//! * W8: if the next group may start and somebody waits for it, a leader is awake: whoever makes
//!   it possible wakes the first of those who wait. An awake one that finds another leader waits
//!   again.
//! * A leader that fails poisons before it wakes anybody. One that only finds no space for a new
//!   segment wakes the next one, which sees for itself.

use super::gather::Gather;
use super::position::Geometry;
use super::stage::Stager;
use super::waiters::{Key, Waiters, Woken};
use crate::lsn::Lsn;
use std::collections::VecDeque;
use std::task::Waker;

/// Groups under way at the most, with direct I/O.
const MAX_GROUPS: usize = 2;

/// What somebody needs to happen to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    /// Everything before the position has left the ring, to be written.
    Staged(Lsn),
    /// Everything before the position is durable.
    Flushed(Lsn),
}

/// Guarded by the one lock of the log's way out.
pub(super) struct Pipeline {
    stager: Option<Box<Stager>>,
    /// In the stream's order.
    groups: VecDeque<Group>,
    /// The end of the last group.
    staged: Lsn,
    /// The end of the last group that ends durable.
    covered: Lsn,
    /// Whether groups may overlap.
    overlaps: bool,
    for_flushed: Waiters,
    for_staged: Waiters,
    pub(super) gather: Gather,
}

/// What one leader writes.
#[derive(Debug)]
struct Group {
    end: Lsn,
    is_durable: bool,
    is_done: bool,
}

/// What has come out of the pipeline.
#[derive(Debug, Default)]
pub(super) struct Published {
    pub(super) written: Option<Lsn>,
    pub(super) flushed: Option<Lsn>,
}

impl Pipeline {
    pub(super) fn new(stager: Stager, at: Lsn) -> Self {
        Self {
            stager: Some(Box::new(stager)),
            groups: VecDeque::new(),
            staged: at,
            covered: at,
            overlaps: false,
            for_flushed: Waiters::default(),
            for_staged: Waiters::default(),
            gather: Gather::default(),
        }
    }

    /// Whether everything before the position is staged.
    pub(super) fn is_staged(&self, position: Lsn) -> bool {
        self.staged >= position
    }

    /// Takes the stager, if a group would help and may start.
    pub(super) fn take_stager(&mut self, goal: Goal, geometry: &Geometry) -> Option<Box<Stager>> {
        let is_under_way = matches!(goal, Goal::Flushed(lsn) if lsn <= self.covered);
        if is_under_way || !self.may_start(geometry) { None } else { self.stager.take() }
    }

    fn may_start(&self, geometry: &Geometry) -> bool {
        let begins_a_block = self.staged == geometry.block_start(geometry.block(self.staged));
        self.stager.is_some()
            && (self.groups.is_empty()
                || self.overlaps && begins_a_block && self.groups.len() < MAX_GROUPS)
    }

    /// Enters somebody who waits for a goal.
    pub(super) fn enter(&mut self, goal: Goal, waker: Waker, can_lead: bool) -> Key {
        match goal {
            Goal::Staged(position) => self.for_staged.enter(position, waker, can_lead),
            Goal::Flushed(position) => self.for_flushed.enter(position, waker, can_lead),
        }
    }

    /// Takes somebody off the list who waits for a flushed position; whether it was still on it.
    pub(super) fn leave(&mut self, key: Key) -> bool {
        self.for_flushed.leave(key)
    }

    /// The group up to `end` is on its way: the next one may be staged.
    pub(super) fn begin(
        &mut self,
        stager: Box<Stager>,
        end: Lsn,
        is_durable: bool,
        geometry: &Geometry,
    ) -> Woken {
        self.overlaps = stager.overlaps();
        self.staged = end;
        if is_durable {
            self.covered = end;
        }
        self.groups.push_back(Group { end, is_durable, is_done: false });
        let mut woken = Woken::default();
        self.for_staged.take_reached(self.staged, &mut woken);
        self.stager = Some(stager);
        self.wake_leader(geometry, &mut woken);
        woken
    }

    /// The stager is there for somebody else; wakes him.
    pub(super) fn give_back(
        &mut self,
        stager: Box<Stager>,
        geometry: &Geometry,
    ) -> Woken {
        let mut woken = Woken::default();
        self.stager = Some(stager);
        self.wake_leader(geometry, &mut woken);
        woken
    }

    /// The group up to `end` is written, and durable if it was to be. Returns what that brings
    /// out.
    pub(super) fn end(&mut self, end: Lsn) -> Published {
        let ended = self.groups.iter_mut().find(|group| group.end == end && !group.is_done);
        ended.expect("it was begun").is_done = true;
        let mut published = Published::default();
        while let Some(group) = self.groups.pop_front_if(|group| group.is_done) {
            published.written = Some(group.end);
            if group.is_durable {
                published.flushed = Some(group.end);
            }
        }
        published
    }

    /// Those who have what they wait for, and the next leader. To be called once the positions
    /// are published.
    pub(super) fn take_reached(&mut self, flushed: Lsn, geometry: &Geometry) -> Woken {
        let mut woken = Woken::default();
        self.for_flushed.take_reached(flushed, &mut woken);
        self.wake_leader(geometry, &mut woken);
        woken
    }

    /// Everybody: nobody's goal will be reached.
    pub(super) fn take_all(&mut self) -> Woken {
        let mut woken = Woken::default();
        let last = Lsn(u64::MAX - 1);
        self.for_staged.take_reached(last, &mut woken);
        self.for_flushed.take_reached(last, &mut woken);
        woken
    }

    fn wake_leader(&mut self, geometry: &Geometry, woken: &mut Woken) {
        if self.may_start(geometry) && !self.for_staged.take_leader(self.staged, woken) {
            self.for_flushed.take_leader(self.covered, woken);
        }
    }
}
