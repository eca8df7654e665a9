//! How a checkpoint paces its writes, with any device, log and neighbours: it ends, no arithmetic
//! overflows or divides by nothing, and it rests no longer than the schedule has it.

use crate::{Outcome, take_array, take_byte};
use seawall_core::checkpoint::{Point, Schedule, Surroundings, simulate};
use std::cell::Cell;
use std::time::Duration;

pub(crate) const OUTCOMES: &[Outcome] = &["early", "late", "nothing to write"];

const HOUR: Duration = Duration::from_secs(3600);
/// The greatest rest, which also bounds what a write is taken to cost.
const REST_MAX: Duration = Duration::from_millis(100);

/// Input: time of the schedule in ms (4), its WAL (8), pages (1), then for each write: the device's
/// time (2, its unit by the next byte), WAL (4), images in it (2), pages of others (1); from the
/// first again at the end.
///
/// # Panics
/// On a finding.
pub fn pacer(mut data: &[u8]) -> Outcome {
    let spread = Duration::from_millis(u64::from(u32::from_le_bytes(take_array(&mut data))));
    let wal_bytes = u64::from_le_bytes(take_array(&mut data));
    let schedule = Schedule { spread: spread.min(HOUR), wal_bytes };
    let total = usize::from(take_byte(&mut data));
    let around: Vec<Around> = data.chunks(10).map(Around::take).collect();
    let run = run(schedule, total, &around);
    check(schedule, total, &run);
    match run.points.last() {
        Some(end) if end.elapsed > schedule.spread => "late",
        Some(_) if total > 0 => "early",
        _ => "nothing to write",
    }
}

/// What happens around one write.
#[derive(Clone, Copy, Default)]
struct Around {
    write: Duration,
    wal_bytes: u64,
    image_bytes: u64,
    others: usize,
}

impl Around {
    fn take(mut data: &[u8]) -> Self {
        let data = &mut data;
        let (write, unit) = (u64::from(u16::from_le_bytes(take_array(data))), take_byte(data));
        let write = match unit % 4 {
            0 => Duration::from_nanos(write),
            1 => Duration::from_micros(write),
            2 => Duration::from_millis(write),
            _ => Duration::from_secs(write * 1000),
        };
        let wal_bytes = u64::from(u32::from_le_bytes(take_array(data))) << (unit / 16);
        let image_bytes = u64::from(u16::from_le_bytes(take_array(data))) << (unit / 16);
        Self { write, wal_bytes, image_bytes, others: usize::from(take_byte(data) % 4) }
    }
}

/// What came of a checkpoint.
struct Run {
    points: Vec<Point>,
    device_time: Duration,
    longest_write: Duration,
    longest_rest: Duration,
}

fn run(schedule: Schedule, total: usize, around: &[Around]) -> Run {
    let nth = |n: usize| around.get(n % around.len().max(1)).copied().unwrap_or_default();
    // Others write while the device does; the log grows whenever somebody looks.
    let (writes, others_have, mut device_time) = (Cell::new(0), Cell::new(0), Duration::ZERO);
    let device = |_| {
        let now = nth(writes.replace(writes.get() + 1));
        others_have.set(others_have.get() + now.others);
        device_time += now.write;
        now.write
    };
    let (mut looks, mut wal, mut images) = (0, 0_u64, 0_u64);
    let (mut last_look, mut longest_rest) = ((0, Duration::ZERO), Duration::ZERO);
    let log = |elapsed: Duration| {
        let now = nth(looks);
        looks += 1;
        wal = wal.saturating_add(now.wal_bytes);
        images = images.saturating_add(now.image_bytes);
        let (written, before) = std::mem::replace(&mut last_look, (writes.get(), elapsed));
        if written == writes.get() {
            // It was no write that took the time.
            longest_rest = longest_rest.max(elapsed - before);
        }
        (wal, images)
    };
    let others = |_| others_have.get();
    let points = simulate(schedule, total, Surroundings { device, log, others });
    let longest_write = around.iter().map(|around| around.write).max().unwrap_or_default();
    Run { points, device_time, longest_write, longest_rest }
}

fn check(schedule: Schedule, total: usize, run: &Run) {
    let Run { points, device_time, longest_write, longest_rest } = run;
    let end = points.last().expect("the end is always there");
    assert_eq!(end.written, total);
    assert!(points.iter().all(|at| at.ideal.is_finite() && at.ideal <= total as f64));
    assert!(points.is_sorted_by_key(|at| (at.elapsed, at.written, at.own)));
    assert!(*longest_rest <= REST_MAX, "a rest of {longest_rest:?}");
    // By the schedule, or as late as a moderate rate has it: a rest of two mean writes for each.
    let late = (*longest_write).min(REST_MAX) * 2 * end.own as u32;
    let most = *device_time + schedule.spread + late + REST_MAX;
    assert!(end.elapsed <= most, "{:?} of {most:?}", end.elapsed);
}
