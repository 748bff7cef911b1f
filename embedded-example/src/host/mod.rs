//! The program's parts that need an operating system.
//!
//! * [`board`]: [`HostBoard`]: the computer as a probe's board.
//! * [`address`]: the addresses in an invite that a device can reach.
//! * [`show`]: an entry as a line.
//! * [`slot_file`]: a file as flash for firmware images.

pub mod address;
pub mod board;
pub mod show;
pub mod slot_file;

pub use board::HostBoard;
