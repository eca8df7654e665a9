//! Tests of a cut that is not carried out; the other ones are in `tests/files.rs`.

use super::*;
use crate::buffer::bed::{Bed, page};
use crate::buffer::{Flush, Marked};

/// A pool with four dirty pages of a file; each begins with its number.
fn pool() -> (Pool, Arc<DataFile>) {
    let bed = Bed::new(8);
    let file = bed.files.get(page(0).file()).unwrap();
    (0..4).for_each(|block| bed.change(block, block as u8));
    (bed.pool, file)
}

fn flush_all(pool: &Pool) -> u32 {
    let marked = pool.mark_dirty_pages(Marked::All);
    let flushed = marked.into_iter().map(|(_, frame)| pool.flush_marked(frame).unwrap());
    flushed.map(|flush| if let Flush::Written { pages, .. } = flush { pages } else { 0 }).sum()
}

#[test]
fn while_a_cut_is_undecided_its_pages_are_refused_and_still_written() {
    let (pool, file) = pool();
    let cut = Cut::begin(&pool, &file, 2..8);
    assert_eq!(file.blocks(), 2);
    let refused = pool.pin(page(3)).unwrap().read().check_inside();
    assert!(matches!(refused, Err(Error::BeyondEnd { blocks: 2, .. })), "{refused:?}");
    assert_eq!(flush_all(&pool), 4, "the cut may fail");
    drop(cut);
}

#[test]
fn a_cut_that_is_not_carried_out_leaves_everything_as_it_was() {
    let (pool, file) = pool();
    drop(Cut::begin(&pool, &file, 2..8));
    assert_eq!(file.blocks(), 8);
    let page = pool.pin(page(3)).unwrap().read();
    page.check_inside().unwrap();
    assert_eq!(page[0], 3);
    drop(page);
    assert_eq!(flush_all(&pool), 4);
}

#[test]
fn pages_that_were_cut_off_are_clean_without_a_write() {
    let (pool, file) = pool();
    Cut::begin(&pool, &file, 2..8).carry_out();
    assert_eq!(flush_all(&pool), 2);
    assert!(pool.mark_dirty_pages(Marked::All).is_empty());
}
