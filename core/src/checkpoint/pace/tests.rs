//! Properties of the pacing, on simulated devices and logs.

use super::super::simulate::{Point, Surroundings, simulate};
use super::*;
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

fn schedule(seconds: u32) -> Schedule {
    Schedule { spread: SECOND * seconds, wal_bytes: 1 << 30 }
}

fn assert_seconds(found: Duration, expected: f64) {
    let difference = (found.as_secs_f64() - expected).abs();
    assert!(difference < 1e-6, "{found:?}, expected {expected} s");
}

#[test]
fn the_time_that_is_left_is_that_of_the_clock_or_of_the_log_at_its_rate_so_far() {
    let schedule = Schedule { spread: SECOND * 100, wal_bytes: 1000 };
    for (wal_bytes, image_bytes, expected) in [
        (0, 0, 90.0),
        (10, 0, 90.0),
        (50, 0, 90.0),
        (200, 0, 40.0),
        (500, 0, 10.0),
        (999, 0, 10.0 / 999.0),
        (1000, 0, 0.0),
        (2000, 0, 0.0),
        (750, 500, 10.0),
        (600, 600, 90.0),
    ] {
        let at = Standing { elapsed: SECOND * 10, wal_bytes, image_bytes, ..Standing::default() };
        assert_seconds(schedule.time_left(&at), expected);
    }
    let late = Standing { elapsed: SECOND * 101, ..Standing::default() };
    assert_eq!(schedule.time_left(&late), Duration::ZERO);
}

#[test]
fn a_late_checkpoint_leaves_time_by_the_part_that_others_write() {
    let gap = |written, own| {
        schedule(90).least_gap(&Standing { total: 30, written, own, ..Standing::default() })
    };
    for (written, own, expected) in [(10, 5, 4.5), (10, 0, 9.0), (10, 10, 0.0), (0, 0, 0.0)] {
        assert_seconds(gap(written, own), expected);
    }
    let ideal = [0, 45, 90, 180].map(|elapsed| schedule(90).ideal(SECOND * elapsed));
    assert_eq!(ideal, [0.0, 0.5, 1.0, 1.0]);
}

fn no_log(_: Duration) -> (u64, u64) {
    (0, 0)
}

fn alone(_: Duration) -> usize {
    0
}

/// Pages of a steady device.
fn steady(seconds: u32, total: usize, write: Duration) -> Vec<Point> {
    simulate(
        schedule(seconds),
        total,
        Surroundings { device: move |_| write, log: no_log, others: alone },
    )
}

fn end(points: &[Point]) -> Duration {
    points.last().map_or(Duration::ZERO, |point| point.elapsed)
}

/// The most pages that were written within a second.
fn densest_second(points: &[Point]) -> usize {
    let before = |time: Duration| points.partition_point(|point| point.elapsed < time);
    let within = |first: &Point| before(first.elapsed + SECOND) - before(first.elapsed);
    points.iter().map(within).max().unwrap_or(0)
}

#[test]
fn a_checkpoint_of_one_page_rests_in_pieces() {
    let mut pacer = Pacer::new(schedule(10));
    pacer.note_write(MS);
    let at =
        |own, elapsed| Standing { total: 2, written: own, own, elapsed, ..Standing::default() };
    assert_eq!(pacer.rest(&at(1, MS)), Some(LONGEST_REST));
    assert_eq!(pacer.rest(&at(1, MS + LONGEST_REST)), Some(LONGEST_REST));
    assert_eq!(pacer.rest(&at(2, SECOND)), None, "it is complete");
}

#[test]
fn a_device_that_is_too_slow_is_given_no_rest() {
    let points = steady(1, 1000, MS * 5);
    assert_eq!(end(&points), MS * 5 * 1000);
}

#[test]
fn a_stall_is_made_up_for_evenly_and_not_in_a_burst() {
    // 1000 pages in 10 s, one of which takes 4 s: 100 a second before, and about 170 afterwards.
    let mut stalled = false;
    let device = move |elapsed: Duration| {
        let stalls = !stalled && elapsed > SECOND * 3;
        stalled |= stalls;
        if stalls { SECOND * 4 } else { MS }
    };
    let points = simulate(schedule(10), 1000, Surroundings { device, log: no_log, others: alone });
    assert!(end(&points) < SECOND * 11, "{:?}", end(&points));
    assert!(densest_second(&points) < 300, "{}", densest_second(&points));
}

#[test]
fn a_burst_of_images_brings_no_burst_of_writes_and_other_wal_does() {
    // In the first second half of the budget, then a trickle.
    let budget = 1u64 << 30;
    let bytes = |elapsed: Duration| {
        let part = elapsed.as_secs_f64().min(1.0) * 0.5;
        (part * budget as f64) as u64 + elapsed.as_millis() as u64
    };
    let run = |log: &dyn Fn(Duration) -> (u64, u64)| {
        let points =
            simulate(schedule(100), 5000, Surroundings { device: |_| MS / 10, log, others: alone });
        points.iter().filter(|point| point.elapsed < SECOND).count()
    };
    assert!(run(&|elapsed| (bytes(elapsed), bytes(elapsed))) < 100);
    assert!(run(&|elapsed| (bytes(elapsed), 0)) > 1000);
}

