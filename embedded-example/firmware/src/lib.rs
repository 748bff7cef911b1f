//! The parts that the programs of this folder share.
//!
//! * [`board`]: one folder per board: memory, clock, sleep, light, sensor, network hardware. A
//!   Cargo feature chooses the board.
//! * [`board::provision`]: the device's identity, and the room that it joins.
//! * [`processor`]: start-up, stack and faults, shared by the boards with one kind of processor.
//! * [`network`]: the IP link over a board's network hardware.
#![no_std]

pub mod board;
mod fault;
mod log;
pub mod network;
pub mod processor;
mod registers;
pub mod stack;

use defmt_semihosting as _;
