//! The background writer on the simulated disk.

mod common;

use common::clean_store;
use seawall_core::config::Config;
use seawall_core::page::PageId;
use seawall_core::sim::OpKind;
use seawall_core::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

/// Pages changed in turn, four times as many as there are frames; a round after every few.
#[test]
fn who_needs_a_frame_finds_a_clean_one_most_of_the_time() {
    let (disk, engine, file) = clean_store(64, 256);
    // So that a write is a page.
    engine.configure(Config { write_combine_bytes: 0, ..engine.config() }).unwrap();
    let writes = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&writes);
    disk.set_observer(Some(Box::new(move |_, op| {
        let is_page = op.kind == OpKind::Write && op.path.starts_with("data/");
        counted.fetch_add(u64::from(is_page), Ordering::Relaxed);
    })));
    let mut writer = engine.background_writer();
    let mut cleaned = 0;
    for number in 0..1024 {
        let mut operation = engine.operation();
        let page = PageId::new(file, number % 256);
        operation.page(page).unwrap().write(0, &number.to_le_bytes()).unwrap();
        engine.commit_async(operation).unwrap();
        if number % 4 == 0 {
            cleaned += u64::from(engine.background_writer_round(&mut writer).unwrap().written);
        }
    }
    let evicted_dirty = writes.load(Ordering::Relaxed) - cleaned;
    assert!(cleaned > 800, "{cleaned} were cleaned, {evicted_dirty} evicted dirty");
    assert!(evicted_dirty < 100, "{cleaned} were cleaned, {evicted_dirty} evicted dirty");
}
