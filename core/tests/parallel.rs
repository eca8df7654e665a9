//! Replay by several workers: what comes out is what one makes, whatever the log says.

mod common;

use common::redo::{Adds, Threads, open_with, put};
use common::{config, create};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use seawall_core::checkpoint::Urgency;
use seawall_core::config::Config;
use seawall_core::engine::Engine;
use seawall_core::files::FileOptions;
use seawall_core::lsn::Lsn;
use seawall_core::page::{FileId, PageId};
use seawall_core::redo::Redo;
use seawall_core::sim::{CrashImage, SimDisk};
use seawall_core::workers::{Serial, Task, Workers};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is done while the log is written. Numbers are reduced modulo what there is.
#[derive(Debug, Clone)]
enum Step {
    Create,
    Extend(u8, u8),
    /// An operation: which pages of which files, with the offset and length of the change; a note.
    Change(Vec<(u8, u8, u16, u8)>, Option<u8>),
    Truncate(u8, u8),
    Drop(u8),
    Checkpoint,
}

fn step() -> impl Strategy<Value = Step> {
    let touch = (any::<u8>(), any::<u8>(), any::<u16>(), 1..200u8);
    prop_oneof![
        2 => Just(Step::Create),
        6 => (any::<u8>(), 1..6u8).prop_map(|(file, blocks)| Step::Extend(file, blocks)),
        40 => (prop::collection::vec(touch, 0..4), prop::option::of(any::<u8>()))
            .prop_map(|(touches, note)| Step::Change(touches, note)),
        3 => (any::<u8>(), any::<u8>()).prop_map(|(file, blocks)| Step::Truncate(file, blocks)),
        1 => any::<u8>().prop_map(Step::Drop),
        1 => Just(Step::Checkpoint),
    ]
}

fn pick<T: Copy>(items: &[T], number: u8) -> Option<T> {
    (!items.is_empty()).then(|| items[usize::from(number) % items.len()])
}

impl Step {
    fn run(&self, engine: &Engine, number: usize) {
        let files = engine.files();
        match self {
            Step::Create => _ = engine.create_file(FileOptions::default()).unwrap(),
            Step::Checkpoint => _ = engine.checkpoint(Urgency::Immediate).unwrap(),
            Step::Change(touches, note) => change(engine, &files, touches, *note, number),
            Step::Extend(file, _) | Step::Truncate(file, _) | Step::Drop(file) => {
                let Some(file) = pick(&files, *file) else { return };
                match self {
                    Step::Extend(_, blocks) => _ = engine.extend(file, (*blocks).into()).unwrap(),
                    Step::Truncate(_, blocks) => {
                        let blocks = u32::from(*blocks) % (engine.blocks(file).unwrap() + 1);
                        engine.truncate(file, blocks).unwrap();
                    }
                    _ => engine.drop_file(file).unwrap(),
                }
            }
        }
    }
}

fn change(
    engine: &Engine,
    files: &[FileId],
    touches: &[(u8, u8, u16, u8)],
    note: Option<u8>,
    number: usize,
) {
    let place = |(file, block, offset, len): &(u8, u8, u16, u8)| {
        let file = pick(files, *file)?;
        let blocks = engine.blocks(file).unwrap();
        let page = (blocks > 0).then(|| PageId::new(file, u32::from(*block) % blocks))?;
        Some((page, usize::from(*offset) % 3800, usize::from(*len)))
    };
    let mut places: Vec<_> = touches.iter().filter_map(place).collect();
    places.sort_unstable();
    let mut operation = engine.operation();
    for (page, offset, len) in places {
        put(&mut operation.page(page).unwrap(), offset, &vec![number as u8; len]).unwrap();
    }
    if let Some(note) = note {
        operation.note(note, &number.to_le_bytes());
    }
    engine.commit_async(operation).unwrap();
}

