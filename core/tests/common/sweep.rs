//! Every crash point of a workload, times the disks that a crash may leave there.

use super::{Model, Recovered, engine_on, recover};
use seawall_core::config::Config;
use seawall_core::engine::Engine;
use seawall_core::sim::{CrashImage, CrashOptions, SimDisk};
use seawall_core::sync::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What the observer and the workload share.
#[derive(Default)]
pub(crate) struct Sweep {
    pub(crate) model: Model,
    /// Digest of an image to the state that it recovers to.
    met: HashMap<u128, usize>,
    pub(crate) points: usize,
    pub(crate) images: usize,
}

impl Sweep {
    /// How many different images were recovered.
    pub(crate) fn recovered(&self) -> usize {
        self.met.len()
    }
}

/// Checks every image of this moment.
pub(crate) fn check_images(
    disk: &SimDisk,
    config: &Config,
    options: &CrashOptions,
    sweep: &Mutex<Sweep>,
) -> Result<(), String> {
    sweep.lock().points += 1;
    for image in disk.crash_images(options) {
        let known = sweep.lock().met.get(&image.digest()).copied();
        let state = known.map_or_else(|| recover_image(&image, config, sweep), Ok);
        let state = state.map_err(|what| format!("{what}; {}", image.describe()))?;
        let mut sweep = sweep.lock();
        sweep.images += 1;
        sweep.met.insert(image.digest(), state);
        let acknowledged = sweep.model.acknowledged();
        if state < acknowledged {
            let what = format!("state {state} survived of {acknowledged} acknowledged");
            return Err(format!("{what}; {}", image.describe()));
        }
    }
    Ok(())
}

/// Recovers an image to one of the workload's states, and shows that it can go on.
fn recover_image(
    image: &CrashImage,
    config: &Config,
    sweep: &Mutex<Sweep>,
) -> Result<usize, String> {
    let disk = image.mount();
    let recovered = recover(&disk, config).map_err(|error| error.to_string())?;
    let state = sweep.lock().model.find(&recovered).ok_or("no state of the workload")?;
    if goes_on(&disk, config)? == recovered {
        Ok(state)
    } else {
        Err("another state after one more crash".into())
    }
}

/// Crashes again, right after recovery, losing all that is not synced: the state must be the same.
pub(crate) fn goes_on(disk: &SimDisk, config: &Config) -> Result<Recovered, String> {
    recover(&disk.durable_image().mount(), config).map_err(|e| format!("recovered before, and {e}"))
}

/// Recovers an image with a crash before every disk operation, `depth` levels deep; returns the
/// number of images. All must come to the same.
pub(crate) fn crash_again(
    image: &CrashImage,
    config: &Config,
    expected: &Recovered,
    depth: u64,
) -> Result<usize, String> {
    let disk = image.mount();
    let options = CrashOptions { max_subset: 2, seeded: 1, seed: depth };
    let found = images_of(&disk, options, || drop(recover(&disk, config).unwrap()));
    let mut count = found.len();
    // The second level looks at a few only: it has the same code before it.
    for (index, image) in found.iter().enumerate() {
        let recovered = recover(&image.mount(), config);
        let recovered = recovered.map_err(|e| format!("{e}; {}", image.describe()))?;
        if recovered != *expected {
            return Err(format!("recovered to another state; {}", image.describe()));
        }
        if depth > 1 && index % 16 == 0 {
            count += crash_again(image, config, expected, depth - 1)?;
        }
    }
    Ok(count)
}

/// Runs a workload on a new store with the images checked before every disk operation.
pub(crate) fn sweep(
    config: Config,
    options: CrashOptions,
    workload: impl Fn(&Engine, &Mutex<Sweep>),
) {
    let disk = SimDisk::new();
    let engine = engine_on(&disk, &config);
    sweep_on(&disk, &engine, Sweep::default(), options, workload);
}

/// Runs a workload on an open store with the images checked before every disk operation.
pub(crate) fn sweep_on(
    disk: &SimDisk,
    engine: &Engine,
    sweep: Sweep,
    options: CrashOptions,
    workload: impl Fn(&Engine, &Mutex<Sweep>),
) {
    let (config, sweep) = (engine.config(), Arc::new(Mutex::new(sweep)));
    let shared = Arc::clone(&sweep);
    disk.set_observer(Some(Box::new(move |disk, _| {
        check_images(disk, &config, &options, &shared).unwrap_or_else(|what| panic!("{what}"));
    })));
    workload(engine, &sweep);
    disk.set_observer(None);
    let sweep = sweep.lock();
    println!(
        "{} crash points, {} images, {} different ones recovered; {} states, {} acknowledged",
        sweep.points,
        sweep.images,
        sweep.recovered(),
        sweep.model.states(),
        sweep.model.acknowledged()
    );
    assert!(sweep.points > 100 && sweep.recovered() > 500, "the sweep has shrunk");
}

/// The images of every moment at which `work` calls the disk, each once, in a fixed order.
pub(crate) fn images_of(
    disk: &SimDisk,
    options: CrashOptions,
    work: impl FnOnce(),
) -> Vec<CrashImage> {
    let found = Arc::new(Mutex::new(BTreeMap::new()));
    let collect = Arc::clone(&found);
    disk.set_observer(Some(Box::new(move |disk, _| {
        for image in disk.crash_images(&options) {
            collect.lock().insert(image.digest(), image);
        }
    })));
    work();
    disk.set_observer(None);
    std::mem::take(&mut *found.lock()).into_values().collect()
}

/// One operation; two of three wait until it is durable.
pub(crate) fn change(engine: &Engine, sweep: &Mutex<Sweep>, number: u64) {
    let change = sweep.lock().model.expect_change(number);
    let operation = change.make(engine);
    if number.is_multiple_of(3) {
        engine.commit_async(operation).unwrap();
    } else {
        engine.commit(operation).unwrap();
        sweep.lock().model.acknowledge_all();
    }
}
