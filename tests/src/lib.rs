//! Tests of Kabar that need more than one of its packages: the simulator, the benchmark, and what
//! the tests share.
#![deny(missing_docs, missing_debug_implementations, unreachable_pub)]

pub mod bench;
pub mod network;
pub mod picture;
pub mod process;
pub mod qemu;
pub mod raw;
pub mod relay;
pub mod room;
pub mod sim;
pub mod terminal;
