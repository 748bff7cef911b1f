//! Contents in the storage of a device.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kabar_fuzz::storage::check(data));
