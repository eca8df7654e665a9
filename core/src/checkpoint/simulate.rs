//! A checkpoint on paper: how its writes go with a device and a log of one's own, without either.

use super::pace::{Pacer, Schedule, Standing};
use std::time::Duration;

/// Where a simulated checkpoint stood.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Since its writes began.
    pub elapsed: Duration,
    /// Pages written by then.
    pub done: usize,
    /// Pages that would be at an even rate over the time of the schedule.
    pub ideal: f64,
}

/// What surrounds a simulated checkpoint.
pub struct Surroundings<D, L> {
    /// Time that the write of a page takes which begins then.
    pub device: D,
    /// WAL inserted until then, and full-page images in it, in bytes.
    pub log: L,
}

/// Writes `total` pages; returns a point for each.
pub fn simulate<D, L>(
    schedule: Schedule,
    total: usize,
    mut surroundings: Surroundings<D, L>,
) -> Vec<Point>
where
    D: FnMut(Duration) -> Duration,
    L: FnMut(Duration) -> (u64, u64),
{
    let (mut pacer, mut elapsed) = (Pacer::new(schedule), Duration::ZERO);
    let mut points = Vec::with_capacity(total);
    for done in 1..=total {
        let took = (surroundings.device)(elapsed);
        elapsed += took;
        pacer.note_write(took);
        points.push(Point { elapsed, done, ideal: schedule.ideal(elapsed) * total as f64 });
        loop {
            let (wal_bytes, image_bytes) = (surroundings.log)(elapsed);
            let standing = Standing { done, total, elapsed, wal_bytes, image_bytes };
            let Some(rest) = pacer.rest(&standing) else { break };
            elapsed += rest;
        }
    }
    points
}
