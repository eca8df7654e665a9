//! Sectors that hold after a crash what nobody has written there.

use super::*;
use crate::sim::random::SplitMix64;

/// What the images hold in sector `index` of `f`: `n` for noise, else the first byte.
fn seen(disk: &SimDisk, options: &CrashOptions, index: usize) -> BTreeSet<String> {
    let images = disk.crash_images(options).filter_map(|image| {
        let bytes = image.mount().read_file("f");
        let sector = bytes.get(index * SECTOR..(index + 1) * SECTOR)?;
        let is_noise = sector.iter().any(|byte| *byte != sector[0]);
        Some(if is_noise { "n".to_owned() } else { sector[0].to_string() })
    });
    images.collect()
}

const OPTIONS: [CrashOptions; 2] = [
    CrashOptions { max_subset: 10, seeded: 0, seed: 0 },
    CrashOptions { max_subset: 0, seeded: 0, seed: 0 },
];

#[test]
fn an_extension_that_did_not_survive_may_show_what_was_there_before() {
    for options in OPTIONS {
        let disk = SimDisk::new().with_stale_tails();
        disk.write_file("f", &full(1, 1));
        disk.write_file("old", &full(7, 2));
        let file = disk.open("f").unwrap();
        file.write_at(&full(2, 3), 0).unwrap();
        assert_eq!(seen(&disk, &options, 0), set(["1", "2"]), "not of the durable part");
        assert_eq!(seen(&disk, &options, 1), set(["0", "2", "7"]), "another file's");
        assert_eq!(seen(&disk, &options, 2), set(["0", "2", "n"]), "no file is that long");
        file.sync_data().unwrap();
        assert_eq!(outcomes(&disk), set(["f=222 old=77"]));
    }
}

#[test]
fn space_that_is_only_allocated_is_zeros() {
    let disk = SimDisk::new().with_stale_tails().with_garbage();
    disk.write_file("f", &full(1, 1));
    disk.write_file("old", &full(7, 2));
    disk.open("f").unwrap().allocate(0, 1024).unwrap();
    assert_eq!(outcomes(&disk), set(["f=1 old=77", "f=10 old=77"]));
}

#[test]
fn a_sector_that_is_written_while_power_goes_may_be_garbage_and_its_neighbours_not() {
    for options in OPTIONS {
        let disk = SimDisk::new().with_garbage();
        disk.write_file("f", &full(1, 3));
        let file = disk.open("f").unwrap();
        file.write_at(&[2], SECTOR as u64).unwrap();
        assert_eq!(seen(&disk, &options, 0), set(["1"]));
        let garbage =
            disk.crash_images(&options).filter(|image| image.describe().contains("Garbage"));
        let mounted: Vec<_> = garbage.map(|image| image.mount().read_file("f")).collect();
        assert!(mounted.iter().any(|bytes| bytes[SECTOR..2 * SECTOR] != full(1, 1)[..]));
        assert!(mounted.iter().all(|bytes| bytes[2 * SECTOR..] == full(1, 1)[..]));
        file.sync_data().unwrap();
        assert_eq!(images(&disk).len(), 1);
    }
}

#[test]
fn images_are_disks_of_the_same_kind() {
    let disk = SimDisk::new().with_garbage();
    disk.write_file("f", &full(1, 1));
    let again = images(&disk)[0].mount();
    again.open("f").unwrap().write_at(&full(2, 1), 0).unwrap();
    assert!(seen(&again, &OPTIONS[0], 0).contains("n"));
    assert_ne!(again.crash_digest(), {
        let plain = SimDisk::new();
        plain.write_file("f", &full(1, 1));
        plain.open("f").unwrap().write_at(&full(2, 1), 0).unwrap();
        plain.crash_digest()
    });
}

#[test]
fn a_random_image_has_junk_now_and_then() {
    let disk = SimDisk::new().with_garbage();
    disk.write_file("f", &full(1, 8));
    disk.open("f").unwrap().write_at(&full(2, 8), 0).unwrap();
    let mut random = SplitMix64::new(1);
    let described = (0..64).map(|_| disk.crash_image(random.next()).describe());
    let with_junk = described.filter(|text| text.contains("Garbage")).count();
    assert!(with_junk > 8 && with_junk < 64, "{with_junk}");
}
