//! Tests of pins and locks, over a pool whose pages are never written.

use super::*;
use crate::buffer::bed::{Bed, page};

const PAGE: PageId = page(0);

fn pool() -> Pool {
    Bed::new(2).pool
}

fn pin(pool: &Pool) -> Pin<'_> {
    pool.pin(PAGE).unwrap()
}

#[test]
fn a_try_gives_the_pin_back_where_it_would_have_to_wait() {
    let pool = pool();
    let reader = pin(&pool).read();
    let also = pin(&pool).try_read().ok().expect("readers share");
    let refused = pin(&pool).try_write().err().expect("there are readers");
    assert_eq!(refused.page(), PAGE);
    drop((reader, also));
    let writer = refused.try_write().ok().expect("nobody has the lock");
    assert!(pin(&pool).try_read().is_err());
    assert!(pin(&pool).try_write().is_err());
    drop(writer);
    assert!(pin(&pool).try_read().is_ok());
}

#[test]
fn an_unlocked_page_is_still_pinned() {
    let pool = pool();
    let read = pin(&pool).read().unlock();
    let written = read.write().unlock();
    assert_eq!(written.frame().header.snapshot().pins(), 1);
    assert!(pin(&pool).try_write().is_ok(), "nobody has the lock");
    assert_eq!(written.page(), PAGE);
}

#[test]
fn the_cleanup_lock_is_refused_while_somebody_else_has_a_pin_or_the_lock() {
    let pool = pool();
    let other = pin(&pool);
    let refused = pin(&pool).try_cleanup().err().expect("there is another pin");
    let other = other.read();
    let refused = refused.try_cleanup().err().expect("there is a reader");
    drop(other);
    let granted = refused.try_cleanup().ok().expect("nobody else is there");
    assert!(pin(&pool).try_read().is_err(), "it is exclusive");
    drop(granted);
    assert!(pin(&pool).try_write().is_ok(), "it is given back");
}

#[test]
fn whoever_is_alone_gets_the_cleanup_lock_at_once() {
    let pool = pool();
    let granted = pin(&pool).cleanup();
    assert_eq!(granted.pin.frame().header.snapshot().waiters(), 0);
}

#[test]
fn any_number_of_waiters_get_the_cleanup_lock_one_after_another() {
    const WAITERS: u8 = 4;
    let pool = pool();
    let reader = pin(&pool);
    let header = &reader.frame().header;
    std::thread::scope(|scope| {
        for _ in 0..WAITERS {
            scope.spawn(|| {
                let mut page = pin(&pool).cleanup();
                assert_eq!(page.pin.frame().header.snapshot().active_pins(), 1);
                page.change().body_mut()[0] += 1;
            });
        }
        while header.snapshot().waiters() < u64::from(WAITERS) {}
        let page = reader.read();
        assert_eq!(page[0], 0, "somebody moved things under a pin");
        drop(page);
    });
    let pin = pin(&pool);
    let word = pin.frame().header.snapshot();
    assert_eq!((word.pins(), word.waiters()), (1, 0));
    assert_eq!(pin.read()[0], WAITERS);
}
