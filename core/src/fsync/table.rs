//! The checkpointer's table of segments to sync, with its cycle counter.
//! PostgreSQL: `pendingOps` and `sync_cycle_ctr` of `sync.c`, `mdsync` before version 12.
//!
//! The table belongs to the checkpointer alone. An entry carries the cycle in which its *oldest*
//! unsynced request was absorbed. A sync phase raises the counter first: what is absorbed from
//! then on carries the new number and is left for the next checkpoint, so that the phase ends
//! whatever the writers do (S6).
//!
//! # Rules
//! * S2: between the start of a sync and the removal of its entry nothing is absorbed. A request
//!   that arrives meanwhile stays in the queue and becomes an entry of its own: its write may
//!   have missed the sync.
//! * S3: everything registered before the phase began is synced by it: the caller absorbs first.
//! * S5: an entry is removed only after its sync has succeeded.
//! * The counter wraps. Entries never lag by more than one cycle, since a phase that failed
//!   midway makes the next one renew all of them first.
//!
//! # Checked by
//! models `sync_cycle` (two bits wide, so that the wrap is reached), `sync_early`.

use super::{SyncQueue, SyncTag};
use crate::error::Result;
use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

/// Width of the cycle counter in production, as PostgreSQL's.
pub const CYCLE_BITS: u32 = 16;

/// Syncs between two looks at the queue, so that it does not fill up during a long phase.
/// PostgreSQL: `FSYNCS_PER_ABSORB`.
const SYNCS_PER_ABSORB: usize = 10;

/// Segments to sync, in file order. `BITS` is the width of the cycle counter, 2 to 32.
#[derive(Debug)]
pub struct SyncTable<const BITS: u32 = CYCLE_BITS> {
    entries: BTreeMap<SyncTag, u32>,
    cycle: u32,
    in_progress: bool,
}

impl<const BITS: u32> SyncTable<BITS> {
    const MASK: u32 = {
        assert!(BITS >= 2 && BITS <= 32);
        u32::MAX >> (32 - BITS)
    };

    /// An empty table.
    pub fn new() -> Self {
        Self { entries: BTreeMap::new(), cycle: 0, in_progress: false }
    }

    /// Moves the queue's requests into the table. An entry that is there keeps its older cycle.
    pub fn absorb(&mut self, queue: &SyncQueue) {
        for tag in queue.drain() {
            self.entries.entry(tag).or_insert(self.cycle);
        }
    }

    /// Syncs one segment now, if it was registered: a request that comes later makes it an entry
    /// again.
    ///
    /// # Errors
    /// That of `sync`; the entry stays.
    pub fn sync_early(
        &mut self,
        queue: &SyncQueue,
        tag: SyncTag,
        sync: impl FnOnce(SyncTag) -> Result<()>,
    ) -> Result<()> {
        self.absorb(queue);
        if self.entries.contains_key(&tag) {
            self.sync_entry(tag, sync)?;
        }
        Ok(())
    }

    /// Syncs everything that was registered before the call.
    ///
    /// # Errors
    /// The first error of `sync`; its entry and the rest stay.
    pub fn sync_all(
        &mut self,
        queue: &SyncQueue,
        mut sync: impl FnMut(SyncTag) -> Result<()>,
    ) -> Result<()> {
        self.absorb(queue);
        if self.in_progress {
            // The last phase failed midway. What it left must not come to look new when the
            // counter has gone round.
            self.entries.values_mut().for_each(|cycle| *cycle = self.cycle);
        }
        self.cycle = self.cycle.wrapping_add(1) & Self::MASK;
        self.in_progress = true;
        let mut synced = 0;
        let mut last = None;
        while let Some(tag) = self.next_due(last) {
            if synced > 0 && synced % SYNCS_PER_ABSORB == 0 {
                self.absorb(queue);
            }
            self.sync_entry(tag, &mut sync)?;
            synced += 1;
            last = Some(tag);
        }
        self.in_progress = false;
        Ok(())
    }

    /// Syncs a segment and takes it out of the table. Nothing is absorbed in between (S2).
    fn sync_entry(&mut self, tag: SyncTag, sync: impl FnOnce(SyncTag) -> Result<()>) -> Result<()> {
        sync(tag)?;
        self.entries.remove(&tag);
        Ok(())
    }

