//! Tests of the arithmetic, over pools that do not exist.

use super::*;
use proptest::prelude::*;

const START: Position = Position { hand: 0, allocations: 0 };

fn config() -> Config {
    Config { background_writer_max_pages: 10, ..Config::default() }
}

/// Runs a round in which every so many steps there is a frame that needs to be written.
fn round(forecast: &mut Forecast, now: Position, steps_per_frame: u64) -> Round {
    let mut scan = forecast.begin(now);
    while let Some(step) = scan.advance() {
        let found = if step % steps_per_frame == 0 { Found::Cleaned } else { Found::InUse };
        scan.note(found);
    }
    forecast.end(&scan)
}

#[test]
fn a_round_cleans_what_will_be_needed_and_the_multiplier_more() {
    let config = Config { background_writer_max_pages: 1000, ..config() };
    let mut forecast = Forecast::new(&config, 1000, START);
    let round = round(&mut forecast, Position { hand: 60, allocations: 30 }, 1);
    assert_eq!((round.looked_at, round.written, round.is_idle), (60, 60, false));
}

#[test]
fn what_was_cleaned_ahead_is_not_cleaned_again() {
    let config = Config { background_writer_max_pages: 1000, ..config() };
    let mut forecast = Forecast::new(&config, 1000, START);
    for allocations in (0..4000).step_by(40) {
        round(&mut forecast, Position { hand: allocations, allocations }, 1);
    }
    // 80 ahead, of which the sweep has taken 40.
    let next = round(&mut forecast, Position { hand: 4000, allocations: 4000 }, 1);
    assert!((40..=45).contains(&next.written), "{next:?}");
}

#[test]
fn an_estimate_rises_at_once_and_falls_by_a_sixteenth_a_round() {
    let mut forecast = Forecast::new(&config(), 1000, START);
    forecast.begin(Position { hand: 160, allocations: 160 });
    assert_eq!(forecast.allocations_per_round, 160.0);
    forecast.begin(Position { hand: 160, allocations: 160 });
    assert_eq!(forecast.allocations_per_round, 150.0);
    for _ in 0..16 {
        forecast.begin(Position { hand: 160, allocations: 160 });
    }
    assert!((50.0..60.0).contains(&forecast.allocations_per_round));
}

#[test]
fn frames_that_were_allocated_without_a_step_say_nothing_about_how_dense_they_are() {
    let mut forecast = Forecast::new(&config(), 100, Position { hand: 0, allocations: 0 });
    let before = forecast.steps_per_frame;
    forecast.begin(Position { hand: 0, allocations: 3 });
    forecast.begin(Position { hand: 7, allocations: 3 });
    assert_eq!(forecast.steps_per_frame, before, "nor steps without a frame");
    forecast.begin(Position { hand: 9, allocations: 4 });
    assert!(forecast.steps_per_frame < before);
}

#[test]
fn a_writer_that_was_lapped_goes_on_at_the_hand() {
    let mut forecast = Forecast::new(&config(), 100, START);
    round(&mut forecast, Position { hand: 50, allocations: 50 }, 1);
    let scan = forecast.begin(Position { hand: 5000, allocations: 2000 });
    assert_eq!((scan.next, scan.end), (5000, 5100));
}

#[test]
fn without_allocations_the_pool_is_passed_once_in_two_minutes_and_then_there_is_nothing_to_do() {
    let config = config();
    let mut forecast = Forecast::new(&config, 3000, START);
    let mut rounds = 1;
    while !round(&mut forecast, START, 1).is_idle {
        rounds += 1;
    }
    // Of 600 rounds in that time, each looks for 5 frames.
    assert_eq!(rounds, LAP_TIME.as_millis() / config.background_writer_delay.as_millis());
    let idle = round(&mut forecast, START, 1);
    assert_eq!(idle, Round { allocated: 0, looked_at: 0, written: 0, is_idle: true });
    let busy = round(&mut forecast, Position { hand: 1, allocations: 1 }, 1);
    assert_eq!(busy, Round { allocated: 1, looked_at: 1, written: 1, is_idle: false });
    assert!(round(&mut forecast, Position { hand: 1, allocations: 1 }, 1).is_idle);
}

