//! What a rehearsal says of a log is what replay then does, in however many shares it goes through
//! the pages.

mod common;

use common::{Recovered, clean_store, recover, reseal, survey};
use seawall_core::config::{Config, FullPageImages};
use seawall_core::error::{Error, PageFault};
use seawall_core::lsn::Lsn;
use seawall_core::page::{FileId, PageId};
use seawall_core::recovery::Rehearsal;
use seawall_core::sim::SimDisk;

/// Blocks that the log changes, some twice, in this order.
const CHANGED: [u32; 9] = [6, 1, 4, 1, 0, 7, 5, 2, 6];

/// A store that has crashed: its log changes pages without images, and its settings.
fn crashed() -> (SimDisk, Config) {
    let (disk, engine, file) = clean_store(16, 9);
    let config = Config { full_page_images: FullPageImages::Off, ..engine.config() };
    engine.configure(config).unwrap();
    for (number, block) in (1..).zip(CHANGED) {
        let mut operation = engine.operation();
        operation.page(PageId::new(file, block)).unwrap().write(number, &[7; 3]).unwrap();
        engine.commit(operation).unwrap();
    }
    drop(engine);
    (disk.durable_image().mount(), config)
}

/// The page that keeps the store from being opened.
fn refused_page<T>(found: &Result<T, Error>) -> PageId {
    match found {
        Err(Error::Page { page, .. }) => *page,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was not refused"),
    }
}

fn refusal(rehearsal: Rehearsal) -> Result<(), Error> {
    rehearsal.refusal.map_or(Ok(()), Err)
}

/// Where a page is on disk.
fn place(block: u32) -> (String, u64) {
    (format!("data/00000001.{}", block / 2), u64::from(block % 2) * 4096)
}

/// Changes a byte of a page on disk: its checksum is wrong.
fn damage(disk: &SimDisk, block: u32) {
    let (path, offset) = place(block);
    disk.overwrite(&path, offset + 99, &[0xEE]);
}

/// Gives a page on disk this LSN.
fn set_lsn(disk: &SimDisk, block: u32, lsn: Lsn) {
    let (path, offset) = place(block);
    reseal(disk, &path, offset, |page| page.set_lsn(lsn));
}

#[test]
fn each_page_is_counted_once_and_fewer_at_a_time_take_more_reads_of_the_log() {
    let (disk, config) = crashed();
    let counts = survey(&disk).counts();
    assert_eq!((counts.records, counts.images, counts.steps), (1 + 9, 0, 9), "{counts:?}");
    let rehearse = |at_once| {
        let survey = survey(&disk);
        let reads = disk.reads();
        let rehearsal = survey.rehearse_within(at_once).unwrap();
        assert!(rehearsal.refusal.is_none(), "{:?}", rehearsal.refusal);
        (rehearsal.pages, disk.reads() - reads)
    };
    let (pages, reads) = rehearse(100);
    assert_eq!(pages, 7);
    assert_eq!(rehearse(7), (pages, reads), "they are no more than that");
    for at_once in [1, 2, 3, 6] {
        let (pages, more) = rehearse(at_once);
        assert_eq!(pages, 7, "{at_once} at once");
        assert!(more > reads, "{at_once} at once: {more} reads, with all of them {reads}");
        assert!(more <= reads * 7_u64.div_ceil(at_once as u64), "{at_once} at once: {more} reads");
    }
    assert_ne!(recover(&disk, &config).unwrap(), Recovered::default());
}

#[test]
fn the_first_page_that_replay_would_need_whole_is_what_a_rehearsal_is_refused_for() {
    for (damaged, first) in [(&[4][..], 4), (&[2, 7], 7), (&[6], 6)] {
        let (disk, config) = crashed();
        for block in damaged {
            damage(&disk, *block);
        }
        let first = PageId::new(FileId(1), first);
        let opened = recover(&disk, &config);
        assert_eq!(refused_page(&opened), first, "{damaged:?}");
        assert_eq!(refused_page(&refusal(survey(&disk).rehearse().unwrap())), first);
        for at_once in [1, 2, 3, 6, 7] {
            let rehearsal = survey(&disk).rehearse_within(at_once).unwrap();
            let found = refused_page(&refusal(rehearsal)).block();
            assert!(damaged.contains(&found), "{at_once} at once: block {found}");
        }
    }
}

#[test]
fn a_page_that_the_log_does_not_change_may_be_as_it_is() {
    let (disk, config) = crashed();
    damage(&disk, 8);
    assert!(survey(&disk).rehearse().unwrap().refusal.is_none());
    assert_eq!(refused_page(&recover(&disk, &config)), PageId::new(FileId(1), 8), "not by replay");
}

#[test]
fn a_page_that_is_newer_than_the_end_of_the_log_is_refused_and_one_of_its_end_is_not() {
    let (disk, config) = crashed();
    let end = survey(&disk).end();
    set_lsn(&disk, 5, end);
    assert!(survey(&disk).rehearse().unwrap().refusal.is_none());
    set_lsn(&disk, 5, end.plus(8));
    for found in [refusal(survey(&disk).rehearse().unwrap()), recover(&disk, &config).map(drop)] {
        let Err(Error::Page { fault: PageFault::NewerThanWal { .. }, .. }) = found else {
            panic!("{found:?}");
        };
        assert_eq!(refused_page(&found), PageId::new(FileId(1), 5));
    }
}

#[test]
fn a_file_that_was_cut_and_then_dropped_is_not_missed() {
    let (disk, engine, file) = clean_store(16, 9);
    let config = engine.config();
    engine.truncate(file, 3).unwrap();
    engine.drop_file(file).unwrap();
    drop(engine);
    let disk = disk.durable_image().mount();
    let rehearsal = survey(&disk).rehearse().unwrap();
    assert!(rehearsal.refusal.is_none(), "{:?}", rehearsal.refusal);
    assert_eq!(recover(&disk, &config).unwrap(), Recovered::default());
}
