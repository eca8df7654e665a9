//! Arbitrary bytes as a control file: see `seawall_fuzz::control`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    seawall_fuzz::control(data);
});
