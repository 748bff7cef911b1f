//! The boards. Each has a folder, and the target's architecture chooses; what a program here asks of a board is this:
//!
//! | name | what it is |
//! |---|---|
//! | `NAME` | for the log |
//! | `Clock` | a [`kabar_embedded_example::Clock`]; `Clock::start` begins to count, once; the log's time-stamps are its as well |
//! | `ticks` | a counter for measuring, at whatever rate; it may wrap |
//! | `link` | starts the hardware of a [`Wire`] and gives the [`kabar_embedded_example::Link`] over it, once |
//! | `sleep` | until a moment, or until that hardware has something |
//! | `Peripherals` | a [`kabar_embedded_example::Board`]: light and sensor |
//! | `exit` | what happens at the end, for each [`Exit`] |
//!
//! How a program starts, and what its stack looks like, belongs to the processor: [`crate::processor`].

#[cfg(target_arch = "arm")]
mod mps2;
pub mod provision;
#[cfg(target_arch = "riscv32")]
mod virt;

#[cfg(target_arch = "arm")]
pub use mps2::{Clock, NAME, Peripherals, exit, link, sleep, ticks};
#[cfg(target_arch = "riscv32")]
pub use virt::{Clock, NAME, Peripherals, exit, link, sleep, ticks};

use kabar_embedded_example::Addressing;

/// What a device is told about its way to the server.
#[derive(Clone, Copy, Debug)]
pub enum Wire {
    /// Its network hardware.
    Network(Addressing),
    /// Its serial port.
    Serial,
}

/// How a run ends: the exit code of the emulator. A product would reset, or sleep until somebody comes.
#[derive(Clone, Copy, Debug)]
pub enum Exit {
    /// It left the room, with everything stored.
    Left = 0,
    /// It was not told who it is and where it belongs.
    NotProvisioned = 2,
    /// The hardware of its link is not there.
    NoLink = 3,
    /// The room ended it.
    Ended = 7,
    /// A mistake of the program.
    Panic = 101,
    /// The same, found by the processor.
    Fault = 103,
}
