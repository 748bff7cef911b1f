//! The boards. Each has a folder, and a Cargo feature chooses one. A board provides:
//!
//! | name | meaning |
//! |---|---|
//! | `NAME` | its name in the log |
//! | `Clock` | a [`kabar_device::Clock`]; `Clock::start` is called once; the log's timestamps use it too |
//! | `ticks` | a counter for measurements, of any rate; it may wrap |
//! | `link` | starts the hardware of a [`LinkKind`] and returns the [`kabar_device::Link`] over it, once |
//! | `sleep` | sleeps until a given time, or until that hardware has received something |
//! | `peripherals` | its light and sensor, as [`crate::peripherals::Peripherals`] |
//!
//! Start-up, stack, faults and, for Cortex-M, the loop of `sleep` belong to the processor:
//! [`crate::processor`]. A driver of network hardware with FIFOs is a
//! [`crate::ethernet::Controller`].

pub mod provision;

#[cfg(feature = "board-lm3s6965evb")]
mod lm3s6965evb;
#[cfg(feature = "board-mps2")]
mod mps2;
#[cfg(feature = "board-virt")]
mod virt;

#[cfg(feature = "board-lm3s6965evb")]
pub use lm3s6965evb::{Clock, NAME, link, peripherals, sleep, ticks};
#[cfg(feature = "board-mps2")]
pub use mps2::{Clock, NAME, link, peripherals, sleep, ticks};
#[cfg(feature = "board-virt")]
pub use virt::{Clock, NAME, link, peripherals, sleep, ticks};

use kabar_device::Addressing;

/// The kind of link that a device uses.
#[derive(Clone, Copy, Debug)]
pub enum LinkKind {
    /// Its network hardware.
    Ip(Addressing),
    /// Its serial port.
    Serial,
}
