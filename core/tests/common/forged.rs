//! A record with the right checksums, whatever it says. Shared with the tests of the tools.

const HEADER_BYTES: usize = 24;

/// The record, without padding: the byte map is in `wal/record.rs`.
pub(crate) fn forged_record(length: u32, start: u64, kind: u8, body: &[u8]) -> Vec<u8> {
    let mut header = [0; HEADER_BYTES];
    header[0..4].copy_from_slice(&length.to_le_bytes());
    header[4..8].copy_from_slice(&crc32c::crc32c(body).to_le_bytes());
    header[8..16].copy_from_slice(&start.to_le_bytes());
    header[16] = kind;
    let checksum = crc32c::crc32c(&header[..20]);
    header[20..24].copy_from_slice(&checksum.to_le_bytes());
    [&header, body].concat()
}
