//! The classic dialect.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kabar_fuzz::classic::check(data));
