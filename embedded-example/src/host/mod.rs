//! What the program needs on a laptop, where the device's network driver would be.
//!
//! * [`device`]: [`UdpDevice`]: the IP medium with an ordinary UDP socket at its far side.
//! * [`laptop`]: [`Laptop`], [`LaptopClock`]: the computer as a board.
//! * [`invite`]: [`Invite`]: who to join, in one line of text.
//! * [`show`]: an entry as a line.

pub mod device;
pub mod invite;
pub mod laptop;
pub mod show;

pub use device::UdpDevice;
pub use invite::Invite;
pub use laptop::{Laptop, LaptopClock};
