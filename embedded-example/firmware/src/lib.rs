//! The parts that the programs of this folder share.
//!
//! * [`board`]: one folder per board: memory, clock, sleep, light, sensor, network hardware. A
//!   Cargo feature chooses the board.
//! * [`board::provision`]: the device's identity, and the room that it joins.
//! * [`processor`]: start-up, stack and faults, shared by boards that have the same kind of
//!   processor.
//! * [`network`]: the IP link over a board's network hardware; [`ethernet`]: the part that drivers
//!   of Ethernet controllers share.
//! * [`peripherals`]: light and sensor.
//! * [`exit`]: the end of the program.
#![no_std]

pub mod board;
pub mod ethernet;
pub mod exit;
mod fault;
mod log;
pub mod network;
pub mod peripherals;
pub mod processor;
mod registers;
pub mod stack;

use defmt_semihosting as _;
