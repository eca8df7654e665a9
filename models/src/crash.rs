//! Crashes inside schedules: at any point of any execution the power may be cut.
//!
//! A model keeps one [`Crashes`] for a search. At each *moment* (before every operation of the
//! simulated disk, and at the end) it gives it the disk and what has been promised so far. Each
//! disk that a crash may leave there is recovered by the real recovery, and the model says whether
//! the promise holds.
//!
//! # Rules
//! * What recovery finds depends on the image alone, so each image is recovered once in a search,
//!   however many executions lead to it; and moments at which the disk and the promise are the same
//!   are looked at once.
//! * Recovery is native code in a thread of its own. It is no part of the schedule.
//! * An acknowledgement that the promise rests on follows an operation of the disk
//!   ([`Disk::list`](seawall_core::disk::Disk::list) will do) with nothing in between: so no
//!   reduction takes it for something that may come at any time. For the same reason the disk has
//!   one scheduling point: [`SimDisk::with_one_point`].

use crate::record;
use seawall_core::sim::{SimDisk, Tree};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::panic::resume_unwind;

/// A disk that loses power, whatever checker its core is compiled against.
pub trait PowerCut {
    /// Identifies what a crash at this moment may leave.
    fn moment(&self) -> u128;

    /// Shows each disk that a crash at this moment may leave.
    fn each_image(&self, look: &mut dyn FnMut(&dyn Image));
}

/// A disk after a crash.
pub trait Image {
    /// Tells it from every other one.
    fn digest(&self) -> u128;

    /// What is on it.
    fn tree(&self) -> Tree;

    /// What has survived and what has not.
    fn describe(&self) -> String;
}

/// Implements the two traits for a compilation of core.
macro_rules! cuts_power {
    ($core:ident) => {
        impl $crate::crash::PowerCut for $core::sim::SimDisk {
            fn moment(&self) -> u128 {
                self.crash_digest()
            }

            fn each_image(&self, look: &mut dyn FnMut(&dyn $crate::crash::Image)) {
                let options = $core::sim::CrashOptions::default();
                self.crash_images(&options).for_each(|image| look(&image));
            }
        }

        impl $crate::crash::Image for $core::sim::CrashImage {
            fn digest(&self) -> u128 {
                self.digest()
            }

            fn tree(&self) -> seawall_core::sim::Tree {
                let $core::sim::Tree { dirs, files } = self.tree();
                seawall_core::sim::Tree { dirs, files }
            }

            fn describe(&self) -> String {
                self.describe()
            }
        }
    };
}

cuts_power!(seawall_core_loom);
cuts_power!(seawall_core_shuttle);

/// What has been met in a search. `F` is what recovery finds.
#[derive(Debug)]
pub struct Crashes<F> {
    /// Which search of this OS thread it is of.
    search: u64,
    moments: HashSet<(u128, u64)>,
    found: HashMap<u128, Result<F, String>>,
}

impl<F> Default for Crashes<F> {
    fn default() -> Self {
        Self { search: record::search(), moments: HashSet::new(), found: HashMap::new() }
    }
}

impl<F: Send + 'static> Crashes<F> {
    /// Cuts the power: `recover` says what it finds on a disk, or why it refuses it; `check` says
    /// how that keeps the `promise`, or why not.
    ///
    /// # Panics
    /// If recovery refuses an image or panics, or the promise is broken: with the image.
    pub fn cut(
        &mut self,
        disk: &impl PowerCut,
        promise: u64,
        recover: fn(SimDisk) -> Result<F, String>,
        check: impl Fn(&F) -> Result<String, String>,
    ) {
        if self.search != record::search() {
            *self = Self::default();
        }
        if !self.moments.insert((disk.moment(), promise)) {
            return;
        }
        disk.each_image(&mut |image| {
            let found = match self.found.entry(image.digest()) {
                Entry::Occupied(found) => found.into_mut(),
                Entry::Vacant(free) => {
                    record::recovered();
                    free.insert(recover_elsewhere(image.tree(), recover))
                }
            };
            match found.as_ref().map_err(Clone::clone).and_then(&check) {
                Ok(state) => record::outcome(format_args!("crash: {state}")),
                Err(broken) => panic!("{broken}; {}", image.describe()),
            }
        });
    }
}

/// In a thread whose stack is as large as recovery may need, and that no checker knows.
fn recover_elsewhere<F: Send + 'static>(
    tree: Tree,
    recover: fn(SimDisk) -> Result<F, String>,
) -> Result<F, String> {
    let recovery = std::thread::spawn(move || recover(SimDisk::from_tree(512, &tree)));
    recovery.join().unwrap_or_else(|panic| resume_unwind(panic))
}
