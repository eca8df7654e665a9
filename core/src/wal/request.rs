//! A position that the log is asked to be taken to, and a thread that sleeps until there is one.
//! PostgreSQL: `XLogSetAsyncXactLSN`, and the latch of the WAL writer.
//!
//! # Rules
//! * Position and sleep are one word: who raises the position finds in the same step whether the
//!   server sleeps, and wakes it. PostgreSQL has two, and needs a barrier on either side.
//! * The server goes to sleep only if nothing was asked for beyond what it knows.
//!
//! # Checked by
//! models `wal_writer_sleep`, `flush_task`.

use crate::event::Event;
use crate::lsn::Lsn;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::wal::position::RECORD_ALIGNMENT;

/// Bit 0, which no position has.
const ASLEEP: u64 = 1;
const _: () = assert!(ASLEEP < RECORD_ALIGNMENT);

/// The greatest position that was asked for.
#[derive(Debug)]
pub(super) struct Request {
    word: AtomicU64,
    is_closed: AtomicBool,
    changed: Event,
}

impl Request {
    pub(super) fn new(position: Lsn) -> Self {
        Self {
            word: AtomicU64::new(position.0),
            is_closed: AtomicBool::new(false),
            changed: Event::new(),
        }
    }

    /// Asks for a position; for the next one that a record can end at, if it is none.
    pub(super) fn ask(&self, position: Lsn) {
        let position = position.0.next_multiple_of(RECORD_ALIGNMENT);
        // Release: pairs with the Acquire in position, so that the server does not take what is
        // in the log for something behind its end.
        let before = self.word.fetch_max(position, Ordering::Release);
        if before & ASLEEP != 0 && position > before {
            self.changed.notify_all();
        }
    }

    /// What was asked for.
    pub(super) fn position(&self) -> Lsn {
        // Acquire: see ask. A round that misses a request is followed by one that does not.
        Lsn(self.word.load(Ordering::Acquire) & !ASLEEP)
    }

    /// Sleeps until more than `known`, the last [`Request::position`], is asked for, or the
    /// request is closed.
    pub(super) fn wait_beyond(&self, known: Lsn) {
        let asleep = known.0 | ASLEEP;
        // Relaxed: the server looks for the position afterwards.
        let order = Ordering::Relaxed;
        if self.word.compare_exchange(known.0, asleep, order, order).is_err() {
            return;
        }
        self.changed.wait_until(|| {
            // Relaxed: the gate of the event orders both with who changed them.
            let is_asleep = self.word.load(order) & ASLEEP != 0;
            (!is_asleep || self.is_closed.load(order)).then_some(())
        });
    }

    /// Takes back what was asked for up to `position`, which cannot be done: to ask for it again
    /// counts.
    pub(super) fn withdraw(&self, position: Lsn, done: Lsn) {
        // Relaxed: nobody learns anything from it. If more was asked for, the server goes on with
        // that.
        let order = Ordering::Relaxed;
        let _ = self.word.compare_exchange(position.0, done.0, order, order);
    }

    /// Ends the sleep of the server, and every later one.
    pub(super) fn close(&self) {
        // Relaxed: see wait_beyond.
        self.is_closed.store(true, Ordering::Relaxed);
        self.changed.notify_all();
    }
}

#[cfg(all(test, not(any(seawall_loom, seawall_shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_back_may_be_asked_for_again_and_more_stays_asked_for() {
        let request = Request::new(Lsn(8));
        request.ask(Lsn(24));
        request.ask(Lsn(16));
        assert_eq!(request.position(), Lsn(24), "the greatest counts");
        request.withdraw(Lsn(24), Lsn(16));
        assert_eq!(request.position(), Lsn(16));
        request.ask(Lsn(24));
        request.withdraw(Lsn(16), Lsn(8));
        assert_eq!(request.position(), Lsn(24));
    }

    #[test]
    fn nobody_sleeps_while_there_is_more_than_he_knows_or_when_it_is_closed() {
        let request = Request::new(Lsn(8));
        request.ask(Lsn(16));
        request.wait_beyond(Lsn(8));
        request.close();
        request.wait_beyond(Lsn(16));
        assert_eq!(request.position(), Lsn(16));
    }
}
