//! The seeds, and whatever fuzzing has found, through the targets on a stable toolchain.

use seawall_fuzz::{Outcome, TARGETS, seeds};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn dir(kind: &str, target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(kind).join(target)
}

/// Runs the inputs in a directory; gives the outcomes.
fn replay(dir: &Path, run: fn(&[u8]) -> Outcome) -> BTreeSet<Outcome> {
    let mut reached = BTreeSet::new();
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        println!("{}", path.display());
        reached.insert(run(&fs::read(&path).expect("an input")));
    }
    reached
}

#[test]
fn every_seed_passes_and_together_they_reach_every_outcome() {
    for (name, run, outcomes) in TARGETS {
        let reached = replay(&dir("seeds", name), run);
        assert_eq!(reached, outcomes.iter().copied().collect(), "outcomes of {name}");
    }
}

#[test]
#[ignore = "these fail: an input moves to seeds when what it shows is fixed"]
fn every_finding_passes() {
    for (name, run, _) in TARGETS {
        replay(&dir("findings", name), run);
    }
}

#[test]
fn no_target_needs_more_than_an_empty_input() {
    for (name, run, _) in TARGETS {
        println!("{name}");
        run(&[]);
    }
}

#[test]
#[ignore = "writes to the source tree"]
fn write_the_seeds() {
    for (target, name, bytes) in seeds::all() {
        let dir = dir(if seeds::FINDINGS.contains(&name) { "findings" } else { "seeds" }, target);
        fs::create_dir_all(&dir).expect("a directory");
        fs::write(dir.join(name), bytes).expect("a seed");
    }
}
