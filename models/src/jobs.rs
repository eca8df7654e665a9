//! A few workers over a list, results in the order of the list.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// Calls `work` for each item, at most `jobs` at a time, and `done` for each result: on the calling
/// thread, in the order of `items`, as soon as everything before it is there.
pub fn in_order<T: Sync, R: Send, E>(
    jobs: NonZeroUsize,
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
    mut done: impl FnMut(&T, R) -> Result<(), E>,
) -> Result<(), E> {
    // Relaxed: a ticket counter; the results travel through the channel.
    let next = AtomicUsize::new(0);
    let worker = |results: mpsc::Sender<(usize, R)>| {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return };
            if results.send((index, work(item))).is_err() {
                return;
            }
        }
    };
    thread::scope(|scope| {
        let (sender, results) = mpsc::channel();
        for _ in 0..jobs.get() {
            let sender = sender.clone();
            scope.spawn(|| worker(sender));
        }
        drop(sender);
        let mut early = BTreeMap::new();
        let mut turn = 0;
        for (index, result) in results {
            early.insert(index, result);
            while let Some(result) = early.remove(&turn) {
                done(&items[turn], result)?;
                turn += 1;
            }
        }
        Ok(())
    })
}

/// As many jobs as there are processors.
pub fn processors() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    #[test]
    fn results_come_in_the_order_of_the_list() {
        let items: Vec<u32> = (0..50).collect();
        let mut seen = Vec::new();
        let jobs = NonZeroUsize::new(3).expect("not zero");
        in_order(
            jobs,
            &items,
            |item| item * 2,
            |item, result| {
                assert_eq!(result, item * 2);
                seen.push(*item);
                Ok::<_, Infallible>(())
            },
        )
        .expect("infallible");
        assert_eq!(seen, items);
    }
}
