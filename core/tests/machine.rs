//! Random steps on a store, each compared with a plain map: a state machine with crashes.
//!
//! A step (`machine/steps.rs`) is a call of the engine, or a few; every sequence has a meaning,
//! also while proptest shrinks it. What the store must hold, and what a crash may leave of it, is
//! in `machine/bed.rs`; what is refused, in `machine/misuse.rs`. The fuzz target `operations` takes
//! the same steps.
//!
//! After each step the list of files and their lengths are compared. Contents are compared where
//! a step reads or writes, after each opening, and where a step says so: to read everything all
//! the time would keep the small pool clean, and miss what only dirty pages show.
//!
//! # Environment
//! * `SEAWALL_MACHINE_CASES`: sequences to run, 2,000 if it is not set. With `--release`
//!   100,000 take about 8 minutes.
//!
//! A failure prints the shrunken sequence and writes its seed to
//! `core/proptest-regressions/machine.txt`; seeds there are run first by each `cargo test`.

#[path = "machine/bed.rs"]
mod bed;
mod common;
#[path = "machine/misuse.rs"]
mod misuse;
#[path = "machine/steps.rs"]
mod steps;

use bed::Bed;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use steps::{ACCESSES, Crash, Ending, Misuse, Step, Through, Touch};

fn through() -> impl Strategy<Value = Through> {
    prop_oneof![3 => Just(None), 2 => proptest::sample::select(&ACCESSES[..]).prop_map(Some)]
}

fn touch() -> impl Strategy<Value = Touch> {
    let place = (any::<u8>(), any::<u8>(), any::<u16>());
    // A few bytes, or any part of the page.
    let len = prop_oneof![1 => 0..64_u16, 1 => any::<u16>()];
    (place, len).prop_map(|((file, block, offset), len)| Touch { file, block, offset, len })
}

fn operation() -> impl Strategy<Value = Step> {
    use Ending::{Commit, CommitAsync, Undo};
    let ending = prop_oneof![3 => Just(CommitAsync), 2 => Just(Commit), 1 => Just(Undo)];
    (vec(touch(), 1..=3), ending, through())
        .prop_map(|(touches, ending, through)| Step::Operation { touches, ending, through })
}

fn crash() -> impl Strategy<Value = Step> {
    let after = prop_oneof![Just(0), 1..60_u16];
    let again = proptest::option::of(0..60_u16);
    (after, any::<u64>(), again)
        .prop_map(|(after, seed, again)| Step::Crash(Crash { after, seed, again }))
}

fn misuse() -> impl Strategy<Value = Step> {
    use Misuse::{BeyondEnd, BeyondLength, BeyondWal, NoFile, NoTablespace, OutsideBody};
    let all = vec![BeyondEnd, BeyondLength, NoFile, NoTablespace, OutsideBody, BeyondWal];
    (proptest::sample::select(all), any::<u8>())
        .prop_map(|(misuse, pick)| Step::Misuse { misuse, pick })
}

/// A change of which files there are, or of how long they are.
fn of_files() -> impl Strategy<Value = Step> {
    let file = any::<u8>;
    prop_oneof![
        5 => (0..4_u8, proptest::bool::weighted(0.3))
            .prop_map(|(tablespace, unlogged)| Step::CreateFile { tablespace, unlogged }),
        1 => Just(Step::CreateTablespace),
        5 => (file(), 1..=20_u32, any::<bool>())
            .prop_map(|(file, blocks, bulk)| Step::Extend { file, blocks, bulk }),
        3 => (file(), any::<u8>()).prop_map(|(file, blocks)| Step::Truncate { file, blocks }),
        1 => file().prop_map(|file| Step::Drop { file }),
    ]
}

/// What a server does beside its work.
fn of_service() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => any::<bool>().prop_map(|spread| Step::Checkpoint { spread }),
        2 => Just(Step::BackgroundWriterRound),
        2 => (1..=3_u8).prop_map(Step::WalWriterRounds),
        1 => Just(Step::WaitDurable),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let read = (any::<u8>(), any::<u8>(), through())
        .prop_map(|(file, block, through)| Step::Read { file, block, through });
    let step = prop_oneof![
        12 => operation(),
        6 => of_files(),
        5 => read,
        4 => of_service(),
        2 => misuse(),
        2 => crash(),
        1 => Just(Step::CloseAndOpen),
        1 => Just(Step::ReadAll),
    ];
    vec(step, 1..150)
}

fn settings() -> ProptestConfig {
    const SEEDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/machine.txt");
    let cases = std::env::var("SEAWALL_MACHINE_CASES").ok();
    ProptestConfig {
        cases: cases.map_or(2000, |cases| cases.parse().expect("a number of cases")),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(SEEDS))),
        max_shrink_iters: 3000,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn whatever_is_done_to_a_store_it_holds_what_a_map_holds(steps in steps()) {
        let mut bed = Bed::new();
        for step in &steps {
            bed.step(step);
        }
        bed.finish();
    }
}