    /// Segments in the table.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is to be synced.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The next entry after `last` that is older than this phase.
    fn next_due(&self, last: Option<SyncTag>) -> Option<SyncTag> {
        let rest = self.entries.range((last.map_or(Unbounded, Excluded), Unbounded));
        rest.into_iter().find(|(_, cycle)| **cycle != self.cycle).map(|(tag, _)| *tag)
    }
}

impl<const BITS: u32> Default for SyncTable<BITS> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::fsync::Registered;
    use crate::page::FileId;

    fn tag(file: u32) -> SyncTag {
        SyncTag { file: FileId(file), segment: 0 }
    }

    fn register(queue: &SyncQueue, file: u32) {
        assert_eq!(queue.register(tag(file)), Registered::Queued);
    }

    fn note(synced: &mut Vec<SyncTag>, tag: SyncTag) -> Result<()> {
        synced.push(tag);
        Ok(())
    }

    fn refuse() -> Result<()> {
        Err(Error::NoSuchFile { file: FileId(0) })
    }

    #[test]
    fn a_request_that_arrives_during_its_own_sync_survives_it() {
        let (queue, mut table) = (SyncQueue::new(8), SyncTable::<2>::new());
        register(&queue, 1);
        let mut synced = Vec::new();
        let mut arrive = |tag| {
            register(&queue, 1);
            synced.push(tag);
            Ok(())
        };
        table.sync_all(&queue, &mut arrive).unwrap();
        assert_eq!(synced, [tag(1)]);
        let mut again = Vec::new();
        table.sync_all(&queue, |tag| note(&mut again, tag)).unwrap();
        assert_eq!(again, [tag(1)]);
    }

    #[test]
    fn a_segment_that_was_synced_early_is_synced_again_only_if_it_is_registered_again() {
        let (queue, mut table) = (SyncQueue::new(8), SyncTable::<2>::new());
        register(&queue, 1);
        register(&queue, 2);
        let mut synced = Vec::new();
        table.sync_early(&queue, tag(1), |tag| note(&mut synced, tag)).unwrap();
        table.sync_early(&queue, tag(1), |tag| note(&mut synced, tag)).unwrap();
        assert_eq!(synced, [tag(1)]);
        let early = table.sync_early(&queue, tag(2), |tag| {
            register(&queue, 1);
            note(&mut synced, tag)
        });
        early.unwrap();
        table.sync_all(&queue, |tag| note(&mut synced, tag)).unwrap();
        assert_eq!(synced, [tag(1), tag(2), tag(1)]);
        register(&queue, 3);
        assert!(table.sync_early(&queue, tag(3), |_| refuse()).is_err());
        assert_eq!(table.len(), 1, "what failed stays");
    }

    #[test]
    fn a_phase_ends_although_every_sync_brings_a_new_file() {
        let (queue, mut table) = (SyncQueue::new(64), SyncTable::<2>::new());
        (0..SYNCS_PER_ABSORB as u32 * 2).for_each(|file| register(&queue, file));
        let mut synced = 0u32;
        table
            .sync_all(&queue, |_| {
                synced += 1;
                register(&queue, 100 + synced);
                assert!(synced < 100, "chases new requests");
                Ok(())
            })
            .unwrap();
        assert_eq!(synced as usize, SYNCS_PER_ABSORB * 2);
        assert!(!table.is_empty(), "the new requests are absorbed, for the next phase");
    }

    #[test]
    fn an_entry_that_failed_is_synced_however_often_the_counter_wraps() {
        for failures in 1..10 {
            let (queue, mut table) = (SyncQueue::new(8), SyncTable::<2>::new());
            register(&queue, 1);
            for _ in 0..failures {
                assert!(table.sync_all(&queue, |_| refuse()).is_err());
                assert_eq!(table.len(), 1);
            }
            let mut synced = Vec::new();
            table.sync_all(&queue, |tag| note(&mut synced, tag)).unwrap();
            assert_eq!(synced, [tag(1)], "after {failures} failures");
            assert!(table.is_empty());
        }
    }
}
