//! What a crash leaves behind.
//!
//! A [`Snapshot`] holds the durable state and the pending items at one moment; a [`Choice`] has
//! one digit for each of its [`Slot`]s; the two give a [`CrashImage`].

use super::SimDisk;
use super::choice::{Choice, Choices, CrashOptions};
use super::content::{Content, digest};
use super::junk::{Junk, Medium};
use super::names::{Dirs, Entries, Names};
use super::state::{Change, Ino, Inode, Pending, State, digestible, survivable};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

/// All that crash images of one moment have in common.
#[derive(Debug)]
pub(super) struct Snapshot {
    medium: Medium,
    /// Operations before the crash; the last of them may be the one that is about to happen.
    operations: u64,
    names: Names,
    /// Durable bytes of the files that an image can show.
    pub(super) files: BTreeMap<Ino, Content>,
    /// In the global order of issue.
    pub(super) items: Vec<Pending>,
    /// The digits of a choice.
    pub(super) slots: Vec<Slot>,
}

/// A thing of which a crash leaves one of several versions; version 0 is the durable one. The
/// sectors of a file follow its length, in ascending order.
#[derive(Debug)]
pub(super) enum Slot {
    /// The durable length, then the other candidates in ascending order.
    Length { ino: Ino, candidates: Vec<u64> },
    /// `length` is the slot of the file's length; digit 1 is the first version.
    Sector { ino: Ino, start: u64, length: usize, versions: Vec<Version> },
    /// Digit 1: the item is kept.
    Name { item: usize },
}

/// What a sector may hold that is not durable. Items come before junk.
#[derive(Debug, Clone, Copy)]
pub(super) enum Version {
    Item(usize),
    Junk(Junk),
}

impl Version {
    pub(super) fn item(self) -> Option<usize> {
        if let Self::Item(item) = self { Some(item) } else { None }
    }
}

impl Slot {
    pub(super) fn radix(&self) -> usize {
        match self {
            Self::Length { candidates, .. } => candidates.len(),
            Self::Sector { versions, .. } => versions.len() + 1,
            Self::Name { .. } => 2,
        }
    }
}

impl Snapshot {
    fn of(state: &State) -> Self {
        let files = state.inodes.iter().map(|(ino, inode)| (*ino, inode.durable.clone()));
        let (names, items) = (state.names.clone(), state.pending.clone());
        Self::new(state.medium, state.operations, names, files.collect(), items)
    }

    /// The moment at which these are the durable files and the pending items, in their order.
    pub(super) fn new(
        medium: Medium,
        operations: u64,
        names: Names,
        mut files: BTreeMap<Ino, Content>,
        mut items: Vec<Pending>,
    ) -> Self {
        let survivable = survivable(&names, &items);
        files.retain(|ino, _| survivable.contains(ino));
        items.retain(|item| item.change.ino().is_none_or(|ino| survivable.contains(&ino)));
        let slots = slots(medium, &files, &items);
        Self { medium, operations, names, files, items, slots }
    }

    /// The images of this moment: see [`SimDisk::crash_images`].
    pub(super) fn images(
        self,
        options: &CrashOptions,
    ) -> impl Iterator<Item = CrashImage> + Send + use<> {
        let snapshot = Arc::new(self);
        let choices = Choices::new(&snapshot, options);
        let mut seen = BTreeSet::new();
        choices
            .map(move |choice| CrashImage::new(&snapshot, choice))
            .filter(move |image| seen.insert(image.digest))
    }

    /// What tells it from every snapshot with other images.
    fn digest(&self) -> u128 {
        let files = self.files.iter().map(|(ino, content)| (ino, content.digest()));
        let files: Vec<_> = files.collect();
        let Names { durable, dirs, .. } = &self.names;
        digest(&(self.medium, durable, dirs, files, digestible(&self.items)))
    }

    /// The names and bytes that a choice leaves.
    fn surviving(&self, choice: &Choice) -> (Arc<Entries>, BTreeMap<Ino, Content>) {
        let mut entries = Arc::clone(&self.names.durable);
        let mut files = self.files.clone();
        let chosen = || self.slots.iter().zip(choice.iter().copied());
        for (slot, digit) in chosen().filter(|(_, digit)| *digit > 0) {
            match slot {
                Slot::Sector { ino, start, versions, .. } => {
                    let index = start / self.medium.sector_bytes as u64;
                    let content = match versions[digit - 1] {
                        Version::Junk(junk) => junk.sector(self.medium, &self.files, *ino, index),
                        Version::Item(item) => match &self.items[item].change {
                            Change::Sector { content, .. } => content.clone(),
                            _ => unreachable!("a version of a sector is a sector"),
                        },
                    };
                    files.entry(*ino).and_modify(|file| file.put(index, content));
                }
                Slot::Name { item } => {
                    if let Change::Name(op) = &self.items[*item].change {
                        op.apply(Arc::make_mut(&mut entries));
                    }
                }
                Slot::Length { .. } => {}
            }
        }
        for (slot, digit) in chosen() {
            if let Slot::Length { ino, candidates } = slot {
                files.entry(*ino).and_modify(|file| file.resize(candidates[digit]));
            }
        }
        let named: BTreeSet<_> = entries.values().collect();
        files.retain(|ino, _| named.contains(ino));
        (entries, files)
    }
}

