use super::*;
use crate::disk::Disk;
use crate::sim::SimDisk;

#[test]
fn a_range_is_cleared_from_its_start_to_its_end_and_nothing_beyond() {
    let disk = SimDisk::new();
    let range = 100..2 * CLEAR_BYTES + 50;
    let mut expected = vec![0xFF; range.end + 1000];
    disk.write_file("junk", &expected);
    let file = disk.open("junk").expect("it is there");
    clear(&*file, "junk", range.start as u64..range.end as u64).expect("a good disk");
    expected[range].fill(0);
    assert!(disk.read_file("junk") == expected, "other bytes are zero");
}
