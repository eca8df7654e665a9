//! Which images there are.

use super::*;
use crate::sim::random::SplitMix64;

/// Small enough that nothing is enumerated in full.
const PLANS_ONLY: CrashOptions = CrashOptions { max_subset: 0, seeded: 0, seed: 0 };

#[test]
fn two_overwritten_sectors_leave_four_contents() {
    let (disk, file) = disk_with_file(2);
    file.write_at(&full(2, 2), 0).unwrap();
    assert_eq!(images(&disk).len(), 4);
    assert_eq!(outcomes(&disk), set(["f=11", "f=12", "f=21", "f=22"]));
}

#[test]
fn two_appended_sectors_leave_seven_contents() {
    // Length 0: one. Length 512: the first sector written or zero. Length 1024: each of both.
    let (disk, file) = disk_with_file(0);
    file.write_at(&full(2, 2), 0).unwrap();
    let expected = ["f=", "f=0", "f=2", "f=00", "f=02", "f=20", "f=22"];
    assert_eq!(images(&disk).len(), 7);
    assert_eq!(outcomes(&disk), set(expected));
}

#[test]
fn a_sector_is_any_one_of_its_versions() {
    let (disk, file) = disk_with_file(1);
    for byte in 2..5 {
        file.write_at(&full(byte, 1), 0).unwrap();
    }
    assert_eq!(outcomes(&disk), set(["f=1", "f=2", "f=3", "f=4"]));
}

#[test]
fn a_sector_survives_as_it_stood_in_the_cache() {
    let (disk, file) = disk_with_file(1);
    file.write_at(&[2], 0).unwrap();
    file.write_at(&[3], 1).unwrap();
    let heads: BTreeSet<_> =
        images(&disk).iter().map(|image| image.mount().read_file("f")[..2].to_vec()).collect();
    assert_eq!(heads, [vec![1, 1], vec![2, 1], vec![2, 3]].into());
}

#[test]
fn a_lost_sector_of_an_extension_reads_as_zeros_before_a_kept_one() {
    let (disk, file) = disk_with_file(1);
    file.write_at(&full(2, 1), 512).unwrap();
    file.write_at(&full(3, 1), 1024).unwrap();
    assert!(outcomes(&disk).contains("f=103"));
}

#[test]
fn an_extension_within_a_sector_is_cut_at_the_surviving_length() {
    let disk = SimDisk::new();
    disk.write_file("f", &[1; 100]);
    disk.open("f").unwrap().write_at(&[2; 100], 50).unwrap();
    let contents: BTreeSet<_> =
        images(&disk).iter().map(|image| image.mount().read_file("f")).collect();
    let both = |first: u8, second: u8, third: usize| {
        [vec![1; 50], vec![first; 50], vec![second; third]].concat()
    };
    let expected = [both(1, 0, 0), both(2, 0, 0), both(1, 0, 50), both(2, 2, 50)];
    assert_eq!(contents, expected.into());
}

#[test]
fn an_allocation_leaves_the_old_or_the_new_length() {
    let (disk, file) = disk_with_file(1);
    file.allocate(0, 2048).unwrap();
    assert_eq!(outcomes(&disk), set(["f=1", "f=1000"]));
    file.sync_data().unwrap();
    assert_eq!(outcomes(&disk), set(["f=1000"]));
}

#[test]
fn nothing_orders_files_and_directories() {
    let (disk, file) = disk_with_file(1);
    disk.write_file("g", &full(1, 1));
    file.write_at(&full(2, 1), 0).unwrap();
    disk.open("g").unwrap().write_at(&full(2, 1), 0).unwrap();
    disk.create("h").unwrap();
    assert_eq!(images(&disk).len(), 8);
    assert_eq!(outcomes(&disk).len(), 8);
}

#[test]
fn each_subset_of_directory_operations_survives() {
    let disk = SimDisk::new();
    disk.write_file("a", &full(1, 1));
    disk.create("t").unwrap();
    disk.rename("t", "a").unwrap();
    disk.remove("a").unwrap();
    // {}, {create}, {rename} or {create, rename}, {remove} or with the rename, {create, remove}.
    assert_eq!(outcomes(&disk), set(["a=1", "a=1 t=", "a=", "", "t="]));
}

