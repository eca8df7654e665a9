//! Which of all possible crash images are looked at, in which order.
//!
//! A [`Choice`] is a number with one digit per slot of the snapshot. If there are few enough,
//! all numbers are counted through; otherwise [`Plan`]s pick typical and pseudo-random ones.

use super::crash::{Slot, Snapshot, Version};
use super::random::SplitMix64;
use super::state::{Change, Ino, Pending};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// One digit per slot.
pub(super) type Choice = Box<[usize]>;

/// How thoroughly a crash is explored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrashOptions {
    /// Every combination is an image if at most this many items are pending, or if there are at
    /// most two to the power of this many combinations (a sector with many versions makes few). A
    /// combination gives each sector one of its versions, each file one of its lengths, and has
    /// each entry operation kept or lost.
    ///
    /// If there are more, the images are besides the prefixes: each item lost alone, each kept
    /// alone, each write and each cut torn at each sector boundary with all else lost and with all
    /// else kept, and the seeded ones. Of each but the seeded there are three: the lengths are
    /// those that calls have set last and that survived, or reach as far as the surviving sectors
    /// written since, or are the durable ones.
    pub max_subset: u32,
    /// How many pseudo-random combinations are tried when not every one is.
    pub seeded: u32,
    /// Chooses them.
    pub seed: u64,
}

impl Default for CrashOptions {
    fn default() -> Self {
        Self { max_subset: 10, seeded: 16, seed: 0 }
    }
}

/// A set of surviving items, or one random choice.
#[derive(Debug, Clone)]
enum Plan {
    Only(Range<usize>),
    Without(Range<usize>),
    /// All items, or none, but for junk as the last version of the sector in this slot.
    Junk {
        slot: usize,
        others: bool,
    },
    Random(u64),
}

/// How long files are, given the items that survive.
#[derive(Debug, Clone, Copy)]
enum LengthRule {
    /// As the surviving length items say.
    Recorded,
    /// The same, or as far as surviving sectors reach.
    Implied,
    Durable,
}

/// The choices of one snapshot, duplicates not removed.
pub(super) struct Choices {
    snapshot: Arc<Snapshot>,
    plans: std::vec::IntoIter<Plan>,
    ready: Vec<Choice>,
    /// The next number when all are counted through.
    counter: Option<Choice>,
}

impl Choices {
    pub(super) fn new(snapshot: &Arc<Snapshot>, options: &CrashOptions) -> Self {
        let items = snapshot.items.len();
        let all = items <= options.max_subset as usize || {
            let bound = 1_u64.checked_shl(options.max_subset).unwrap_or(u64::MAX);
            combinations(&snapshot.slots) <= bound
        };
        let mut plans = vec![Plan::Only(0..0), Plan::Only(0..items)];
        plans.extend((1..items).map(|end| Plan::Only(0..end)));
        if !all {
            plans.extend((0..items).map(|item| Plan::Without(item..item + 1)));
            plans.extend((0..items).map(|item| Plan::Only(item..item + 1)));
            plans.extend(torn(snapshot));
            plans.extend(junk(snapshot));
            let mut random = SplitMix64::new(options.seed);
            plans.extend((0..options.seeded).map(|_| Plan::Random(random.next())));
        }
        Self {
            snapshot: Arc::clone(snapshot),
            plans: plans.into_iter(),
            ready: Vec::new(),
            counter: all.then(|| vec![0; snapshot.slots.len()].into()),
        }
    }

    /// One choice by chance.
    pub(super) fn one(snapshot: &Arc<Snapshot>, seed: u64) -> Choice {
        let mut random = SplitMix64::new(seed);
        // All the plans, and none of the counting.
        let choices =
            Self::new(snapshot, &CrashOptions { max_subset: 0, seeded: 1, seed: random.next() });
        let plans = choices.plans.as_slice();
        let drawn = if random.coin() { plans.len() - 1 } else { random.below(plans.len()) };
        let mut carried_out = choices.carry_out(&plans[drawn]);
        carried_out.swap_remove(random.below(carried_out.len()))
    }

    fn carry_out(&self, plan: &Plan) -> Vec<Choice> {
        let snapshot = &*self.snapshot;
        let by_rules = |kept: &dyn Fn(usize) -> bool| {
            use LengthRule::{Durable, Implied, Recorded};
            // The last one is taken first.
            let mut choices: Vec<_> =
                [Durable, Recorded, Implied].map(|rule| pick(snapshot, kept, rule)).into();
            choices.dedup();
            choices
        };
        match plan {
            Plan::Only(kept) => by_rules(&|item| kept.contains(&item)),
            Plan::Without(lost) => by_rules(&|item| !lost.contains(&item)),
            Plan::Junk { slot, others } => {
                let mut choices = by_rules(&|_| *others);
                for choice in &mut choices {
                    choice[*slot] = snapshot.slots[*slot].radix() - 1;
                }
                choices
            }
            Plan::Random(seed) => {
                let mut random = SplitMix64::new(*seed);
                let digits = snapshot.slots.iter().map(|slot| random.below(slot.radix()));
                vec![digits.collect()]
            }
        }
    }