#[test]
fn wal_at_a_steady_rate_sets_the_pace_where_it_leaves_less_time() {
    // The budget lasts 10 s, the schedule 100 s.
    let log = |elapsed: Duration| ((elapsed.as_secs_f64() / 10.0 * f64::from(1 << 30)) as u64, 0);
    let points = simulate(schedule(100), 1000, Surroundings { device: |_| MS, log, others: alone });
    assert!(end(&points) > SECOND * 8 && end(&points) < SECOND * 11, "{:?}", end(&points));
}

/// A clock sweep that writes most of 10,000 pages in its first lap, and then none that are marked.
fn sweep(elapsed: Duration) -> usize {
    (elapsed.as_secs_f64().min(20.0) * 400.0) as usize
}

#[test]
fn a_late_checkpoint_takes_no_more_than_a_part_of_a_slow_device() {
    let run = |write| {
        let surroundings = Surroundings { device: move |_| write, log: no_log, others: sweep };
        simulate(schedule(27), 10_000, surroundings)
    };
    let slow = run(MS * 4);
    assert!(densest_second(&slow) < 200, "{}", densest_second(&slow));
    assert!(end(&slow) > SECOND * 30 && end(&slow) < SECOND * 45, "{:?}", end(&slow));
    let fast = run(MS / 10);
    assert!(end(&fast) < SECOND * 28, "{:?}", end(&fast));
    let by_log = Surroundings { device: |_| MS * 4, log: |_| (1 << 31, 0), others: sweep };
    let hurried = simulate(schedule(27), 10_000, by_log);
    assert!(densest_second(&hurried) > 240, "{}", densest_second(&hurried));
}

#[test]
fn a_device_that_works_in_bursts_is_no_excuse() {
    // Each tenth of a second begins with 30 writes of 1 ms; the next one waits.
    let device = move |elapsed: Duration| {
        let into = Duration::from_nanos((elapsed.as_nanos() % LONGEST_REST.as_nanos()) as u64);
        if into < MS * 30 { MS } else { LONGEST_REST - into + MS }
    };
    let points = simulate(schedule(10), 2000, Surroundings { device, log: no_log, others: alone });
    assert!(end(&points) < SECOND * 11, "{:?}", end(&points));
    assert!(densest_second(&points) < 250, "{}", densest_second(&points));
}

proptest! {
    /// Where the device can do it, what is written is never far from the even rate, and the end is
    /// in time.
    #[test]
    fn the_writes_are_spread_evenly(
        total in 1usize..3000,
        seconds in 1u32..300,
        load in 0.0f64..0.9,
    ) {
        let write = (SECOND * seconds).mul_f64(load / total as f64);
        let points = steady(seconds, total, write);
        let slack = total as f64 * 0.02 + 2.0
            + LONGEST_REST.max(write).div_duration_f64(SECOND * seconds) * total as f64;
        for Point { elapsed, written, ideal, .. } in &points {
            let off = (*written as f64 - ideal).abs();
            prop_assert!(off <= slack, "{written} pages at {elapsed:?}, ideal {ideal}");
        }
        prop_assert!(end(&points) <= SECOND * seconds + LONGEST_REST + write);
    }

    /// Whatever the device and the log do, it ends, and no rest is longer than the longest.
    #[test]
    fn it_ends_with_any_device_any_log_and_any_others(
        total in 1usize..300,
        seconds in 0u32..100,
        times in prop::collection::vec(0u64..2_000_000, 1..20),
        wal in prop::collection::vec((0u64..1 << 31, 0u64..1 << 31), 1..20),
        others in prop::collection::vec(0usize..3, 1..20),
    ) {
        let (mut writes, mut logs) = (times.iter().cycle(), wal.iter().cycle());
        let device = |_| Duration::from_micros(*writes.next().expect("endless"));
        let log = |_| *logs.next().expect("endless");
        let mut rates = others.iter().cycle();
        let mut by_others = 0;
        let others = |_| {
            by_others += *rates.next().expect("endless");
            by_others
        };
        let points = simulate(schedule(seconds), total, Surroundings { device, log, others });
        prop_assert_eq!(points.last().map(|point| point.written), Some(total));
        let busy: u64 = times.iter().cycle().take(points.len() - 1).sum();
        let rest = end(&points).saturating_sub(Duration::from_micros(busy));
        prop_assert!(rest <= SECOND * seconds + LONGEST_REST, "{rest:?}");
    }
}
