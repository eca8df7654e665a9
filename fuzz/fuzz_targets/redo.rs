//! Arbitrary bytes as the body of a pages record: see `seawall_fuzz::redo`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    seawall_fuzz::redo(data);
});