    /// The next number, without those that differ only in sectors beyond the end of a file.
    fn count(&mut self) -> Option<Choice> {
        loop {
            let current = self.counter.clone()?;
            let mut next = current.clone();
            let advanced = self.snapshot.slots.iter().zip(next.iter_mut()).any(|(slot, digit)| {
                *digit = (*digit + 1) % slot.radix();
                *digit > 0
            });
            self.counter = advanced.then_some(next);
            if !chooses_beyond_end(&self.snapshot.slots, &current) {
                return Some(current);
            }
        }
    }
}

impl Iterator for Choices {
    type Item = Choice;

    fn next(&mut self) -> Option<Choice> {
        loop {
            if let Some(choice) = self.ready.pop() {
                return Some(choice);
            }
            match self.plans.next() {
                Some(plan) => self.ready = self.carry_out(&plan),
                None => return self.count(),
            }
        }
    }
}

/// The choice in which exactly the items that `kept` names survive.
fn pick(snapshot: &Snapshot, kept: &dyn Fn(usize) -> bool, rule: LengthRule) -> Choice {
    let digits = snapshot.slots.iter().map(|slot| match slot {
        Slot::Name { item } => usize::from(kept(*item)),
        Slot::Sector { versions, .. } => {
            let is_kept = |version: &Version| version.item().is_some_and(kept);
            versions.iter().rposition(is_kept).map_or(0, |last| last + 1)
        }
        Slot::Length { .. } => 0,
    });
    let mut choice: Choice = digits.collect();
    let reached = reached(snapshot, kept, rule);
    for (slot, digit) in snapshot.slots.iter().zip(choice.iter_mut()) {
        if let Slot::Length { ino, candidates } = slot {
            *digit = candidates.iter().position(|len| *len == reached[ino]).unwrap_or(0);
        }
    }
    choice
}

/// How long the files are if the items that `kept` names survive.
fn reached(
    snapshot: &Snapshot,
    kept: &dyn Fn(usize) -> bool,
    rule: LengthRule,
) -> BTreeMap<Ino, u64> {
    let durable = snapshot.files.iter().map(|(ino, content)| (*ino, content.len()));
    let mut reached: BTreeMap<_, _> = durable.collect();
    for (_, pending) in snapshot.items.iter().enumerate().filter(|(item, _)| kept(*item)) {
        match (&pending.change, rule) {
            (Change::Length { ino, len }, LengthRule::Recorded | LengthRule::Implied) => {
                reached.insert(*ino, *len);
            }
            (Change::Sector { ino, end, .. }, LengthRule::Implied) => {
                reached.entry(*ino).and_modify(|len| *len = (*len).max(*end));
            }
            _ => {}
        }
    }
    reached
}

/// Each call on several sectors torn at each boundary: all else kept, its length too or not, or
/// all else lost.
fn torn(snapshot: &Snapshot) -> Vec<Plan> {
    let mut plans = Vec::new();
    let mut start = 0;
    for call in snapshot.items.chunk_by(|a, b| a.op.number == b.op.number) {
        let is_sector = |item: &&Pending| matches!(item.change, Change::Sector { .. });
        let sectors_end = start + call.iter().filter(is_sector).count();
        let end = start + call.len();
        for tear in start + 1..sectors_end {
            plans.push(Plan::Only(start..tear));
            plans.push(Plan::Without(tear..sectors_end));
            if end > sectors_end {
                plans.push(Plan::Without(tear..end));
            }
        }
        start = end;
    }
    plans
}

/// Each sector that may hold junk with all else kept, and with all else lost.
fn junk(snapshot: &Snapshot) -> impl Iterator<Item = Plan> {
    let may_be_junk = |slot: &Slot| match slot {
        Slot::Sector { versions, .. } => matches!(versions.last(), Some(Version::Junk(_))),
        _ => false,
    };
    let slots = snapshot.slots.iter().enumerate().filter(move |(_, slot)| may_be_junk(slot));
    slots.flat_map(|(slot, _)| [true, false].map(|others| Plan::Junk { slot, others }))
}

/// How many choices there are that differ in what lies before the ends of the files.
fn combinations(slots: &[Slot]) -> u64 {
    let mut product = 1_u64;
    for (position, slot) in slots.iter().enumerate() {
        let factor = match slot {
            Slot::Name { .. } => 2,
            Slot::Sector { .. } => 1,
            Slot::Length { candidates, .. } => {
                let of_length = candidates.iter().map(|len| combinations_of(slots, position, *len));
                of_length.fold(0, u64::saturating_add)
            }
        };
        product = product.saturating_mul(factor);
    }
    product
}

/// How many contents the file of a length slot can have, given its length.
fn combinations_of(slots: &[Slot], length_slot: usize, len: u64) -> u64 {
    // A file's sectors follow its length.
    let sectors = slots[length_slot + 1..].iter().map_while(|slot| match slot {
        Slot::Sector { start, .. } => Some((start, slot.radix() as u64)),
        _ => None,
    });
    let visible = sectors.take_while(|(start, _)| **start < len);
    visible.fold(1, |product, (_, radix)| product.saturating_mul(radix))
}

fn chooses_beyond_end(slots: &[Slot], choice: &[usize]) -> bool {
    slots.iter().zip(choice).any(|(slot, digit)| match slot {
        Slot::Sector { start, length, .. } if *digit > 0 => match &slots[*length] {
            Slot::Length { candidates, .. } => *start >= candidates[choice[*length]],
            _ => false,
        },
        _ => false,
    })
}
