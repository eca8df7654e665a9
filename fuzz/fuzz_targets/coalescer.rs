//! Arbitrary bytes as pages that were written: see `seawall_fuzz::coalescer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    seawall_fuzz::coalescer(data);
});
