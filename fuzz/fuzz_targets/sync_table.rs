//! Arbitrary bytes as requests for syncs, and failures: see `seawall_fuzz::sync_table`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    seawall_fuzz::sync_table(data);
});
