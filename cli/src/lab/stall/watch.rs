//! Once a second: what the kernel has not written, and how much the devices were asked to write.

use super::bed::Bed;
use super::group::Unwritten;
use crate::exit::Failure;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub(super) struct Watch<'b> {
    bed: &'b Bed,
    next: Instant,
    samples: Vec<Sample>,
}

/// One look.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sample {
    pub(super) epoch_ms: u64,
    pub(super) unwritten: Unwritten,
    /// Writes of each device, from its beginning.
    pub(super) data_writes: u64,
    pub(super) wal_writes: u64,
}

const INTERVAL: Duration = Duration::from_secs(1);

impl<'b> Watch<'b> {
    pub(super) fn new(bed: &'b Bed) -> Self {
        Self { bed, next: Instant::now(), samples: Vec::new() }
    }

    /// Looks if it is time to.
    pub(super) fn look(&mut self) -> Result<(), Failure> {
        let now = Instant::now();
        if now < self.next {
            return Ok(());
        }
        self.next = now.max(self.next + INTERVAL);
        self.samples.push(Sample {
            epoch_ms: epoch_ms(),
            unwritten: self.bed.group.unwritten()?,
            data_writes: self.bed.data.writes()?,
            wal_writes: self.bed.wal.writes()?,
        });
        Ok(())
    }

    pub(super) fn into_samples(self) -> Vec<Sample> {
        self.samples
    }
}

pub(super) fn epoch_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}
