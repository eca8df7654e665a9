//! Arbitrary bytes as a WAL record or block header: see `seawall_fuzz::wal_record`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    seawall_fuzz::wal_record(data);
});
