//! The moments of an execution, against those of all executions.

use super::{Power, happened, record};
use crate::engine::{Engine, Sampling};
use crate::under_shuttle::explore;
use seawall_core::sim::SplitMix64;
use seawall_core_shuttle::disk::{Disk, DiskFile};
use seawall_core_shuttle::sim::SimDisk as ShuttleDisk;
use seawall_core_shuttle::sync::{Mutex, thread};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

const FILES: [&str; 2] = ["a", "b"];

/// What a thread does: something to the disk, or a promise of the thread's own bit.
#[derive(Clone, Copy, Debug)]
enum Act {
    Write(usize, u8),
    Sync(usize),
    Create,
    SyncDir,
    /// The next act is done with a lock held.
    Lock,
    Promise,
}

type Program = Vec<Vec<Act>>;

/// Whether the order of events is known, or only that of the execution.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    Partial,
    Total,
}

thread_local! {
    static PROGRAM: RefCell<(Program, Order)> = const { RefCell::new((Vec::new(), Order::Total)) };
    /// The images that were met, each with what was promised then.
    static MET: RefCell<BTreeSet<(u128, u64)>> = const { RefCell::new(BTreeSet::new()) };
}

/// The images that a search of the program meets, each with the greatest promises that it must keep
/// (whoever keeps one keeps less), and its executions.
fn met(program: &Program, engine: Engine, order: Order) -> (BTreeSet<(u128, u64)>, u64) {
    PROGRAM.set((program.clone(), order));
    record::reset();
    explore(run, engine, Sampling { samples: 1, seed: 1 });
    let met = MET.take();
    let is_greatest = |(image, promise): &(u128, u64)| {
        !met.iter().any(|(i, p)| i == image && p & promise == *promise && p != promise)
    };
    (met.iter().copied().filter(is_greatest).collect(), record::take().executions)
}

fn run() {
    let (program, order) = PROGRAM.with_borrow(Clone::clone);
    if order == Order::Partial {
        happened::watch();
    }
    let disk = ShuttleDisk::with_sector_bytes(64);
    FILES.iter().for_each(|path| disk.write_file(path, &[9; 64]));
    let power = Power::over(
        &disk,
        |disk| Ok(disk.crash_digest()),
        |image, promised| {
            MET.with_borrow_mut(|met| met.insert((*image, promised)));
            Ok(String::new())
        },
    );
    let power = Arc::new(power);
    let gate = Arc::new(Mutex::new(()));
    let threads: Vec<_> = (0..)
        .zip(program)
        .map(|(bit, acts)| {
            let (disk, power, gate) = (disk.clone(), power.clone(), gate.clone());
            let files = FILES.map(|path| disk.open(path).expect("it is there"));
            thread::spawn(move || act(&disk, &files, &power, &gate, bit, &acts))
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
    power.end();
}

fn act(
    disk: &ShuttleDisk,
    files: &[Arc<dyn DiskFile>],
    power: &Power<ShuttleDisk, u128>,
    gate: &Mutex<()>,
    bit: u32,
    acts: &[Act],
) {
    let mut held = None;
    for act in acts {
        match act {
            Act::Write(file, byte) => {
                files[*file].write_at(&[*byte; 64], 0).expect("a good disk");
            }
            Act::Sync(file) => {
                files[*file].sync_data().expect("a good disk");
            }
            Act::Create => {
                // Another thread may have been faster.
                let _ = disk.create("c");
            }
            Act::SyncDir => disk.sync_dir("").expect("a good disk"),
            Act::Lock => {
                held = held.or_else(|| Some(gate.lock()));
                continue;
            }
            Act::Promise => power.promise(1 << bit),
        }
        held = None;
    }
    drop(held);
}

fn drawn(random: &mut SplitMix64) -> Program {
    let mut act = || match random.below(7) {
        0 | 1 => Act::Write(random.below(2), random.below(3) as u8),
        2 | 3 => Act::Sync(random.below(2)),
        4 => Act::Create,
        5 => Act::SyncDir,
        _ => Act::Lock,
    };
    let mut thread = || {
        let mut acts: Vec<Act> = (0..3).map(|_| act()).collect();
        acts.push(Act::Promise);
        acts
    };
    vec![thread(), thread()]
}

#[test]
fn the_cuts_of_one_execution_of_each_class_are_the_moments_of_all_executions() {
    let mut random = SplitMix64::new(1);
    let (mut executions, mut of_all, mut moments) = (0, 0, 0);
    for number in 0..60 {
        let program = drawn(&mut random);
        let (all, count) = met(&program, Engine::Dfs, Order::Total);
        let (of_classes, classes) = met(&program, Engine::Dpor, Order::Partial);
        assert!(of_classes == all, "program {number} of seed 1: {program:?}");
        (executions, of_all, moments) = (executions + classes, of_all + count, moments + all.len());
    }
    println!("{moments} images and promises, of {of_all} executions and of {executions}");
    assert!(executions < of_all / 10 && moments > 200, "{executions} {of_all} {moments}");
}

/// A write to each file and its promise, by two threads: one execution, and in it what neither of
/// its prefixes shows.
#[test]
fn one_execution_of_independent_threads_has_every_order_of_them() {
    let thread = |file| vec![Act::Write(file, 1), Act::Sync(file), Act::Promise];
    let program = vec![thread(0), thread(1)];
    let (of_cuts, classes) = met(&program, Engine::Dpor, Order::Partial);
    let (of_prefixes, _) = met(&program, Engine::Dpor, Order::Total);
    assert_eq!(classes, 1);
    // The order that was not run has the second file new and the first one old.
    assert_eq!((of_cuts.len(), of_prefixes.len()), (4, 3));
}
