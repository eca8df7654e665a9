//! Arbitrary bytes as steps on a store, and crashes: see `seawall_fuzz::operations`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    seawall_fuzz::operations(data);
});
