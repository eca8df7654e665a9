//! Crashes inside schedules: at any point of any execution the power may be cut.
//!
//! A model makes its simulated disk by [`PowerCut::mount`] and gives it to a [`Power`]. From then
//! on the power is cut at each *moment*: before every operation of the disk, and at the end. Each
//! disk that a crash may leave there is recovered by the real recovery, and the model says whether
//! what it has promised so far holds: [`Power::promise`].
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
//! # Rules
//! * What recovery finds depends on the image alone, so each image is recovered once in a search,
//!   however many executions lead to it; and moments at which the disk and the promise are the same
//!   are looked at once. So all executions of a model recover and check in the same way.
//! * Recovery is native code in a thread of its own. It is no part of the schedule.
//! * A promise follows an operation of the disk with nothing in between, which
//!   [`Power::promise`] sees to: so no reduction takes it for something that may come at any time.
//!   For the same reason a mounted disk has one scheduling point.

use crate::record;
use seawall_core::sim::{SimDisk, Tree};
use std::any::Any;
use std::cell::RefCell;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A simulated disk that loses power, whatever checker its core is compiled against.
pub trait PowerCut: Clone + Send + Sync + 'static {
    /// A disk that holds what a native one held, whose calls all conflict. A crash tears what is
    /// larger than a sector.
    fn mount(tree: &Tree, sector_bytes: usize) -> Self;

    /// Identifies what a crash at this moment may leave.
    fn moment(&self) -> u128;

    /// Shows each disk that a crash at this moment may leave.
    fn each_image(&self, look: &mut dyn FnMut(&dyn Image));

    /// Has somebody called before each operation, in place of whoever was.
    fn watch(&self, before: Option<Watcher<Self>>);

    /// Passes the scheduling point of the disk.
    fn pass(&self);
}

/// Who is called before each operation of a disk.
pub type Watcher<D> = Box<dyn FnMut(&D) + Send>;

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
            fn mount(tree: &Tree, sector_bytes: usize) -> Self {
                let Tree { dirs, files } = tree.clone();
                Self::from_tree(sector_bytes, &$core::sim::Tree { dirs, files }).with_one_point()
            }

            fn moment(&self) -> u128 {
                self.crash_digest()
            }

            fn each_image(&self, look: &mut dyn FnMut(&dyn Image)) {
                let options = $core::sim::CrashOptions::default();
                self.crash_images(&options).for_each(|image| look(&image));
            }

            fn watch(&self, before: Option<Watcher<Self>>) {
                self.set_observer(before.map(|mut before| {
                    let observer: $core::sim::Observer = Box::new(move |disk, _| before(disk));
                    observer
                }));
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

cuts_power!(seawall_core_loom);
cuts_power!(seawall_core_shuttle);

/// What recovery finds on a disk, or why it refuses it.
pub type Recover<F> = fn(SimDisk) -> Result<F, String>;

/// How what was found keeps a promise, or why it does not.
pub type Verdict = Result<String, String>;

/// The power of a disk, which is cut at every moment until the end of the execution. `F` is what
/// recovery finds.
pub struct Power<D, F> {
    disk: D,
    oracle: Arc<Oracle<F>>,
}

type Check<F> = dyn Fn(&F, u64) -> Verdict + Send + Sync;

/// What tells a crash that did no harm.
struct Oracle<F> {
    recover: Recover<F>,
    check: Box<Check<F>>,
    /// Bits. Not the facade's: it is no part of the schedule.
    promised: AtomicU64,
}

impl<D: PowerCut, F: Send + 'static> Power<D, F> {
    /// From now on the power of `disk` is cut before each of its operations: `recover` says what
    /// it finds on a disk after that, and `check` whether it keeps what these bits promise. What
    /// `check` returns is an outcome of the model.
    ///
    /// An operation of the disk panics, and with it the model, if recovery refuses an image or
    /// panics, or the promise is broken.
    pub fn over(
        disk: &D,
        recover: Recover<F>,
        check: impl Fn(&F, u64) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        let oracle = Oracle { recover, check: Box::new(check), promised: AtomicU64::new(0) };
        let (disk, oracle) = (disk.clone(), Arc::new(oracle));
        let theirs = Arc::clone(&oracle);
        disk.watch(Some(Box::new(move |disk| theirs.cut(disk))));
        Self { disk, oracle }
    }

    /// From now on every crash is checked against these bits, too.
    pub fn promise(&self, bits: u64) {
        self.disk.pass();
        // Relaxed: all threads of a model are coroutines of one.
        self.oracle.promised.fetch_or(bits, Ordering::Relaxed);
    }

    /// The last moment: the power is cut a last time, and the disk is not watched any more.
    pub fn end(&self) {
        self.oracle.cut(&self.disk);
        self.disk.watch(None);
    }
}

impl<F: Send + 'static> Oracle<F> {
    fn cut(&self, disk: &impl PowerCut) {
        let promised = self.promised.load(Ordering::Relaxed);
        let check = |found: &F| (self.check)(found, promised);
        with_crashes(|crashes| crashes.cut(disk, promised, self.recover, check));
    }
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
    moments: HashSet<(u128, u64)>,
    found: HashMap<u128, Result<F, String>>,
}

impl<F> Crashes<F> {
    fn new() -> Self {
        Self { search: record::search(), moments: HashSet::new(), found: HashMap::new() }
    }
}

impl<F: Send + 'static> Crashes<F> {
    /// # Panics
    /// If recovery refuses an image or panics, or the promise is broken: with the image.
    fn cut(
        &mut self,
        disk: &impl PowerCut,
        promised: u64,
        recover: Recover<F>,
        check: impl Fn(&F) -> Verdict,
    ) {
        if !self.moments.insert((disk.moment(), promised)) {
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
fn recover_elsewhere<F: Send + 'static>(tree: Tree, recover: Recover<F>) -> Result<F, String> {
    let recovery = std::thread::spawn(move || recover(SimDisk::from_tree(512, &tree)));
    recovery.join().unwrap_or_else(|panic| resume_unwind(panic))
}
