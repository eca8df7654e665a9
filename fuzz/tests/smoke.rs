//! Inputs made at random, from nothing and from the seeds, through the targets on a stable
//! toolchain. libFuzzer finds more, for it sees where its inputs get; this finds what is easy.
//!
//! # Environment
//! * `SEAWALL_FUZZ_CASES`: inputs for a target of middling cost, 2000 if it is not set.
//! * `SEAWALL_FUZZ_SEED`: the first seed, 1 if it is not set.
//! * `SEAWALL_FUZZ_TARGET`: this target alone.
//!
//! A failure prints the target, the seed, and the command that replays it alone.

use seawall_core::sim::SplitMix64;
use seawall_fuzz::{Outcome, TARGETS, Target};
use std::collections::BTreeMap;
use std::fs;
use std::panic::{catch_unwind, resume_unwind};
use std::path::Path;

/// Bytes of an input at most.
const LENGTH_MAX: usize = 300;

/// Inputs for each unit of cost, where a target is not of middling cost.
const SHARES: [(&str, u64); 4] =
    [("operations", 1), ("store_files", 2), ("control", 2), ("wal_segment", 2)];
const MIDDLING: u64 = 20;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    let mut paths: Vec<_> =
        fs::read_dir(dir).expect("seeds").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort_unstable();
    paths.iter().map(|path| fs::read(path).expect("a seed")).collect()
}

fn random_bytes(random: &mut SplitMix64, length: usize) -> Vec<u8> {
    (0..length).map(|_| random.below(256) as u8).collect()
}

/// A new input, or a seed that is changed in a few places.
fn input(random: &mut SplitMix64, seeds: &[Vec<u8>]) -> Vec<u8> {
    if seeds.is_empty() || random.below(3) == 0 {
        let length = random.below(LENGTH_MAX);
        return random_bytes(random, length);
    }
    let mut input = seeds[random.below(seeds.len())].clone();
    for _ in 0..random.below(4) {
        let at = random.below(input.len() + 1);
        let length = 1 + random.below(8);
        let bytes = random_bytes(random, length);
        match random.below(4) {
            0 if at < input.len() => input[at] ^= 1 << random.below(8),
            1 if at < input.len() => input[at] = bytes[0],
            2 => input.truncate(at),
            _ => _ = input.splice(at..at, bytes),
        }
    }
    input
}

/// Runs one target; gives how often each outcome was reached.
fn run((name, run, _): &Target, first: u64, cases: u64) -> BTreeMap<Outcome, u64> {
    let (seeds, mut reached) = (seeds(name), BTreeMap::new());
    for seed in first..first + cases {
        let input = input(&mut SplitMix64::new(seed), &seeds);
        let outcome = catch_unwind(|| run(&input)).unwrap_or_else(|panic| {
            println!("{name} fails on seed {seed}: {input:02x?}; to replay it:");
            println!(
                "SEAWALL_FUZZ_TARGET={name} SEAWALL_FUZZ_SEED={seed} SEAWALL_FUZZ_CASES=1 \
                 cargo test --manifest-path fuzz/Cargo.toml --test smoke"
            );
            resume_unwind(panic)
        });
        *reached.entry(outcome).or_insert(0) += 1;
    }
    reached
}

/// One after the other: memory is counted for the whole process.
#[test]
fn no_random_input_is_a_finding() {
    let (cases, first) = (setting("SEAWALL_FUZZ_CASES", 2000), setting("SEAWALL_FUZZ_SEED", 1));
    let only = std::env::var("SEAWALL_FUZZ_TARGET").ok();
    let is_meant = |target: &&Target| only.as_ref().is_none_or(|only| only == target.0);
    for target in TARGETS.iter().filter(is_meant) {
        let share = SHARES.iter().find(|(name, _)| *name == target.0);
        let share = share.map_or(MIDDLING, |(_, share)| *share);
        let reached = run(target, first, (cases * share / MIDDLING).max(1));
        println!("{}: {reached:?}", target.0);
        assert!(!reached.is_empty());
    }
}
