//! The sweep: one mixed workload, or many drawn ones, with everything that may happen to a disk.
//!
//! A workload has operations over several pages, evictions, checkpoints by both methods, creation,
//! extension, truncation and drop of files, recycling of the log, full-page images that are
//! switched. Then there is: a crash before every operation of the disk, times the images that it
//! may leave; crashes while these are recovered, two deep; an operation that fails, each in turn,
//! of each kind, once and for good, at once and in the background, and the images after that, and
//! the store opened again where it is. The same for the creation of a store.
//!
//! # Environment
//! * `SEAWALL_SWEEP_SECONDS`: draws workloads for so long, a thread for each core, and prints how
//!   far it is; and of the fixed workload every operation fails in every way. Without it a few
//!   seconds' worth is swept. What has begun by then is finished: few workloads take minutes, the
//!   longest seen 17, with 1.4 million images, most of them of crashes while it is recovered.
//! * `SEAWALL_SWEEP_SEED`: what a failure has printed. With it the long sweep is of this workload
//!   alone. Otherwise the seeds go on from the time of day, and the first is printed.
//!
//! A failure prints the seed, the crash point, what survived, the command that replays it, and the
//! shortest workload found that fails as well.
#![expect(clippy::disallowed_types, reason = "real threads, real time")]

mod common;
#[path = "sweep/crashes.rs"]
mod crashes;
#[path = "sweep/creation.rs"]
mod creation;
#[path = "sweep/drive.rs"]
mod drive;
#[path = "sweep/errors.rs"]
mod errors;
#[path = "sweep/plan.rs"]
mod plan;
#[path = "sweep/shrink.rs"]
mod shrink;

use errors::{Trouble, ways};
use plan::Plan;
use seawall_core::engine::Engine;
use seawall_core::sim::{CrashOptions, SplitMix64};
use shrink::{caught, shrink};
use std::fmt;
use std::ops::AddAssign;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const PROGRESS_EVERY: Duration = Duration::from_secs(10);

/// What was looked at.
#[derive(Clone, Copy, Default, Debug)]
struct Tally {
    workloads: usize,
    /// Crash points, images of them, different ones that were recovered.
    points: usize,
    images: usize,
    recovered: usize,
    /// Stores whose recovery crashed, images of that.
    stores: usize,
    again: usize,
    /// Operations that failed, how often that poisoned, images afterwards.
    troubles: usize,
    poisoned: usize,
    after_trouble: usize,
}

impl Tally {
    fn all_images(&self) -> usize {
        self.images + self.again + self.after_trouble
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.workloads += other.workloads;
        self.points += other.points;
        self.images += other.images;
        self.recovered += other.recovered;
        self.stores += other.stores;
        self.again += other.again;
        self.troubles += other.troubles;
        self.poisoned += other.poisoned;
        self.after_trouble += other.after_trouble;
    }
}

impl fmt::Display for Tally {
    /// What there is of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { workloads, points, images, recovered, stores, again, .. } = self;
        let Self { troubles, poisoned, after_trouble, .. } = self;
        let parts = [
            (*workloads, format!("{workloads} workloads")),
            (*points, format!("{points} crash points")),
            (*images, format!("{images} of crashes ({recovered} different ones)")),
            (*again, format!("{again} of crashes while {stores} stores recovered")),
            (*troubles, format!("{after_trouble} after {troubles} failures ({poisoned} poisoned)")),
        ];
        write!(f, "{} images", self.all_images())?;
        parts.iter().filter(|(count, _)| *count > 0).try_for_each(|(_, part)| write!(f, ", {part}"))
    }
}

fn has_everything(engine: &Engine) {
    let (pool, checkpoints) = (engine.pool_stats(), engine.checkpoints());
    assert!(pool.written_by_evictions > 10, "{pool:?}");
    assert!(checkpoints.done >= 4, "{checkpoints:?}");
    assert!(engine.wal_stats().fpi > 10, "{:?}", engine.wal_stats());
    assert!(engine.wal_oldest().0 > 0, "no segment was recycled");
}

