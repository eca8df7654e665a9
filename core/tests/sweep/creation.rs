//! A store is created and opened for the first time: crashes in it, also in its repetition, and
//! operations that fail. It is not there then and can be created, or it is and is empty.

use super::Tally;
use super::common::sweep::images_of;
use super::common::{Recovered, config, create, recover};
use super::errors::ways;
use seawall_core::config::Config;
use seawall_core::sim::{CrashImage, CrashOptions, Fault, SimDisk};

/// Every crash, and every crash of the repetition after each `nth`.
pub(crate) fn crashes(nth: usize) -> Result<Tally, String> {
    let config = config();
    let mut tally = Tally::default();
    let disk = SimDisk::new();
    let created = images(&disk, &config, &CrashOptions::default());
    tally.images += created.len();
    tally.recovered += created.len();
    for (index, image) in created.iter().enumerate() {
        let described = |what: String| format!("{what}; {}", image.describe());
        if index % nth > 0 {
            finish(&image.mount(), &config).map_err(described)?;
            continue;
        }
        tally.stores += 1;
        let options = CrashOptions { max_subset: 3, seeded: 1, seed: index as u64 };
        for again in images(&image.mount(), &config, &options) {
            tally.again += 1;
            let finished = finish(&again.mount(), &config);
            finished.map_err(|what| described(format!("{what}; {}", again.describe())))?;
        }
    }
    Ok(tally)
}

/// Every operation fails, in each way, of those from `first` on each `nth`.
pub(crate) fn troubles(nth: usize) -> Result<Tally, String> {
    let mut tally = Tally::default();
    for (first, fault) in ways().into_iter().enumerate() {
        for n in (1 + first % nth..).step_by(nth) {
            let n = n as u64;
            let struck = run(&fault, n).map_err(|what| format!("{what}; {n} of {fault:?}"))?;
            let Some(images) = struck else { break };
            tally.troubles += 1;
            tally.after_trouble += images;
        }
    }
    Ok(tally)
}

/// `None` if nothing has failed; else how many images the failure may leave.
fn run(fault: &Fault, n: u64) -> Result<Option<usize>, String> {
    let (config, disk) = (config(), SimDisk::new());
    disk.fail_at(n, fault.clone().seed(n));
    let outcome = create(&disk, &config).and_then(|()| recover(&disk, &config));
    if disk.first_failure().is_none() {
        return Ok(None);
    }
    disk.clear_faults();
    let images: Vec<_> = disk.crash_images(&CrashOptions::default()).collect();
    for image in &images {
        finish(&image.mount(), &config).map_err(|e| format!("{e}; {}", image.describe()))?;
    }
    let finished = finish(&disk, &config);
    finished.map_err(|what| format!("in place, after {outcome:?}: {what}"))?;
    Ok(Some(images.len()))
}

/// The images of every moment of a creation, or of the rest of it, and of the first opening.
fn images(disk: &SimDisk, config: &Config, options: &CrashOptions) -> Vec<CrashImage> {
    images_of(disk, options.clone(), || finish(disk, config).expect("nothing fails"))
}

/// Opens the store, or creates it where it is not there.
fn finish(disk: &SimDisk, config: &Config) -> Result<(), String> {
    let opened = match recover(disk, config) {
        Err(error) if disk.exists("control") => return Err(error.to_string()),
        Err(_) => {
            create(disk, config).map_err(|error| format!("it cannot be repeated: {error}"))?;
            recover(disk, config).map_err(|error| error.to_string())?
        }
        Ok(opened) => opened,
    };
    if opened == Recovered::default() { Ok(()) } else { Err("it is not empty".to_owned()) }
}
