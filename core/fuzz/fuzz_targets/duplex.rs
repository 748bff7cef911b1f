//! Two connections and the network between them.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kabar_fuzz::duplex::check(data));
