//! How a checkpoint paces its writes, with any device, log and neighbours: it ends, no arithmetic
//! overflows or divides by nothing, and it rests no longer than the schedule has it.

use crate::{Outcome, take_array, take_byte};
use seawall_core::checkpoint::{Point, Schedule, Surroundings, simulate};
use std::time::Duration;

pub(crate) const OUTCOMES: &[Outcome] = &["early", "late", "nothing to write"];

const HOUR: Duration = Duration::from_secs(3600);
/// The greatest rest, which also bounds what a write is taken to cost.
const REST_MAX: Duration = Duration::from_millis(100);

/// Input: time of the schedule in ms (4), its WAL (8), pages (1), then for each write: the device's
/// time (2, its unit by the next byte), WAL (4), images in it (2), pages of others (1); again from
/// the first at the end.
///
/// # Panics
/// On a finding.
pub fn pacer(mut data: &[u8]) -> Outcome {
    let spread = Duration::from_millis(u64::from(u32::from_le_bytes(take_array(&mut data))));
    let wal_bytes = u64::from_le_bytes(take_array(&mut data));
    let schedule = Schedule { spread: spread.min(HOUR), wal_bytes };
    let total = usize::from(take_byte(&mut data));
    let around: Vec<Around> = data.chunks(10).map(Around::take).collect();
    let mut device_time = Duration::ZERO;
    let points = run(schedule, total, &around, &mut device_time);
    check(schedule, total, device_time, &points);
    match points.last() {
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

fn run(
    schedule: Schedule,
    total: usize,
    around: &[Around],
    device_time: &mut Duration,
) -> Vec<Point> {
    let nth = |n: usize| around.get(n % around.len().max(1)).copied().unwrap_or_default();
    // What has come to be by then: one step further whenever somebody asks, as time passes.
    let (mut writes, mut logs, mut wal, mut images) = (0, 0, 0_u64, 0_u64);
    let (mut looks, mut others) = (0, 0);
    let device = |_| {
        writes += 1;
        *device_time += nth(writes - 1).write;
        nth(writes - 1).write
    };
    let log = |_| {
        logs += 1;
        wal = wal.saturating_add(nth(logs - 1).wal_bytes);
        images = images.saturating_add(nth(logs - 1).image_bytes);
        (wal, images)
    };
    let others = |_| {
        looks += 1;
        others += nth(looks - 1).others;
        others
    };
    simulate(schedule, total, Surroundings { device, log, others })
}

fn check(schedule: Schedule, total: usize, device_time: Duration, points: &[Point]) {
    let end = points.last().expect("the end is always there");
    assert_eq!(end.written, total);
    assert!(points.iter().all(|at| at.ideal.is_finite() && at.ideal <= total as f64));
    assert!(points.is_sorted_by_key(|at| (at.elapsed, at.written, at.own)));
    // By the schedule, or as late as a moderate rate has it: a rest of two mean writes for each.
    let late = REST_MAX * 2 * end.own as u32;
    let most = device_time + schedule.spread + late + REST_MAX;
    assert!(end.elapsed <= most, "{:?} of {most:?}", end.elapsed);
}
