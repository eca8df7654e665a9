//! A crash at every operation of a workload, and again while it is recovered.

use super::Tally;
use super::common::sweep::{Sweep, check_images, crash_again, images_of};
use super::common::{engine_on, recover};
use super::drive::Driver;
use super::plan::Plan;
use seawall_core::engine::Engine;
use seawall_core::sim::{CrashImage, CrashOptions};
use seawall_core::sync::Mutex;
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

/// Every image of a crash before every operation of the recovery of each `nth` image recovers to
/// the same; of some, those of a third crash as well.
pub(crate) fn while_recovering(plan: &Plan, seed: u64, nth: usize) -> Result<Tally, String> {
    let options = CrashOptions { max_subset: 2, seeded: 1, seed };
    let disk = plan.disk();
    let engine = engine_on(&disk, &plan.config);
    let sweep = Mutex::new(Sweep::default());
    let crashed: Vec<CrashImage> = images_of(&disk, options, || {
        let taken = Driver::new(&engine, &sweep).take(&plan.steps);
        taken.expect("nothing fails");
    });
    let mut tally = Tally::default();
    for image in crashed.iter().step_by(nth) {
        let recovered = recover(&image.mount(), &plan.config);
        let expected = recovered.map_err(|e| format!("{e}; {}", image.describe()))?;
        let depth = if tally.stores.is_multiple_of(10) { 2 } else { 1 };
        let again = crash_again(image, &plan.config, &expected, depth);
        tally.again += again.map_err(|e| {
            format!("crash while recovering: {e}; after it was {}", image.describe())
        })?;
        tally.stores += 1;
    }
    Ok(tally)
}