#[test]
fn with_no_page_to_be_written_nothing_is_looked_at() {
    let config = Config { background_writer_max_pages: 0, ..config() };
    let mut forecast = Forecast::new(&config, 100, START);
    let round = round(&mut forecast, Position { hand: 50, allocations: 50 }, 1);
    assert_eq!((round.looked_at, round.is_idle), (0, false));
}

/// What happens between two rounds and during the second: steps of the hand, allocations, and
/// what is found at each step.
fn happenings() -> impl Strategy<Value = Vec<(u64, u64, Vec<Found>)>> {
    let found = prop::sample::select(vec![Found::InUse, Found::Reusable, Found::Cleaned]);
    let finds = prop::collection::vec(found, 1..20);
    prop::collection::vec((0u64..300, 0u64..300, finds), 1..60)
}

proptest! {
    #[test]
    fn a_round_ends_keeps_its_limits_and_looks_at_each_frame_of_a_lap_once(
        frames in 1usize..100,
        max_pages in 0u32..50,
        multiplier in 0.0..10.0,
        delay_ms in 1u64..10_000,
        happenings in happenings(),
    ) {
        let config = Config {
            background_writer_max_pages: max_pages,
            background_writer_multiplier: multiplier,
            background_writer_delay: Duration::from_millis(delay_ms),
            ..config()
        };
        let mut forecast = Forecast::new(&config, frames, START);
        let (mut now, mut last_step) = (START, None);
        for (steps, allocations, finds) in happenings {
            now.hand += steps;
            now.allocations += allocations;
            let mut scan = forecast.begin(now);
            let (mut looked_at, mut written) = (0, 0);
            let mut finds = finds.into_iter().cycle();
            while let Some(step) = scan.advance() {
                prop_assert!(now.hand <= step && step < now.hand + frames as u64);
                prop_assert!(last_step < Some(step), "{step} comes after {last_step:?}");
                last_step = Some(step);
                let found = finds.next().expect("a cycle");
                scan.note(found);
                looked_at += 1;
                written += u32::from(found == Found::Cleaned);
                prop_assert!(looked_at <= frames as u64 && written <= max_pages);
            }
            let round = forecast.end(&scan);
            prop_assert_eq!((round.looked_at, round.written), (looked_at, written));
            prop_assert!(!round.is_idle || allocations == 0);
            prop_assert!(forecast.next <= now.hand + frames as u64);
        }
    }

    #[test]
    fn estimates_converge_to_a_steady_load(
        before in happenings(),
        allocations in 1u64..100,
        steps_per_frame in 1u64..20,
    ) {
        let config = Config { background_writer_max_pages: 1 << 20, ..config() };
        let mut forecast = Forecast::new(&config, 10_000, START);
        let mut now = START;
        for (steps, allocated, _) in before {
            now.hand += steps;
            now.allocations += allocated;
            round(&mut forecast, now, steps_per_frame);
        }
        for _ in 0..200 {
            now.hand += allocations * steps_per_frame;
            now.allocations += allocations;
            round(&mut forecast, now, steps_per_frame);
        }
        let is_near = |found: f64, expected: u64| (found / expected as f64 - 1.0).abs() < 0.1;
        prop_assert!(is_near(forecast.allocations_per_round, allocations), "{:?}", forecast);
        prop_assert!(is_near(forecast.steps_per_frame, steps_per_frame), "{:?}", forecast);
        let lead = (forecast.next - now.hand) / steps_per_frame;
        prop_assert!(lead >= 2 * allocations - 1, "the next two rounds are provided for");
    }
}
