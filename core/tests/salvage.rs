//! A log that is damaged where it was durable is cut by hand: the store opens with all that comes
//! before, what was cut is put aside, and a crash in the middle leaves a store that is refused as
//! before, or whole.

mod common;
#[path = "salvage/failures.rs"]
mod failures;

use common::sweep::images_of;
use common::{
    BODY_BYTES, Change, Recovered, config, content, create, files_of, open, operations, recover,
};
use seawall_core::check::{Effect, FindingKind, check};
use seawall_core::checkpoint::Urgency;
use seawall_core::config::{Config, Format, FullPageImages};
use seawall_core::control::{ControlFile, Slots};
use seawall_core::disk::Disk;
use seawall_core::error::{Error, WalFault};
use seawall_core::files::FileOptions;
use seawall_core::lsn::Lsn;
use seawall_core::page::{FileId, PageId};
use seawall_core::poison::Poison;
use seawall_core::recovery::{Salvage, SalvageFault, Salvaged};
use seawall_core::sim::{CrashImage, CrashOptions, EIO, Fault, OpKind, SimDisk};
use seawall_core::wal::position::{Geometry, segment_path};
use std::sync::Arc;

const FILE: FileId = FileId(1);
const PAGES: u32 = 6;
const DATA: [&str; 3] = ["data/00000001.0", "data/00000001.1", "data/00000001.2"];
const COMMITS: u64 = 12;
/// The commits before the damage.
const KEPT: usize = 5;

/// Segments of 8 KiB, no checkpoint by itself, no eviction.
fn roomy() -> Config {
    let format = Format { wal_segment_bytes: 8 << 10, ..config().format };
    Config { format, wal_max_bytes: 1 << 20, ..config() }
}

/// A crashed store whose commits were all durable, the states that it went through, and where the
/// record of each ends.
struct Bed {
    image: CrashImage,
    states: Vec<Recovered>,
    ends: Vec<Lsn>,
}

impl Bed {
    fn new() -> Self {
        Self::of(COMMITS)
    }

    /// The same up to one of its commits.
    fn of(commits: u64) -> Self {
        Self::with(commits, FullPageImages::On)
    }

    fn with(commits: u64, full_page_images: FullPageImages) -> Self {
        let disk = SimDisk::new();
        create(&disk, &roomy()).unwrap();
        let engine = open(&disk, &roomy()).unwrap();
        engine.create_file(FileOptions::default()).unwrap();
        engine.extend(FILE, PAGES).unwrap();
        engine.checkpoint(Urgency::Immediate).unwrap();
        engine.configure(Config { full_page_images, ..roomy() }).unwrap();
        let mut states = vec![content(&engine).unwrap()];
        let mut ends = vec![engine.wal_positions().0];
        for number in 1..=commits {
            let change = change(number);
            ends.push(engine.commit(change.make(&engine)).unwrap());
            let mut state = states.last().unwrap().clone();
            change.apply(&mut state);
            states.push(state);
        }
        Self { image: disk.crash_image(1), states, ends }
    }

    /// Its disk, with the record behind those that are kept destroyed.
    fn damaged(&self) -> SimDisk {
        let disk = self.image.mount();
        let (path, offset) = self.place(self.cut());
        disk.overwrite(&path, offset, &[0xEE; 12]);
        disk
    }

    /// The end of the valid log of a damaged one.
    fn cut(&self) -> Lsn {
        self.ends[KEPT]
    }

    /// The directory for what is cut there.
    fn aside(&self) -> String {
        format!("salvaged-{:016x}", self.cut().0)
    }

    fn place(&self, lsn: Lsn) -> (String, u64) {
        let geometry = Geometry::new(&roomy().format);
        (segment_path(geometry.segment(lsn)), geometry.offset(lsn))
    }