/// The disk that a crash leaves after the steps.
fn crashed(steps: &[Step], buffers: usize, seed: u64) -> CrashImage {
    let config = Config { buffers, ..config() };
    let disk = SimDisk::new();
    create(&disk, &config).unwrap();
    let redo: Arc<dyn Redo> = Arc::new(Adds::default());
    let engine = open_with(&disk, &config, &Serial, Some(redo)).unwrap();
    for (number, step) in steps.iter().enumerate() {
        step.run(&engine, number);
    }
    // Not the last ones.
    let (_, written, _) = engine.wal_positions();
    engine.wait_durable(written).unwrap();
    disk.crash_image(seed)
}

/// All that recovery gives: LSN and body of each page, the notes, the report.
#[derive(Debug, PartialEq)]
struct Recovered {
    files: BTreeMap<FileId, Vec<(Lsn, Vec<u8>)>>,
    notes: Vec<common::redo::Note>,
    counts: (u64, u64, u64, u64),
}

fn recover(image: &CrashImage, buffers: usize, workers: &dyn Workers) -> Recovered {
    let config = Config { buffers, ..config() };
    let redo = Arc::new(Adds::default());
    let given = Arc::clone(&redo) as Arc<dyn Redo>;
    let engine = open_with(&image.mount(), &config, workers, Some(given));
    let engine = engine.unwrap_or_else(|error| panic!("{error}; {}", image.describe()));
    let report = engine.recovery();
    let counts = (report.records, report.images, report.changes, report.notes);
    let pages = |file| {
        let page = |block| engine.read(PageId::new(file, block)).unwrap();
        let both = |block| (page(block).page().lsn(), page(block).to_vec());
        (file, (0..engine.blocks(file).unwrap()).map(both).collect())
    };
    Recovered {
        files: engine.files().into_iter().map(pages).collect(),
        notes: redo.take_notes(),
        counts,
    }
}

/// One after the other, but the last first: as good as any order.
struct Backwards;

impl Workers for Backwards {
    fn count(&self) -> usize {
        4
    }

    fn run(&self, tasks: Vec<Task<'_>>) {
        tasks.into_iter().rev().for_each(|task| task());
    }
}

/// Where a failure writes its seed.
const SEEDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/parallel.txt");

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 150,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(SEEDS))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_number_of_workers_makes_the_same_pages_and_passes_the_same_notes(
        steps in prop::collection::vec(step(), 1..120),
        written_with in 8..40usize,
        buffers in 4..40usize,
        seed in any::<u64>(),
    ) {
        let image = crashed(&steps, written_with, seed);
        let serial = recover(&image, buffers, &Serial);
        prop_assert_eq!(&recover(&image, buffers, &Threads(4)), &serial);
        prop_assert_eq!(&recover(&image, buffers, &Backwards), &serial);
    }
}

/// A store of `blocks` pages that has crashed with `changes` changes in its log.
fn changed(blocks: u32, changes: u32) -> CrashImage {
    let disk = SimDisk::new();
    create(&disk, &config()).unwrap();
    let engine = open_with(&disk, &config(), &Serial, None).unwrap();
    let file = engine.create_file(FileOptions::default()).unwrap();
    engine.extend(file, blocks).unwrap();
    for number in 0..changes {
        let mut operation = engine.operation();
        let page = PageId::new(file, number * 7 % blocks);
        operation.page(page).unwrap().write(8, &number.to_le_bytes()).unwrap();
        engine.commit_async(operation).unwrap();
    }
    engine.wait_durable(engine.wal_positions().0).unwrap();
    disk.crash_image(1)
}

#[test]
fn the_smallest_pool_is_enough_for_any_number_of_workers() {
    let image = changed(40, 400);
    for _ in 0..20 {
        let serial = recover(&image, 4, &Serial);
        assert_eq!(recover(&image, 4, &Threads(16)), serial);
    }
}

#[test]
fn pages_that_no_image_is_there_of_are_prefetched() {
    let disk = changed(40, 4000).mount();
    let config = Config { buffers: 4, ..config() };
    let engine = open_with(&disk, &config, &Serial, None).unwrap();
    assert!(disk.prefetches() > 100, "{} prefetches", disk.prefetches());
    drop(engine);
    let disk = changed(40, 0).mount();
    open_with(&disk, &config, &Serial, None).unwrap();
    assert_eq!(disk.prefetches(), 0, "what images restore is not read");
}
