//! A check finds every damage and calls nothing damage that a crash may leave; what it says about
//! recovery is what recovery then does.

mod common;

use common::sweep::images_of;
use common::{Change, config, create, open, reseal, small};
use seawall_core::check::{Effect, Finding, FindingKind, Verdict, check};
use seawall_core::checkpoint::Urgency;
use seawall_core::disk::Disk;
use seawall_core::engine::Engine;
use seawall_core::error::Result;
use seawall_core::files::FileOptions;
use seawall_core::lsn::Lsn;
use seawall_core::page::{FileId, PageId};
use seawall_core::sim::{CrashOptions, SimDisk, SplitMix64};
use std::sync::Arc;

fn look(disk: &SimDisk) -> Result<(Vec<Finding>, Verdict)> {
    let mut findings = Vec::new();
    let (operations, on) = (disk.operations(), Arc::new(disk.clone()) as Arc<dyn Disk>);
    let verdict = check(&on, &mut |finding| findings.push(finding.clone()));
    assert_eq!(disk.operations(), operations, "a check changes nothing");
    Ok((findings, verdict?))
}

/// Commits to files that grow, are cut and dropped, with checkpoints; not closed.
fn work(engine: &Engine) {
    let options =
        [false, false, true].map(|unlogged| FileOptions { unlogged, ..FileOptions::default() });
    let [first, second, unlogged] = options.map(|options| engine.create_file(options).unwrap());
    for file in [first, second] {
        engine.extend(file, 5).unwrap();
    }
    let mut number = 0;
    let mut commit = |pages: &[PageId]| {
        number += 1;
        let change = |page| (page, 100 * number, vec![number as u8; 50]);
        let change = Change(pages.iter().copied().map(change).collect());
        engine.commit(change.make(engine)).unwrap();
    };
    let page = PageId::new;
    commit(&[page(first, 0), page(second, 4)]);
    commit(&[page(first, 4)]);
    engine.checkpoint(Urgency::Immediate).unwrap();
    commit(&[page(first, 1), page(first, 4)]);
    engine.truncate(first, 3).unwrap();
    engine.extend(first, 3).unwrap();
    commit(&[page(first, 4), page(first, 5)]);
    engine.drop_file(second).unwrap();
    commit(&[page(first, 0)]);
    engine.extend(unlogged, 2).unwrap();
    engine.checkpoint(Urgency::Immediate).unwrap();
    commit(&[page(first, 2), page(first, 0)]);
}

#[test]
fn what_a_crash_leaves_is_no_fault_and_recovery_does_what_the_check_says() {
    let (mut images, mut repaired) = (0, 0);
    for config in [config(), small()] {
        let disk = SimDisk::new();
        create(&disk, &config).unwrap();
        let engine = open(&disk, &config).unwrap();
        let options = CrashOptions { max_subset: 3, seeded: 2, seed: 9 };
        for image in images_of(&disk, options, || work(&engine)) {
            let disk = image.mount();
            let (findings, verdict) = look(&disk).unwrap();
            let fault = findings.iter().find(|finding| finding.effect == Effect::Fault);
            assert!(fault.is_none(), "{}; {}", fault.unwrap(), image.describe());
            assert!(verdict.opens());
            let in_shares = verdict.survey.rehearse_within(3).unwrap();
            assert_eq!(
                (in_shares.pages, in_shares.refusal.is_none()),
                (verdict.replayed_pages, true)
            );
            let engine = open(&disk, &config).unwrap();
            let (report, survey) = (engine.recovery(), &verdict.survey);
            assert_eq!(report.records, survey.counts().records);
            assert_eq!((report.end, report.beyond), (survey.end(), survey.beyond()));
            assert!(report.images <= survey.counts().images);
            images += 1;
            repaired += verdict.repaired;
        }
    }
    println!("{images} images, {repaired} findings that recovery repairs");
    assert!(images > 300 && repaired > 30, "{images} images, {repaired} repaired");
}

/// A closed store: file 1 of six pages, an unlogged file 3 of two.
fn closed() -> SimDisk {
    let disk = SimDisk::new();
    create(&disk, &config()).unwrap();
    let engine = open(&disk, &config()).unwrap();
    work(&engine);
    engine.close().unwrap();
    drop(engine);
    disk.crash_image(1).mount()
}

