//! Reads that give something else than what is there.

use super::*;
use crate::sim::{EIO, Fault, OpKind, ReadFault};

/// A disk with a file of four sectors full of 1, 2, 3, 4.
fn four() -> (SimDisk, Arc<dyn DiskFile>) {
    let disk = SimDisk::new();
    disk.write_file("f", &[1_u8, 2, 3, 4].map(|byte| full(byte, 1)).concat());
    let file = disk.open("f").unwrap();
    (disk, file)
}

/// What a read of the first two sectors gives, with the fault.
fn read_two(disk: &SimDisk, file: &dyn DiskFile, fault: ReadFault, seed: u64) -> Vec<u8> {
    disk.fail_at(1, Fault::read(fault).seed(seed));
    let mut bytes = vec![9; 1024];
    let read = file.read_at(&mut bytes, 0).unwrap();
    assert!(bytes[read..].iter().all(|byte| *byte == 9), "only what is read is touched");
    bytes.truncate(read);
    let mut again = vec![0; 1024];
    file.read_at(&mut again, 0).unwrap();
    assert_eq!(again, [full(1, 1), full(2, 1)].concat(), "once");
    bytes
}

#[test]
fn each_read_fault_gives_what_it_says() {
    let (disk, file) = four();
    let right = [full(1, 1), full(2, 1)].concat();
    for seed in 0..16 {
        let short = read_two(&disk, &*file, ReadFault::Short, seed);
        assert!(short.len() < 1024 && short == right[..short.len()]);
        let flipped = read_two(&disk, &*file, ReadFault::FlippedBit, seed);
        let bits = flipped.iter().zip(&right).map(|(a, b)| (a ^ b).count_ones()).sum::<u32>();
        assert_eq!(bits, 1);
        let zeros = read_two(&disk, &*file, ReadFault::ZeroSector, seed);
        assert!(
            zeros == [full(0, 1), full(2, 1)].concat()
                || zeros == [full(1, 1), full(0, 1)].concat()
        );
        assert_eq!(read_two(&disk, &*file, ReadFault::Zeros, seed), full(0, 2));
        let elsewhere = read_two(&disk, &*file, ReadFault::Elsewhere, seed);
        assert_eq!(elsewhere, [full(3, 1), full(4, 1)].concat(), "the other place in the file");
    }
}

#[test]
fn bytes_from_elsewhere_are_another_files_if_the_file_has_no_more() {
    let (disk, _) = four();
    disk.write_file("g", &full(7, 1));
    let file = disk.open("g").unwrap();
    let mut seen = BTreeSet::new();
    for seed in 0..32 {
        disk.fail_at(1, Fault::read(ReadFault::Elsewhere).seed(seed));
        let mut bytes = vec![9; 512];
        file.read_at(&mut bytes, 0).unwrap();
        seen.insert(bytes[0]);
    }
    assert_eq!(seen, [1, 2, 3, 4].into());
}

#[test]
fn a_stale_read_gives_what_was_remembered_or_else_what_is_durable() {
    let (disk, file) = four();
    file.write_at(&full(5, 1), 0).unwrap();
    let stale = |disk: &SimDisk| {
        disk.fail_at(1, Fault::read(ReadFault::Stale));
        let mut bytes = [9; 512];
        file.read_at(&mut bytes, 0).unwrap();
        bytes[0]
    };
    assert_eq!(stale(&disk), 1);
    disk.remember();
    file.write_at(&full(6, 1), 0).unwrap();
    file.sync_data().unwrap();
    assert_eq!(stale(&disk), 5);
}

#[test]
fn a_fault_may_be_for_one_place_and_last() {
    let (disk, file) = four();
    disk.write_file("g", &full(7, 4));
    let other = disk.open("g").unwrap();
    let fault = Fault::once(EIO).only(OpKind::Read).on("f").at_byte(1024).lasting();
    disk.fail_at(1, fault);
    let mut bytes = [0; 512];
    for _ in 0..2 {
        assert_eq!(other.read_at(&mut bytes, 1024).unwrap(), 512);
        assert_eq!(file.read_at(&mut bytes, 512).unwrap(), 512);
        assert_eq!(file.read_at(&mut bytes, 1536).unwrap(), 512);
        assert_eq!(file.read_at(&mut bytes, 1024).unwrap_err().raw_os_error(), Some(EIO));
    }
    let (mut a, mut b) = ([0; 512], [0; 512]);
    file.read_vectored_at(&mut [&mut a, &mut b], 512).unwrap_err();
}