    /// The page as the last of its commits left it, as an eviction would have written it.
    fn write_out(&self, disk: &SimDisk, block: u32) {
        let later = self.image.mount();
        drop(open(&later, &roomy()).unwrap());
        let (path, offset) = (DATA[block as usize / 2], u64::from(block) % 2 * 4096);
        let bytes = later.read_file(path)[offset as usize..][..4096].to_vec();
        disk.overwrite(path, offset, &bytes);
    }
}

/// The first commits change the first four pages, those behind the cut all.
fn change(number: u64) -> Change {
    let pages = if number <= KEPT as u64 { 4 } else { PAGES };
    let page = PageId::new(FILE, number as u32 % pages);
    let len = 300 + number as usize * 31 % 700;
    let offset = number as usize * 97 % (BODY_BYTES - len);
    Change(vec![(page, offset, vec![number as u8; len])])
}

fn prepare(disk: &SimDisk, until: Lsn) -> Result<Salvage, Error> {
    Salvage::prepare(Arc::new(disk.clone()), until, &mut |_| {})
}

fn salvage(disk: &SimDisk, until: Lsn, keep_newer: bool) -> Result<Salvaged, Error> {
    prepare(disk, until)?.carry_out(keep_newer)
}

fn fault(result: Result<Salvaged, Error>) -> SalvageFault {
    match result {
        Err(Error::Salvage(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_before_the_cut_is_kept_and_what_is_behind_is_put_aside() {
    let bed = Bed::new();
    let disk = bed.damaged();
    assert!(matches!(open(&disk, &roomy()).map(drop), Err(Error::Wal(_))));
    let before = files_of(&disk);
    let prepared = prepare(&disk, bed.cut()).unwrap();
    let losses = *prepared.losses();
    assert_eq!((losses.until, losses.valid_end, losses.records), (bed.cut(), bed.cut(), 0));
    assert!(losses.durable > bed.cut() && losses.beyond.blocks > 0, "{losses}");
    assert_eq!((losses.newer_pages, losses.damaged_pages), (0, 0));
    assert_eq!(files_of(&disk), before, "preparing changes nothing");
    let Salvaged::Cut { dir } = prepared.carry_out(false).unwrap() else { panic!("nothing") };
    assert_eq!(Salvage::parse_dir(&dir), Some(bed.cut()));
    let (first, _) = bed.place(bed.cut());
    let cut: Vec<_> = before.range(first..).filter(|(path, _)| path.starts_with("wal/")).collect();
    assert!(cut.len() > 1, "{} segments", cut.len());
    for (path, bytes) in cut {
        assert_eq!(&disk.read_file(&path.replace("wal", &dir)), bytes, "{path}");
    }
    assert_eq!(disk.read_file(&format!("{dir}/control")), before["control"]);
    let in_words = disk.read_file(&format!("{dir}/losses.txt"));
    assert_eq!(String::from_utf8(in_words).unwrap(), format!("{losses}\n"));
    assert_eq!(salvage(&disk, bed.cut(), false).unwrap(), Salvaged::Nothing);
    assert_eq!(recover(&disk, &roomy()).unwrap(), bed.states[KEPT]);
    let engine = open(&disk, &roomy()).unwrap();
    assert_eq!(engine.recovery().salvaged, Some(bed.cut()), "{}", engine.recovery());
    assert_eq!(content(&engine).unwrap(), bed.states[KEPT], "it stays so");
    drop(engine);
    let mut salvaged = 0;
    let disk: Arc<dyn Disk> = Arc::new(disk);
    let verdict = check(&disk, &mut |finding| {
        salvaged += u64::from(finding.kind == FindingKind::Salvaged);
        assert_eq!(finding.effect, Effect::Note, "{finding}");
    });
    assert_eq!((salvaged, verdict.unwrap().opens()), (1, true));
}

/// What is cut off takes along whatever could tell that it was durable.
#[test]
fn a_segment_that_is_cut_short_is_refused_and_whole_after_a_salvage() {
    let bed = Bed::new();
    let (path, offset) = bed.place(bed.cut());
    for len in [offset + 8, offset / 1024 * 1024, 0] {
        let disk = bed.image.mount();
        disk.truncate(&path, len);
        // The segments behind it are gone as well.
        for name in disk.list("wal").unwrap().iter().map(|name| format!("wal/{name}")) {
            if name > path {
                disk.remove_now(&name);
            }
        }
        let error = open(&disk, &roomy()).map(drop).unwrap_err();
        let Error::Wal(fault) = &error else { panic!("{error}") };
        let until = match fault {
            WalFault::ShortSegment { segment, bytes, expected_bytes: 8192, valid_end } => {
                assert_eq!((segment, *bytes), (&path, len));
                *valid_end
            }
            // What is left says that there was more.
            WalFault::Hole { valid_end, .. } => *valid_end,
            other => panic!("{other}"),
        };
        let salvaged = salvage(&disk, until, false);
        assert!(matches!(salvaged, Ok(Salvaged::Cut { .. })), "{len}: {error}; {salvaged:?}");
        let state = bed.ends.iter().rposition(|end| *end <= until).unwrap_or(0);
        assert!(recover(&disk, &roomy()).unwrap() == bed.states[state]);
        assert_eq!(disk.read_file(&path).len(), 8192);
    }
}

#[test]
fn a_log_that_is_whole_can_be_cut_at_any_boundary_and_nowhere_else() {
    let bed = Bed::new();
    let last = *bed.ends.last().unwrap();
    assert_eq!(salvage(&bed.image.mount(), last, false).unwrap(), Salvaged::Nothing);
    for kept in [0, 3, COMMITS as usize - 1] {
        let disk = bed.image.mount();
        let prepared = prepare(&disk, bed.ends[kept]).unwrap();
        assert_eq!(prepared.losses().records, COMMITS - kept as u64);
        prepared.carry_out(false).unwrap();
        assert_eq!(recover(&disk, &roomy()).unwrap(), bed.states[kept], "{kept} kept");
    }
    let disk = bed.image.mount();
    let before = files_of(&disk);
    let (_, control) = Slots::read(&disk).unwrap().latest().unwrap();
    let (redo, middle) = (control.redo, bed.ends[3].plus(8));
    let cases = [
        (middle, Some(bed.ends[3]), Some(bed.ends[4])),
        (Lsn(redo.0 - 8), None, Some(redo)),
        (last.plus(8), Some(last), None),
        (Lsn(1 << 50), Some(last), None),
    ];
    for (until, expected_before, expected_after) in cases {
        match fault(salvage(&disk, until, true)) {
            SalvageFault::NotABoundary { until: found, before, after } => {
                assert_eq!((found, before, after), (until, expected_before, expected_after));
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!(files_of(&disk), before);
}

#[test]
fn a_cut_at_the_redo_point_takes_the_checkpoints_record_as_well() {
    let bed = Bed::new();
    let disk = bed.image.mount();
    let (_, control) = Slots::read(&disk).unwrap().latest().unwrap();
    let (path, offset) = bed.place(control.redo);
    disk.overwrite(&path, offset, &[0; 24]);
    open(&disk, &roomy()).map(drop).unwrap_err();
    salvage(&disk, control.redo, false).unwrap();
    assert_eq!(recover(&disk, &roomy()).unwrap(), bed.states[0]);
    // With the header of its block, and if all of the segment is gone.
    let block = offset / 1024 * 1024;
    assert!(offset > block + 32, "the redo point is within a block");
    for damage in [false, true] {
        let disk = bed.image.mount();
        match damage {
            false => disk.overwrite(&path, block, &[0xEE; 32]),
            true => disk.remove_now(&path),
        }
        open(&disk, &roomy()).map(drop).unwrap_err();
        salvage(&disk, control.redo, false).unwrap();
        let crashed = disk.durable_image().mount();
        assert_eq!(recover(&crashed, &roomy()).unwrap(), bed.states[0]);
    }
}

#[test]
fn a_closed_store_whose_last_record_is_damaged_loses_nothing() {
    let bed = Bed::new();
    let disk = bed.image.mount();
    let engine = open(&disk, &roomy()).unwrap();
    let unlogged = FileOptions { unlogged: true, ..FileOptions::default() };
    let unlogged = engine.create_file(unlogged).unwrap();
    engine.extend(unlogged, 2).unwrap();
    let whole = content(&engine).unwrap();
    engine.close().unwrap();
    drop(engine);
    let (_, control) = Slots::read(&disk).unwrap().latest().unwrap();
    let (path, offset) = bed.place(control.checkpoint);
    disk.overwrite(&path, offset, &[0; 24]);
    open(&disk, &roomy()).map(drop).unwrap_err();
    salvage(&disk, control.redo, false).unwrap();
    assert_eq!(recover(&disk, &roomy()).unwrap(), whole, "the unlogged file is not emptied");
}

#[test]
fn a_page_that_is_newer_is_restored_if_it_can_be_and_else_kept_only_if_asked_for() {
    let bed = Bed::new();
    let disk = bed.damaged();
    let pages = || {
        let mut reported = 0;
        let on = Arc::new(disk.clone());
        let prepared = Salvage::prepare(on, bed.cut(), &mut |_| reported += 1).unwrap();
        let losses = prepared.losses();
        (losses.newer_pages, losses.damaged_pages, reported)
    };
    // Changed before the cut, with an image, and again behind it.
    bed.write_out(&disk, 1);
    assert_eq!(pages(), (0, 0, 0));
    // Changed behind it only.
    bed.write_out(&disk, 4);
    let before = files_of(&disk);
    assert_eq!(pages(), (1, 0, 1));
    let refused = fault(salvage(&disk, bed.cut(), false));
    assert!(matches!(refused, SalvageFault::NewerPages { pages: 1, .. }), "{refused}");
    assert_eq!(files_of(&disk), before);
    salvage(&disk, bed.cut(), true).unwrap();
    let dir = bed.aside();
    assert_eq!(disk.read_file(&format!("{dir}/newer-pages")), before[DATA[2]][..4096]);
    kept(&bed, &disk, &[4]);
}

#[test]
fn a_page_that_is_damaged_is_reported_and_stays_so() {
    let bed = Bed::new();
    let disk = bed.damaged();
    disk.overwrite(DATA[2], 99, &[0xEE]);
    disk.truncate(DATA[2], 4096 + 7);
    disk.write_file("data/notes", b"of somebody");
    let mut found = Vec::new();
    let on = Arc::new(disk.clone());
    let prepared = Salvage::prepare(on, bed.cut(), &mut |f| found.push(f.to_string())).unwrap();
    let losses = *prepared.losses();
    assert_eq!((losses.newer_pages, losses.damaged_pages), (0, 2), "{losses}");
    // Each page, and that one more is gone.
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.iter().any(|finding| finding.contains("blocks at least")), "{found:?}");
    prepared.carry_out(false).unwrap();
    assert_eq!(disk.read_file(DATA[2])[99], 0xEE);
    // Of a place, not of a page.
    let disk = bed.damaged();
    disk.remove_now(DATA[1]);
    let mut found = Vec::new();
    let refused =
        Salvage::prepare(Arc::new(disk), bed.cut(), &mut |finding| found.push(finding.kind));
    assert!(matches!(refused.map(drop), Err(Error::Salvage(SalvageFault::WouldNotOpen { .. }))));
    assert!(found.contains(&FindingKind::DataFile), "{found:?}");
}

#[test]
fn a_page_that_the_log_changes_and_that_is_newer_than_the_cut_is_kept_as_it_is() {
    let bed = Bed::with(COMMITS, FullPageImages::Off);
    let disk = bed.damaged();
    // Changed before the cut, without an image, and again behind it.
    bed.write_out(&disk, 1);
    let refused = fault(salvage(&disk, bed.cut(), false));
    assert!(matches!(refused, SalvageFault::NewerPages { pages: 1, .. }), "{refused}");
    salvage(&disk, bed.cut(), true).unwrap();
    let found = recover(&disk, &roomy()).unwrap();
    assert_eq!(found.0[&FILE][1], bed.states.last().unwrap().0[&FILE][1]);
    assert_eq!(found.0[&FILE][2..], bed.states[KEPT].0[&FILE][2..]);
}

#[test]
fn all_pages_that_are_newer_are_kept() {
    let bed = Bed::new();
    let disk = bed.damaged();
    let newer = [4, 5];
    newer.iter().for_each(|block| bed.write_out(&disk, *block));
    assert_eq!(prepare(&disk, bed.cut()).unwrap().losses().newer_pages, 2);
    salvage(&disk, bed.cut(), true).unwrap();
    kept(&bed, &disk, &newer);
}

/// The state at the cut, but for these pages, which are as they were in the end; changes go on from
/// there.
fn kept(bed: &Bed, disk: &SimDisk, newer: &[u32]) {
    let mut expected = bed.states[KEPT].clone();
    for block in newer.iter().map(|block| *block as usize) {
        expected.0.get_mut(&FILE).unwrap()[block] =
            bed.states.last().unwrap().0[&FILE][block].clone();
    }
    let engine = open(disk, &roomy()).unwrap();
    assert_eq!(content(&engine).unwrap(), expected);
    let change = Change(vec![(PageId::new(FILE, 4), 9, vec![0xAB; 4])]);
    engine.commit(change.make(&engine)).unwrap();
    change.apply(&mut expected);
    drop(engine);
    assert_eq!(recover(&disk.crash_image(7).mount(), &roomy()).unwrap(), expected);
}

#[test]
fn a_directory_is_of_a_salvage_if_its_name_is_as_one_makes_it() {
    for (name, expected) in [
        ("salvaged-00000000000000af", Some(Lsn(0xAF))),
        ("salvaged-00000000000000AF", None),
        ("salvaged-af", None),
        ("salvaged-+0000000000000af", None),
        ("salvage-00000000000000af", None),
    ] {
        assert_eq!(Salvage::parse_dir(name), expected, "{name}");
    }
}

#[test]
fn a_cut_that_would_leave_a_store_that_is_refused_is_refused() {
    let bed = Bed::new();
    let disk = bed.damaged();
    disk.remove_now(DATA[0]);
    let before = files_of(&disk);
    let refused = fault(salvage(&disk, bed.cut(), true));
    assert!(matches!(refused, SalvageFault::WouldNotOpen { .. }), "{refused}");
    assert!(refused.to_string().contains(DATA[0]), "{refused}");
    assert_eq!(files_of(&disk), before);
}

#[test]
fn what_an_earlier_salvage_put_aside_is_not_overwritten() {
    let bed = Bed::new();
    let disk = bed.damaged();
    salvage(&disk, bed.cut(), false).unwrap();
    let path = format!("{}/control", bed.aside());
    let aside = disk.read_file(&path);
    // The same damage again, in a store that has gone on.
    for (name, bytes) in files_of(&bed.damaged()) {
        disk.write_file(&name, &bytes);
    }
    let mut control = ControlFile::open(&disk, Arc::new(Poison::new())).unwrap();
    (0..5).for_each(|_| control.write(*control.latest()).unwrap());
    let before = files_of(&disk);
    let refused = fault(salvage(&disk, bed.cut(), false));
    assert!(
        matches!(&refused, SalvageFault::InTheWay { dir } if path.starts_with(dir)),
        "{refused}"
    );
    assert_eq!((files_of(&disk), disk.read_file(&path)), (before, aside));
}
