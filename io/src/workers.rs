//! Threads that share work and end with it.

use seawall_core::sync::Mutex;
use seawall_core::workers::{Serial, Task, Workers};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread::{self, Scope};

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

    /// One alone works one after the other. Several have a thread for each task, as far as the
    /// system gives so many; one of them is the caller's.
    fn run(&self, tasks: Vec<Task<'_>>) {
        if self.0 == 1 {
            return Serial.run(tasks);
        }
        share(tasks, |scope, work| thread::Builder::new().spawn_scoped(scope, work).is_ok());
    }
}

/// Does all tasks, here and in the threads that `start` starts; the first panic goes on at the end.
fn share<'e>(tasks: Vec<Task<'e>>, start: impl for<'s> Fn(&'s Scope<'s, '_>, Work<'s>) -> bool) {
    let others = tasks.len().saturating_sub(1);
    let (tasks, panics) = (Mutex::new(tasks.into_iter()), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let Some(task) = tasks.lock().next() else { return };
            let done = catch_unwind(AssertUnwindSafe(task));
            panics.lock().extend(done.err());
        }
    };
    thread::scope(|scope| {
        // Where there is no other thread, there are more tasks for those that there are.
        let _ = (0..others).all(|_| start(scope, Box::new(work)));
        work();
    });
    if let Some(panic) = panics.into_inner().into_iter().next() {
        resume_unwind(panic);
    }
}

/// What a thread does.
type Work<'s> = Box<dyn FnOnce() + Send + 's>;

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
    fn all_tasks_are_done_by_as_few_threads_as_there_are() {
        for given in 0..4 {
            let (started, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let task = || -> Task<'_> { Box::new(|| _ = done.fetch_add(1, Ordering::Relaxed)) };
            share((0..5).map(|_| task()).collect(), |scope, work| {
                let is_given = started.fetch_add(1, Ordering::Relaxed) < given;
                is_given && thread::Builder::new().spawn_scoped(scope, work).is_ok()
            });
            assert_eq!((started.into_inner(), done.into_inner()), (given + 1, 5));
        }
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
