//! The queue and the table of segments to sync, against a set: what was written before a phase is
//! synced by it, however requests, failures and early syncs come.

use crate::{Outcome, take_byte};
use seawall_core::error::{Error, Result};
use seawall_core::fsync::{Registered, SyncQueue, SyncTable, SyncTag};
use seawall_core::page::FileId;
use std::collections::BTreeSet;

pub(crate) const OUTCOMES: &[Outcome] = &["a sync failed", "all synced", "the queue was full"];

/// Input: capacity of the queue (1), then steps: a byte that says which, with its segment in the
/// high bits. While a segment is synced bytes say how many requests come, for what, and whether it
/// fails.
///
/// # Panics
/// On a finding.
pub fn sync_table(mut data: &[u8]) -> Outcome {
    let queue = SyncQueue::new(usize::from(take_byte(&mut data) % 8) + 1);
    let (mut table, mut model) = (SyncTable::<2>::new(), Model::default());
    while !data.is_empty() {
        let step = take_byte(&mut data);
        let segment = tag(step / 8);
        match step % 8 {
            0 => sync_all(&queue, &mut table, &mut model, &mut data),
            1 => sync_early(&queue, &mut table, &mut model, segment, &mut data),
            2 => table.absorb(&queue),
            _ => model.write(&queue, segment),
        }
    }
    sync_all(&queue, &mut table, &mut model, &mut data);
    assert_eq!(model.written, BTreeSet::new(), "written, and not synced");
    assert!(table.is_empty() && queue.drain().is_empty(), "nothing has come since");
    model.outcome.unwrap_or("all synced")
}

fn tag(number: u8) -> SyncTag {
    SyncTag { file: FileId(u32::from(number / 3)), segment: u32::from(number % 3) }
}

/// A phase: all that was written before it is synced by it, once.
fn sync_all(queue: &SyncQueue, table: &mut SyncTable<2>, model: &mut Model, data: &mut &[u8]) {
    let (due, known) = (model.written.clone(), model.known.clone());
    let mut synced = Vec::new();
    let result = table.sync_all(queue, |tag| {
        synced.push(tag);
        model.sync(queue, tag, data)
    });
    let once: BTreeSet<_> = synced.iter().copied().collect();
    assert_eq!(once.len(), synced.len(), "each once: {synced:?}");
    assert!(once.is_subset(&known), "what comes during a phase is left to the next (S6)");
    assert!(result.is_err() || due.is_subset(&once), "due {due:?}, synced {synced:?} (S3)");
}

fn sync_early(
    queue: &SyncQueue,
    table: &mut SyncTable<2>,
    model: &mut Model,
    segment: SyncTag,
    data: &mut &[u8],
) {
    let is_due = model.written.contains(&segment);
    let mut synced = Vec::new();
    let result = table.sync_early(queue, segment, |tag| {
        synced.push(tag);
        model.sync(queue, tag, data)
    });
    assert!(synced.iter().all(|other| *other == segment), "{synced:?}, asked for {segment}");
    assert!(result.is_err() || !is_due || !synced.is_empty(), "{segment} was written");
}

/// What must not be forgotten.
#[derive(Default)]
struct Model {
    /// Written, and not covered by a sync that began afterwards.
    written: BTreeSet<SyncTag>,
    /// Written at any time.
    known: BTreeSet<SyncTag>,
    outcome: Option<Outcome>,
}

impl Model {
    /// Somebody writes to a segment, and registers it.
    fn write(&mut self, queue: &SyncQueue, tag: SyncTag) {
        self.known.insert(tag);
        self.written.insert(tag);
        if queue.register(tag) == Registered::Full {
            // He syncs for himself.
            self.written.remove(&tag);
            self.outcome.get_or_insert("the queue was full");
        }
    }

    /// A sync covers what was written before it, and not what comes while it runs.
    fn sync(&mut self, queue: &SyncQueue, tag: SyncTag, data: &mut &[u8]) -> Result<()> {
        let was_written = self.written.remove(&tag);
        let kind = take_byte(data);
        for _ in 0..kind % 4 {
            self.write(queue, self::tag(take_byte(data)));
        }
        if kind < 224 {
            return Ok(());
        }
        if was_written {
            self.written.insert(tag);
        }
        self.outcome.get_or_insert("a sync failed");
        Err(Error::NoSuchFile { file: tag.file })
    }
}
