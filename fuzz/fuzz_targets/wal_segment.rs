//! Arbitrary bytes as damage to a WAL segment: see `seawall_fuzz::wal_segment`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    seawall_fuzz::wal_segment(data);
});
