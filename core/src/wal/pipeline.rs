//! Who writes next, what is being written, who waits for it: group commit.
//!
//! Bytes are written in *groups*, one after the other. Whoever needs some that nobody is writing
//! *leads* a group: it takes everything inserted along. While a group is under way, the first who
//! is not in it becomes the *candidate*, who will lead the next one; the others *follow*: they
//! sleep until the group that they will be in has ended.
//!
//! # State
//! ```text
//!            take                begin               end
//!  Idle ───────────▶ Forming ───────────▶ UnderWay ───────▶ Idle
//!                       └───── no space for a segment ──────▶
//! ```
//!
//! # Rules
//! * W8: whoever sleeps is woken. A follower by the end of his group, whatever came of it; the
//!   candidate by the end of the one before. So nobody sleeps while the state is Idle, but for a
//!   candidate who has been woken and those who follow him.
//! * The candidate leads, whatever has become of his own wish: others rely on him.
//! * Who is woken and does not have what he wants begins again.

use super::stage::Stager;
use super::tasks::Tasks;
use crate::lsn::Lsn;
use std::task::Waker;

/// What somebody needs to happen to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    /// Everything before the position has left the ring, to be written.
    Staged(Lsn),
    /// Everything before the position is durable.
    Flushed(Lsn),
}

impl Goal {
    pub(super) fn position(self) -> Lsn {
        match self {
            Goal::Staged(position) | Goal::Flushed(position) => position,
        }
    }
}

/// Guarded by the one lock of the log's way out.
pub(super) struct Pipeline {
    state: State,
    /// The end of the last group.
    staged: Lsn,
    /// Counts the groups: the one being formed or under way, or else the last.
    group: u32,
    has_candidate: bool,
    /// Turns given to candidates.
    turns: u32,
    /// Those who sleep until the group of this parity ends.
    followers: [u32; 2],
    /// Those who sleep until something leaves the ring.
    waiting_for_room: u32,
    /// How many times those were woken.
    rooms: u32,
    /// Whether somebody who will be in the next group wants it durable.
    wants_sync: bool,
    pub(super) tasks: Tasks,
}

enum State {
    Idle(Box<Stager>),
    Forming,
    UnderWay { is_durable: bool },
}

/// What to do for one's goal.
#[must_use]
pub(super) enum Join {
    /// Lead a group.
    Lead(Box<Stager>),
    /// Sleep until as many turns have been given, then take the stager.
    Await { turn: u32 },
    /// Sleep until the group has ended.
    Follow { group: u32 },
    /// Sleep until as many times something has left the ring.
    AwaitRoom { room: u32 },
}

/// Whom to wake, once the lock is released.
#[derive(Debug, Default)]
#[must_use]
pub(super) struct Wake {
    pub(super) turn: Option<u32>,
    pub(super) group: Option<u32>,
    pub(super) room: Option<u32>,
    pub(super) tasks: Vec<Waker>,
}

impl Pipeline {
    pub(super) fn new(stager: Stager, at: Lsn) -> Self {
        Self {
            state: State::Idle(Box::new(stager)),
            staged: at,
            group: 0,
            has_candidate: false,
            turns: 0,
            followers: [0; 2],
            waiting_for_room: 0,
            rooms: 0,
            wants_sync: false,
            tasks: Tasks::default(),
        }
    }

    /// Whether everything before the position has left the ring.
    pub(super) fn is_staged(&self, position: Lsn) -> bool {
        self.staged >= position
    }

    /// Finds a part for somebody whose goal is not reached.
    pub(super) fn join(&mut self, goal: Goal) -> Join {
        if !self.has_candidate && matches!(self.state, State::Idle(_)) {
            return Join::Lead(self.take());
        }
        let is_being_synced = matches!(self.state, State::UnderWay { is_durable: true })
            && self.is_staged(goal.position());
        let is_in_this_one = is_being_synced || matches!(self.state, State::Forming);
        if !is_being_synced {
            self.wants_sync |= matches!(goal, Goal::Flushed(_));
        }
        if !is_in_this_one && !self.has_candidate {
            self.has_candidate = true;
            return Join::Await { turn: self.turns.wrapping_add(1) };
        }
        if matches!(goal, Goal::Staged(_)) {
            self.waiting_for_room += 1;
            return Join::AwaitRoom { room: self.rooms.wrapping_add(1) };
        }
        let group = self.group.wrapping_add(u32::from(!is_in_this_one));
        self.followers[parity(group)] += 1;
        Join::Follow { group }
    }

    /// The candidate, whose turn it is, leads; `None` if nobody does any more.
    pub(super) fn take_turn(&mut self) -> Option<Box<Stager>> {
        self.has_candidate = false;
        matches!(self.state, State::Idle(_)).then(|| self.take())
    }

    fn take(&mut self) -> Box<Stager> {
        self.group = self.group.wrapping_add(1);
        match std::mem::replace(&mut self.state, State::Forming) {
            State::Idle(stager) => stager,
            State::Forming | State::UnderWay { .. } => unreachable!("one leader at a time"),
        }
    }

    /// The group reaches up to `end`. Returns whether it is to be durable: if the leader wants it,
    /// or somebody else who is in it.
    pub(super) fn begin(&mut self, end: Lsn, is_durable: bool) -> (bool, Wake) {
        let is_durable = std::mem::take(&mut self.wants_sync) || is_durable;
        self.state = State::UnderWay { is_durable };
        self.staged = end;
        (is_durable, Wake { room: self.take_room(), ..Wake::default() })
    }

    /// The group has ended, one way or the other; everything before `flushed` is durable by it.
    pub(super) fn end(&mut self, stager: Box<Stager>, flushed: Option<Lsn>) -> Wake {
        self.state = State::Idle(stager);
        let sleepers = std::mem::take(&mut self.followers[parity(self.group)]);
        let group = (sleepers > 0).then_some(self.group);
        let tasks = flushed.map_or_else(Vec::new, |flushed| self.tasks.take_reached(flushed));
        Wake { turn: self.take_candidate(), group, room: self.take_room(), tasks }
    }

    /// Those of this group, or of the next one, as nobody's goal will be reached.
    pub(super) fn give_up(&mut self, next: bool) -> Wake {
        let group = self.group.wrapping_add(u32::from(next));
        let (turn, room) = (self.take_candidate(), self.take_room());
        Wake { turn, group: Some(group), room, tasks: self.tasks.take_all() }
    }

    fn take_candidate(&mut self) -> Option<u32> {
        self.has_candidate.then(|| {
            self.turns = self.turns.wrapping_add(1);
            self.turns
        })
    }

    fn take_room(&mut self) -> Option<u32> {
        (std::mem::take(&mut self.waiting_for_room) > 0).then(|| {
            self.rooms = self.rooms.wrapping_add(1);
            self.rooms
        })
    }
}

/// Which of two words a group's followers sleep on.
pub(super) fn parity(group: u32) -> usize {
    group as usize % 2
}

#[cfg(all(test, not(any(seawall_loom, seawall_shuttle))))]
mod tests;
