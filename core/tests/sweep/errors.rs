//! An operation of a workload fails: then what was acknowledged survives a crash, the store goes on
//! if it is not poisoned, and can be opened again where it is.

use super::Tally;
use super::common::sweep::{Sweep, goes_on};
use super::common::{content, engine_on, losing_all, open, recover};
use super::drive::Driver;
use super::plan::{Method, Plan, Step};
use seawall_core::engine::Engine;
use seawall_core::error::{Error, Result};
use seawall_core::sim::{CrashOptions, EIO, ENOSPC, Fault, OpKind, SimDisk};
use seawall_core::sync::Mutex;

/// What goes wrong.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// The how many-th operation fails of those that the fault is for.
    Fails { fault: Fault, n: u64 },
    /// There is so much space, until the workload has ended.
    Space { bytes: u64 },
}

impl Trouble {
    fn begin(&self, disk: &SimDisk) {
        match self {
            Self::Fails { fault, n } => disk.fail_at(*n, fault.clone().seed(*n)),
            Self::Space { bytes } => disk.set_space_left(Some(*bytes)),
        }
    }

    /// Ends it; says what it has struck.
    fn end(&self, disk: &SimDisk, failed_steps: usize) -> Option<String> {
        disk.clear_faults();
        disk.set_space_left(None);
        match self {
            Self::Fails { .. } => disk.first_failure().map(|op| format!("{op} failed")),
            Self::Space { .. } => {
                (failed_steps > 0).then(|| format!("{failed_steps} steps failed"))
            }
        }
    }

    /// Whether the kernel may go on showing what a file system with a journal would not.
    fn loses_entries(disk: &SimDisk) -> bool {
        disk.first_failure().is_some_and(|op| op.kind == OpKind::SyncDir)
    }
}

/// Each way to fail: any operation or one of a kind, once and for good, at once and later.
///
/// Not a failure in the background whose pages also leave the page cache before anybody is told:
/// who reads one of them again then works on an old page, and nothing tells (see
/// `docs/simulated-disk.md`).
pub(crate) fn ways() -> Vec<Fault> {
    let mut ways = vec![
        Fault::once(EIO),
        Fault::once(ENOSPC),
        Fault::persistent(EIO),
        Fault::persistent(ENOSPC),
        Fault::once(EIO).dropping_cache(),
        Fault::once(EIO).aborting(),
        Fault::in_background(EIO),
    ];
    for kind in OpKind::ALL.into_iter().filter(|kind| *kind != OpKind::Read) {
        ways.extend([Fault::once(EIO), Fault::persistent(ENOSPC)].map(|fault| fault.only(kind)));
    }
    ways
}

/// The workload with this trouble; `None` if it ends before. The store is not opened in place where
/// a directory could not be synced: a file system whose journal fails does not go on.
pub(crate) fn run(plan: &Plan, trouble: &Trouble) -> Result<Option<Tally>, String> {
    let disk = plan.disk();
    let engine = engine_on(&disk, &plan.config);
    let sweep = Mutex::new(Sweep::default());
    trouble.begin(&disk);
    let mut driver = Driver::new(&engine, &sweep);
    let result = driver.take(&plan.steps);
    if let Trouble::Space { .. } = trouble {
        let full = driver.step(Step::Checkpoint(Method::Two));
        full.map_err(|error| format!("a checkpoint on the full disk: {error}"))?;
    }
    let Some(struck) = trouble.end(&disk, driver.failed()) else { return Ok(None) };
    let poisoned = match result.and_then(|()| after_it(&mut driver, &engine)) {
        Ok(()) => false,
        Err(Error::Poisoned(_)) => true,
        Err(error) => return Err(format!("{struck}; it does not go on: {error}")),
    };
    if poisoned && !matches!(driver.close(), Err(Error::Poisoned(_))) {
        return Err("poisoned, and closed all the same".to_owned());
    }
    let mut after_trouble = 0;
    for image in disk.crash_images(&CrashOptions { max_subset: 4, seeded: 2, seed: 1 }) {
        after_trouble += 1;
        let at_least = |what: String| format!("{struck}; {what}; {}", image.describe());
        state_of(&image.mount(), plan, &sweep).map_err(at_least)?;
    }
    drop(engine);
    if !Trouble::loses_entries(&disk) {
        open_in_place(&disk, plan, &sweep).map_err(|what| format!("{struck}; {what}"))?;
    }
    let poisoned = usize::from(poisoned);
    Ok(Some(Tally { troubles: 1, poisoned, after_trouble, ..Tally::default() }))
}

/// A store that is not poisoned holds what it should and goes on; a failure in the background may
/// be noticed only now.
fn after_it(driver: &mut Driver<'_>, engine: &Engine) -> Result<()> {
    driver.step(Step::Change { number: 1001, waits: true })?;
    driver.step(Step::Checkpoint(Method::Two))?;
    driver.step(Step::Change { number: 1002, waits: true })?;
    driver.check(&content(engine)?);
    Ok(())
}

/// Recovers a disk to a state with all that was acknowledged.
fn state_of(disk: &SimDisk, plan: &Plan, sweep: &Mutex<Sweep>) -> Result<usize, String> {
    let recovered = recover(disk, &plan.config).map_err(|error| error.to_string())?;
    let sweep = sweep.lock();
    let state = sweep.model.find(&recovered).ok_or("no state of the workload")?;
    let acknowledged = sweep.model.acknowledged();
    if state >= acknowledged {
        return Ok(state);
    }
    Err(format!("state {state} survived of {acknowledged} acknowledged"))
}

/// Opens the store on the disk as it is, with what the kernel has in its cache, perhaps without
/// having it on disk; also with crashes that take all that they can. What is committed then
/// survives.
fn open_in_place(disk: &SimDisk, plan: &Plan, sweep: &Mutex<Sweep>) -> Result<(), String> {
    let in_place = |what: String| format!("opened again in place: {what}");
    let lost: Vec<_> = losing_all(disk, || {
        // What nobody has been told of yet is told to who opens the files next, and once.
        (0..2).find(|_| recover(disk, &plan.config).is_ok());
    });
    for (op, image) in lost {
        let at_least = |what: String| format!("{what}; after a crash while it was, before {op}");
        state_of(&image.mount(), plan, sweep).map_err(at_least)?;
    }
    let state = state_of(disk, plan, sweep).map_err(in_place)?;
    let engine = open(disk, &plan.config).map_err(|error| in_place(error.to_string()))?;
    sweep.lock().model.go_back_to(state);
    let mut driver = Driver::new(&engine, sweep);
    let step = driver.step(Step::Change { number: 1003, waits: true });
    step.map_err(|error| in_place(error.to_string()))?;
    drop(engine);
    if goes_on(disk, &plan.config).map_err(in_place)? == *sweep.lock().model.newest() {
        return Ok(());
    }
    Err(in_place("what was committed then is lost".to_owned()))
}