/// The slots that pending items make: names in their order, then file by file.
fn slots(medium: Medium, files: &BTreeMap<Ino, Content>, items: &[Pending]) -> Vec<Slot> {
    let mut slots = Vec::new();
    let mut of_files: BTreeMap<Ino, Vec<usize>> = BTreeMap::new();
    for (item, pending) in items.iter().enumerate() {
        match pending.change.ino() {
            Some(ino) => of_files.entry(ino).or_default().push(item),
            None => slots.push(Slot::Name { item }),
        }
    }
    for (ino, of_file) in of_files {
        let length = slots.len();
        let changes = of_file.iter().map(|item| &items[*item].change);
        let durable = files[&ino].len();
        slots.push(Slot::Length { ino, candidates: lengths(durable, changes) });
        let mut sectors: BTreeMap<u64, Vec<Version>> = BTreeMap::new();
        for item in of_file {
            if let Change::Sector { index, .. } = items[item].change {
                sectors.entry(index).or_default().push(Version::Item(item));
            }
        }
        slots.extend(sectors.into_iter().map(|(index, mut versions)| {
            let start = index * medium.sector_bytes as u64;
            versions.extend(medium.junk(start, durable).map(Version::Junk));
            Slot::Sector { ino, start, length, versions }
        }));
    }
    slots
}

/// The lengths that the pending changes of a file make possible, for its slot: a sector extends
/// the file if it ends beyond the durable length or one that a call has given the file before.
fn lengths<'a>(durable: u64, changes: impl Iterator<Item = &'a Change>) -> Vec<u64> {
    let mut shortest = durable;
    let mut later = BTreeSet::new();
    for change in changes {
        match change {
            Change::Sector { end, .. } if *end > shortest => {
                later.insert(*end);
            }
            Change::Length { len, .. } => {
                shortest = shortest.min(*len);
                later.insert(*len);
            }
            Change::Sector { .. } | Change::Name(_) => {}
        }
    }
    later.remove(&durable);
    std::iter::once(durable).chain(later).collect()
}

/// One disk that a crash may leave behind. Cheap: unchanged sectors are shared.
#[derive(Debug, Clone)]
pub struct CrashImage {
    snapshot: Arc<Snapshot>,
    choice: Choice,
    entries: Arc<Entries>,
    files: BTreeMap<Ino, Content>,
    digest: u128,
}

impl CrashImage {
    fn new(snapshot: &Arc<Snapshot>, choice: Choice) -> Self {
        let (entries, files) = snapshot.surviving(&choice);
        let named = entries.iter().map(|(path, ino)| (path, files[ino].digest()));
        let digest = digest(&(&snapshot.names.dirs, named.collect::<Vec<_>>()));
        Self { snapshot: Arc::clone(snapshot), choice, entries, files, digest }
    }

    /// Identifies the whole state, names included: images of different moments and disks that
    /// have the same digest need recovering once. The same in every run of one build.
    pub fn digest(&self) -> u128 {
        self.digest
    }

    /// The disk after the crash: all is durable, nothing is locked, observed or armed. Each call
    /// gives another disk.
    pub fn mount(&self) -> SimDisk {
        let dirs = Arc::clone(&self.snapshot.names.dirs);
        let names = Names::surviving(dirs, Arc::clone(&self.entries));
        let inodes =
            self.files.iter().map(|(ino, content)| (*ino, Inode::clean(content.clone()))).collect();
        SimDisk::from_state(State::new(self.snapshot.medium, names, inodes))
    }

    pub(super) fn dirs(&self) -> &Dirs {
        &self.snapshot.names.dirs
    }

    pub(super) fn files(&self) -> impl Iterator<Item = (&str, &Content)> {
        self.entries.iter().map(|(path, ino)| (&**path, &self.files[ino]))
    }

