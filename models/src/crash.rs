//! Crashes inside schedules: at any moment of any execution the power may be cut.
//!
//! A model keeps one [`Crashes`] for a search, and a [`Course`] for each execution: what has been
//! done to the simulated disk, and what has been promised, in which order. At the end of the
//! execution the power is cut at every *moment* that it had. Each disk that a crash may leave there
//! is recovered by the real recovery, and the model says whether the promise holds.
//!
//! # Moments
//! Operations on different files do not notice each other's order, so a partial-order reduction
//! runs them in one order; a crash notices it. So the moments of an execution under shuttle are its
//! consistent cuts ([`happened`]): every set of operations and promises that holds, with each, all
//! that come before it. Each is what some execution of the same class had done at some time, and
//! the disk of that time is put together from parts. Under loom, which tells no order, the moments
//! are those at which the execution was, and the disk must have
//! [one scheduling point](seawall_core::sim::SimDisk::with_one_point).
//!
//! # Rules
//! * What recovery finds depends on the image alone, so each image is recovered once in a search,
//!   however many executions lead to it; and moments at which the disk and the promise are the same
//!   are looked at once. Redundant executions are not looked at.
//! * Recovery is native code in a thread of its own. It is no part of the schedule.
//! * A promise is made right behind the event that it rests on. Under loom that must be an operation
//!   of the disk ([`Disk::list`](seawall_core::disk::Disk::list) will do), lest a reduction take it
//!   for something that may come at any time.
//! * A fault that counts operations of several files makes these notice each other. One that is
//!   armed for the first operation of a kind may be used where only one file has that kind.

mod cuts;

use crate::happened::{self, Position};
use crate::record;
use cuts::Cut;
use seawall_core::sim::{SimDisk, Tree};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::panic::resume_unwind;

/// A disk that loses power, whatever checker its core is compiled against.
pub trait PowerCut {
    /// What an operation changes; operations on two places do not notice each other's order.
    type Place: Copy + Ord;
    /// What a place holds at some time.
    type Part;

    /// The places that there are.
    fn places(&self) -> Vec<Self::Place>;

    /// What a place holds now, if it is there.
    fn part(&self, place: Self::Place) -> Option<Self::Part>;

    /// Tells a part from every other one.
    fn digest(part: &Self::Part) -> u128;

    /// Shows each disk that a crash may leave when the places hold these parts, after so many
    /// operations.
    fn each_image(&self, parts: &[&Self::Part], operations: u64, look: &mut dyn FnMut(&dyn Image));
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
        impl PowerCut for $core::sim::SimDisk {
            type Place = $core::sim::Place;
            type Part = $core::sim::Part;

            fn places(&self) -> Vec<Self::Place> {
                self.places()
            }

            fn part(&self, place: Self::Place) -> Option<Self::Part> {
                self.part(place)
            }

            fn digest(part: &Self::Part) -> u128 {
                part.digest()
            }

            fn each_image(
                &self,
                parts: &[&Self::Part],
                operations: u64,
                look: &mut dyn FnMut(&dyn Image),
            ) {
                let moment = self.moment(parts.iter().copied(), operations);
                moment.images(&$core::sim::CrashOptions::default()).for_each(|image| look(&image));
            }
        }

        impl Image for $core::sim::CrashImage {
            fn digest(&self) -> u128 {
                self.digest()
            }

            fn tree(&self) -> Tree {
                let $core::sim::Tree { dirs, files } = self.tree();
                Tree { dirs, files }
            }

            fn describe(&self) -> String {
                self.describe()
            }
        }
    };
}

cuts_power!(seawall_core_loom);
cuts_power!(seawall_core_shuttle);

/// What one execution has done to a disk so far, and promised.
pub struct Course<D: PowerCut> {
    steps: Vec<Step<D::Place>>,
    /// What each place held before each of its operations, in their order, and holds now.
    held: BTreeMap<D::Place, Vec<D::Part>>,
    /// The place of an operation behind which its part has not been taken yet.
    changed: Option<D::Place>,
}

