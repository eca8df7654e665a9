//! Arbitrary bytes as a device, a log and neighbours of a checkpoint: see `seawall_fuzz::pacer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    seawall_fuzz::pacer(data);
});