    /// What survived and what did not, a line each, for messages of failing tests.
    pub fn describe(&self) -> String {
        let Snapshot { operations, items, .. } = &*self.snapshot;
        let fates = self.fates();
        let kept = fates.iter().filter(|fate| **fate == "kept").count();
        let mut text = format!(
            "crash at operation {operations}: {kept} of {} pending items kept",
            items.len()
        );
        for (item, fate) in items.iter().zip(fates) {
            let what = match &item.change {
                Change::Sector { index, .. } => format!(", sector {index}"),
                Change::Length { len, .. } => format!(", length {len}"),
                Change::Name(_) => String::new(),
            };
            // Writing to a String does not fail.
            let _ = write!(text, "\n  {fate:<10}  {}{what}", item.op);
        }
        for (path, start, junk) in self.junk() {
            let _ = write!(text, "\n  {junk:<10?}  {path:?} {start}..");
        }
        text
    }

    /// The sectors that hold what nobody has written there: under which name their files were
    /// opened, and at which byte they start.
    pub fn junk_sectors(&self) -> impl Iterator<Item = (&str, u64)> {
        self.junk().map(|(path, start, _)| (path, start))
    }

    fn junk(&self) -> impl Iterator<Item = (&str, u64, Junk)> {
        let chosen = self.snapshot.slots.iter().zip(self.choice.iter().copied());
        chosen.filter(|(_, digit)| *digit > 0).filter_map(|(slot, digit)| match slot {
            Slot::Sector { start, versions, .. } => match versions[..] {
                [Version::Item(first), ..] => match versions[digit - 1] {
                    Version::Junk(junk) => {
                        Some((&*self.snapshot.items[first].op.path, *start, junk))
                    }
                    Version::Item(_) => None,
                },
                _ => None,
            },
            _ => None,
        })
    }

    /// For each item what became of it.
    fn fates(&self) -> Vec<&'static str> {
        let items = &self.snapshot.items;
        let mut fates = vec!["lost"; items.len()];
        for (slot, digit) in self.snapshot.slots.iter().zip(self.choice.iter().copied()) {
            match slot {
                Slot::Name { item } if digit == 1 => fates[*item] = "kept",
                Slot::Name { .. } => {}
                Slot::Sector { start, length, versions, .. } if digit > 0 => {
                    let is_cut = *start >= self.length(*length);
                    let mut items = versions[..digit].iter().filter_map(|version| version.item());
                    match versions[digit - 1] {
                        Version::Junk(_) => {}
                        Version::Item(item) => {
                            items.by_ref().for_each(|item| fates[item] = "superseded");
                            fates[item] = if is_cut { "cut off" } else { "kept" };
                        }
                    }
                }
                Slot::Sector { .. } => {}
                Slot::Length { ino, candidates } => {
                    let calls = self.length_calls(*ino);
                    let given = calls.iter().rposition(|(_, len)| *len == candidates[digit]);
                    if let Some(given) = given {
                        calls[..given].iter().for_each(|(item, _)| fates[*item] = "superseded");
                        fates[calls[given].0] = "kept";
                    }
                }
            }
        }
        fates
    }

    /// The items that gave a file a length, and which.
    fn length_calls(&self, ino: Ino) -> Vec<(usize, u64)> {
        let items = self.snapshot.items.iter().enumerate();
        let calls = items.filter_map(|(item, pending)| match pending.change {
            Change::Length { ino: of, len } if of == ino => Some((item, len)),
            _ => None,
        });
        calls.collect()
    }

    fn length(&self, slot: usize) -> u64 {
        match &self.snapshot.slots[slot] {
            Slot::Length { candidates, .. } => candidates[self.choice[slot]],
            _ => unreachable!("a sector names the slot of its file's length"),
        }
    }
}

impl SimDisk {
    /// The disks that a crash at this moment may leave, each once: nothing pending survives,
    /// everything does, each prefix of the global order, then what [`CrashOptions`] says.
    ///
    /// The iterator is lazy and holds the state of this moment: the disk may go on meanwhile.
    pub fn crash_images(
        &self,
        options: &CrashOptions,
    ) -> impl Iterator<Item = CrashImage> + Send + use<> {
        Snapshot::of(&self.state()).images(options)
    }

    /// The first of [`SimDisk::crash_images`]: what is durable, and nothing else.
    pub fn durable_image(&self) -> CrashImage {
        self.crash_images(&CrashOptions::default()).next().expect("at least one")
    }

    /// Identifies everything that a crash at this moment may leave: moments that have the same
    /// digest have the same images. The same in every run of one build.
    pub fn crash_digest(&self) -> u128 {
        Snapshot::of(&self.state()).digest()
    }

    /// One of the disks that a crash at this moment may leave, by chance: every other one gives
    /// each item a fate of its own, the rest are like those of [`SimDisk::crash_images`].
    pub fn crash_image(&self, seed: u64) -> CrashImage {
        let snapshot = Arc::new(Snapshot::of(&self.state()));
        let choice = Choices::one(&snapshot, seed);
        CrashImage::new(&snapshot, choice)
    }
}