#[test]
fn a_closed_store_has_no_finding() {
    let (findings, verdict) = look(&closed()).unwrap();
    assert_eq!(findings, []);
    assert_eq!((verdict.pages.files, verdict.pages.pages, verdict.pages.skipped_files), (2, 8, 0));
    assert_eq!((verdict.faults, verdict.opens()), (0, true));
}

#[test]
fn each_damage_is_named_with_its_place() {
    const FIRST: &str = "data/00000001.0";
    const UNLOGGED: &str = "data/00000003.unlogged.0";
    use FindingKind::{ControlSlot, DataFile, Log, Page as OfPage, UnknownFile, WalSegment};
    type Damage = fn(&SimDisk);
    let cases: [(Damage, FindingKind, &str, Option<u64>, &str); 17] = [
        (|d| d.overwrite(FIRST, 4096 + 99, &[0xEE]), OfPage, FIRST, Some(4096), "checksum"),
        (|d| d.overwrite(FIRST, 4096, &[0; 4096]), OfPage, FIRST, Some(4096), "zeros"),
        (
            |d| d.overwrite(FIRST, 4096, &d.read_file(FIRST)[..4096]),
            OfPage,
            FIRST,
            Some(4096),
            "found page 1:0, expected page 1:1",
        ),
        (
            |d| reseal(d, FIRST, 0, |p| p.set_lsn(Lsn(1 << 40))),
            OfPage,
            FIRST,
            Some(0),
            "LSN 100/00000000",
        ),
        (
            |d| reseal(d, FIRST, 0, |p| p.set_lsn(Lsn::ZERO)),
            OfPage,
            FIRST,
            Some(0),
            "LSN 0/00000000",
        ),
        (|d| reseal(d, FIRST, 0, |p| p.bytes_mut()[5] = 1), OfPage, FIRST, Some(0), "reserved"),
        (
            |d| reseal(d, UNLOGGED, 0, |p| p.set_lsn(Lsn(64))),
            OfPage,
            UNLOGGED,
            Some(0),
            "not logged",
        ),
        (
            |d| d.truncate(FIRST, 5000),
            OfPage,
            FIRST,
            Some(4096),
            "the end of the file after 904 bytes",
        ),
        (|d| d.truncate(FIRST, 8192 + 100), DataFile, FIRST, None, "8292 bytes"),
        (|d| d.remove_now("data/00000001.1"), DataFile, "data/00000001.2", None, "no segment 1"),
        (
            |d| d.write_file("data/00000001.unlogged.0", &[]),
            DataFile,
            "data/00000001.unlogged.0",
            None,
            "a second place",
        ),
        (
            |d| d.overwrite("control", 20, &[0xEE]),
            ControlSlot,
            "control",
            Some(0),
            "expected a valid slot",
        ),
        (
            |d| d.write_file("data/letter", b"dear"),
            UnknownFile,
            "data/letter",
            None,
            "not the store's",
        ),
        (|d| d.write_file("letter", b"dear"), UnknownFile, "letter", None, "not the store's"),
        (
            |d| d.write_file("wal/letter", b"dear"),
            UnknownFile,
            "wal/letter",
            None,
            "not the store's",
        ),
        (
            |d| {
                let last = d.list("wal").unwrap().pop().unwrap();
                d.truncate(&format!("wal/{last}"), 100);
            },
            WalSegment,
            "wal/",
            None,
            "found 100 bytes, expected 4096 bytes",
        ),
        (
            |d| {
                for name in d.list("wal").unwrap() {
                    d.overwrite(&format!("wal/{name}"), 0, &[0xEE; 4096]);
                }
            },
            Log,
            "wal/",
            None,
            "was durable up to",
        ),
    ];
    for (damage, kind, file, offset, words) in cases {
        let disk = closed();
        damage(&disk);
        let (findings, verdict) = look(&disk).unwrap();
        let finding = findings.iter().find(|finding| finding.kind == kind);
        let finding = finding.unwrap_or_else(|| panic!("{words}: {findings:?}"));
        assert!(finding.file.starts_with(file), "{finding}");
        assert!(offset.is_none() || finding.offset == offset, "{finding}");
        assert!(finding.to_string().contains(words), "{finding}");
        assert_eq!(verdict.faults == 0, kind == UnknownFile, "{findings:?}");
    }
}