#[test]
fn every_crash_of_a_workload_that_has_everything_recovers_to_a_prefix() {
    let options = CrashOptions { max_subset: 4, seeded: 2, seed: 11 };
    for plan in [Plan::full(), Plan::without_images()] {
        let swept = crashes::at_every_operation(&plan, &options, has_everything);
        println!("{}", swept.unwrap_or_else(|what| panic!("{what}")));
    }
}

#[test]
fn every_crash_while_that_is_recovered_recovers_to_the_same_state_two_deep() {
    let tally = crashes::while_recovering(&Plan::full(), 12, 6).unwrap_or_else(|e| panic!("{e}"));
    println!("{tally}");
    assert!(tally.again > 1000, "the sweep has shrunk");
}

#[test]
fn whichever_operation_fails_in_whichever_way_what_was_acknowledged_survives() {
    // Every operation in the long sweep, else of each way one of so many.
    let stride: u64 = if from_environment("SEAWALL_SWEEP_SECONDS").is_some() { 1 } else { 7 };
    for plan in [Plan::full(), Plan::without_images()] {
        let mut tally = Tally::default();
        for (first, fault) in ways().into_iter().enumerate() {
            for n in (1 + first as u64 % stride..).step_by(stride as usize) {
                let trouble = Trouble::Fails { fault: fault.clone(), n };
                let swept = errors::run(&plan, &trouble);
                let swept = swept.unwrap_or_else(|what| panic!("{what}; with {trouble:?}"));
                let Some(swept) = swept else { break };
                tally += swept;
            }
        }
        println!("{tally}");
        assert!(tally.troubles > 100 && tally.poisoned > 10, "the sweep has shrunk");
    }
}

#[test]
fn a_creation_that_crashes_or_fails_leaves_no_store_or_an_empty_one() {
    let mut tally = creation::crashes(8).unwrap_or_else(|what| panic!("{what}"));
    tally += creation::troubles(3).unwrap_or_else(|what| panic!("{what}"));
    println!("{tally}");
    assert!(tally.again > 100 && tally.troubles > 50, "the sweep has shrunk");
}

#[test]
fn however_little_space_there_is_what_was_acknowledged_survives_and_it_goes_on() {
    for plan in [Plan::full(), Plan::without_images()] {
        let mut tally = Tally::default();
        for bytes in (0..40 << 10).step_by(1024) {
            let swept = with_trouble(&plan, &Trouble::Space { bytes });
            tally += swept.unwrap_or_else(|what| panic!("{what}"));
        }
        println!("{tally}");
        assert!(tally.troubles > 20, "the sweep has shrunk");
        assert_eq!(tally.poisoned, 0, "a full disk poisons nothing");
    }
}

/// A sector that was being written is only known to be old or new on disks with *powersafe
/// overwrite*. Without it, pages are repaired from their images and the control file has its other
/// slot; but the log's last block is written again and again, with acknowledged commits in it.
#[test]
fn garbage_in_a_sector_that_was_being_written_harms_the_log_alone() {
    let counts = crashes::leaving_garbage(&Plan::full(), 5);
    println!("fine, refused, lost: {counts:?}");
    assert!(counts["data"][0] > 100 && counts["data"][1..] == [0, 0]);
    assert!(counts["control"][0] > 0 && counts["control"][1..] == [0, 0]);
    assert!(counts["wal"][0] > 0 && counts["wal"][2] > 0, "see docs/simulated-disk.md if not");
}

