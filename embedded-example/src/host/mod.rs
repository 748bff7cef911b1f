//! The program's parts that need an operating system.
//!
//! * [`board`]: [`HostBoard`]: the computer as a probe's board.
//! * [`address`]: the addresses in an invite that a device can reach.
//! * [`show`]: an entry as a line.

pub mod address;
pub mod board;
pub mod show;

pub use board::HostBoard;
