//! What the programs of this folder share. What a board's owner changes lies in `board/`:
//!
//! * `board/mod.rs`: clock, sleep, light, sensor, how it ends;
//! * `board/lan9118.rs`: the network hardware;
//! * `board/provision.rs`: who the device is and where it belongs;
//! * `board/memory.x`: where flash and RAM are.
#![no_std]

pub mod board;
mod fault;
mod log;
pub mod once;
pub mod stack;

use defmt_semihosting as _;
