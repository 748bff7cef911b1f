//! The boards. Each has a folder, and a Cargo feature chooses one. A board provides:
//!
//! | name | meaning |
//! |---|---|
//! | `NAME` | its name in the log |
//! | `Clock` | a [`kabar_device::Clock`]; `Clock::start` is called once; the log's timestamps use it too |
//! | `ticks` | a counter for measurements, of any rate; it may wrap |
//! | `link` | starts the hardware of a [`LinkKind`] and returns the [`kabar_device::Link`] over it, once |
//! | `sleep` | sleeps until a moment, or until that hardware has received something |
//! | `Peripherals` | a [`kabar_embedded_example::Board`]: light and sensor |
//! | `exit` | ends the program with an [`Exit`] |
//!
//! Start-up, stack and faults belong to the processor: [`crate::processor`].

pub mod provision;

#[cfg(feature = "board-lm3s6965evb")]
mod lm3s6965evb;
#[cfg(feature = "board-mps2")]
mod mps2;
#[cfg(feature = "board-virt")]
mod virt;

#[cfg(feature = "board-lm3s6965evb")]
pub use lm3s6965evb::{Clock, NAME, Peripherals, exit, link, sleep, ticks};
#[cfg(feature = "board-mps2")]
pub use mps2::{Clock, NAME, Peripherals, exit, link, sleep, ticks};
#[cfg(feature = "board-virt")]
pub use virt::{Clock, NAME, Peripherals, exit, link, sleep, ticks};

use kabar_device::Addressing;

/// The kind of link that a device uses.
#[derive(Clone, Copy, Debug)]
pub enum LinkKind {
    /// Its network hardware.
    Ip(Addressing),
    /// Its serial port.
    Serial,
}

/// How the program ends: the exit code of the emulator. A product would reset, or sleep until a
/// person comes.
#[derive(Clone, Copy, Debug)]
pub enum Exit {
    /// It left the room, and all its posts are stored.
    Left = 0,
    /// Its configuration is missing or malformed.
    NotProvisioned = 2,
    /// The hardware of its link does not answer.
    NoLink = 3,
    /// The room ended the connection.
    Ended = 7,
    /// The program panicked.
    Panic = 101,
    /// The processor found a fault.
    Fault = 103,
}
