//! The seeds, and whatever fuzzing has found, through the targets on a stable toolchain.

use seawall_fuzz::{Outcome, TARGETS, seeds};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Memory is counted for the whole process: one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn seeds_dir(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target)
}

/// Runs the inputs in a directory; gives the outcomes.
fn replay(dir: &Path, run: fn(&[u8]) -> Outcome) -> BTreeSet<Outcome> {
    let mut reached = BTreeSet::new();
    for entry in fs::read_dir(dir).expect("seeds") {
        let path = entry.expect("an entry").path();
        println!("{}", path.display());
        reached.insert(run(&fs::read(&path).expect("an input")));
    }
    reached
}

#[test]
fn every_seed_passes_and_together_they_reach_every_outcome() {
    let _alone = alone();
    for (name, run, outcomes) in TARGETS {
        let reached = replay(&seeds_dir(name), run);
        assert_eq!(reached, outcomes.iter().copied().collect(), "outcomes of {name}");
    }
}

#[test]
fn no_target_needs_more_than_an_empty_input() {
    let _alone = alone();
    for (name, run, _) in TARGETS {
        println!("{name}");
        run(&[]);
    }
}

#[test]
#[ignore = "writes to the source tree"]
fn write_the_seeds() {
    for (target, name, bytes) in seeds::all() {
        fs::create_dir_all(seeds_dir(target)).expect("a directory");
        fs::write(seeds_dir(target).join(name), bytes).expect("a seed");
    }
}
