//! A crash at every operation of a workload, and again while it is recovered.

use super::Tally;
use super::common::sweep::{Sweep, check_images, crash_again, images_of};
use super::common::{engine_on, recover};
use super::drive::Driver;
use super::plan::Plan;
use seawall_core::config::Config;
use seawall_core::engine::Engine;
use seawall_core::sim::{CrashImage, CrashOptions};
use seawall_core::sync::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Every image of a crash before every operation of the workload recovers to one of its states,
/// with all that was acknowledged. `look` sees the store at the end.
pub(crate) fn at_every_operation(
    plan: &Plan,
    options: &CrashOptions,
    look: impl Fn(&Engine),
) -> Result<Tally, String> {
    let disk = plan.disk();
    let engine = engine_on(&disk, &plan.config);
    let sweep = Arc::new(Mutex::new(Sweep::default()));
    let failure = Arc::new(Mutex::new(None));
    let (shared, failed) = (Arc::clone(&sweep), Arc::clone(&failure));
    let (config, options) = (plan.config, options.clone());
    disk.set_observer(Some(Box::new(move |disk, op| {
        if let Err(what) = check_images(disk, &config, &options, &shared) {
            *failed.lock() = Some(format!("crash before {op}: {what}"));
            disk.set_observer(None);
        }
    })));
    let mut driver = Driver::new(&engine, &sweep);
    let result = plan.steps.iter().try_for_each(|step| driver.step(*step));
    let result = result.and_then(|()| driver.close());
    disk.set_observer(None);
    if let Some(failure) = failure.lock().take() {
        return Err(failure);
    }
    result.map_err(|error| format!("without any fault: {error}"))?;
    look(&engine);
    let sweep = sweep.lock();
    let (points, images, recovered) = (sweep.points, sweep.images, sweep.recovered());
    Ok(Tally { workloads: 1, points, images, recovered, ..Tally::default() })
}

/// Every image of a crash before every operation of the recovery of so many images of the workload
/// recovers to the same; of some, those of a third crash as well.
pub(crate) fn while_recovering(plan: &Plan, seed: u64, stores: usize) -> Result<Tally, String> {
    let options = CrashOptions { max_subset: 2, seeded: 1, seed };
    let disk = plan.disk();
    let engine = engine_on(&disk, &plan.config);
    let sweep = Mutex::new(Sweep::default());
    let crashed: Vec<CrashImage> = images_of(&disk, options, || {
        let taken = Driver::new(&engine, &sweep).take(&plan.steps);
        taken.expect("nothing fails");
    });
    let mut tally = Tally::default();
    for image in crashed.iter().step_by(crashed.len().div_ceil(stores).max(1)) {
        let recovered = recover(&image.mount(), &plan.config);
        let expected = recovered.map_err(|e| format!("{e}; {}", image.describe()))?;
        let depth = if tally.stores.is_multiple_of(4) { 2 } else { 1 };
        let again = crash_again(image, &plan.config, &expected, depth);
        tally.again += again.map_err(|e| {
            format!("crash while recovering: {e}; after it was {}", image.describe())
        })?;
        tally.stores += 1;
    }
    Ok(tally)
}

/// What becomes of a store one of whose sectors was being written when power went, and is garbage:
/// for each directory (and `control`) how many are as they should be, are refused, have lost
/// acknowledged commits. Looks at every `nth` operation, and at those on the control file.
pub(crate) fn leaving_garbage(plan: &Plan, nth: u64) -> BTreeMap<String, [usize; 3]> {
    let disk = plan.disk().with_garbage();
    let engine = engine_on(&disk, &plan.config);
    let sweep = Arc::new(Mutex::new(Sweep::default()));
    let counts = Arc::new(Mutex::new(BTreeMap::<String, [usize; 3]>::new()));
    let (model, counted, config) = (Arc::clone(&sweep), Arc::clone(&counts), plan.config);
    disk.set_observer(Some(Box::new(move |disk, op| {
        if op.number.is_multiple_of(nth) || op.path == "control" {
            let options = CrashOptions { max_subset: 0, seeded: 0, seed: 0 };
            for image in disk.crash_images(&options) {
                let Some((path, _)) = image.junk_sectors().next() else { continue };
                let file = path.split('/').next().expect("a path has a part").to_owned();
                let fate = fate(&image, &config, &model.lock());
                counted.lock().entry(file).or_default()[fate] += 1;
            }
        }
    })));
    Driver::new(&engine, &sweep).take(&plan.steps).expect("nothing fails");
    disk.set_observer(None);
    std::mem::take(&mut *counts.lock())
}

fn fate(image: &CrashImage, config: &Config, sweep: &Sweep) -> usize {
    let Ok(recovered) = recover(&image.mount(), config) else { return 1 };
    let state = sweep.model.find(&recovered);
    let state = state.unwrap_or_else(|| panic!("no state; {}", image.describe()));
    if state >= sweep.model.acknowledged() { 0 } else { 2 }
}