#[test]
fn the_first_image_loses_and_the_second_keeps_everything() {
    for options in [CrashOptions::default(), PLANS_ONLY] {
        let (disk, file) = disk_with_file(1);
        disk.create("g").unwrap();
        file.write_at(&full(2, 3), 0).unwrap();
        let images: Vec<_> = disk.crash_images(&options).take(4).collect();
        let seen: Vec<_> = images.iter().map(|image| summary(&image.mount())).collect();
        assert_eq!(seen[0], "f=1");
        assert!(seen.contains(&"f=222 g=".to_owned()), "{seen:?}");
    }
}

#[test]
fn every_prefix_of_the_global_order_is_an_image() {
    let (disk, file) = disk_with_file(2);
    disk.write_file("g", &full(1, 1));
    let other = disk.open("g").unwrap();
    file.write_at(&full(2, 1), 512).unwrap();
    other.write_at(&full(2, 1), 0).unwrap();
    disk.create("h").unwrap();
    file.write_at(&full(3, 1), 0).unwrap();
    let prefixes = ["f=11 g=1", "f=12 g=1", "f=12 g=2", "f=12 g=2 h=", "f=32 g=2 h="];
    let mut plans = disk.crash_images(&PLANS_ONLY).map(|image| summary(&image.mount()));
    assert_eq!(plans.by_ref().take(5).collect::<BTreeSet<_>>(), set(prefixes));
    // Lost alone: 4, one is a prefix. Kept alone: 4, one is a prefix.
    let lost = ["f=31 g=2 h=", "f=32 g=1 h=", "f=32 g=2"];
    let kept = ["f=11 g=2", "f=11 g=1 h=", "f=31 g=1"];
    assert_eq!(plans.collect::<BTreeSet<_>>(), &set(lost) | &set(kept));
}

#[test]
fn every_write_is_torn_at_every_sector_boundary() {
    let (disk, file) = disk_with_file(3);
    file.write_at(&full(2, 3), 0).unwrap();
    disk.write_file("g", &full(1, 1));
    disk.open("g").unwrap().write_at(&full(2, 1), 0).unwrap();
    let seen: BTreeSet<_> =
        disk.crash_images(&PLANS_ONLY).map(|image| summary(&image.mount())).collect();
    for torn in ["f=211 g=1", "f=221 g=1", "f=211 g=2", "f=221 g=2"] {
        assert!(seen.contains(torn), "{torn} is not in {seen:?}");
    }
}

#[test]
fn a_torn_append_ends_at_the_tear_or_in_zeros_or_is_not_there() {
    let (disk, file) = disk_with_file(0);
    file.write_at(&full(2, 3), 0).unwrap();
    let seen: BTreeSet<_> =
        disk.crash_images(&PLANS_ONLY).map(|image| summary(&image.mount())).collect();
    for torn in ["f=", "f=2", "f=22", "f=200", "f=220", "f=000", "f=202"] {
        assert!(seen.contains(torn), "{torn} is not in {seen:?}");
    }
}

#[test]
fn full_enumeration_has_every_image_that_the_plans_have() {
    for seed in 0..40 {
        let disk = random_disk(seed, 5);
        let full = CrashOptions { max_subset: 16, ..CrashOptions::default() };
        let all: BTreeSet<_> = disk.crash_images(&full).map(|image| image.digest()).collect();
        let sampled = CrashOptions { seeded: 50, seed, ..PLANS_ONLY };
        for image in disk.crash_images(&sampled) {
            assert!(all.contains(&image.digest()), "seed {seed}: {}", image.describe());
        }
    }
}

#[test]
fn every_combination_is_enumerated_up_to_the_bound_on_pending_items() {
    for seed in 0..200 {
        let disk = random_disk(seed, 4);
        let bound = CrashOptions { max_subset: disk.pending() as u32, ..PLANS_ONLY };
        let larger = CrashOptions { max_subset: 40, ..PLANS_ONLY };
        let count = |options| disk.crash_images(options).count();
        assert_eq!(count(&bound), count(&larger), "seed {seed}, {} items", disk.pending());
    }
}

#[test]
fn no_image_comes_twice_and_equal_digests_are_equal_disks() {
    for seed in 0..40 {
        let disk = random_disk(seed, 5);
        let images = images(&disk);
        let digests: BTreeSet<_> = images.iter().map(CrashImage::digest).collect();
        let disks: BTreeSet<_> = images.iter().map(|image| dump(&image.mount())).collect();
        assert_eq!((digests.len(), disks.len()), (images.len(), images.len()), "seed {seed}");
        for image in &images {
            let clean = image.mount();
            let again: Vec<_> = clean.crash_images(&CrashOptions::default()).collect();
            assert_eq!(again.len(), 1, "seed {seed}: nothing is pending after a crash");
            assert_eq!(again[0].digest(), image.digest(), "seed {seed}");
        }
    }
}

