//! Threads that share work and end with it.

use seawall_core::workers::{Serial, Task, Workers};
use std::panic::resume_unwind;
use std::thread;

/// More threads would have too little to do each.
const COUNT_MAX: usize = 8;

/// Workers that are threads, started for each piece of work.
#[derive(Debug, Clone, Copy)]
pub struct Threads(usize);

impl Threads {
    /// Work is divided into `count` parts.
    pub fn new(count: usize) -> Self {
        Self(count.max(1))
    }

    /// As many as there are processors, up to 8.
    pub fn for_this_machine() -> Self {
        Self::new(thread::available_parallelism().map_or(1, usize::from).min(COUNT_MAX))
    }
}

impl Workers for Threads {
    fn count(&self) -> usize {
        self.0
    }

    /// One alone works one after the other. Several have a thread for each task; the last is the
    /// caller's.
    fn run(&self, mut tasks: Vec<Task<'_>>) {
        if self.0 == 1 {
            return Serial.run(tasks);
        }
        let Some(last) = tasks.pop() else { return };
        thread::scope(|scope| {
            let threads: Vec<_> = tasks.into_iter().map(|task| scope.spawn(task)).collect();
            last();
            let panics = threads.into_iter().filter_map(|thread| thread.join().err());
            if let Some(panic) = panics.fold(None, |first, panic| first.or(Some(panic))) {
                resume_unwind(panic);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn all_tasks_have_ended_when_they_return_and_run_at_once() {
        let (met, done) = (Barrier::new(3), AtomicUsize::new(0));
        let task = || -> Task<'_> {
            Box::new(|| {
                met.wait();
                done.fetch_add(1, Ordering::Relaxed);
            })
        };
        Threads::new(2).run(vec![task(), task(), task()]);
        assert_eq!(done.into_inner(), 3);
        Threads::new(2).run(Vec::new());
    }

    #[test]
    fn a_panic_is_passed_on_with_its_words_when_the_others_have_ended() {
        for bad in 0..3 {
            let done = AtomicUsize::new(0);
            let tasks = (0..3).map(|number| -> Task<'_> {
                let done = &done;
                Box::new(move || match number == bad {
                    true => panic!("number {number}"),
                    false => _ = done.fetch_add(1, Ordering::Relaxed),
                })
            });
            let run = || Threads::new(2).run(tasks.collect());
            let panic = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
            assert_eq!(panic.downcast_ref(), Some(&format!("number {bad}")));
            assert_eq!(done.into_inner(), 2);
        }
    }
}
