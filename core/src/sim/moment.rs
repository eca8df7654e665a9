//! Moments put together: what the disk would hold after some of its operations and not others.
//!
//! Calls on different [`Place`]s do not notice each other's order, so an execution stands for every
//! order of them that its threads allow. A [`Part`] is what one place holds at some time; parts of
//! different times make a [`Moment`], one of an execution that was not run. Whether there is such
//! an execution is the caller's to know.
//!
//! Called by: the models that cut the power in the midst of a schedule.

use super::SimDisk;
use super::choice::CrashOptions;
use super::content::{Content, digest};
use super::crash::{CrashImage, Snapshot};
use super::names::Names;
use super::op::Place;
use super::state::{Ino, Pending, State, digestible};
use std::collections::BTreeMap;

/// What one place holds at some time: all that is durable there, and all that is not. Cheap:
/// sectors and entries are shared.
#[derive(Debug, Clone)]
pub struct Part {
    held: Held,
    /// In the order of issue.
    pending: Vec<Pending>,
}

#[derive(Debug, Clone)]
enum Held {
    Names(Names),
    File(Ino, Content),
}

impl Part {
    /// Tells it from every other one of its place.
    pub fn digest(&self) -> u128 {
        let items = digestible(&self.pending);
        match &self.held {
            Held::Names(names) => digest(&(&names.durable, &names.dirs, items)),
            Held::File(ino, content) => digest(&(ino, content.digest(), items)),
        }
    }
}

/// What a disk holds at some time, of an execution that was run or of one that could have been.
#[derive(Debug)]
pub struct Moment(Snapshot);

impl Moment {
    /// The disks that a crash at this moment may leave: see [`SimDisk::crash_images`].
    pub fn images(self, options: &CrashOptions) -> impl Iterator<Item = CrashImage> + Send + use<> {
        self.0.images(options)
    }
}

impl SimDisk {
    /// The places that there are now.
    pub fn places(&self) -> Vec<Place> {
        let state = self.state();
        let files = state.inodes.keys().copied().map(Place::File);
        std::iter::once(Place::Names).chain(files).collect()
    }

    /// What a place holds now; nothing of a file that is gone, or not there yet.
    pub fn part(&self, place: Place) -> Option<Part> {
        self.state().part(place)
    }

    /// The moment at which each place holds what its part says, after so many operations.
    ///
    /// # Panics
    /// If there is no part of the names.
    pub fn moment<'a>(&self, parts: impl IntoIterator<Item = &'a Part>, operations: u64) -> Moment {
        let (mut names, mut files, mut items) = (None, BTreeMap::new(), Vec::new());
        for part in parts {
            items.extend_from_slice(&part.pending);
            match &part.held {
                Held::Names(held) => names = Some(held.clone()),
                Held::File(ino, content) => {
                    files.insert(*ino, content.clone());
                }
            }
        }
        // The order of issue: those of one call stand together, as they did.
        items.sort_by_key(|item| item.op.number);
        let names = names.expect("one part is that of the names");
        Moment(Snapshot::new(self.state().medium, operations, names, files, items))
    }
}

impl State {
    fn part(&self, place: Place) -> Option<Part> {
        let (held, of) = match place {
            Place::Names => (Held::Names(self.names.clone()), None),
            Place::File(ino) => {
                (Held::File(ino, self.inodes.get(&ino)?.durable.clone()), Some(ino))
            }
        };
        let pending = self.pending.iter().filter(|item| item.change.ino() == of);
        Some(Part { held, pending: pending.cloned().collect() })
    }
}
