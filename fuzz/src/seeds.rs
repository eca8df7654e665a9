//! Inputs to start from: at least one for each outcome of each target.
//!
//! They are kept in `fuzz/seeds/`; after a change of the on-disk format, or to get new ones there,
//! `cargo test --manifest-path fuzz/Cargo.toml -- --ignored write_the_seeds`.

mod programs;

use crate::base::Base;
use crate::checksum;
use seawall_core::control::CONTROL_FILE;
use seawall_core::lsn::Lsn;
use seawall_core::page::{FileId, Page, PageId};
use seawall_core::wal::record::BlockHeader;

/// A target's name, the seed's, and the seed.
pub type Seed = (&'static str, &'static str, Vec<u8>);

/// A seed's name, and the seed.
type Named = (&'static str, Vec<u8>);

/// All seeds.
pub fn all() -> Vec<Seed> {
    let targets: [(_, Vec<Named>); 10] = [
        ("page", page()),
        ("redo", redo()),
        ("wal_record", wal_record()),
        ("control", control()),
        ("wal_segment", wal_segment()),
        ("store_files", programs::store_files()),
        ("operations", programs::operations()),
        ("sync_table", programs::sync_table()),
        ("coalescer", programs::coalescer()),
        ("pacer", programs::pacer()),
    ];
    let named = targets
        .into_iter()
        .map(|(target, seeds)| seeds.into_iter().map(move |(name, bytes)| (target, name, bytes)));
    named.flatten().collect()
}

const ID: PageId = PageId::new(FileId(1), 2);

fn page() -> Vec<Named> {
    let mut page = Page::zeroed(4096);
    page.format(ID);
    page.body_mut()[..5].copy_from_slice(b"hello");
    page.set_lsn(Lsn(4096));
    page.seal();
    let input =
        |id: PageId, bytes: &[u8]| [&id.to_bits().to_le_bytes()[..], &[100, 0, 1], bytes].concat();
    vec![
        ("zeros", input(ID, &[])),
        ("sealed", input(ID, page.bytes())),
        ("elsewhere", input(PageId::new(FileId(1), 3), page.bytes())),
    ]
}

fn redo() -> Vec<Named> {
    let id = ID.to_bits().to_le_bytes();
    let input = |before: u64, parts: &[&[u8]]| {
        [&before.to_le_bytes()[..], &200_u64.to_le_bytes(), &parts.concat()].concat()
    };
    let image: &[&[u8]] = &[&id, &[0; 4], &[5, 0, 5, 0], b"hello"];
    // One literal, then 99 more of it, then the 5 literals that end an LZ4 block.
    let block: &[u8] = &[0x1F, 7, 1, 0, 80, 0x50, 7, 7, 7, 7, 7];
    let compressed = |len: u8| [&id[..], &[0; 4], &[len, 0, block.len() as u8, 0], block].concat();
    let custom_after_range = &[9, 0, 2, 0, b'h', b'e', 0xFF, 0xFF, 1, 0, 3, b'o'];
    let ranges: &[&[u8]] = &[&id, &[2, 0, 0, 0], &[9, 0, 2, 0], b"he", &[0, 1, 1, 0], b"o"];
    vec![
        ("empty", input(100, &[])),
        ("image", input(100, image)),
        ("image_compressed", input(100, &[&compressed(105)])),
        ("image_compressed_of_another_length", input(100, &[&compressed(106)])),
        ("ranges", input(100, ranges)),
        ("ranges_of_a_newer_page", input(300, ranges)),
        (
            "image_and_ranges",
            input(100, &[image.concat(), ranges.concat()].each_ref().map(|v| &v[..])),
        ),
        ("note", input(100, &[&[7, 0, 0, 0], &[0; 8], &[2, 0, 0, 0], b"on"])),
        ("note_of_no_kind", input(100, &[&[7, 1, 0, 0], &[0; 8], &[2, 0, 0, 0], b"on"])),
        ("custom", input(100, &[&id, &[1, 0, 0, 0], &[0xFF, 0xFF, 2, 0], &[9], b"he"])),
        ("custom_after_range", input(100, &[&id, &[2, 0, 0, 0], custom_after_range])),
        ("custom_refused", input(100, &[&id, &[1, 0, 0, 0], &[0xFF, 0xFF, 2, 0], &[220], b"he"])),
        ("custom_cut_off", input(100, &[&id, &[1, 0, 0, 0], &[0xFF, 0xFF, 2, 0], &[9], b"h"])),
        ("range_to_the_end", input(100, &[&id, &[1, 0, 0, 0], &[0xE6, 0x0F, 2, 0], b"he"])),
        ("range_across_the_end", input(100, &[&id, &[1, 0, 0, 0], &[0xE7, 0x0F, 2, 0], b"he"])),
        ("cut_off", input(100, &ranges[..3])),
    ]
}

fn wal_record() -> Vec<Named> {
    let record = |kind: u8| {
        let mut record = [&[29, 0, 0, 0, 0, 0, 0, 0][..], &[0; 16], b"hello"].concat();
        record[8..16].copy_from_slice(&1000_u64.to_le_bytes());
        record[16] = kind;
        record
    };
    let mut valid = record(1);
    checksum::seal_record(&mut valid);
    let damaged = [&valid[..28], &[0]].concat();
    let mut block = [0; 32];
    BlockHeader { system_id: 5, address: Lsn(992), flushed_upto: Lsn(900) }.encode(&mut block);
    let input = |mode: u8, bytes: &[u8]| [&[mode][..], bytes].concat();
    vec![
        ("record", input(0, &valid)),
        ("record_damaged", input(0, &damaged)),
        ("record_repaired", input(2, &record(2))),
        ("record_of_unknown_kind", input(2, &record(9))),
        ("record_cut_off", input(0, &valid[..26])),
        ("zeros", input(0, &[])),
        ("block", input(1, &block)),
        ("block_repaired", input(3, &[&block[..24], &[7; 8]].concat())),
        ("block_damaged", input(1, &[&block[..24], &[7; 8]].concat())),
        ("no_block", input(1, &valid)),
    ]
}

fn control() -> Vec<Named> {
    const COMPACT: u8 = 4;
    let file = Base::roomy().mount().read_file(CONTROL_FILE);
    let slots = [&file[..80], &file[4096..4096 + 80]].concat();
    let input = |mode: u8, bytes: &[u8]| [&[mode][..], bytes].concat();
    // The same bytes in both slots, so that neither saves the store.
    let changed = |mode: u8, offset: usize, bytes: &[u8]| {
        let mut slots = slots.clone();
        for slot in slots.chunks_exact_mut(80) {
            slot[offset..offset + bytes.len()].copy_from_slice(bytes);
        }
        input(COMPACT | mode, &slots)
    };
    let far = Lsn(Base::roomy().geometry.segment_start(1 << 20).0).0.to_le_bytes();
    vec![
        ("as_it_was", input(0, &file)),
        ("slots", input(COMPACT, &slots)),
        ("slots_of_the_evicting_store", input(COMPACT | 2, &slots)),
        ("one_slot", input(COMPACT, &[&slots[..79], &[9], &slots[80..]].concat())),
        ("truncated", input(0, &file[..4200])),
        ("magic", changed(1, 0, b"SEAWELL")),
        ("version", changed(1, 8, &[2])),
        ("checksum", changed(0, 12, &[0])),
        ("format", changed(1, 33, &[32])),
        ("sequence", changed(1, 16, &[0xFF; 8])),
        ("state", changed(1, 72, &[3])),
        ("system_id", changed(1, 24, &[1])),
        ("redo", changed(1, 64, &[0, 0, 0])),
        ("far", changed(1, 48, &[far, far, far].concat())),
    ]
}

fn wal_segment() -> Vec<Named> {
    const REPAIR: u8 = 1;
    const EVICTING: u8 = 2;
    const CUT: u8 = 4;
    const LEAVE_FIVE_PAGES: u8 = 0x50;
    let patch = |mode: u8, at: Lsn, bytes: &[u8]| {
        let base = if mode & EVICTING == 0 { Base::roomy() } else { Base::evicting() };
        let number = base.geometry.segment(at);
        let segment = base.segments.iter().position(|(other, _)| *other == number);
        let segment = segment.expect("a segment of the WAL") as u8;
        let offset = (base.geometry.offset(at) as u16).to_le_bytes();
        [&[mode, segment][..], &offset, bytes].concat()
    };
    let (roomy, evicting) = (Base::roomy(), Base::evicting());
    let nth = |base: &Base, n: usize| base.records[n].start;
    let first_image = |base| nth(base, 1);
    let tail = |base: &Base| nth(base, base.records.len() - 10);
    let last = |base: &Base| base.records.last().expect("records").start;
    // A record's body begins with the page id: block (4), file (4).
    let file_of = |at: Lsn| at.plus(24 + 4);
    // The fourth block of the first segment, with its header.
    let headerless = [&[0, 0, 0, 12][..], &[0; 1024]].concat();
    vec![
        ("nothing", patch(0, last(roomy), &[])),
        ("nothing_evicting", patch(EVICTING, last(evicting), &[])),
        ("last_record", patch(0, last(roomy), &[0; 8])),
        ("last_record_of_newer_page", patch(EVICTING, last(evicting), &[0; 8])),
        ("record_in_the_middle", patch(0, nth(roomy, 20), &[0xFF; 60])),
        ("record_in_the_middle_evicting", patch(EVICTING, nth(evicting, 20), &[0xFF; 60])),
        ("first_record", patch(0, nth(roomy, 0), &[1])),
        ("headerless_block", headerless),
        ("cut_after_the_checkpoint", patch(CUT, nth(roomy, 1), &[])),
        ("cut_before_the_checkpoint", patch(CUT, nth(roomy, 0), &[])),
        ("tail", patch(LEAVE_FIVE_PAGES, tail(roomy), &[0; 8])),
        ("tail_evicting", patch(LEAVE_FIVE_PAGES | EVICTING, tail(evicting), &[0; 8])),
        ("block_of_zeros", patch(0, nth(roomy, 30), &[0; 1024])),
        ("forged_stamp", patch(REPAIR, nth(roomy, 20).plus(24 + 20), &[7; 16])),
        ("forged_file", patch(REPAIR, file_of(nth(roomy, 20)), &[9])),
        ("forged_block", patch(REPAIR, nth(roomy, 20).plus(24), &[9])),
        ("forged_far_block", patch(REPAIR, first_image(roomy).plus(24), &[0, 0, 1, 0])),
        ("forged_count", patch(REPAIR, nth(evicting, 20).plus(24 + 8), &[0; 4])),
        ("forged_length_beyond_all", patch(REPAIR, nth(roomy, 20), &[0xFF, 0xFF, 0xFF, 0])),
        ("length_beyond_all_records", patch(0, nth(roomy, 20), &[0xFF, 0xFF, 0xFF, 0])),
        ("forged_length", patch(REPAIR, nth(roomy, 20), &[64])),
        ("forged_header", patch(REPAIR | CUT, nth(roomy, 20), &1565_u32.to_le_bytes())),
        ("forged_kind", patch(REPAIR, nth(roomy, 20).plus(16), &[2])),
        ("forged_evicting", patch(REPAIR | EVICTING, nth(evicting, 20).plus(24 + 20), &[7; 16])),
    ]
}
