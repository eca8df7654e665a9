//! Arbitrary bytes as damage to all files of a store: see `seawall_fuzz::store_files`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    seawall_fuzz::store_files(data);
});
