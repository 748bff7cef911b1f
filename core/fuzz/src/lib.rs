//! Properties of any input: one function per fuzz target.
//!
//! The functions are in a library so that `tests/tests/fuzz_replay.rs` can run them on the stored
//! inputs without a fuzzer.

pub mod classic;
pub mod client;
pub mod connection;
pub mod content;
pub mod duplex;
pub mod handshake;
mod input;
mod memory;
pub mod messages;
pub mod packet;
pub mod serial;
mod toy_key;
