//! WAL records and block headers: decoding arbitrary bytes ends in a value or a reason, and what
//! is valid has the checksum that the format asks for.

use crate::{Outcome, checksum, take_array, take_byte};
use seawall_core::lsn::Lsn;
use seawall_core::wal::record::{BlockHeader, RECORD_HEADER_BYTES, RecordHeader};

pub(crate) const OUTCOMES: &[Outcome] = &[
    "block",
    "no block",
    "no record",
    "record",
    "record cut off",
    "record damaged",
    "record of unknown kind",
];

/// Input: mode (1: bit 0 a block instead of a record, bit 1 repair the checksum), then the bytes.
///
/// # Panics
/// On a finding.
pub fn wal_record(mut data: &[u8]) -> Outcome {
    let mode = take_byte(&mut data);
    let repair = mode & 2 != 0;
    if mode & 1 != 0 { block(take_array(&mut data), repair) } else { record(data, repair) }
}

fn block(mut bytes: [u8; 32], repair: bool) -> Outcome {
    if repair {
        let checksum = checksum::of_block(&bytes);
        bytes[4..8].copy_from_slice(&checksum.to_le_bytes());
    }
    let (system_id, address) = (word(&bytes, 8), Lsn(word(&bytes, 16)));
    let Ok(header) = BlockHeader::decode(&bytes, system_id, address) else { return "no block" };
    assert_eq!(bytes[4..8], checksum::of_block(&bytes).to_le_bytes());
    assert_eq!((header.system_id, header.address), (system_id, address));
    assert!(BlockHeader::decode(&bytes, !system_id, address).is_err(), "another store's block");
    assert!(BlockHeader::decode(&bytes, system_id, Lsn(!address.0)).is_err(), "a stale block");
    let mut again = [0; 32];
    header.encode(&mut again);
    assert_eq!(again, bytes);
    "block"
}

fn record(data: &[u8], repair: bool) -> Outcome {
    let mut bytes = data.to_vec();
    bytes.resize(bytes.len().max(RECORD_HEADER_BYTES), 0);
    if repair {
        let length = bytes.len().min(u32::from_le_bytes(take_array(&mut &bytes[..])) as usize);
        checksum::seal_record(&mut bytes[..length.max(RECORD_HEADER_BYTES)]);
    }
    let start = Lsn(word(&bytes, 8));
    let Ok(header) = decode(&bytes, start) else { return "no record" };
    assert!(decode(&bytes, Lsn(!start.0)).is_err(), "a stale record");
    let Some(record) = bytes.get(..header.length) else { return "record cut off" };
    let kind = header.verify(&record[RECORD_HEADER_BYTES..]);
    assert_eq!(kind.is_ok(), checksum::are_right(record), "of {record:?}");
    match kind {
        Ok(Ok(_)) => "record",
        Ok(Err(_)) => "record of unknown kind",
        Err(_) => "record damaged",
    }
}

fn decode(bytes: &[u8], start: Lsn) -> Result<RecordHeader, String> {
    RecordHeader::decode(bytes.first_chunk().expect("room for a header"), start)
}

fn word(bytes: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(bytes[offset..offset + 8].try_into().expect("8 bytes"))
}
