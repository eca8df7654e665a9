//! Limits of this process, until dropped.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs::File;

/// No descriptor is left.
pub(crate) struct NoDescriptors {
    before: Rlimit,
    taken: Vec<File>,
}

impl NoDescriptors {
    pub(crate) fn begin() -> Self {
        let before = getrlimit(Resource::Nofile);
        // Enough for what is open; the numbers below that are free are taken.
        let used = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64 + 50;
        setrlimit(Resource::Nofile, Rlimit { current: Some(used), ..before }).unwrap();
        let mut limit = Self { before, taken: Vec::new() };
        limit.take_what_was_given_back();
        limit
    }

    /// Leaves so many.
    pub(crate) fn give_back(&mut self, descriptors: usize) {
        self.taken.truncate(self.taken.len() - descriptors);
    }

    pub(crate) fn take_what_was_given_back(&mut self) {
        self.taken.extend(std::iter::from_fn(|| File::open("/dev/null").ok()));
    }
}

impl Drop for NoDescriptors {
    fn drop(&mut self) {
        setrlimit(Resource::Nofile, self.before).unwrap();
    }
}
