//! What one execution has done to a disk, and promised, in which order.

use super::PowerCut;
use crate::happened::Position;
use std::collections::BTreeMap;

/// It, so far.
pub(super) struct Course<D: PowerCut> {
    pub(super) steps: Vec<Step<D::Place>>,
    /// What each place held before each of its operations, in their order, and holds now.
    pub(super) held: BTreeMap<D::Place, Vec<D::Part>>,
    /// The place of an operation behind which its part has not been taken yet.
    changed: Option<D::Place>,
}

/// A step.
pub(super) struct Step<P> {
    pub(super) position: Position,
    pub(super) what: What<P>,
}

/// What is done in a step.
#[derive(Clone, Copy)]
pub(super) enum What<P> {
    /// Something to a place.
    Operation(P),
    /// From now on these bits are promised.
    Promise(u64),
}

impl<D: PowerCut> Default for Course<D> {
    fn default() -> Self {
        Self { steps: Vec::new(), held: BTreeMap::new(), changed: None }
    }
}

impl<D: PowerCut> Course<D> {
    /// Notes that an operation is about to be done.
    pub(super) fn operation(&mut self, disk: &D, place: D::Place) {
        self.take_changed(disk);
        self.held.entry(place).or_insert_with(|| disk.part(place).into_iter().collect());
        self.changed = Some(place);
        self.step(What::Operation(place));
    }

    /// Notes that from now on these bits are promised.
    pub(super) fn promise(&mut self, bits: u64) {
        self.step(What::Promise(bits));
    }

    /// The course is at its end: places without operations hold what they always held.
    pub(super) fn end(&mut self, disk: &D) {
        self.take_changed(disk);
        for place in disk.places() {
            self.held.entry(place).or_insert_with(|| disk.part(place).into_iter().collect());
        }
    }

    fn step(&mut self, what: What<D::Place>) {
        let in_a_row = || Position { task: 0, clock: vec![self.steps.len() as u32 + 1] };
        let position = D::position().unwrap_or_else(in_a_row);
        self.steps.push(Step { position, what });
    }

    /// Nothing has happened since the last operation, so its place holds what it has left there.
    fn take_changed(&mut self, disk: &D) {
        let Some(place) = self.changed.take() else { return };
        let part = disk.part(place).expect("an operation leaves its place behind");
        self.held.get_mut(&place).expect("noted before").push(part);
    }
}
