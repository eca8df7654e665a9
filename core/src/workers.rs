//! Who does what can be done at once: the core starts no thread itself.

/// Something to be done.
pub type Task<'t> = Box<dyn FnOnce() + Send + 't>;

/// Does things, perhaps at once.
pub trait Workers {
    /// How many can be done at once: into as many parts it pays to divide work.
    fn count(&self) -> usize;

    /// Does all of them, in any order, and returns when all have ended. If one panics the others
    /// end, then this panics with the same.
    fn run(&self, tasks: Vec<Task<'_>>);
}

/// The caller alone: one task after the other, in their order.
#[derive(Debug, Clone, Copy)]
pub struct Serial;

impl Workers for Serial {
    fn count(&self) -> usize {
        1
    }

    fn run(&self, tasks: Vec<Task<'_>>) {
        tasks.into_iter().for_each(|task| task());
    }
}