#[test]
fn a_store_without_a_control_file_that_counts_cannot_be_checked() {
    let disk = closed();
    disk.overwrite("control", 0, &[0; 8192]);
    look(&disk).map(drop).unwrap_err();
    disk.remove_now("control");
    look(&disk).map(drop).unwrap_err();
}

/// The files of a store, but for the lock file.
fn paths(disk: &SimDisk) -> Vec<String> {
    let of = |dir: &str| {
        let names = disk.list(dir).unwrap().into_iter();
        names.map(move |name| format!("{dir}/{name}")).collect::<Vec<_>>()
    };
    let control = disk.exists("control").then(|| "control".to_owned());
    ["wal", "data"].into_iter().flat_map(of).chain(control).collect()
}

/// Damages a few places of a store.
fn mutate(disk: &SimDisk, random: &mut SplitMix64) {
    for _ in 0..1 + random.below(3) {
        let files = paths(disk);
        let path = &files[random.below(files.len())];
        let bytes = disk.read_file(path);
        let at = random.below(bytes.len().max(1));
        match random.below(7) {
            0 if !bytes.is_empty() => {
                disk.overwrite(path, at as u64, &[bytes[at] ^ 1 << random.below(8)]);
            }
            1 if !bytes.is_empty() => {
                let sector = at / 512 * 512;
                disk.overwrite(path, sector as u64, &vec![0; 512.min(bytes.len() - sector)]);
            }
            2 => disk.truncate(path, at as u64),
            3 => disk.truncate(path, (at / 4096 * 4096) as u64),
            4 => disk.overwrite(path, bytes.len() as u64, &vec![at as u8; 1 + random.below(5000)]),
            5 => {
                let other = &files[random.below(files.len())];
                let theirs = disk.read_file(other);
                disk.write_file(path, &theirs);
                disk.write_file(other, &bytes);
            }
            _ => disk.remove_now(path),
        }
    }
}

#[test]
fn a_store_opens_if_and_only_if_the_check_says_so_and_unreadable_pages_are_findings() {
    let cases = std::env::var("SEAWALL_CHECK_CASES").map_or(400, |text| text.parse().unwrap());
    let (mut opened, mut refused) = (0_u32, 0_u32);
    let config = config();
    let disk = SimDisk::new();
    create(&disk, &config).unwrap();
    let engine = open(&disk, &config).unwrap();
    work(&engine);
    let images = [disk.crash_image(1), closed().crash_image(1)];
    for seed in 0..cases {
        let mut random = SplitMix64::new(seed);
        let disk = images[random.below(2)].mount();
        mutate(&disk, &mut random);
        let looked = look(&disk);
        let says = looked.as_ref().is_ok_and(|(_, verdict)| verdict.opens());
        let opening = open(&disk, &config);
        let result = opening.as_ref().map(drop);
        assert_eq!(result.is_ok(), says, "seed {seed}: {result:?}");
        let (Ok(engine), Ok((findings, _))) = (opening, looked) else {
            refused += 1;
            continue;
        };
        opened += 1;
        let faults = || findings.iter().filter(|finding| finding.effect == Effect::Fault);
        for page in pages(&engine) {
            let read = engine.read(page).map(drop);
            // Of a file whose segments are not as they should be, the file is named.
            let file = format!("data/{:08x}", page.file().0);
            let of_file = |finding: &Finding| {
                finding.kind == FindingKind::DataFile && finding.file.starts_with(&file)
            };
            let mut named = faults().filter(|f| f.page == Some(page) || of_file(f));
            assert!(read.is_ok() || named.next().is_some(), "seed {seed}: {read:?}");
        }
    }
    println!("{opened} opened, {refused} refused");
    assert!(opened > cases as u32 / 10 && refused > cases as u32 / 10);
}

fn pages(engine: &Engine) -> Vec<PageId> {
    let of =
        |file: FileId| (0..engine.blocks(file).unwrap()).map(move |block| PageId::new(file, block));
    engine.files().into_iter().flat_map(of).collect()
}
