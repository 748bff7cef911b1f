//! The tests of Kabar that need more than one part of it: the simulator, the benchmark, and what
//! other tests share.
#![deny(missing_docs, missing_debug_implementations, unreachable_pub)]

pub mod bench;
pub mod network;
pub mod process;
pub mod qemu;
pub mod raw;
pub mod relay;
pub mod room;
pub mod sim;
pub mod terminal;
