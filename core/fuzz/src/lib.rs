//! What must hold for any input: one function per fuzz target.
//!
//! The functions are here and not in the targets so that `tests/tests/fuzz_replay.rs` can call them on the kept inputs without
//! a fuzzer.

pub mod packet;