struct Step<P> {
    position: Position,
    what: What<P>,
}

#[derive(Clone, Copy)]
enum What<P> {
    Operation(P),
    /// Bits.
    Promise(u64),
}

impl<D: PowerCut> Default for Course<D> {
    fn default() -> Self {
        Self { steps: Vec::new(), held: BTreeMap::new(), changed: None }
    }
}

impl<D: PowerCut> Course<D> {
    /// Notes that an operation is about to be done: what an observer of the disk is called for.
    pub fn operation(&mut self, disk: &D, place: D::Place) {
        self.take_changed(disk);
        self.held.entry(place).or_insert_with(|| disk.part(place).into_iter().collect());
        self.changed = Some(place);
        self.step(What::Operation(place));
    }

    /// Notes that from now on these bits are promised.
    pub fn promise(&mut self, bits: u64) {
        self.step(What::Promise(bits));
    }

    fn step(&mut self, what: What<D::Place>) {
        let in_a_row = || Position { task: 0, clock: vec![self.steps.len() as u32 + 1] };
        let position = happened::now().unwrap_or_else(in_a_row);
        self.steps.push(Step { position, what });
    }

    /// Nothing has happened since the last operation, so its place holds what it has left there.
    fn take_changed(&mut self, disk: &D) {
        let Some(place) = self.changed.take() else { return };
        let part = disk.part(place).expect("an operation leaves its place behind");
        self.held.get_mut(&place).expect("noted before").push(part);
    }

    /// The course is at its end: places without operations hold what they always held.
    fn end(&mut self, disk: &D) {
        self.take_changed(disk);
        for place in disk.places() {
            self.held.entry(place).or_insert_with(|| disk.part(place).into_iter().collect());
        }
    }
}

/// What has been met in a search. `F` is what recovery finds.
#[derive(Debug)]
pub struct Crashes<F> {
    /// Which search of this OS thread it is of.
    search: u64,
    /// Disk and promise.
    moments: HashSet<(u128, u64)>,
    found: HashMap<u128, Result<F, String>>,
}

impl<F> Default for Crashes<F> {
    fn default() -> Self {
        Self { search: record::search(), moments: HashSet::new(), found: HashMap::new() }
    }
}

impl<F: Send + 'static> Crashes<F> {
    /// Cuts the power at every moment of an execution that has ended: `recover` says what it finds
    /// on a disk, or why it refuses it; `check` says how that keeps the bits that were promised, or
    /// why not.
    ///
    /// # Panics
    /// If recovery refuses an image or panics, or the promise is broken: with the image.
    pub fn cut<D: PowerCut>(
        &mut self,
        disk: &D,
        mut course: Course<D>,
        recover: fn(SimDisk) -> Result<F, String>,
        check: impl Fn(&F, u64) -> Result<String, String>,
    ) {
        if self.search != record::search() {
            *self = Self::default();
        }
        if record::is_redundant() {
            return;
        }
        course.end(disk);
        cuts::each(&course, &mut |cut: &Cut<'_, D>| {
            if self.moments.insert((cut.digest(), cut.promise)) {
                self.look(disk, cut, recover, &check);
            }
        });
    }

    fn look<D: PowerCut>(
        &mut self,
        disk: &D,
        cut: &Cut<'_, D>,
        recover: fn(SimDisk) -> Result<F, String>,
        check: &impl Fn(&F, u64) -> Result<String, String>,
    ) {
        disk.each_image(&cut.parts(), cut.operations, &mut |image| {
            let found = match self.found.entry(image.digest()) {
                Entry::Occupied(found) => found.into_mut(),
                Entry::Vacant(free) => {
                    record::recovered();
                    free.insert(recover_elsewhere(image.tree(), recover))
                }
            };
            let kept = found.as_ref().map_err(Clone::clone);
            match kept.and_then(|found| check(found, cut.promise)) {
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

#[cfg(test)]
mod tests;
