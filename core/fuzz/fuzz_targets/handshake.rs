//! Both roles of the handshake.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kabar_fuzz::handshake::check(data));