#[test]
fn a_seed_replays_its_images_and_another_one_has_others() {
    let (disk, file) = disk_with_file(20);
    file.write_at(&full(2, 20), 0).unwrap();
    let digests = |seed| -> Vec<_> {
        let options = CrashOptions { max_subset: 0, seeded: 30, seed };
        disk.crash_images(&options).map(|image| image.digest()).collect()
    };
    assert_eq!(digests(1), digests(1));
    assert_ne!(digests(1), digests(2));
}

#[test]
fn images_are_of_their_moment_and_apart_from_the_disk() {
    let (disk, file) = disk_with_file(1);
    file.write_at(&full(2, 1), 0).unwrap();
    let later = disk.crash_images(&CrashOptions::default());
    file.write_at(&full(3, 1), 0).unwrap();
    file.sync_data().unwrap();
    let images: Vec<_> = later.collect();
    assert_eq!(images.len(), 2);
    let mounted = images[1].mount();
    mounted.open("f").unwrap().write_at(&full(4, 1), 0).unwrap();
    assert_eq!(sectors_of(&images[1].mount(), "f"), "2");
    assert_eq!(outcomes(&mounted), set(["f=2", "f=4"]), "a second crash after the first");
    assert_eq!(sectors_of(&disk, "f"), "3");
}

#[test]
fn an_image_says_which_items_survived() {
    let (disk, file) = disk_with_file(1);
    disk.create("g").unwrap();
    file.write_at(&full(2, 2), 0).unwrap();
    let all = images(&disk);
    let found = all.iter().find(|image| summary(&image.mount()) == "f=02");
    assert!(found.is_none(), "sector 0 is durable");
    let found = all.iter().find(|image| summary(&image.mount()) == "f=12").unwrap();
    let expected = "crash at operation 2: 2 of 4 pending items kept\
        \n  lost        #1 Create \"g\"\
        \n  lost        #2 Write \"f\" 0..1024, sector 0\
        \n  kept        #2 Write \"f\" 0..1024, sector 1\
        \n  kept        #2 Write \"f\" 0..1024, length 1024";
    assert_eq!(found.describe(), expected);
}

/// A disk after `calls` calls that a seed chooses.
fn random_disk(seed: u64, calls: usize) -> SimDisk {
    let (disk, _) = disk_with_file(1);
    let mut random = SplitMix64::new(seed);
    for _ in 0..calls {
        let name = ["f", "g", "h"][random.below(3)];
        let other = ["f", "g", "h"][random.below(3)];
        // A call that finds no file is none.
        let _ = match random.below(9) {
            0 => disk.create(name).map(drop),
            1 => disk.rename(name, other),
            2 => disk.remove(name),
            3 => disk.open(name).and_then(|file| file.allocate(0, random.next() % 2000 + 1)),
            4 if random.coin() => disk.sync_dir(""),
            4 => disk.open(name).and_then(|file| file.sync_data()),
            5 => disk.open(name).and_then(|file| file.set_len(random.next() % 2000)),
            _ => disk.open(name).and_then(|file| {
                let bytes = vec![random.next() as u8; random.below(1200)];
                file.write_at(&bytes, random.next() % 1000)
            }),
        };
    }
    disk
}

fn dump(disk: &SimDisk) -> Vec<(String, Vec<u8>)> {
    let names = disk.list("").unwrap();
    names.into_iter().map(|name| (name.clone(), disk.read_file(&name))).collect()
}

#[test]
fn an_image_by_chance_is_one_of_the_images_and_any_of_them_comes_up() {
    let (disk, file) = disk_with_file(1);
    file.write_at(&full(2, 3), 0).unwrap();
    disk.create("g").unwrap();
    let all: BTreeSet<_> = images(&disk).iter().map(CrashImage::digest).collect();
    let drawn: BTreeSet<_> = (0..2000).map(|seed| disk.crash_image(seed).digest()).collect();
    assert!(drawn == all && all.len() > 10, "{} drawn of {}", drawn.len(), all.len());
    assert_eq!(disk.crash_image(7).digest(), disk.crash_image(7).digest());
}
