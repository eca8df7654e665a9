//! An engine's own kinds for tests, and workers that are threads.

use super::TestClock;
use seawall_core::config::Config;
use seawall_core::engine::Engine;
use seawall_core::error::Result;
use seawall_core::lsn::Lsn;
use seawall_core::operation::OperationPage;
use seawall_core::page::PageId;
use seawall_core::redo::Redo;
use seawall_core::sim::SimDisk;
use seawall_core::sync::Mutex;
use seawall_core::workers::{Task, Workers};
use std::sync::Arc;

/// Kind of change: bytes are added to those at an offset. Made twice it is wrong.
pub(crate) const ADD: u8 = 1;

/// A note as it was passed on.
pub(crate) type Note = (Lsn, u8, Vec<u8>);

/// Knows [`ADD`], and keeps notes.
#[derive(Default)]
pub(crate) struct Adds {
    notes: Mutex<Vec<Note>>,
}

impl Adds {
    /// The notes since the last call.
    pub(crate) fn take_notes(&self) -> Vec<Note> {
        std::mem::take(&mut *self.notes.lock())
    }
}

impl Redo for Adds {
    fn change(&self, kind: u8, _: PageId, data: &[u8], body: &mut [u8]) -> Result<(), String> {
        let (offset, added) = data.split_at_checked(2).ok_or("no offset")?;
        let offset = usize::from(u16::from_le_bytes([offset[0], offset[1]]));
        let there = body.get_mut(offset..offset + added.len()).ok_or("outside of the body")?;
        for (byte, added) in there.iter_mut().zip(added) {
            *byte = byte.wrapping_add(*added);
        }
        if kind == ADD { Ok(()) } else { Err(format!("kind {kind} is not known")) }
    }

    fn note(&self, at: Lsn, kind: u8, data: &[u8]) -> Result<(), String> {
        self.notes.lock().push((at, kind, data.to_vec()));
        Ok(())
    }
}

/// What [`ADD`] adds to the bytes at an offset.
pub(crate) fn addition(offset: usize, added: &[u8]) -> Vec<u8> {
    [&(offset as u16).to_le_bytes()[..], added].concat()
}

/// Replaces bytes of a page: those of odd length by [`ADD`], so that nothing but the one right
/// body comes out right.
pub(crate) fn put(page: &mut OperationPage<'_, '_>, offset: usize, bytes: &[u8]) -> Result<()> {
    if bytes.len().is_multiple_of(2) {
        return page.write(offset, bytes);
    }
    let old = &page.body()[offset..offset + bytes.len()];
    let added: Vec<u8> = bytes.iter().zip(old).map(|(new, old)| new.wrapping_sub(*old)).collect();
    page.apply(ADD, &addition(offset, &added))
}

/// Threads of the test.
pub(crate) struct Threads(pub(crate) usize);

impl Workers for Threads {
    fn count(&self) -> usize {
        self.0
    }

    fn run(&self, tasks: Vec<Task<'_>>) {
        std::thread::scope(|scope| {
            let threads: Vec<_> = tasks.into_iter().map(|task| scope.spawn(task)).collect();
            let panics = threads.into_iter().filter_map(|thread| thread.join().err());
            if let Some(panic) = panics.fold(None, |first, panic| first.or(Some(panic))) {
                std::panic::resume_unwind(panic);
            }
        });
    }
}

/// Opens a store.
pub(crate) fn open_with(
    disk: &SimDisk,
    config: &Config,
    workers: &dyn Workers,
    redo: Option<Arc<dyn Redo>>,
) -> Result<Engine> {
    let clock = Arc::new(TestClock::default());
    Engine::open_with(Arc::new(disk.clone()), *config, clock, workers, redo)
}
