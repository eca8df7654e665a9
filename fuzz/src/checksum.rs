//! The checksums of the on-disk format, written down a second time: from the byte maps in the
//! documentation, not from the code under test.

use seawall_core::wal::record::MAX_RECORD_BYTES;

/// Bytes of a record before its body.
const HEADER: usize = 24;

/// Whether a record has the right ones: at 4 the CRC32C of bytes 24.., at 20 that of bytes 0..20.
pub(crate) fn are_right(record: &[u8]) -> bool {
    let mut sealed = record.to_vec();
    seal_record(&mut sealed);
    sealed == record
}

/// Gives a record the right ones.
pub(crate) fn seal_record(record: &mut [u8]) {
    let body = crc32c::crc32c(&record[HEADER..]);
    record[4..8].copy_from_slice(&body.to_le_bytes());
    let header = crc32c::crc32c(&record[..20]);
    record[20..24].copy_from_slice(&header.to_le_bytes());
}

/// What is stored at 4 in a block: CRC32C of bytes 8..32.
pub(crate) fn of_block(block: &[u8]) -> u32 {
    crc32c::crc32c(&block[8..32])
}

/// What is stored at 12 in a slot of the control file: CRC32C of bytes 0..12, then 16..80.
pub(crate) fn of_control(slot: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&slot[0..12]), &slot[16..80])
}

/// Makes every record valid that follows from the position `start` of `stream` on, as far as the
/// lengths lead. The stream's first byte has the position `origin`.
pub(crate) fn repair_records(stream: &mut [u8], origin: u64, start: u64) {
    let mut at = (start - origin) as usize;
    while let Some(header) = stream.get(at..at + HEADER) {
        let length = u32::from_le_bytes(header[0..4].try_into().expect("4 bytes")) as usize;
        if !(HEADER..=MAX_RECORD_BYTES).contains(&length) || at + length > stream.len() {
            return;
        }
        let record = &mut stream[at..at + length];
        record[8..16].copy_from_slice(&(origin + at as u64).to_le_bytes());
        seal_record(record);
        at += length.next_multiple_of(8);
    }
}
