//! Arbitrary bytes as a page: see `seawall_fuzz::page`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    seawall_fuzz::page(data);
});
