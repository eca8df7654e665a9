//! Files with the right checksums that no store has written.

#[path = "../../../core/tests/common/forged.rs"]
mod forged;

use forged::forged_record;
use seawall::seawall_core::control::{Control, ControlFile, Slots};
use seawall::seawall_core::page::Page;
use seawall::seawall_core::poison::Poison;
use seawall::seawall_core::wal::position::{BLOCK_HEADER_BYTES, Geometry, segment_path};
use seawall::seawall_core::wal::reader::WalReader;
use seawall::seawall_core::wal::record::{BlockHeader, RECORD_HEADER_BYTES};
use seawall::{LinuxDisk, Lsn, PageId};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

/// Entries of a pages record: the byte map is in `redo.rs` of the core.
pub(crate) fn entry(page: PageId, count: u32, rest: &[u8]) -> Vec<u8> {
    [&page.to_bits().to_le_bytes()[..], &count.to_le_bytes(), rest].concat()
}

/// Appends records, by kind and body, to the log of a store that nobody has open. Gives where they
/// start and end.
pub(crate) fn append(dir: &Path, records: &[(u8, &[u8])]) -> (Lsn, Lsn) {
    let disk = Arc::new(LinuxDisk::read_only(dir));
    let (_, control) = Slots::read(&*disk).unwrap().latest().unwrap();
    let geometry = Geometry::new(&control.format);
    let mut reader = WalReader::new(disk, geometry, control.system_id, control.redo);
    while reader.read().unwrap().is_ok() {}
    let start = reader.position();
    let mut stream = Vec::new();
    for (kind, body) in records {
        let (length, at) = (RECORD_HEADER_BYTES + body.len(), start.plus(stream.len() as u64));
        stream.extend(forged_record(length as u32, at.0, *kind, body));
        stream.resize(stream.len().next_multiple_of(8), 0);
    }
    write(dir, &control, start, &stream);
    (start, start.plus(stream.len() as u64))
}

/// Has the last checkpoint of a store say that there were these files at the end of the log:
/// number, blocks, tablespace, kind.
pub(crate) fn list(dir: &Path, files: &[[u32; 4]]) {
    let words = files.iter().flatten().flat_map(|word| word.to_le_bytes());
    let (redo, _) = append(dir, &[]);
    let body: Vec<u8> = redo.0.to_le_bytes().into_iter().chain(words).collect();
    let (checkpoint, checkpoint_end) = append(dir, &[(2, &body)]);
    let mut control = ControlFile::open(&LinuxDisk::new(dir), Arc::new(Poison::new())).unwrap();
    let next = Control { checkpoint, checkpoint_end, redo, ..*control.latest() };
    control.write(next).unwrap();
}

/// Writes bytes of the stream, and the headers of the blocks that they are in.
fn write(dir: &Path, control: &Control, start: Lsn, mut stream: &[u8]) {
    let geometry = Geometry::new(&control.format);
    let mut at = start;
    while !stream.is_empty() {
        let (block, in_block) = (geometry.block(at), at.0 % geometry.payload_bytes);
        let bytes = stream.len().min((geometry.payload_bytes - in_block) as usize);
        let mut header = [0; BLOCK_HEADER_BYTES as usize];
        let (system_id, address) = (control.system_id, geometry.block_start(block));
        BlockHeader { system_id, address, flushed_upto: start }.encode(&mut header);
        let path = dir.join(segment_path(geometry.segment(at)));
        let file = File::options().write(true).create(true).truncate(false).open(path).unwrap();
        file.write_all_at(&header, geometry.block_offset(block)).unwrap();
        file.write_all_at(&stream[..bytes], geometry.offset(at)).unwrap();
        file.set_len(geometry.segment_bytes()).unwrap();
        (at, stream) = (at.plus(bytes as u64), &stream[bytes..]);
    }
}

/// Changes the body of a page on disk, of a file of one segment.
pub(crate) fn change(file: &Path, page_bytes: u64, block: u64, change: impl FnOnce(&mut [u8])) {
    let mut page = Page::zeroed(page_bytes as usize);
    let disk = File::options().read(true).write(true).open(file).unwrap();
    disk.read_exact_at(page.bytes_mut(), block * page_bytes).unwrap();
    change(page.body_mut());
    page.seal();
    disk.write_all_at(page.bytes(), block * page_bytes).unwrap();
}
