//! Frames on byte streams.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kabar_fuzz::serial::check(data));
