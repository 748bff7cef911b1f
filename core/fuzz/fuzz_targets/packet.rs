//! Packets and frames.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kabar_fuzz::packet::check(data));
