//! Crashes inside schedules: at any point of any execution the power may be cut.
//!
//! A model makes its simulated disk by [`PowerCut::mount`] and gives it to a [`Power`]. At the end
//! of each execution the power is cut at every *moment* that it had since. Each disk that a crash
//! may leave there is recovered by the real recovery, and the model says whether what it had
//! promised by then holds: [`Power::promise`].
//!
//! ```
//! use seawall_core_shuttle::disk::Disk;
//! use seawall_core_shuttle::sim::SimDisk;
//! use seawall_models::crash::{Power, PowerCut};
//! use seawall_models::native::sim::{self, Tree};
//! use seawall_models::{Engine, Model, Profile, Sampling, explore, outcome};
//!
//! /// Says that the file is there, and forgets to sync the directory.
//! fn creates_a_file() {
//!     let disk = SimDisk::mount(&Tree::default(), 512);
//!     // Native code, in a thread of its own.
//!     let recover = |disk: sim::SimDisk| Ok(disk.exists("file"));
//!     let power = Power::over(&disk, recover, |exists, promised| match (promised, exists) {
//!         (1, false) => Err("the file is lost".to_owned()),
//!         _ => Ok(format!("exists: {exists}")),
//!     });
//!     disk.create("file").expect("a good disk");
//!     power.promise(1);
//!     power.end();
//!     outcome("created");
//! }
//!
//! const MODEL: Model = Model {
//!     name: "creates_a_file",
//!     property: "a file that is there is there after a crash",
//!     threads: 1,
//!     bounds: "one file",
//!     searches: &[(Engine::Dpor, Profile::Quick)],
//!     reach: &[],
//!     outcomes: 1,
//!     run: creates_a_file,
//! };
//!
//! let report = explore(&MODEL, Engine::Dpor, Sampling::of(Profile::Quick));
//! assert!(report.failure.expect("a bug").message.starts_with("the file is lost"));
//! ```
//!
//! # Moments
//! Operations on different files do not notice each other's order, so a partial-order reduction
//! runs them in one order; a crash notices it. So the moments of an execution under shuttle are its
//! consistent cuts ([`happened`]): every set of operations and promises that holds, with each, all
//! that come before it. Each is what some execution of the same class had done at some time, and
//! the disk of that time is put together from what each file held then. Under loom, which tells no
//! order, the moments are those that the execution had, and a mounted disk has one scheduling
//! point.
//!
//! # Rules
//! * What recovery finds depends on the image alone, so each image is recovered once in a search,
//!   however many executions lead to it; and moments at which the disk and the promise are the same
//!   are looked at once. So all executions of a model recover and check in the same way. Redundant
//!   ones are not looked at.
//! * Who keeps a promise keeps a lesser one.
//! * Recovery is native code in a thread of its own. It is no part of the schedule.
//! * A promise is made right behind the last event of its thread. Under loom that is an operation
//!   of the disk, which [`Power::promise`] sees to: so no reduction takes it for something that may
//!   come at any time.
//! * What makes operations on different files notice each other is not seen by the reduction: a
//!   limit on space, and a fault that counts operations of several files.

mod course;
mod cuts;

use crate::happened::{self, Position};
use crate::record;
use course::Course;
use cuts::Cut;
use seawall_core::sim::{SimDisk, Tree};
use std::any::Any;
use std::cell::RefCell;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A simulated disk that loses power, whatever checker its core is compiled against.
pub trait PowerCut: Clone + Send + Sync + 'static {
    /// What an operation changes; operations on two places do not notice each other's order.
    type Place: Copy + Ord + Send;
    /// What a place holds at some time.
    type Part: Send;

    /// A disk that holds what a native one held: for the main thread, before it starts others. A
    /// crash tears what is larger than a sector.
    fn mount(tree: &Tree, sector_bytes: usize) -> Self;

    /// The places that there are.
    fn places(&self) -> Vec<Self::Place>;

    /// What a place holds now, if it is there.
    fn part(&self, place: Self::Place) -> Option<Self::Part>;

    /// Tells a part from every other one.
    fn digest(part: &Self::Part) -> u128;

    /// Shows each disk that a crash may leave when the places hold these parts, after so many
    /// operations.
    fn each_image(&self, parts: &[&Self::Part], operations: u64, look: &mut dyn FnMut(&dyn Image));

    /// Has somebody called before each operation, in place of whoever was.
    fn watch(&self, before: Option<Watcher<Self>>);

    /// Where the execution is, if the checker tells what comes before what.
    fn position() -> Option<Position>;

    /// Passes a scheduling point of the disk.
    fn pass(&self);
}

