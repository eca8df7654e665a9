//! The errors of reads, for those who waited for them.
//!
//! # Rules
//! * The owner of a read that fails notes its error before it ends the I/O; so who then finds that
//!   the read has failed, under a pin, finds the error, unless somebody tries again already.
//! * There is an error only for a frame whose page is not VALID: it is forgotten by whoever begins
//!   to read again, and by whoever gives the frame to another page. `errors <= frames`.
//! * The owner that panics notes nothing. Those who waited for it try themselves.
//! * The lock is a leaf, and taken only where a read has failed.
//!
//! # Checked by
//! model `read_fails`.

use super::table::FrameId;
use crate::error::Error;
use crate::sync::Mutex;
use std::collections::BTreeMap;

/// Why the last read of a frame failed.
#[derive(Debug)]
pub(super) struct ReadFailures(Mutex<BTreeMap<FrameId, Error>>);

impl ReadFailures {
    pub(super) fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// Keeps the error of the read that the caller is about to end.
    pub(super) fn note(&self, frame: FrameId, error: Error) {
        self.0.lock().insert(frame, error);
    }

    /// The error of the read that has failed, if nobody has begun another one.
    pub(super) fn of(&self, frame: FrameId) -> Option<Error> {
        self.0.lock().get(&frame).cloned()
    }

    /// Drops the error of a read that has failed. The caller owns the frame's I/O, or the frame.
    pub(super) fn forget(&self, frame: FrameId) {
        self.0.lock().remove(&frame);
    }
}
