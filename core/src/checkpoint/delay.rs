//! What delays a checkpoint: an effect that is not in a page of the pool. PostgreSQL:
//! `DELAY_CHKPT_START`.
//!
//! A page's change is covered by the order DIRTY, record, content lock (C1). An effect elsewhere,
//! on a file that is cut or in a user's own structure that a checkpoint makes durable, is not: its
//! record could lie before a redo point whose checkpoint does not see the effect yet.
//!
//! # Rules
//! * R2: who has a [`CheckpointDelay`] from before he inserts the record until the effect is there
//!   has both on the same side of every redo point: either the log is replayed from before the
//!   record, or the checkpoint comes after the effect.
//! * Fixing a redo point waits for the delays there are; those that come meanwhile wait for it,
//!   which takes no I/O. (PostgreSQL fixes first, and polls for the end of the delays that it then
//!   finds.)
//!
//! # Checked by
//! models `delay_guard`, `truncate_redo`, `drop_redo`.

use crate::sync::{RwLock, RwLockReadGuard};

/// The delays of a store's checkpoints.
pub struct Delays(RwLock<()>);

/// Keeps checkpoints from fixing a redo point until it is dropped. Who has one must not wait for a
/// checkpoint, nor take another one, as cutting and dropping a file do.
#[must_use]
pub struct CheckpointDelay<'d>(#[expect(dead_code, reason = "held")] RwLockReadGuard<'d, ()>);

impl Delays {
    /// No delays.
    pub fn new() -> Self {
        Self(RwLock::new(()))
    }

    /// Begins a delay.
    pub fn delay(&self) -> CheckpointDelay<'_> {
        CheckpointDelay(self.0.read())
    }

    /// Does something while there is no delay.
    pub fn between<R>(&self, act: impl FnOnce() -> R) -> R {
        let _none = self.0.write();
        act()
    }
}

impl Default for Delays {
    fn default() -> Self {
        Self::new()
    }
}
