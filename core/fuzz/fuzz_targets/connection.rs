//! A connection with a hostile peer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kabar_fuzz::connection::check(data));