/// Who is called before each operation of a disk, with the place of it.
pub type Watcher<D> = Box<dyn FnMut(&D, <D as PowerCut>::Place) + Send>;

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
    ($core:ident, $mounted:expr, $position:expr) => {
        impl PowerCut for $core::sim::SimDisk {
            type Place = $core::sim::Place;
            type Part = $core::sim::Part;

            fn mount(tree: &Tree, sector_bytes: usize) -> Self {
                let Tree { dirs, files } = tree.clone();
                $mounted(Self::from_tree(sector_bytes, &$core::sim::Tree { dirs, files }))
            }

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

            fn watch(&self, before: Option<Watcher<Self>>) {
                self.set_observer(before.map(|mut before| {
                    let observer: $core::sim::Observer =
                        Box::new(move |disk, op| before(disk, op.place));
                    observer
                }));
            }

            fn position() -> Option<Position> {
                $position
            }

            fn pass(&self) {
                $core::disk::Disk::list(self, "").expect("a disk has a root");
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

cuts_power!(seawall_core_loom, |disk: Self| disk.with_one_point(), None);
cuts_power!(
    seawall_core_shuttle,
    |disk| {
        happened::watch();
        disk
    },
    happened::now()
);

/// What recovery finds on a disk, or why it refuses it.
pub type Recover<F> = fn(SimDisk) -> Result<F, String>;

/// How what was found keeps a promise, or why it does not.
pub type Verdict = Result<String, String>;

/// The power of a disk, which is cut at every moment until the end of the execution. `F` is what
/// recovery finds.
pub struct Power<D: PowerCut, F> {
    disk: D,
    recover: Recover<F>,
    check: Box<Check<F>>,
    // Not the facade's: it is no part of the schedule.
    course: Arc<Mutex<Course<D>>>,
}

type Check<F> = dyn Fn(&F, u64) -> Verdict + Send + Sync;

impl<D: PowerCut, F: Send + 'static> Power<D, F> {
    /// From now on the power of `disk` may be cut at any moment: `recover` says what it finds on a
    /// disk after that, and `check` whether it keeps what these bits promise. What `check` returns
    /// is an outcome of the model.
    pub fn over(
        disk: &D,
        recover: Recover<F>,
        check: impl Fn(&F, u64) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        let course = Arc::new(Mutex::new(Course::default()));
        let noted = Arc::clone(&course);
        disk.watch(Some(Box::new(move |disk, place| lock(&noted).operation(disk, place))));
        Self { disk: disk.clone(), recover, check: Box::new(check), course }
    }

    /// From now on every crash is checked against these bits, too.
    pub fn promise(&self, bits: u64) {
        if D::position().is_none() {
            self.disk.pass();
        }
        lock(&self.course).promise(bits);
    }

    /// The end of the execution: the power is cut at every moment that it had, and the disk is not
    /// watched any more.
    ///
    /// # Panics
    /// If recovery refuses an image or panics, or the promise is broken: with the image.
    pub fn end(&self) {
        self.disk.watch(None);
        let course = std::mem::take(&mut *lock(&self.course));
        if !record::is_redundant() {
            with_crashes(|crashes| crashes.cut(self, course));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    /// The [`Crashes`] of the model that is searched.
    static CRASHES: RefCell<Option<Box<dyn Any>>> = const { RefCell::new(None) };
}

/// What this search has met.
fn with_crashes<F: 'static>(look: impl FnOnce(&mut Crashes<F>)) {
    CRASHES.with_borrow_mut(|crashes| {
        let is_of_this = |met: &Box<dyn Any>| {
            met.downcast_ref::<Crashes<F>>().is_some_and(|met| met.search == record::search())
        };
        if !crashes.as_ref().is_some_and(is_of_this) {
            *crashes = Some(Box::new(Crashes::<F>::new()));
        }
        let met = crashes.as_mut().and_then(|met| met.downcast_mut());
        look(met.expect("it is there now"));
    });
}

/// What has been met in a search.
struct Crashes<F> {
    /// Which search of this OS thread it is of.
    search: u64,
    /// Disk and promise.
    moments: HashSet<(u128, u64)>,
    found: HashMap<u128, Result<F, String>>,
}

impl<F> Crashes<F> {
    fn new() -> Self {
        Self { search: record::search(), moments: HashSet::new(), found: HashMap::new() }
    }
}

impl<F: Send + 'static> Crashes<F> {
    fn cut<D: PowerCut>(&mut self, power: &Power<D, F>, mut course: Course<D>) {
        course.end(&power.disk);
        cuts::each(&course, &mut |cut| {
            if self.moments.insert((cut.digest(), cut.promise)) {
                self.look(power, cut);
            }
        });
    }

    fn look<D: PowerCut>(&mut self, power: &Power<D, F>, cut: &Cut<'_, D>) {
        power.disk.each_image(&cut.parts(), cut.operations, &mut |image| {
            let found = match self.found.entry(image.digest()) {
                Entry::Occupied(found) => found.into_mut(),
                Entry::Vacant(free) => {
                    record::recovered();
                    free.insert(recover_elsewhere(image.tree(), power.recover))
                }
            };
            let kept = found.as_ref().map_err(Clone::clone);
            match kept.and_then(|found| (power.check)(found, cut.promise)) {
                Ok(state) => record::outcome(format_args!("crash: {state}")),
                Err(broken) => panic!("{broken}; {}", image.describe()),
            }
        });
    }
}

/// In a thread whose stack is as large as recovery may need, and that no checker knows.
fn recover_elsewhere<F: Send + 'static>(tree: Tree, recover: Recover<F>) -> Result<F, String> {
    let recovery = std::thread::spawn(move || recover(SimDisk::from_tree(512, &tree)));
    recovery.join().unwrap_or_else(|panic| resume_unwind(panic))
}

#[cfg(test)]
mod tests;
