//! Filling a segment: two who need the same one make one of it, and each waits until it is there.
//!
//! property   each returns when the segment is there, durable and of zeros; one was added
//! code       wal/segment.rs create_upto
//!            PostgreSQL: XLogFileInit, InstallXLogFileSegment
//! threads    2 (two who need the segment)
//! bounds     no segment, of 128 bytes
//! cost       22 executions under dpor
//! broken by  a segment that is filled by two at a time; one that is filled without another look

use super::seawall_core::config::Format;
use super::seawall_core::disk::Disk;
use super::seawall_core::poison::Poison;
use super::seawall_core::sim::SimDisk;
use super::seawall_core::sync::thread;
use super::seawall_core::wal::position::{Geometry, WAL_DIR, segment_path};
use super::seawall_core::wal::segment::{SegmentCounts, Segments, SyncMethod, WalSync};
use crate::engine::Engine::{Dpor, Loom, LoomRmw};
use crate::profile::Profile::{Ci, Quick};
use crate::record::{outcome, reach};
use crate::spec::Model;
use std::sync::Arc;

pub(super) const MODEL: Model = Model {
    name: "segment_fill",
    property: "two who need the same segment make one of it, and both find it there",
    threads: 2,
    bounds: "no segment before, of 128 bytes",
    searches: &[(Dpor, Quick), (LoomRmw, Quick), (Loom, Ci)],
    reach: &["made"],
    outcomes: 1,
    run: scenario,
};

const FORMAT: Format =
    Format { page_bytes: 64, wal_block_bytes: 64, wal_segment_bytes: 128, data_segment_bytes: 128 };

fn scenario() {
    let disk = SimDisk::with_sector_bytes(64).with_one_point();
    disk.create_dir(WAL_DIR).expect("a simulated disk");
    let (geometry, poison) = (Geometry::new(&FORMAT), Arc::new(Poison::new()));
    let method = SyncMethod { sync: WalSync::Fdatasync, direct: false };
    let segments = Segments::open(Arc::new(disk.clone()), geometry, poison, method);
    let segments = Arc::new(segments.expect("a good disk"));
    let theirs = segments.clone();
    let other = thread::spawn(move || theirs.create_upto(1).expect("a good disk"));
    segments.create_upto(1).expect("a good disk");
    let crashed = disk.durable_image().mount();
    assert_eq!(crashed.read_file(&segment_path(1)), [0; 128], "not durable");
    other.join().expect("the other");

    assert_eq!(disk.list(WAL_DIR).expect("a directory").len(), 1, "more than the segment");
    let made = SegmentCounts { added: 1, removed: 0, recycled: 0 };
    assert_eq!(segments.take_counts(), made);
    reach("made");
    outcome("one segment");
}
