//! What the programs of this folder share. What a board's owner changes lies in `board/`; for the Cortex-M board that is:
//!
//! * `board/mps2/memory.x`: where flash and RAM are;
//! * `board/mps2/mod.rs`: clock, sleep, light, sensor, how it ends;
//! * `board/mps2/lan9118.rs`, `board/mps2/uart.rs`: the hardware of its links;
//! * `board/provision.rs`: who the device is and where it belongs.
//!
//! `board/virt/` has the first three for a RISC-V board. What belongs to a processor, whatever board it is on, lies in `processor/`.
#![no_std]

pub mod board;
mod fault;
mod log;
pub mod network;
pub mod once;
pub mod processor;
mod registers;
pub mod stack;

use defmt_semihosting as _;