/// Everything about one drawn workload.
fn sweep_seed(seed: u64) -> Result<Tally, String> {
    let plan = Plan::drawn(seed);
    let mut random = SplitMix64::new(!seed);
    let options = CrashOptions {
        max_subset: 4 + random.below(6) as u32,
        seeded: 4 + random.below(28) as u32,
        seed: random.next(),
    };
    let crashes = |plan: &Plan| crashes::at_every_operation(plan, &options, |_| ());
    let mut tally = shrunk(seed, &plan, crashes)?;
    tally += shrunk(seed, &plan, |plan| crashes::while_recovering(plan, seed, 4))?;
    let ways = ways();
    for _ in 0..24 {
        let fault = ways[random.below(ways.len())].clone();
        let n = 1 + random.below(if fault.only.is_some() { 20 } else { 150 }) as u64;
        // A shorter workload may come to the same with an earlier operation.
        let earlier = |shorter: &Plan| if shorter.steps.len() < plan.steps.len() { 1 } else { n };
        let troubles = |shorter: &Plan| {
            let mut swept = Tally::default();
            for n in earlier(shorter)..=n {
                swept += with_trouble(shorter, &Trouble::Fails { fault: fault.clone(), n })?;
            }
            Ok(swept)
        };
        tally += shrunk(seed, &plan, troubles)?;
    }
    for _ in 0..4 {
        let trouble = Trouble::Space { bytes: random.below(64 << 10) as u64 };
        tally += shrunk(seed, &plan, |plan| with_trouble(plan, &trouble))?;
    }
    Ok(tally)
}

fn with_trouble(plan: &Plan, trouble: &Trouble) -> Result<Tally, String> {
    let swept = errors::run(plan, trouble).map_err(|what| format!("{what}; with {trouble:?}"))?;
    Ok(swept.unwrap_or_default())
}

/// A check of a plan; where it fails, what to print.
fn shrunk(
    seed: u64,
    plan: &Plan,
    check: impl Fn(&Plan) -> Result<Tally, String>,
) -> Result<Tally, String> {
    let fails = |plan: &Plan| caught(|| check(plan)).err();
    caught(|| check(plan)).map_err(|what| {
        let (shorter, failure) = shrink(plan, what.clone(), fails);
        let steps: Vec<_> = shorter.steps.iter().map(|step| format!("  {step:?}")).collect();
        format!(
            "seed {seed}: {what}\n\nreplay: SEAWALL_SWEEP_SEED={seed} cargo test -p seawall-core \
             --test sweep long_sweep -- --nocapture\n\n{} of {} steps fail as well: {failure}\n\
             {}\n{:?}, sectors of {} bytes, stale tails: {}",
            steps.len(),
            plan.steps.len(),
            steps.join("\n"),
            shorter.config,
            shorter.sector_bytes,
            shorter.stale_tails,
        )
    })
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a whole number"))
}

/// Sweeps one seed after the other until the time is over.
fn sweep_for(budget: Duration, first: u64) -> Result<Tally, String> {
    let started = Instant::now();
    let next = AtomicU64::new(first);
    let failed = AtomicBool::new(false);
    let total = Mutex::new((Tally::default(), started));
    let work = || -> Result<(), String> {
        while started.elapsed() < budget && !failed.load(Ordering::Relaxed) {
            let tally = sweep_seed(next.fetch_add(1, Ordering::Relaxed));
            let tally = tally.inspect_err(|_| failed.store(true, Ordering::Relaxed))?;
            let (total, printed) = &mut *total.lock().expect("nobody panics with it");
            *total += tally;
            if printed.elapsed() >= PROGRESS_EVERY {
                *printed = Instant::now();
                println!("{:5} s  {total}", started.elapsed().as_secs());
            }
        }
        Ok(())
    };
    let threads = thread::available_parallelism().map_or(1, |cores| cores.get());
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("panics are caught"))
    })?;
    Ok(total.into_inner().expect("nobody panics with it").0)
}

#[test]
fn the_long_sweep_of_drawn_workloads_finds_nothing() {
    if let Some(seed) = from_environment("SEAWALL_SWEEP_SEED") {
        println!("{}", sweep_seed(seed).unwrap_or_else(|what| panic!("{what}")));
        return;
    }
    let Some(seconds) = from_environment("SEAWALL_SWEEP_SECONDS") else {
        println!("{}", sweep_seed(3).unwrap_or_else(|what| panic!("{what}")));
        return;
    };
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    let first = since.as_secs() << 20;
    println!("seeds from {first}");
    let swept = sweep_for(Duration::from_secs(seconds), first);
    println!("{}", swept.unwrap_or_else(|what| panic!("{what}")));
}
