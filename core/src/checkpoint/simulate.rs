//! A checkpoint on paper: how its writes go with a device and a log of one's own, without either.

use super::pace::{Pacer, Schedule, Standing};
use std::time::Duration;

/// Where a simulated checkpoint stood.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Since its writes began.
    pub elapsed: Duration,
    /// Marked pages written by then, by whomever.
    pub written: usize,
    /// By the checkpoint.
    pub own: usize,
    /// Pages that would be at an even rate over the time of the schedule.
    pub ideal: f64,
}

/// What surrounds a simulated checkpoint, each from the time since its writes began.
pub struct Surroundings<D, L, O> {
    /// Time that the write of a page takes which begins then.
    pub device: D,
    /// WAL inserted until then, and full-page images in it, in bytes.
    pub log: L,
    /// Marked pages written by others until then: those that the checkpoint would come to last.
    pub others: O,
}

/// Writes `total` pages; returns a point for each that the checkpoint has written, and the end.
pub fn simulate<D, L, O>(
    schedule: Schedule,
    total: usize,
    mut surroundings: Surroundings<D, L, O>,
) -> Vec<Point>
where
    D: FnMut(Duration) -> Duration,
    L: FnMut(Duration) -> (u64, u64),
    O: FnMut(Duration) -> usize,
{
    let (mut pacer, mut elapsed) = (Pacer::new(schedule), Duration::ZERO);
    let (mut own, mut written, mut points) = (0, 0, Vec::with_capacity(total));
    let point = |written, own, elapsed| {
        let ideal = schedule.ideal(elapsed) * total as f64;
        Point { elapsed, written, own, ideal }
    };
    while written < total {
        let took = (surroundings.device)(elapsed);
        elapsed += took;
        pacer.note_write(took);
        own += 1;
        loop {
            written = (own + (surroundings.others)(elapsed)).min(total);
            let (wal_bytes, image_bytes) = (surroundings.log)(elapsed);
            let at = Standing { total, written, own, elapsed, wal_bytes, image_bytes };
            if points.len() < own {
                points.push(point(written, own, elapsed));
            }
            let Some(rest) = pacer.rest(&at) else { break };
            elapsed += rest;
        }
    }
    points.push(point(written, own, elapsed));
    points
}
