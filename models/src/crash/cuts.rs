//! The consistent cuts of an execution: the sets of its steps that hold, with each step, all that
//! come before it.
//!
//! The steps of a thread are a chain, so a cut is a number of steps for each thread, and from one
//! cut others are reached by one more step of a thread that has all it needs.

use super::PowerCut;
use super::course::{Course, Step, What};
use std::collections::{BTreeMap, HashSet};

/// A cut.
pub(super) struct Cut<'a, D: PowerCut> {
    held: &'a Held<'a, D>,
    /// For each place how many operations on it are in the cut.
    done: Vec<usize>,
    /// How many operations are in the cut.
    pub(super) operations: u64,
    /// The bits that are promised.
    pub(super) promise: u64,
}

impl<D: PowerCut> Cut<'_, D> {
    /// What each place holds.
    pub(super) fn parts(&self) -> Vec<&D::Part> {
        self.of_places().map(|(_, part)| part).collect()
    }

    /// Tells what the places hold from everything else that they may hold.
    pub(super) fn digest(&self) -> u128 {
        // Each is a digest, of its place too: in a sum nothing is lost.
        self.of_places().fold(0, |sum, (digest, _)| sum.wrapping_add(digest))
    }

    fn of_places(&self) -> impl Iterator<Item = (u128, &D::Part)> {
        self.held.iter().zip(&self.done).filter_map(|(parts, done)| parts.get(*done).copied())
    }
}

/// For each place its parts with their digests, by the operations before.
type Held<'a, D> = Vec<Vec<(u128, &'a <D as PowerCut>::Part)>>;

/// Shows each cut of a course once.
pub(super) fn each<D: PowerCut>(course: &Course<D>, look: &mut impl FnMut(&Cut<'_, D>)) {
    let with_digest = |part| (D::digest(part), part);
    let held: Held<'_, D> =
        course.held.values().map(|parts| parts.iter().map(with_digest).collect()).collect();
    let chains = chains(course);
    let mut met = HashSet::new();
    let mut ahead = vec![vec![0; chains.len()]];
    while let Some(counts) = ahead.pop() {
        if !met.insert(counts.clone()) {
            continue;
        }
        look(&cut(&held, &chains, &counts));
        ahead.extend((0..chains.len()).filter_map(|chain| one_more(&chains, &counts, chain)));
    }
}

/// A step, with the index of its place, and how many of each chain come before it.
struct Link {
    what: What<usize>,
    needs: Vec<usize>,
}

/// The steps of each thread that has some, in their order.
fn chains<D: PowerCut>(course: &Course<D>) -> Vec<Vec<Link>> {
    let mut by_task = BTreeMap::<usize, Vec<&Step<D::Place>>>::new();
    for step in &course.steps {
        by_task.entry(step.position.task).or_default().push(step);
    }
    let places: Vec<D::Place> = course.held.keys().copied().collect();
    let index = |place| places.binary_search(&place).expect("each place holds something");
    let link = |step: &Step<D::Place>| Link {
        what: match step.what {
            What::Operation(place) => What::Operation(index(place)),
            What::Promise(bits) => What::Promise(bits),
        },
        needs: by_task.iter().map(|(task, steps)| needed(step, *task, steps)).collect(),
    };
    by_task.values().map(|steps| steps.iter().map(|step| link(step)).collect()).collect()
}

/// How many steps of a thread come before a step: its own come in their order.
fn needed<P>(step: &Step<P>, task: usize, steps: &[&Step<P>]) -> usize {
    let events = |step: &Step<P>| step.position.clock.get(task).copied().unwrap_or(0);
    let before = events(step);
    if step.position.task == task { 0 } else { steps.partition_point(|one| events(one) <= before) }
}

/// The counts with one more step of a chain, if it has one and that has all it needs.
fn one_more(chains: &[Vec<Link>], counts: &[usize], chain: usize) -> Option<Vec<usize>> {
    let link = chains[chain].get(counts[chain])?;
    let has_all = counts.iter().zip(&link.needs).all(|(count, needed)| count >= needed);
    has_all.then(|| {
        let mut more = counts.to_vec();
        more[chain] += 1;
        more
    })
}

fn cut<'a, D: PowerCut>(
    held: &'a Held<'a, D>,
    chains: &[Vec<Link>],
    counts: &[usize],
) -> Cut<'a, D> {
    let mut cut = Cut { held, done: vec![0; held.len()], operations: 0, promise: 0 };
    for link in chains.iter().zip(counts).flat_map(|(chain, count)| &chain[..*count]) {
        match link.what {
            What::Operation(place) => {
                cut.done[place] += 1;
                cut.operations += 1;
            }
            What::Promise(bits) => cut.promise |= bits,
        }
    }
    cut
}
